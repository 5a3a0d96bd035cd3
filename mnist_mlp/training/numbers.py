"""Numbers of several digits, made of MNIST's digits side by side, and their lattices to learn from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed
from PIL import Image, ImageDraw, ImageFilter
from scipy.ndimage import distance_transform_edt
from skimage.morphology import skeletonize

from mnist_mlp.box import box_of
from mnist_mlp.canvas import place_all
from mnist_mlp.ink import find_ink
from mnist_mlp.lattice import features, log_sums
from mnist_mlp.pieces import Arcs, Line, Pieces, arcs, cut, find_lines, ink_of

ROOM = 8  # pixels around the number
NUMBERS_A_STREAM = 100  # numbers that one stream of random numbers decides
LENGTHS = (0.28, 0.18, 0.18, 0.16, 0.12, 0.08)  # shares of the numbers of one digit, two …
LONGEST = len(LENGTHS)
ROUND = 0.15  # share of the numbers that end in zeros
SCANNED = 0.1  # share of them on printed paper
MOST_NODES = 48  # of a lattice that is learnt from
UPRIGHT = 0.45  # by how much a mirrored digit is to be slanted, to lean as it did
WHOLE = 0.5
ALIEN = 0.5


class Number(NamedTuple):
    """A number on a canvas, and where each of its digits is."""

    canvas: np.ndarray
    """(H, W) uint8, black on white"""
    ink: np.ndarray
    """(n, H, W) float32 in 0..1: that of each digit"""
    text: str


class Hand(NamedTuple):
    """How a number is written; the defaults are a tidy hand's. Lengths are in shares of the digits' height."""

    slant: float = 0.12
    """Standard deviation."""
    heights: tuple[float, float] = (0.88, 1.12)
    shift: float = 0.1
    """Up or down from the line, at most."""
    gaps: tuple[float, float] = (0.04, 0.25)
    """Negative where neighbours overlap."""
    small_zeros: float = 0.0
    """Share of the numbers whose zeros are small."""
    links: float = 0.0
    """Share of the neighbours that a stroke links."""
    zero_links: float = 0.0
    """Share of the neighbouring zeros that a stroke links."""
    flags: float = 0.0
    """Share of the ones that begin with an upstroke."""
    bars: float = 0.0
    """Share of the zeros and sevens that a bar crosses."""
    mirrored_nines: bool = False
    """Its nines have their stems on the left."""
    pen: float = 0.0
    """Width of its strokes; 0 for those of MNIST's own."""


APART, TOUCHING = Hand(), Hand(gaps=(-0.12, -0.01))


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
    inks = [_as_habit_has_it(ink, label, hand, rng) for ink, label in zip(inks, labels)]
    if hand.pen:
        inks = [_redrawn(ink, hand.pen * height) for ink in inks]
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
    for i in range(len(inks) - 1):
        zeros = labels[i] == labels[i + 1] == 0
        if rng.random() < (hand.zero_links if zeros else hand.links):
            each[i] = np.maximum(each[i], _link(each[i], each[i + 1], rng))
    canvas = (255 * (1 - each.max(0))).round().astype(np.uint8)
    return Number(canvas, each, "".join(str(label) for label in labels))


def _as_habit_has_it(ink: np.ndarray, label: int, hand: Hand, rng: np.random.Generator) -> np.ndarray:
    if label == 1 and rng.random() < hand.flags:
        return _with_upstroke(ink, rng)
    if label in (0, 7) and rng.random() < hand.bars:
        return _with_bar(ink, steep=label == 0, rng=rng)
    return ink


