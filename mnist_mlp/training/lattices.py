"""The lattices of numbers, as the networks learn from them: made once, by all cores."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed
from PIL import Image

from mnist_mlp.canvas import place_all
from mnist_mlp.ink import find_ink
from mnist_mlp.lattice import Measures, log_sums, measure
from mnist_mlp.pieces import Arcs, Line, Pieces, arcs, cut, find_lines, ink_of
from mnist_mlp.training.mnist import Digits
from mnist_mlp.training.numbers import Number, make, scanned, untidy, written

NUMBERS_A_STREAM = 100  # numbers drawn from one random stream, so that workers can share the job
LENGTHS = (0.28, 0.18, 0.18, 0.16, 0.12, 0.08)  # shares of the numbers of one digit, two …
LONGEST = len(LENGTHS)
REDRAWN = 0.6  # share of the single digits that are redrawn ones
ROUND = 0.15  # share of the numbers that end in zeros
MORE = {
    1: 0.08,
    4: 0.05,
}  # digits that are commoner here: they are taken for a part of another, or for another
WRITTEN = 0.4  # share of the numbers with something beside their digits
SCANNED = 0.1  # share of the numbers on printed paper
MOST_NODES = 48  # of a lattice that is learnt from
WHOLE = 0.5  # share of a digit's ink, at least, that one of the arcs has
FOREIGN = 0.5  # share of that arc's ink, at most, that is other digits'

# Pixels, measures, start, end, nodes and text of one number
_Lattice = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int, np.ndarray]


class Lattices(NamedTuple):
    """n numbers as the networks learn them: their arcs, one number after the other."""

    pixels: np.ndarray
    """(m, 784) uint8, ink high."""
    measures: np.ndarray
    """(m, len(Measures._fields)) float32."""
    start: np.ndarray
    """(m,) int32: the node that each arc comes from."""
    end: np.ndarray
    """(m,) int32: the node that it leads to."""
    offset: np.ndarray
    """(n + 1,) int64: where each number's arcs begin."""
    nodes: np.ndarray
    """(n,) int32: the number of nodes of each lattice."""
    text: np.ndarray
    """(n, LONGEST) int32: its digits, then -1."""


def lattices(n: int, digits: Digits, redrawn: Digits, seed: int) -> Lattices:
    """The lattices of n numbers, less those that no way through them reads.

    Args:
        digits: to make the numbers of.
        redrawn: to make most of the single digits of.
    """
    made = Parallel(n_jobs=-1)(
        delayed(_some)(NUMBERS_A_STREAM, digits, redrawn, [seed, i]) for i in range(-(-n // NUMBERS_A_STREAM))
    )
    kept = [number for some in made for number in some if number is not None]
    pixels, measures, start, end, nodes, text = zip(*kept)
    offset = np.concatenate([[0], np.cumsum([len(each) for each in start])])
    print(f"{len(kept):,} of {len(made) * NUMBERS_A_STREAM:,} numbers can be read in their lattices.")
    return Lattices(
        np.concatenate(pixels),
        np.concatenate(measures),
        np.concatenate(start),
        np.concatenate(end),
        offset,
        np.array(nodes, np.int32),
        np.stack(text),
    )


def _some(n: int, digits: Digits, redrawn: Digits, seed: list[int]) -> list[_Lattice | None]:
    rng = np.random.default_rng(seed)
    return [_lattice(digits, redrawn, rng) for _ in range(n)]


def _lattice(digits: Digits, redrawn: Digits, rng: np.random.Generator) -> _Lattice | None:
    length = int(rng.choice(LONGEST, p=LENGTHS)) + 1
    some = redrawn if length == 1 and rng.random() < REDRAWN else digits
    which = rng.integers(len(some.labels), size=length)
    for digit, share in MORE.items():
        more = rng.random(length) < share
        which[more] = rng.choice(np.flatnonzero(some.labels == digit), more.sum())
    if length > 1 and rng.random() < ROUND:
        zeros = rng.integers(1, length)
        which[-zeros:] = rng.choice(np.flatnonzero(some.labels == 0), zeros)
    number = make(some.images[which], some.labels[which], rng, untidy(rng))
    canvas = written(number, rng) if rng.random() < WRITTEN else number.canvas
    if rng.random() < SCANNED:
        number, canvas = scanned(number, canvas, rng)
    ink = find_ink(canvas)
    lines = find_lines(ink) if ink.shape == canvas.shape else []
    if len(lines) != 1:
        return None
    line = lines[0]
    pieces = cut(line.ink)
    every = arcs(pieces)
    if len(pieces.cost) > MOST_NODES or not _readable(number, line, pieces, every):
        return None
    ink = ink_of(pieces, every)
    pixels = np.rint(255 * place_all(ink)).astype(np.uint8).reshape(-1, 784)
    text = np.full(LONGEST, -1, np.int32)
    text[:length] = some.labels[which]
    measures = np.stack(measure(pieces, every, ink), 1)
    return pixels, measures, every.start.astype(np.int32), every.end.astype(np.int32), len(pieces.cost), text


def _readable(number: Number, line: Line, pieces: Pieces, every: Arcs) -> bool:
    """Whether each digit has an arc of its own, and a way through the arcs reads the number."""
    each = np.stack([_in_line(ink, line) for ink in number.ink])
    before = np.pad(each.cumsum(2), ((0, 0), (0, 0), (1, 0)))  # ink to the left of each column, in each row
    rows = np.arange(len(line.ink))
    own = (before[:, rows, pieces.end[every.end]] - before[:, rows, pieces.begin[every.start]]).sum(2)
    whole = own / each.sum((1, 2))[:, None].clip(1e-6)
    foreign = 1 - own / own.sum(0).clip(1e-6)
    parted = ((whole >= WHOLE) & (foreign <= FOREIGN)).any(1).all()
    even = np.zeros((len(every.start), 11))
    return bool(parted and log_sums([number.text], len(pieces.cost), every, even)[0] > -np.inf)


def _in_line(ink: np.ndarray, line: Line) -> np.ndarray:
    """Ink of the number's canvas, cut and reduced as the line is."""
    height, width = (round(length * line.scale) for length in line.ink.shape)
    sheet = Image.fromarray(ink).crop((line.left, line.top, line.left + width, line.top + height))
    return np.asarray(sheet.resize(line.ink.shape[::-1], Image.Resampling.BOX))


def measures_of(lattices: Lattices, arcs: np.ndarray) -> Measures:
    """What is measured of some of the arcs."""
    return Measures(*lattices.measures[arcs].T)
