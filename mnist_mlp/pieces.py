"""Ink → pieces: a line of writing cut from left to right, too often rather than too seldom.

A cut is the cheapest way from the top of a line to its bottom: through the gaps where there are any, else
through thin strokes. There is one wherever such a way crosses the line's middle more cheaply than beside it.
A piece is the ink between two neighbouring cuts; a digit is a run of pieces.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from mnist_mlp.pen import stroke_width

HEIGHT = 44  # pixels to which a line is reduced
FAR = 0.2  # of the line's height: pieces are not wider
STRAY = (0.05, 0.5)  # what a pixel sideways costs a cut; a pixel of ink costs 1
NEAR = 0.1  # of the line's height: of two cuts closer than that, the cheaper one stays
MAX_COST = 0.5  # of the line's height: ink that a cut crosses at most
WIDEST = 1.7  # of the line's height: a digit is not wider
TALL = 0.4  # of the tallest part: a part that is as tall makes a line, others join one
SPECK = 0.15  # of the tallest part: what is smaller is left out
MOST_LINES = 50
MOST_PARTS = 1000  # of a picture: what falls into more is no writing
MOST_CUTS = 2000  # of a line: 200 digits have fewer
EMPTY = 0.002  # of the squared height: less ink is no piece
FREE = 0.02  # of the line's height: a cut that crosses less ink lies in a gap


class Pieces(NamedTuple):
    """n pieces of a line of writing: piece i is the ink between cut i and cut i + 1."""

    ink: np.ndarray
    """(H, W) float32 in 0..1"""
    at: np.ndarray
    """(n + 1, H) int64: in each row, the first column to the right of each cut."""
    cost: np.ndarray
    """(n + 1,) float64: the ink that each cut crosses, in shares of the line's height."""
    begin: np.ndarray
    """(n + 1, H) int64: in each row, the first column of a run that begins at each cut."""
    end: np.ndarray
    """(n + 1, H) int64: in each row, the column after the last one of a run that ends at each cut."""

    def some(self, which: np.ndarray) -> Pieces:
        """Those between the cuts that are named."""
        return Pieces(self.ink, self.at[which], self.cost[which], self.begin[which], self.end[which])


class Runs(NamedTuple):
    """m runs of neighbouring pieces: each may be a digit."""

    first: np.ndarray
    """(m,) int64: the first piece."""
    end: np.ndarray
    """(m,) int64: the piece after the last one."""
    left: np.ndarray
    """(m,) int64: the column of the line at which each run's window begins."""
    right: np.ndarray
    """(m,) int64: the column after its last one."""

    @property
    def width(self) -> int:
        """Of a window that is wide enough for each."""
        return int((self.right - self.left).max(initial=1))

    def some(self, which: np.ndarray | slice) -> Runs:
        """Those of the runs that are named."""
        return Runs(self.first[which], self.end[which], self.left[which], self.right[which])


