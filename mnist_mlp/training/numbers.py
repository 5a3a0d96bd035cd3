"""Numbers of several digits, made of single ones side by side, as people write them and as scanners see them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from scipy.ndimage import distance_transform_edt
from skimage.morphology import skeletonize

from mnist_mlp.box import box_of

ROOM = 8  # pixels around the number
UPRIGHT = 0.45  # by how much a mirrored digit is to be slanted, to lean as it did


class Number(NamedTuple):
    """A number on a canvas, and where each of its digits is."""

    canvas: np.ndarray
    """(H, W) uint8, black on white."""
    ink: np.ndarray
    """(n, H, W) float32 in 0..1: the ink of each digit."""
    text: str


class Hand(NamedTuple):
    """How a number is written; the defaults are a tidy hand's. Lengths are in shares of the digits' height."""

    slant: float = 0.12
    """Standard deviation of the digits' slope."""
    heights: tuple[float, float] = (0.88, 1.12)
    shift: float = 0.1
    """How far a digit stands above or below the line, at most."""
    gaps: tuple[float, float] = (0.04, 0.25)
    """Between neighbours; negative where they overlap."""
    small_zeros: float = 0.0
    """Share of the numbers whose zeros are small."""
    links: float = 0.0
    """Share of the neighbours that a stroke links."""
    zero_links: float = 0.0
    """Share of the neighbouring zeros that a stroke links."""
    narrow: float = 0.0
    """By how much digits are narrower: mean of the logarithm."""
    mirrored_nines: bool = False
    """Whether nines have their stems on the left."""
    pen: float = 0.0
    """Width of the strokes; 0 for those of the images."""
    habits: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """Shares of the ones that begin with an upstroke, of the ones that have a foot, of the fours that are closed at the
    top, of the zeros and sevens that a bar crosses."""


APART, TOUCHING = Hand(), Hand(gaps=(-0.12, -0.01))

# How people write: for each habit the share of the numbers that have it, and its strength there.
HANDS = {
    "links": (0.05, 0.15),
    "zero_links": (0.10, 0.5),
    "narrow": (0.15, 0.3),
    "upstrokes": (0.50, 0.4),
    "feet": (0.15, 0.7),
    "closed": (0.25, 0.8),
    "bars": (0.15, 0.8),
}


def untidy(rng: np.random.Generator) -> Hand:
    """A hand as people have it."""
    has = {habit: strength if rng.random() < share else 0.0 for habit, (share, strength) in HANDS.items()}
    wild = rng.random() < 0.1
    return Hand(
        slant=0.28 if wild else 0.13,
        heights=(0.7, 1.2) if wild else (0.88, 1.12),
        gaps=(-0.12, -0.01) if rng.random() < 0.6 else (0.03, 0.27),
        small_zeros=0.25,
        links=has["links"],
        zero_links=has["zero_links"],
        narrow=has["narrow"],
        mirrored_nines=rng.random() < 0.06,
        pen=rng.uniform(0.04, 0.13) if rng.random() < 0.7 else 0.0,
        habits=(has["upstrokes"], has["feet"], has["closed"], has["bars"]),
    )


