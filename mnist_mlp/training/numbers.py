"""Numbers of several digits, made of MNIST's digits side by side."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter

MARGIN = 8  # pixels around the number


class Number(NamedTuple):
    """A number on a canvas, and where each of its digits is."""

    canvas: np.ndarray
    """(H, W) uint8, black on white"""
    ink: np.ndarray
    """(n, H, W) float32 in 0..1: that of each digit"""
    text: str


def make(
    images: np.ndarray, labels: np.ndarray, rng: np.random.Generator, touching: bool = False, height: int = 80
) -> Number:
    """Set digits side by side, as many as there are images; `height` is that of the digits, about.

    Args:
        images: (n, 28, 28) uint8, ink high.
        labels: (n,), in 0..9.
        touching: whether neighbours touch or overlap; otherwise a gap parts their outermost pixels.
    """
    slant = rng.normal(0, 0.12)
    inks = [_enlarged(image, round(height * rng.uniform(0.88, 1.12)), slant) for image in images]
    tops = [round(height * rng.uniform(-0.1, 0.1)) - len(ink) for ink in inks]
    gaps = height * (rng.uniform(-0.12, -0.01, len(inks)) if touching else rng.uniform(0.04, 0.25, len(inks)))
    lefts = [0]
    for ink, gap in zip(inks, gaps):
        lefts.append(lefts[-1] + max(round(ink.shape[1] + gap), 4))
    top = min(tops)
    bottom = max(t + len(ink) for t, ink in zip(tops, inks))
    right = max(left + ink.shape[1] for left, ink in zip(lefts, inks))
    each = np.zeros((len(inks), bottom - top + 2 * MARGIN, right + 2 * MARGIN), np.float32)
    for sheet, ink, t, left in zip(each, inks, tops, lefts):
        y, x = t - top + MARGIN, left + MARGIN
        sheet[y : y + ink.shape[0], x : x + ink.shape[1]] = ink
    canvas = (255 * (1 - each.max(0))).round().astype(np.uint8)
    return Number(canvas, each, "".join(str(label) for label in labels))


def _enlarged(image: np.ndarray, height: int, slant: float) -> np.ndarray:
    """A digit as strokes with a pen's edges, its box `height` pixels high."""
    rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
    box = np.pad(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], 2)
    scale = height / max(len(box) - 4, 0.4 * (box.shape[1] - 4))
    size = (round(box.shape[1] * scale), round(box.shape[0] * scale))
    large = Image.fromarray(box).resize(size, Image.Resampling.BICUBIC)
    reach = abs(slant) * size[1] / 2
    room = (round(size[0] + 2 * reach), size[1])
    shear = (1, slant, -reach - slant * size[1] / 2, 0, 1, 0)
    large = large.transform(room, Image.Transform.AFFINE, shear, Image.Resampling.BILINEAR)
    large = large.filter(ImageFilter.GaussianBlur(0.35 * scale))
    edge = np.clip((np.asarray(large, np.float32) - 127) * max(scale, 2) / 300 + 0.5, 0, 1)
    edge[edge < 0.02] = 0
    rows, columns = np.flatnonzero((edge > 0.5).any(1)), np.flatnonzero((edge > 0.5).any(0))
    if not len(rows):
        return np.ones((2, 2), np.float32)
    return edge[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
