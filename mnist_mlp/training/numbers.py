"""Numbers of several digits, made of MNIST's digits side by side, and what a reader cuts them into."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed
from PIL import Image, ImageFilter

from mnist_mlp.canvas import place_all
from mnist_mlp.pieces import Line, cut, cut_at_gaps, find_lines, runs, show
from mnist_mlp.training.non_digits import unless_digit
from mnist_mlp.training.redraw import NO_DIGIT

ROOM = 8  # pixels around the number
STREAM = 250  # segments that one stream of random numbers decides
TOUCHING = 0.7  # share of the numbers that segments are cut from
WHOLE = 0.92  # share of a digit's ink, at least, in a segment that is this digit
PART = 0.62  # share of a digit's ink, at most, in a segment that is a piece of it
ALIEN = 0.06, 0.25  # share of other digits' ink: at most in a digit, at least in what is more than one
LOWEST = 0.3  # of the line's height: a segment that is lower tells nothing
TAKEN = 1, 3  # segments that are digits, and that are none, taken from a number


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
    each = np.zeros((len(inks), bottom - top + 2 * ROOM, right + 2 * ROOM), np.float32)
    for sheet, ink, t, left in zip(each, inks, tops, lefts):
        y, x = t - top + ROOM, left + ROOM
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


def segments(n: int, images: np.ndarray, labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """What a reader of numbers shows the network: digits as they are cut out, and more that is none.

    Runs of pieces that are neither clearly a digit nor clearly none are left out.

    Args:
        images, labels: (m, 28, 28) and (m,) uint8, to make the numbers of.

    Returns:
        (n, 28, 28) uint8, ink high, and (n,) uint8, 0..9 or `NO_DIGIT`.
    """
    sizes = [min(STREAM, n - start) for start in range(0, n, STREAM)]
    made = Parallel(n_jobs=-1)(
        delayed(_segments)(size, images, labels, [seed, i]) for i, size in enumerate(sizes)
    )
    pixels, of = zip(*made)
    return np.concatenate(pixels), np.concatenate(of)


def _segments(
    n: int, images: np.ndarray, labels: np.ndarray, seed: list[int]
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    found: list[tuple[np.ndarray, int]] = []
    while len(found) < n:
        which = rng.integers(len(labels), size=rng.integers(2, 5))
        number = make(images[which], labels[which], rng, touching=rng.random() < TOUCHING)
        lines = find_lines(number.ink.max(0))
        if len(lines) == 1:
            found += _of_number(number, lines[0], labels[which], rng)
    pixels, of = zip(*found[:n])
    return np.stack(pixels), np.array(of, np.uint8)


def _of_number(
    number: Number, line: Line, labels: np.ndarray, rng: np.random.Generator
) -> list[tuple[np.ndarray, int]]:
    pieces = cut(cut_at_gaps(line.ink))
    every = runs(pieces)
    each = np.stack([_in_line(ink, line) for ink in number.ink])
    before = np.pad(each.cumsum(2), ((0, 0), (0, 0), (1, 0)))  # ink to the left of each column, in each row
    rows = np.arange(len(line.ink))
    own = (before[:, rows, pieces.end[every.end]] - before[:, rows, pieces.begin[every.first]]).sum(2)
    main, at = own.argmax(0), np.arange(own.shape[1])
    whole = (own / each.sum((1, 2))[:, None])[main, at]
    alien = 1 - own[main, at] / own.sum(0).clip(1e-6)
    ink = show(pieces, every)
    high = (ink > 0.5).any(2).sum(1) >= LOWEST * len(line.ink)
    digits = np.flatnonzero(high & (whole >= WHOLE) & (alien <= ALIEN[0]))
    others = np.flatnonzero(high & ((alien >= ALIEN[1]) | (whole <= PART) & (alien <= ALIEN[0])))
    found = []
    for run in (*rng.permutation(digits)[: TAKEN[0]], *rng.permutation(others)[: TAKEN[1]]):
        pixels = np.rint(255 * place_all(ink[run : run + 1])[0]).astype(np.uint8)
        label = int(labels[main[run]])
        if run in others:
            if alien[run] < ALIEN[1]:
                left_kept = every.left[run] + _middle(ink[run]) < _middle(each[main[run]])
                pixels = unless_digit(pixels, label, 0.0 if left_kept else np.pi)
            label = NO_DIGIT
        if pixels.any():
            found.append((pixels, label))
    return found


def _middle(ink: np.ndarray) -> float:
    return float(ink.sum(0) @ np.arange(ink.shape[1]) / ink.sum())


def _in_line(ink: np.ndarray, line: Line) -> np.ndarray:
    """Ink of the whole canvas, cut and reduced as the line is."""
    height, width = (round(length * line.scale) for length in line.ink.shape)
    part = Image.fromarray(ink[line.top : line.top + height, line.left : line.left + width])
    return np.asarray(part.resize(line.ink.shape[::-1], Image.Resampling.BOX))