def make(
    images: np.ndarray, labels: np.ndarray, rng: np.random.Generator, hand: Hand = APART, height: int = 80
) -> Number:
    """Set digits side by side, as many as there are images; `height` is that of the digits, about.

    Args:
        images: (n, 28, 28) uint8, ink high.
        labels: (n,), in 0..9.
    """
    slant = float(np.clip(rng.normal(0, hand.slant), -0.55, 0.55))
    heights = height * rng.uniform(*hand.heights, len(images))
    raised = np.zeros(len(images))
    if rng.random() < hand.small_zeros:
        smaller = rng.uniform(0.4, 0.85) * rng.uniform(0.9, 1.1, np.count_nonzero(labels == 0))
        heights[labels == 0] *= smaller
        raised[labels == 0] = height * (1 - smaller).clip(0) * rng.choice([0, 0.3, 0.6])
    mirrored = (labels == 9) & hand.mirrored_nines & (len(labels) > 1)  # alone, it is a P
    inks = [
        _enlarged(image[:, ::-1] if mirror else image, max(round(h), 8), slant + UPRIGHT * mirror)
        for image, h, mirror in zip(images, heights, mirrored)
    ]
    inks = [_with_habits(ink, label, hand, rng) for ink, label in zip(inks, labels)]
    if hand.narrow:
        inks = [_squeezed(ink, float(np.exp(-abs(rng.normal(hand.narrow, 0.15))))) for ink in inks]
    if hand.pen:
        inks = [_redrawn(ink, hand.pen * height) for ink in inks]
    each = _side_by_side(inks, raised, height, hand, rng)
    for i in range(len(inks) - 1):
        zeros = labels[i] == labels[i + 1] == 0
        if rng.random() < (hand.zero_links if zeros else hand.links):
            each[i] = np.maximum(each[i], _link(each[i], each[i + 1], rng))
    canvas = (255 * (1 - each.max(0))).round().astype(np.uint8)
    return Number(canvas, each, "".join(str(label) for label in labels))


def _side_by_side(
    inks: list[np.ndarray], raised: np.ndarray, height: int, hand: Hand, rng: np.random.Generator
) -> np.ndarray:
    """The ink of each digit on a sheet of the whole number's size, (n, H, W)."""
    tops = [
        round(height * rng.uniform(-hand.shift, hand.shift) - up) - len(ink) for ink, up in zip(inks, raised)
    ]
    gaps = height * rng.uniform(*hand.gaps, len(inks))
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
    return each


