"""Drawings that are no digit, letters and scribbles: does the network know that it doesn't know?"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

CANVAS = 280
# Those that are no digit in any hand: no B, G, I, L, O, Q, S, Z, b, g, i, l, o, q, s, t, y, z.
LETTERS = "ACDEFHJKMNPRTUVWXYacdefhkmnpruvwx"


def scribbles(n: int, seed: int) -> list[np.ndarray]:
    """n canvases (280, 280) uint8, black on white, by turns a scribble and a letter, told by the seed."""
    rng = np.random.default_rng(seed)
    return [np.asarray(_letter(rng) if i % 2 else _scribble(rng)) for i in range(n)]


def _letter(rng: np.random.Generator) -> Image.Image:
    """A letter of Pillow's own typeface, its weight, slant and size by chance."""
    image = Image.new("L", (CANVAS, CANVAS), 255)
    letter = LETTERS[rng.integers(len(LETTERS))]
    font = ImageFont.load_default(float(rng.uniform(140, 220)))
    weight = int(rng.integers(0, 7))
    ImageDraw.Draw(image).text((140, 140), letter, 0, font, anchor="mm", stroke_width=weight)
    slant, turn = rng.normal(0, 0.15, 2)
    # The middle of the canvas stays where it is.
    matrix = (1, slant, -140 * slant, turn, 1, -140 * turn)
    way = Image.Transform.AFFINE
    return image.transform(image.size, way, matrix, Image.Resampling.BILINEAR, fillcolor=255)


def _scribble(rng: np.random.Generator) -> Image.Image:
    """A pen that wanders: its direction turns by chance, more or less from drawing to drawing."""
    image = Image.new("L", (CANVAS, CANVAS), 255)
    draw, radius = ImageDraw.Draw(image), float(rng.uniform(5, 12))
    wildness, steps = rng.uniform(0.15, 0.7), int(rng.integers(60, 200))
    angle = np.cumsum(rng.normal(rng.normal(0, 0.1), wildness, steps))
    path = np.cumsum(np.stack([np.cos(angle), np.sin(angle)], 1), 0)
    low, span = path.min(0), np.ptp(path, axis=0).max()
    path = (path - low) / span * rng.uniform(130, 220) + 25
    draw.line([tuple(p) for p in path.tolist()], 0, round(2 * radius), joint="curve")
    for x, y in path.tolist():
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), 0)
    return image
