"""Ink → MNIST's 28×28, placed as MNIST's authors placed their digits."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np

from mnist_mlp.box import Box, box_of
from mnist_mlp.ink import find_ink

SIDE = 28  # MNIST's image
BOX = 20  # a digit's longer side within it
CENTRE = 14.5  # where MNIST's centres of mass lie: the middle of pixel 14, counted from 0
MIN_EXTENT = 0.04  # of the canvas: a shorter mark is a speck
BLOB = 0.7  # share of its box that a mark without any shape covers


Lack = Literal["", "ink", "size", "lines"]
"""Nothing is drawn; it is only a speck; it is a blot, without lines."""


class Placed(NamedTuple):
    pixels: np.ndarray
    """(28, 28) float32 in 0..1, all zero where there is nothing to read."""
    lack: Lack = ""
    """Why there is nothing to read; "" where there is."""
    box: Box = Box(0, 0, 0, 0)
    """Of the ink, in canvas pixels."""


def to_mnist(canvas: np.ndarray) -> np.ndarray:
    """Place what is drawn on a canvas as MNIST places its digits.

    The recipe is that of LeCun, Cortes and Burges: the digit's longer side fitted into 20 pixels,
    proportions kept, edges smooth, its centre of mass at the centre of 28×28.

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
    """As `to_mnist`, with the reason where there is nothing to place."""
    ink = find_ink(canvas)
    placed = place_ink(ink)
    if ink.shape == canvas.shape[:2]:
        return placed
    return placed._replace(box=to_canvas(placed.box, ink, canvas))  # a photo was reduced


def to_canvas(box: Box, ink: np.ndarray, canvas: np.ndarray) -> Box:
    """A box in the ink's pixels as one in the canvas's."""
    down, along = canvas.shape[0] / ink.shape[0], canvas.shape[1] / ink.shape[1]
    left, top, right, bottom = box
    return Box(int(left * along), int(top * down), math.ceil(right * along), math.ceil(bottom * down))


def place_ink(ink: np.ndarray) -> Placed:
    """As `place`, of ink: float32 in 0..1, (H, W)."""
    nothing = np.zeros((SIDE, SIDE), np.float32)
    box = box_of(ink > 0.5)
    if box is None:
        return Placed(nothing, "ink")
    longer, shorter = max(box.width, box.height), min(box.width, box.height)
    # Specks are fainter than half; what of them lies outside the digit's own box must not pull its centre.
    within = ink[box.within(margin=1)]
    if longer < MIN_EXTENT * max(ink.shape):
        return Placed(nothing, "size")
    if np.count_nonzero(within > 0.5) > BLOB * longer * shorter and shorter > 0.6 * longer:
        return Placed(nothing, "lines")
    return Placed(place_all(within[None])[0], "", box)


def place_all(ink: np.ndarray) -> np.ndarray:
    """Place n digits at once: ink (n, H, W) to pixels (n, 28, 28), all zero where none is above 0.5."""
    rows, columns = ink.sum(2), ink.sum(1)
    weight = np.maximum(rows.sum(1), np.float32(1e-6))
    middle_y = rows @ np.arange(0.5, ink.shape[1], dtype=np.float32) / weight
    middle_x = columns @ np.arange(0.5, ink.shape[2], dtype=np.float32) / weight
    step = (np.maximum(_extents(ink.max(2)), _extents(ink.max(1))) / BOX).astype(np.float32)
    faint = step <= 0
    step[faint] = 1
    rows_of = _squares(middle_y, step, ink.shape[1])
    columns_of = _squares(middle_x, step, ink.shape[2])
    pixels = rows_of @ ink @ columns_of.transpose(0, 2, 1)
    pixels[faint] = 0
    return np.rint(255 * pixels) / np.float32(255)  # in MNIST's 256 levels


def _extents(most: np.ndarray) -> np.ndarray:
    """How far ink reaches along one axis, told from the most ink in each row or column: (n, L) to (n,).

    The outermost pixels count as far as they are covered: a drawing has the same size on any canvas.
    """
    clear = most > 0.5
    first, last = clear.argmax(1), most.shape[1] - 1 - clear[:, ::-1].argmax(1)
    around = np.stack([first - 1, first, last, last + 1], 1) + 1
    padded = np.zeros((len(most), most.shape[1] + 2), most.dtype)  # np.pad takes as long as all the rest
    padded[:, 1:-1] = most
    ends = padded[np.arange(len(most))[:, None], around]
    return np.where(last > first, ends.sum(1) + (last - first - 1), ends.sum(1) - ends[:, 1])


def _squares(centre: np.ndarray, step: np.ndarray, length: int) -> np.ndarray:
    """What share of each of the 28 squares each canvas pixel covers, along one axis: (n, 28, length) float32.

    A square is at least a pixel wide: where there are fewer pixels than squares, that interpolates linearly.
    """
    middle = centre[:, None] + step[:, None] * np.arange(0.5 - CENTRE, SIDE - CENTRE, dtype=np.float32)
    half = np.maximum(step, 1)[:, None, None] / 2
    middle = middle[:, :, None]
    edges = np.arange(length + 1, dtype=np.float32)
    inside = np.minimum(np.maximum(edges, middle - half), middle + half)
    return (inside[..., 1:] - inside[..., :-1]) / (2 * half)