def _with_habits(ink: np.ndarray, label: int, hand: Hand, rng: np.random.Generator) -> np.ndarray:
    """The digit with the strokes that people add to it; the habits of single digits are in `habits.py`."""
    upstrokes, feet, closed, bars = hand.habits
    height, width = ink.shape
    strokes: list[tuple[float, float, float, float]] = []  # from x, y to x, y

    def across(rows: slice) -> tuple[float, float, float]:
        """The first and the last column with ink in some rows, and their mean."""
        columns = np.flatnonzero((ink[rows] > 0.5).any(0))
        return (
            (float(columns[0]), float(columns[-1]), float(columns.mean()))
            if len(columns)
            else (0, width, width / 2)
        )

    if label == 1 and rng.random() < upstrokes:  # the pen came from below on the left
        x = across(slice(None, height // 8 + 1))[2]
        strokes.append((x, 2, x - height * rng.uniform(0.12, 0.6), 2 + height * rng.uniform(0.15, 0.95)))
    if label == 1 and rng.random() < feet:
        x, tilt = across(slice(-height // 8, None))[2], height * rng.uniform(-0.05, 0.05)
        left, right = height * rng.uniform(0.12, 0.3, 2)
        strokes.append((x - left, height - 2 + tilt, x + right, height - 2 - tilt))
    if label == 4 and rng.random() < closed:
        first, last, _ = across(slice(None, max(height // 6, 2)))
        strokes.append((first, height * rng.uniform(0.02, 0.1), last, 2))
    if label in (0, 7) and rng.random() < bars:  # a slash, mostly steep, or a bar across the stem
        x = width / 2 if label == 0 else across(slice(height // 2, height // 2 + 1))[2]
        y = height * rng.uniform(0.45, 0.55)
        along = rng.uniform(0.3, 0.6) * width if label == 0 else rng.uniform(0.12, 0.3) * height
        up = height * (rng.uniform(0.25, 0.6) if label == 0 else rng.uniform(-0.08, 0.08))
        strokes.append((x - along, y + up, x + along, y - up))
    if not strokes:
        return ink
    room = round(0.65 * height)
    sheet = Image.fromarray(np.rint(255 * np.pad(ink, room)).astype(np.uint8))
    pen = max(round(height * rng.uniform(0.04, 0.1)), 2)
    for stroke in strokes:
        ImageDraw.Draw(sheet).line([at + room for at in stroke], 255, pen)
    return _cropped(np.asarray(sheet, np.float32) / 255)


def _squeezed(ink: np.ndarray, share: float) -> np.ndarray:
    width = max(round(ink.shape[1] * share), min(ink.shape[1], 6))
    return _cropped(np.asarray(Image.fromarray(ink).resize((width, len(ink)), Image.Resampling.BOX)))


def _redrawn(ink: np.ndarray, width: float) -> np.ndarray:
    """The same strokes by a pen of another width, in pixels."""
    room = round(width / 2) + 1
    middle = skeletonize(np.pad(ink > 0.5, room))
    if not middle.any():
        return ink
    return _cropped(np.clip(width / 2 + 0.5 - distance_transform_edt(~middle), 0, 1).astype(np.float32))


def _link(ink: np.ndarray, following: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A stroke from a digit to the following one, where they are nearest to each other in the upper half."""
    ends = []
    for sheet, last in ((ink, True), (following, False)):
        y, x = np.nonzero(sheet > 0.5)
        low, high = np.quantile(y, (0, 0.6)) if rng.random() < 0.7 else np.quantile(y, (0.4, 1))
        within = (y >= low) & (y <= high)
        at = (x[within].argmax() if last else x[within].argmin()) if within.any() else 0
        ends.append((int(x[within][at]), int(y[within][at])) if within.any() else (int(x[0]), int(y[0])))
    stroke = Image.new("L", ink.shape[::-1])
    ImageDraw.Draw(stroke).line(ends, 255, int(rng.integers(3, 8)))
    return np.asarray(stroke, np.float32) / 255


def _enlarged(image: np.ndarray, height: int, slant: float) -> np.ndarray:
    """A digit as strokes with a pen's edges, its box `height` pixels high."""
    box = box_of(image > 0)
    if box is None:
        return np.ones((2, 2), np.float32)
    scale = height / max(box.height, 0.4 * box.width)
    size = (round((box.width + 4) * scale), round((box.height + 4) * scale))
    large = Image.fromarray(np.pad(image[box.within()], 2)).resize(size, Image.Resampling.BICUBIC)
    reach = abs(slant) * size[1] / 2
    room = (round(size[0] + 2 * reach), size[1])
    shear = (1, slant, -reach - slant * size[1] / 2, 0, 1, 0)
    large = large.transform(room, Image.Transform.AFFINE, shear, Image.Resampling.BILINEAR)
    large = large.filter(ImageFilter.GaussianBlur(0.35 * scale))
    edge = np.clip((np.asarray(large, np.float32) - 127) * max(scale, 2) / 300 + 0.5, 0, 1)
    edge[edge < 0.02] = 0
    return _cropped(edge)


def _cropped(ink: np.ndarray) -> np.ndarray:
    box = box_of(ink > 0.5)
    return np.ones((2, 2), np.float32) if box is None else ink[box.within()]


def written(number: Number, rng: np.random.Generator) -> np.ndarray:
    """The number with what stands beside digits and what a scan breaks: (H, W) uint8, black on white.

    Points, commas, dashes and "=" between or after the digits, a printed line beneath, specks, and strokes
    with gaps.
    """
    height, width = number.canvas.shape
    tall = height - 2 * ROOM
    after = int(tall * rng.uniform(0.3, 1.6)) if rng.random() < 0.35 else 0
    sheet = Image.fromarray(np.pad(number.canvas, ((0, ROOM), (0, after)), constant_values=255))
    draw, pen = ImageDraw.Draw(sheet), max(2, round(tall * rng.uniform(0.04, 0.1)))
    base = height - ROOM
    if rng.random() < 0.35:  # a point or a comma, between digits or after the last
        x = int(np.flatnonzero((rng.choice(number.ink) > 0.5).any(0))[-1]) + pen * rng.uniform(0.5, 2)
        y = base - rng.uniform(-0.05, 0.12) * tall
        if rng.random() < 0.7:
            _dot(draw, x, y, pen, rng)
        else:
            draw.line((x, y, x - rng.uniform(0, 0.1) * tall, y + rng.uniform(0.08, 0.35) * tall), 0, pen)
    if after:
        _end(draw, width - ROOM, base, tall, after, pen, rng)
    canvas = np.array(sheet)
    for _ in range(rng.integers(0, 3)):  # specks
        y, x = rng.integers(canvas.shape[0] - 3), rng.integers(canvas.shape[1] - 3)
        canvas[y : y + rng.integers(1, 4), x : x + rng.integers(1, 4)] = 0
    if rng.random() < 0.12:  # a printed line beneath, touching or not
        y = int(np.clip(base + rng.uniform(-0.06, 0.08) * tall, 0, len(canvas) - 2))
        canvas[y : y + 2, : int(canvas.shape[1] * rng.uniform(0.5, 1))] = 60
    if rng.random() < 0.06:  # a bad scan
        grain = rng.random((canvas.shape[0] // 3 + 1, canvas.shape[1] // 3 + 1)) < rng.uniform(0.02, 0.12)
        lost = grain.repeat(3, 0).repeat(3, 1)[: canvas.shape[0], : canvas.shape[1]]
        canvas = np.where(lost, 255, canvas).astype(np.uint8)
    return canvas


def _dot(draw: ImageDraw.ImageDraw, x: float, y: float, pen: int, rng: np.random.Generator) -> None:
    r = pen * rng.uniform(0.4, 0.9)
    draw.ellipse((x - r, y - r, x + r, y + r), 0)


def _end(
    draw: ImageDraw.ImageDraw, x: float, base: int, tall: int, room: int, pen: int, rng: np.random.Generator
) -> None:
    """A dash or two after the number, or a dot and a dash."""
    x, y = x + tall * rng.uniform(0.05, 0.2), base - tall * rng.uniform(0.2, 0.6)
    length = min(room - tall * 0.2, tall * rng.uniform(0.15, 1.2))

    def dash(y: float, length: float) -> None:
        draw.line((x, y, x + length, y + length * rng.normal(0, 0.1)), 0, pen)

    kind = rng.random()
    if kind < 0.2:
        _dot(draw, x, base - pen, pen, rng)
    if kind < 0.75:
        dash(y, length)
    if kind > 0.5:
        dash(y + tall * rng.uniform(0.12, 0.22), length * rng.uniform(0.8, 1.2))


def scanned(number: Number, canvas: np.ndarray, rng: np.random.Generator) -> tuple[Number, np.ndarray]:
    """A number as a scan of printed paper has it: small, of little contrast, over a pattern of lines, with grain.

    Args:
        canvas: of the number, or what is `written`.

    Returns:
        the number and the canvas, reduced alike.
    """
    factor = rng.uniform(0.35, 0.8)
    light = _reduced(canvas / np.float32(255), factor)
    paper, pen = rng.uniform(140, 235), rng.uniform(20, 90)
    y, x = np.mgrid[: light.shape[0], : light.shape[1]]
    bent = y + rng.normal(0, 0.3) * x + rng.uniform(0, 3) * np.sin(x / rng.uniform(6, 30) + rng.uniform(0, 6))
    pattern = np.sin(bent * 2 * np.pi / rng.uniform(2.5, 7)) > rng.uniform(0, 0.8)
    ground = paper - rng.uniform(0, 35) * pattern
    scan = pen + (ground - pen) * light + rng.normal(0, rng.uniform(1, 7), light.shape)
    ink = np.stack([_reduced(each, factor) for each in number.ink])
    return number._replace(ink=ink), scan.clip(0, 255).astype(np.uint8)


def _reduced(picture: np.ndarray, factor: float) -> np.ndarray:
    height, width = (max(round(length * factor), 8) for length in picture.shape)
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BOX))
