"""From a canvas to MNIST's 28×28: find the ink, then place it as MNIST's authors did."""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter

SIDE = 28  # MNIST's image
BOX = 20  # a digit's longer side within it
CENTRE = 14.5  # where MNIST's centres of mass lie: the middle of pixel 14, counted from 0
MIN_CONTRAST = 32  # of 255: below it, what differs from the ground is noise
NOISE = 0.15  # of the full contrast: what is fainter is not ink
EVEN = 12  # of 255: a ground whose border varies more was not drawn, but photographed
PHOTO = 224  # pixels to which a photo's longer side is reduced
WINDOW = 15  # of its seventh: about half of the photo, in which a stroke is in the minority
MIN_EXTENT = 0.04  # of the canvas: a shorter mark is a speck
BLOB = 0.7  # share of its box that a mark without any shape covers


class Placed(NamedTuple):
    pixels: np.ndarray
    """(28, 28) float32 in 0..1, all zero where there is no digit."""
    hint: str
    """What the person who drew can do about it; empty where there is a digit."""
    box: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Left, top, right, bottom of the ink in canvas pixels; right and bottom are exclusive."""


def to_mnist(canvas: np.ndarray) -> np.ndarray:
    """Place what is drawn on a canvas as MNIST places its digits.

    The recipe is that of LeCun, Cortes and Burges: the digit's longer side fitted into 20 pixels,
    proportions kept and edges smooth, its centre of mass at the centre of 28×28.

    Args:
        canvas: uint8, (H, W), (H, W, 3) or (H, W, 4), of any size; ink of any colour on a light,
            dark or transparent ground.

    Returns:
        (28, 28) float32 in 0..1, ink high; all zero where there is no digit.

    Raises:
        TypeError: not an array, or not of uint8.
        ValueError: another shape, or no pixels.
    """
    return place(canvas).pixels


def place(canvas: np.ndarray) -> Placed:
    """As `to_mnist`, with a hint for the visitor where there is nothing to place."""
    nothing = np.zeros((SIDE, SIDE), np.float32)
    ink = find_ink(canvas)
    across, down = ink.max(0), ink.max(1)
    columns, rows = np.flatnonzero(across > 0.5).tolist(), np.flatnonzero(down > 0.5).tolist()
    if not columns:
        return Placed(nothing, "Draw a digit.")
    left, right, top, bottom = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
    width, height = _extent(across, left, right), _extent(down, top, bottom)
    longer, shorter = max(width, height), min(width, height)
    filled = np.count_nonzero(ink[top:bottom, left:right] > 0.5) / ((right - left) * (bottom - top))
    if longer < MIN_EXTENT * max(ink.shape):
        return Placed(nothing, "That is only a speck: draw larger.")
    if filled > BLOB and shorter > 0.6 * longer:
        return Placed(nothing, "That is a blot, without lines to read: draw a digit.")
    up, along = canvas.shape[0] / ink.shape[0], canvas.shape[1] / ink.shape[1]  # a photo was reduced
    box = (int(left * along), int(top * up), math.ceil(right * along), math.ceil(bottom * up))
    # The weight is taken from the digit's own box, so that specks elsewhere don't pull the centre.
    ink = ink[max(top - 1, 0) : bottom + 1, max(left - 1, 0) : right + 1]
    weight = float(ink.sum())
    x = float(ink.sum(0) @ np.arange(0.5, ink.shape[1])) / weight
    y = float(ink.sum(1) @ np.arange(0.5, ink.shape[0])) / weight
    step = longer / BOX
    rows_of, columns_of = _squares(y, step, ink.shape[0]), _squares(x, step, ink.shape[1])
    pixels = np.rint(255 * (rows_of @ ink @ columns_of.T)) / np.float32(255)  # in MNIST's 256 levels
    return Placed(pixels, "", box)


def _extent(most: np.ndarray, first: int, last: int) -> float:
    """How far ink reaches along one axis, told from the most ink in each row or column.

    The outermost pixels count as far as they are covered: a drawing has the same size on any canvas.
    """
    within = most[first:last].copy()
    within[1:-1] = 1
    return float(within.sum() + most[max(first - 1, 0) : first].sum() + most[last : last + 1].sum())


def _squares(centre: float, step: float, length: int) -> np.ndarray:
    """What share of each of the 28 squares each canvas pixel covers, along one axis: (28, length) float32.

    A square is at least a pixel wide: where there are fewer pixels than squares, that interpolates linearly.
    """
    middle = np.arange(0.5 - CENTRE, SIDE - CENTRE, dtype=np.float32)[:, None] * np.float32(step)
    middle += np.float32(centre)
    half = np.float32(max(step, 1) / 2)
    edges = np.arange(length + 1, dtype=np.float32)
    inside = np.minimum(np.maximum(edges, middle - half), middle + half)
    return (inside[:, 1:] - inside[:, :-1]) / (2 * half)


def find_ink(canvas: np.ndarray) -> np.ndarray:
    """How much ink is at each pixel: float32 in 0..1, (H, W), or smaller if it was photographed."""
    if not isinstance(canvas, np.ndarray) or canvas.dtype != np.uint8:
        got = canvas.dtype if isinstance(canvas, np.ndarray) else type(canvas).__name__
        raise TypeError(f"a canvas is a NumPy array of uint8; got {got}")
    if canvas.ndim == 2:
        canvas = canvas[..., None]
    if canvas.ndim != 3 or canvas.shape[2] not in (1, 3, 4) or 0 in canvas.shape:
        raise ValueError(f"a canvas is (H, W), (H, W, 3) or (H, W, 4); got {canvas.shape}")
    colours = [canvas[..., channel] for channel in range(canvas.shape[2])]
    if len(colours) == 4:
        alpha = colours.pop()
        if _quantile(_border(alpha), 0.5) < 128:
            # A transparent ground has no colour to differ from: what is opaque is the ink.
            return _stretch(alpha)
    contrast = _distance(colours, [_quantile(_border(colour), 0.5) for colour in colours])
    if _quantile(_border(contrast), 0.75) > EVEN:
        return _photographed(canvas[..., :3])
    return _stretch(contrast)


def _photographed(canvas: np.ndarray) -> np.ndarray:
    """Ink on a ground that is lit unevenly: what differs from the ground around it."""
    image = Image.fromarray(canvas.squeeze(-1) if canvas.shape[2] == 1 else canvas).convert("L")
    image.thumbnail((PHOTO, PHOTO), Image.Resampling.BOX)  # which takes the grain out, too
    light = np.asarray(image, np.float32)
    # A median over a window much wider than a stroke is the ground's, in the shadow and out of it.
    coarse = image.copy()
    coarse.thumbnail((PHOTO // 7, PHOTO // 7), Image.Resampling.BOX)
    coarse = Image.fromarray(np.pad(np.asarray(coarse), WINDOW // 2, mode="edge"))
    around = np.asarray(coarse.filter(ImageFilter.MedianFilter(WINDOW)))
    inner = slice(WINDOW // 2, -(WINDOW // 2))
    ground = np.asarray(
        Image.fromarray(around[inner, inner]).resize(image.size, Image.Resampling.BILINEAR), np.float32
    )
    darker = np.clip(ground - light, 0, None) / np.maximum(ground, 32)
    lighter = np.clip(light - ground, 0, None) / np.maximum(255 - ground, 32)
    contrast = darker if (darker**2).sum() >= (lighter**2).sum() else lighter
    calm = Image.fromarray((255 * np.clip(contrast, 0, 1)).astype(np.uint8)).filter(
        ImageFilter.MedianFilter(3)
    )
    return _stretch(np.asarray(calm), noise=0.35)


def _border(channel: np.ndarray) -> np.ndarray:
    return np.concatenate((channel[0], channel[-1], channel[:, 0], channel[:, -1]))


def _quantile(values: np.ndarray, q: float) -> np.uint8:
    # Of bytes a byte, and at once, which np.quantile is not.
    return np.sort(values)[int(q * len(values))]


def _distance(colours: list[np.ndarray], ground: list[np.uint8]) -> np.ndarray:
    """How far each pixel's colour is from the ground's, in the channel where it is farthest."""
    distances = []
    for channel, level in zip(colours, ground):
        # In bytes, beside a whole sheet of the ground: that is what NumPy is fast at.
        colour = np.ascontiguousarray(channel)
        sheet = np.full_like(colour, level)
        distances.append(np.maximum(colour, sheet) - np.minimum(colour, sheet))
    return functools.reduce(np.maximum, distances)


def _stretch(contrast: np.ndarray, noise: float = NOISE) -> np.ndarray:
    highest = int(contrast.max())
    if highest < MIN_CONTRAST:
        return np.zeros(contrast.shape, np.float32)
    return _ink(highest, noise).take(contrast, mode="clip")  # which is three times as fast as indexing


@functools.cache
def _ink(highest: int, noise: float) -> np.ndarray:
    """The ink that each contrast stands for: (256,) float32 in 0..1."""
    levels = np.arange(256, dtype=np.float32) / np.float32(highest)
    return np.clip((levels - noise) / (1 - 2 * noise), 0, 1)