def _with_bar(ink: np.ndarray, steep: bool, rng: np.random.Generator) -> np.ndarray:
    """A zero with a slash, a seven with a bar across its stem."""
    height, width = ink.shape
    room = round(0.2 * height)
    stem = np.flatnonzero(ink[height // 2] > 0.5)
    x = room + (width / 2 if steep else float(stem.mean()) if len(stem) else width / 2)
    y = room + height * rng.uniform(0.45, 0.55)
    along = rng.uniform(0.3, 0.6) * width if steep else rng.uniform(0.12, 0.3) * height
    up = height * (rng.uniform(0.25, 0.6) if steep else rng.uniform(-0.08, 0.08))
    sheet = Image.fromarray(np.rint(255 * np.pad(ink, room)).astype(np.uint8))
    ends = (x - along, y + up, x + along, y - up)
    ImageDraw.Draw(sheet).line(ends, 255, max(round(height * rng.uniform(0.04, 0.1)), 2))
    return _cropped(np.asarray(sheet, np.float32) / 255)


def _with_upstroke(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A one whose pen came from below on the left."""
    height = len(ink)
    along, down = round(height * rng.uniform(0.12, 0.6)), height * rng.uniform(0.15, 0.95)
    sheet = Image.fromarray(np.rint(255 * np.pad(ink, ((0, 0), (along, 0)))).astype(np.uint8))
    columns = np.flatnonzero((ink[: height // 8 + 1] > 0.5).any(0))
    x = along + (int(columns.mean()) if len(columns) else 0)
    width = max(round(ink.sum() / height), 2)
    ImageDraw.Draw(sheet).line((x, 2, x - along + width / 2, 2 + down), 255, width)
    return _cropped(np.asarray(sheet, np.float32) / 255)


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
    pen = max(2, round(tall * rng.uniform(0.04, 0.1)))
    base = height - ROOM
    if rng.random() < 0.35:  # between digits, or after the last
        right = int(np.flatnonzero((rng.choice(number.ink) > 0.5).any(0))[-1])
        _point_or_comma(ImageDraw.Draw(sheet), right + pen * rng.uniform(0.5, 2), base, tall, pen, rng)
    if after:
        _end(ImageDraw.Draw(sheet), width - ROOM, base, tall, after, pen, rng)
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


def _point_or_comma(
    draw: ImageDraw.ImageDraw, x: float, base: int, tall: int, pen: int, rng: np.random.Generator
) -> None:
    y = base - rng.uniform(-0.05, 0.12) * tall
    if rng.random() < 0.7:
        _dot(draw, x, y, pen, rng)
    else:
        draw.line((x, y, x - rng.uniform(0, 0.1) * tall, y + rng.uniform(0.08, 0.35) * tall), 0, pen)


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


def untidy(rng: np.random.Generator) -> Hand:
    """A hand as people have it."""
    wild = rng.random() < 0.1
    return Hand(
        slant=0.28 if wild else 0.13,
        heights=(0.7, 1.2) if wild else (0.88, 1.12),
        shift=0.1,
        gaps=(-0.12, -0.01) if rng.random() < 0.6 else (0.03, 0.27),
        small_zeros=0.25,
        links=0.15 if rng.random() < 0.05 else 0.0,
        zero_links=0.5 if rng.random() < 0.1 else 0.0,
        flags=0.4 if rng.random() < 0.5 else 0.0,
        bars=0.8 if rng.random() < 0.15 else 0.0,
        mirrored_nines=rng.random() < 0.06,
        pen=rng.uniform(0.04, 0.11) if rng.random() < 0.7 else 0.0,
    )


# Pixels, phi, first, end, nodes and text of one number
_Lattice = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int, np.ndarray]


class Lattices(NamedTuple):
    """n numbers as the network learns them: their arcs, one number after the other."""

    pixels: np.ndarray
    """(m, 784) uint8, ink high"""
    phi: np.ndarray
    """(m, FEATURES) float32"""
    first: np.ndarray
    """(m,) int32: the node that each arc comes from"""
    end: np.ndarray
    """(m,) int32: the node that it leads to"""
    start: np.ndarray
    """(n + 1,) int64: where each number's arcs begin"""
    nodes: np.ndarray
    """(n,) int32: of each lattice"""
    text: np.ndarray
    """(n, LONGEST) int32: its digits, then -1"""


def lattices(n: int, images: np.ndarray, labels: np.ndarray, seed: int) -> Lattices:
    """The lattices of n numbers, less those that no way through them reads.

    Args:
        images, labels: (m, 28, 28) and (m,) uint8, to make the numbers of.
    """
    made = Parallel(n_jobs=-1)(
        delayed(_lattices)(NUMBERS_A_STREAM, images, labels, [seed, i])
        for i in range(-(-n // NUMBERS_A_STREAM))
    )
    kept = [number for some in made for number in some if number is not None]
    pixels, phi, first, end, nodes, text = zip(*kept)
    start = np.concatenate([[0], np.cumsum([len(each) for each in first])])
    print(f"{len(kept):,} of {len(made) * NUMBERS_A_STREAM:,} numbers can be read in their lattices.")
    return Lattices(
        np.concatenate(pixels),
        np.concatenate(phi),
        np.concatenate(first),
        np.concatenate(end),
        start,
        np.array(nodes, np.int32),
        np.stack(text),
    )


def _lattices(n: int, images: np.ndarray, labels: np.ndarray, seed: list[int]) -> list[_Lattice | None]:
    rng = np.random.default_rng(seed)
    return [_lattice(images, labels, rng) for _ in range(n)]


def _lattice(images: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> _Lattice | None:
    which = rng.integers(len(labels), size=rng.choice(LONGEST, p=LENGTHS) + 1)
    if len(which) > 1 and rng.random() < ROUND:
        zeros = rng.integers(1, len(which))
        which[-zeros:] = rng.choice(np.flatnonzero(labels == 0), zeros)
    number = make(images[which], labels[which], rng, untidy(rng))
    canvas = written(number, rng) if rng.random() < 0.4 else number.canvas
    if rng.random() < SCANNED:
        number, canvas = scanned(number, canvas, rng)
    ink = find_ink(canvas)
    lines = find_lines(ink) if ink.shape == canvas.shape else []
    if len(lines) != 1:
        return None
    line = lines[0]
    pieces = cut(line.ink)
    every = arcs(pieces)
    ink = ink_of(pieces, every)
    if len(pieces.cost) > MOST_NODES or not _readable(number, line, pieces, every):
        return None
    pixels = np.rint(255 * place_all(ink)).astype(np.uint8).reshape(-1, 784)
    text = np.full(LONGEST, -1, np.int32)
    text[: len(which)] = labels[which]
    order = every.first.astype(np.int32), every.end.astype(np.int32)
    return pixels, features(pieces, every, ink), *order, len(pieces.cost), text


def _readable(number: Number, line: Line, pieces: Pieces, every: Arcs) -> bool:
    """Whether each digit has an arc of its own."""
    each = np.stack([_in_line(ink, line) for ink in number.ink])
    before = np.pad(each.cumsum(2), ((0, 0), (0, 0), (1, 0)))  # ink to the left of each column, in each row
    rows = np.arange(len(line.ink))
    own = (before[:, rows, pieces.end[every.end]] - before[:, rows, pieces.begin[every.first]]).sum(2)
    whole = own / each.sum((1, 2))[:, None].clip(1e-6)
    alien = 1 - own / own.sum(0).clip(1e-6)
    parted = ((whole >= WHOLE) & (alien <= ALIEN)).any(1).all()
    even = np.zeros((len(every.first), 11))
    return bool(parted and log_sums([number.text], len(pieces.cost), every, even)[0] > -np.inf)


def _in_line(ink: np.ndarray, line: Line) -> np.ndarray:
    """Ink of the number's canvas, cut and reduced as the line is."""
    height, width = (round(length * line.scale) for length in line.ink.shape)
    sheet = Image.fromarray(ink).crop((line.left, line.top, line.left + width, line.top + height))
    return np.asarray(sheet.resize(line.ink.shape[::-1], Image.Resampling.BOX))