def cut_at_gaps(ink: np.ndarray) -> Pieces:
    """Cut a line of writing, (H, W) float32 in 0..1, where a column has no ink."""
    height, width = ink.shape
    empty = np.flatnonzero(np.diff(np.pad(ink.sum(0) < FREE * height, 1).astype(np.int8)))
    first, last = empty[::2], empty[1::2]
    inner = (first > 0) & (last < width)
    columns = np.array([0, *((first + last) // 2)[inner], width], np.int64)
    at = np.repeat(columns[:, None], height, 1)
    return Pieces(ink, at, np.zeros(len(at)), at, at)


def cut(pieces: Pieces, which: np.ndarray | slice = slice(None)) -> Pieces:
    """Cut pieces that `cut_at_gaps` gave, (n,) bool, through their ink: all of them by default."""
    ink, columns = pieces.ink, pieces.at[:, 0]
    height = len(ink)
    half = height // 2
    ats, costs = [pieces.at], [pieces.cost * height]
    for first, last in zip(columns[:-1][which], columns[1:][which]):
        part = ink[:, first:last]
        halves = np.stack([part[:half], part[::-1][:half]], 1)  # (half, 2, W): from the top, from the bottom
        for cost, back in zip(*_ways(halves, np.array(STRAY)[:, None, None])):
            at, crossed = _cuts(height, cost, back)
            ats.append(at + first)
            costs.append(crossed)
    at, cost = np.concatenate(ats), np.concatenate(costs) / height
    order = np.argsort(at.mean(1), kind="stable")
    return _without_twins(ink, at[order], cost[order])


def _cuts(height: int, cost: np.ndarray, back: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    half = height // 2
    total = cost.sum(0)
    chosen = _chosen(total, height)
    at = np.empty((len(chosen), height), np.int64)
    column = np.stack([chosen, chosen])
    for row in range(half - 1, -1, -1):
        at[:, row], at[:, height - 1 - row] = column
        column = back[row, [[0], [1]], column]
    if height % 2:
        at[:, half] = chosen
    return at, total[chosen]


def _without_twins(ink: np.ndarray, at: np.ndarray, cost: np.ndarray) -> Pieces:
    """Of two cuts that part the ink alike, the cheaper one."""
    until = np.pad(np.cumsum(ink, 1, dtype=np.float64), ((0, 0), (1, 0)))
    before = until[np.arange(len(ink)), at]  # ink to the left of each cut, in each row
    least = EMPTY * len(ink) ** 2
    middle = at.mean(1)  # ascending
    beside = np.searchsorted(middle, [middle - len(ink), middle + len(ink) + 1]).T
    keep = np.zeros(len(at), bool)
    for i in np.argsort(cost, kind="stable"):
        others = beside[i, 0] + np.flatnonzero(keep[slice(*beside[i])])
        keep[i] = (np.abs(before[others] - before[i]).sum(1) >= least).all()
    return Pieces(ink, at[keep], cost[keep], *_shared(ink, at[keep]))


def _shared(ink: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where runs begin and end at each cut, (n, H) each: a stroke that is cut lengthwise is on both sides."""
    height, width = ink.shape
    dark = np.pad(ink > 0.5, ((0, 0), (1, 1)))
    rows = np.arange(height)
    begin, end = at.copy(), at.copy()
    crossed = dark[rows, np.minimum(at, width - 1) + 1] & dark[rows, np.maximum(at, 1)]
    left, right = crossed.copy(), crossed.copy()
    for _ in range(round(stroke_width(ink))):
        left &= dark[rows, np.maximum(begin, 0)]
        begin -= left
        right &= dark[rows, np.minimum(end, width) + 1]
        end += right
    return np.clip(begin, 0, width), np.clip(end, 0, width)


def runs(pieces: Pieces) -> Runs:
    """Every run of neighbouring pieces that is no wider than a digit."""
    height = len(pieces.ink)
    middle = pieces.at.mean(1)
    if len(middle) > MOST_CUTS:
        first = end = np.zeros(0, np.int64)
    else:
        first, end = np.triu_indices(len(middle), 1)
        fits = (middle[end] - middle[first] <= WIDEST * height) | (end - first == 1)
        first, end = first[fits], end[fits]
    return between(pieces, first, end)


def between(pieces: Pieces, first: np.ndarray, end: np.ndarray) -> Runs:
    """The runs of pieces first..end - 1."""
    left = pieces.begin[first].min(1)
    right = np.minimum(pieces.end[end].max(1), left + 3 * len(pieces.ink))
    order = np.argsort(right - left, kind="stable")  # blocks of runs need windows no wider than their own
    return Runs(first[order], end[order], left[order], right[order])


def show(pieces: Pieces, runs: Runs) -> np.ndarray:
    """The ink of each run in a window of its own: (m, H, runs.width) float32."""
    windows = sliding_window_view(np.pad(pieces.ink, ((0, 0), (0, runs.width))), runs.width, axis=1)
    column = np.arange(runs.width)
    begin = pieces.begin[runs.first] - runs.left[:, None]
    end = pieces.end[runs.end] - runs.left[:, None]
    within = (column >= begin[:, :, None]) & (column < end[:, :, None])
    return windows[:, runs.left].transpose(1, 0, 2) * within


def _ways(halves: np.ndarray, stray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cheapest way to each column of the last row; sideways within a row, too.

    Args:
        halves: (rows, 2, W) ink.
        stray: (k, 1, 1), what a pixel sideways costs.

    Returns:
        costs (k, 2, W), and the column each way comes from (k, rows, 2, W).
    """
    rows, _, width = halves.shape
    columns = np.arange(width)
    cost = np.zeros((len(stray), 2, width))
    back = np.empty((len(stray), rows, 2, width), np.int64)
    for row, ink in enumerate(halves):
        sideways = np.cumsum(ink + stray, 2)
        entered = cost + ink
        # To the right, x' → x costs sideways[x] - sideways[x']: the least over x' is a running minimum.
        right = entered - sideways
        best_right = np.minimum.accumulate(right, 2)
        before = sideways - ink - stray
        left = (entered + before)[..., ::-1]
        best_left = np.minimum.accumulate(left, 2)
        from_left = np.maximum.accumulate(np.where(right == best_right, columns, 0), 2)
        from_right = width - 1 - np.maximum.accumulate(np.where(left == best_left, columns, 0), 2)[..., ::-1]
        to_right, to_left = best_right + sideways, best_left[..., ::-1] - before
        cost = np.minimum(to_right, to_left)
        back[:, row] = np.where(to_right <= to_left, from_left, from_right)
    return cost, back


def _chosen(cost: np.ndarray, height: int) -> np.ndarray:
    """Columns to cut at: where that is cheaper than beside it, and no two farther apart than `FAR`."""
    near, far = NEAR * height, FAR * height
    lowest = np.flatnonzero((cost[1:-1] < cost[:-2] + 1e-6) & (cost[1:-1] < cost[2:] + 1e-6)) + 1
    chosen = [0, len(cost)]
    for column in lowest[np.argsort(cost[lowest], kind="stable")].tolist():
        if cost[column] <= MAX_COST * height and min(abs(column - other) for other in chosen) >= near:
            chosen.append(column)
    # Where two digits share a stroke, the cut along it is dear, and yet the one.
    for left, right in itertools.pairwise(sorted(chosen)):
        parts = math.ceil((right - left) / far)
        for part in range(1, parts):
            middle = left + part * (right - left) / parts
            first, last = round(middle - near / 2), round(middle + near / 2) + 1
            chosen.append(first + int(cost[first:last].argmin()))
    return np.array(sorted(chosen)[1:-1], np.int64)


class Line(NamedTuple):
    """A line of writing, reduced to the height at which it is cut."""

    ink: np.ndarray
    """(H, W) float32 in 0..1"""
    left: int
    top: int
    scale: float
    """The picture's pixels for one of the line's."""

    def box(self, left: int, ink: np.ndarray) -> tuple[int, int, int, int]:
        """Left, top, right, bottom in the picture, of ink in a window that begins at a column of the line."""
        rows, columns = np.flatnonzero((ink > 0.5).any(1)), np.flatnonzero((ink > 0.5).any(0)) + left
        return (
            int(self.left + columns[0] * self.scale),
            int(self.top + rows[0] * self.scale),
            round(self.left + (columns[-1] + 1) * self.scale),
            round(self.top + (rows[-1] + 1) * self.scale),
        )


def find_lines(ink: np.ndarray) -> list[Line]:
    """The lines of writing in a picture, (H, W) float32 in 0..1, from top to bottom, without specks."""
    # Imported where it is needed: that takes a quarter of a second.
    from scipy.ndimage import find_objects, label

    dark = ink > 0.1
    rows, columns = np.flatnonzero(dark.any(1)), np.flatnonzero(dark.any(0))
    # With a margin: a cut may pass above the ink and below it.
    from_top, from_left = max(rows[0] - 1, 0), max(columns[0] - 1, 0)
    within = slice(from_top, rows[-1] + 2), slice(from_left, columns[-1] + 2)
    parts, count = label(dark[within], np.ones((3, 3)))
    boxes = find_objects(parts)
    top, bottom = (np.array([getattr(box[0], end) for box in boxes]) for end in ("start", "stop"))
    width = np.array([box[1].stop - box[1].start for box in boxes])
    height = bottom - top
    tallest = height.max()
    line_of = np.full(count, -1)
    spans: list[tuple[int, int]] = []
    tall = np.flatnonzero(height >= TALL * tallest)[: 2 * MOST_PARTS]
    for i in tall[np.argsort((top + bottom)[tall])]:
        for line, (first, last) in enumerate(spans):
            if min(last, bottom[i]) - max(first, top[i]) > 0.4 * min(last - first, height[i]):
                spans[line] = (min(first, top[i]), max(last, bottom[i]))
                break
        else:
            line = len(spans)
            spans.append((top[i], bottom[i]))
        line_of[i] = line
    centre = (top + bottom) / 2
    away = np.stack([np.maximum(np.maximum(a - centre, centre - b), 0) for a, b in spans])
    line_of = np.where(line_of < 0, away.argmin(0), line_of)
    line_of[np.maximum(height, width) < SPECK * tallest] = -1
    if np.count_nonzero(line_of >= 0) > MOST_PARTS or len(spans) > MOST_LINES:
        return []
    chosen = np.concatenate([[-1], line_of])[parts]
    order = np.argsort([first for first, _ in spans])
    return [_line(np.where(chosen == line, ink[within], 0), from_left, from_top) for line in order]


def _line(ink: np.ndarray, from_left: int, from_top: int) -> Line:
    rows, columns = np.flatnonzero((ink > 0.5).any(1)), np.flatnonzero((ink > 0.5).any(0))
    if not len(rows):
        return Line(np.zeros((2, 2), np.float32), 0, 0, 1.0)
    top, left = max(rows[0] - 1, 0), max(columns[0] - 1, 0)
    within = ink[top : rows[-1] + 2, left : columns[-1] + 2]
    scale = max(len(within) / HEIGHT, 1.0)
    size = (max(round(within.shape[1] / scale), 1), max(round(within.shape[0] / scale), 1))
    reduced = np.asarray(Image.fromarray(within).resize(size, Image.Resampling.BOX))
    return Line(reduced, int(from_left + left), int(from_top + top), scale)
