"""Ink → pieces: a line of writing cut from left to right, too often rather than too seldom.

A cut is the cheapest way from the top of a line to its bottom: through the gaps where there are any, else
through thin strokes. There is one wherever such a way crosses the line's middle more cheaply than beside it.
A piece is the ink between two neighbouring cuts; an arc is a run of pieces, which may be a digit.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from mnist_mlp.box import Box, box_of
from mnist_mlp.pen import stroke_width

LINE_HEIGHT = 44  # pixels to which a line is reduced or enlarged
MOST_ENLARGED = 4  # times, at most
STRAY = (0.05, 0.5)  # what a pixel sideways costs a cut; a pixel of ink costs 1
DOT = 0.9  # of the strokes' width: a speck that is as wide and as high is a dot of the pen, any other is dust
# In shares of the line's height:
WIDEST_PIECE = 0.2  # pieces are not wider
NEAREST_CUTS = 0.1  # of two cuts closer than that, the cheaper one stays
MAX_COST = 0.5  # ink that a cut crosses at most
IN_GAP = 0.02  # a cut that crosses less ink lies in a gap
WIDEST = 1.7  # an arc of several pieces is not wider
SAME = 0.002  # of the squared height: two cuts that differ by less ink are one
# In shares of the tallest part:
TALL = 0.4  # a part that is as tall makes a line, others join one
SPECK = 0.15  # what is smaller is left out
MOST_LINES = 50
LOWEST = 5  # pixels of a picture: what is less high holds no digit that could be read
MOST_PARTS = 1000  # of a picture: what falls into more is no writing
MOST_ARCS = 6000  # of a picture; 200 digits have 5,000


class Pieces(NamedTuple):
    """n pieces of a line of writing: piece i is the ink between cut i and cut i + 1."""

    ink: np.ndarray
    """(H, W) float32 in 0..1"""
    at: np.ndarray
    """(n + 1, H) int64: in each row, the first column to the right of each cut."""
    cost: np.ndarray
    """(n + 1,) float64: the ink that each cut crosses, in shares of the line's height."""
    begin: np.ndarray
    """(n + 1, H) int64: in each row, the first column of an arc that begins at each cut."""
    end: np.ndarray
    """(n + 1, H) int64: in each row, the column after the last one of an arc that ends at each cut."""
    pen: float
    """The mean width of the strokes, in pixels."""


class Arcs(NamedTuple):
    """m runs of neighbouring pieces: each may be a digit."""

    start: np.ndarray
    """(m,) int64: the node that each comes from, which is the number of its first piece."""
    end: np.ndarray
    """(m,) int64: the node that it leads to, which is the number of the piece after its last."""
    left: np.ndarray
    """(m,) int64: the column of the line at which each arc's window begins."""
    right: np.ndarray
    """(m,) int64: the column after its last one."""

    @property
    def width(self) -> int:
        """Width of a window that is wide enough for each."""
        return int((self.right - self.left).max(initial=1))

    def some(self, which: np.ndarray | slice) -> Arcs:
        """The arcs that an index, a mask or a slice chooses."""
        return Arcs(self.start[which], self.end[which], self.left[which], self.right[which])


def cut(ink: np.ndarray, most_arcs: int = MOST_ARCS) -> Pieces:
    """Cut a line of writing, (H, W) float32 in 0..1; the most expensive cuts are left out where arcs are too many."""
    height, width = ink.shape
    half = height // 2
    halves = np.stack([ink[:half], ink[::-1][:half]], 1)  # (half, 2, W): from the top, from the bottom
    at, crossed = [np.zeros((1, height), np.int64), np.full((1, height), width)], [np.zeros(2)]
    for cost, back in zip(*_ways(halves, np.array(STRAY)[:, None, None])):
        ways, costs = _cuts(height, cost, back)
        at.append(ways)
        crossed.append(costs)
    return _bounded(_without_twins(ink, np.concatenate(at), np.concatenate(crossed) / height), most_arcs)


def _bounded(pieces: Pieces, most_arcs: int) -> Pieces:
    """The pieces between the cheapest cuts, so many that there are at most so many arcs."""
    while len(pieces.cost) > 2 and len(_start_and_end(pieces)[0]) > most_arcs:
        inner = np.argsort(pieces.cost[1:-1], kind="stable") + 1
        keep = np.sort(np.concatenate([[0], inner[: 3 * len(inner) // 4], [len(pieces.cost) - 1]]))
        at, cost, begin, end = (each[keep] for each in (pieces.at, pieces.cost, pieces.begin, pieces.end))
        pieces = pieces._replace(at=at, cost=cost, begin=begin, end=end)
    return pieces


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
    """Of two cuts that part the ink alike, the cheaper one; from left to right."""
    order = np.argsort(at.mean(1), kind="stable")
    at, cost = at[order], cost[order]
    until = np.pad(np.cumsum(ink, 1, dtype=np.float64), ((0, 0), (1, 0)))
    before = until[np.arange(len(ink)), at]  # ink to the left of each cut, in each row
    least = SAME * len(ink) ** 2
    middle = at.mean(1)
    beside = np.searchsorted(middle, [middle - len(ink), middle + len(ink) + 1]).T
    keep = np.zeros(len(at), bool)
    keep[[0, -1]] = True
    for i in np.argsort(cost, kind="stable"):
        others = beside[i, 0] + np.flatnonzero(keep[slice(*beside[i])])
        keep[i] |= (np.abs(before[others] - before[i]).sum(1) >= least).all()
    pen = stroke_width(ink)
    return Pieces(ink, at[keep], cost[keep], *_shared(ink, at[keep], pen), pen)


def _shared(ink: np.ndarray, at: np.ndarray, pen: float) -> tuple[np.ndarray, np.ndarray]:
    """Where arcs begin and end at each cut, (n, H) each: a stroke that is cut lengthwise is on both sides."""
    height, width = ink.shape
    dark = np.pad(ink > 0.5, ((0, 0), (1, 1)))
    rows = np.arange(height)
    begin, end = at.copy(), at.copy()
    crossed = dark[rows, np.minimum(at, width - 1) + 1] & dark[rows, np.maximum(at, 1)]
    left, right = crossed.copy(), crossed.copy()
    for _ in range(min(round(pen), height // 3)):
        left &= dark[rows, np.maximum(begin, 0)]
        begin -= left
        right &= dark[rows, np.minimum(end, width) + 1]
        end += right
    return np.clip(begin, 0, width), np.clip(end, 0, width)


def arcs(pieces: Pieces) -> Arcs:
    """Every run of neighbouring pieces that is no wider than a digit, and each piece alone."""
    start, end = _start_and_end(pieces)
    left = pieces.begin[start].min(1)
    right = np.minimum(pieces.end[end].max(1), left + 3 * len(pieces.ink))
    order = np.argsort(right - left, kind="stable")  # blocks of arcs need windows no wider than their own
    return Arcs(start[order], end[order], left[order], right[order])


def _start_and_end(pieces: Pieces) -> tuple[np.ndarray, np.ndarray]:
    middle = pieces.at.mean(1)
    widest = np.searchsorted(middle, middle + WIDEST * len(pieces.ink), side="right")  # from each cut on
    number = np.arange(len(middle))
    count = np.maximum(widest - number - 1, number < len(middle) - 1)
    start = np.repeat(number, count)
    return start, start + 1 + np.arange(len(start)) - np.repeat(np.cumsum(count) - count, count)


def ink_of(pieces: Pieces, arcs: Arcs) -> np.ndarray:
    """The ink of each arc in a window of its own: (m, H, arcs.width) float32."""
    windows = sliding_window_view(np.pad(pieces.ink, ((0, 0), (0, arcs.width))), arcs.width, axis=1)
    column = np.arange(arcs.width)
    begin = pieces.begin[arcs.start] - arcs.left[:, None]
    end = pieces.end[arcs.end] - arcs.left[:, None]
    within = (column >= begin[:, :, None]) & (column < end[:, :, None])
    return windows[:, arcs.left].transpose(1, 0, 2) * within


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
    """Columns to cut at: where that is cheaper than beside it, and no two farther apart than `WIDEST_PIECE`."""
    near, far = max(round(NEAREST_CUTS * height), 1), max(WIDEST_PIECE * height, 2)
    lowest = np.flatnonzero((cost[1:-1] < cost[:-2] + 1e-6) & (cost[1:-1] < cost[2:] + 1e-6)) + 1
    lowest = lowest[cost[lowest] <= MAX_COST * height]
    free = np.ones(len(cost), bool)
    free[:near] = free[len(cost) - near :] = False
    chosen = [0, len(cost)]
    for column in lowest[np.argsort(cost[lowest], kind="stable")].tolist():
        if free[column]:
            chosen.append(column)
            free[max(column - near + 1, 0) : column + near] = False
    # Where two digits share a stroke, the right cut is expensive: force one.
    for left, right in itertools.pairwise(sorted(chosen)):
        parts = math.ceil((right - left) / far)
        for part in range(1, parts):
            middle = round(left + part * (right - left) / parts)
            first = max(middle - near // 2, left + 1)
            last = min(middle + near // 2 + 1, right)
            if first < last:
                chosen.append(first + int(cost[first:last].argmin()))
    return np.unique(chosen)[1:-1]


class Line(NamedTuple):
    """A line of writing, reduced to the height at which it is cut."""

    ink: np.ndarray
    """(H, W) float32 in 0..1"""
    left: int
    top: int
    scale: float
    """Pixels of the picture for one of the line's."""
    components: int
    """Number of connected components of its ink."""
    dots: int
    """Number of dots of the pen that were left out as specks."""

    def to_picture(self, left: int, box: Box) -> Box:
        """Where in the picture a box lies that is given within a window from column `left` of the line on."""
        return Box(
            int(self.left + (left + box.left) * self.scale),
            int(self.top + box.top * self.scale),
            round(self.left + (left + box.right) * self.scale),
            round(self.top + box.bottom * self.scale),
        )


def find_lines(ink: np.ndarray) -> list[Line]:
    """The lines of writing in a picture, (H, W) float32 in 0..1, from top to bottom, without specks."""
    # Imported where it is needed: that takes a quarter of a second.
    from scipy.ndimage import find_objects, label

    dark = ink > 0.1
    box = box_of(dark)
    if box is None:
        return []
    within = box.within(margin=1)  # a cut may pass above the ink and below it
    from_top, from_left = within[0].start, within[1].start
    parts, count = label(dark[within], np.ones((3, 3)))
    boxes = find_objects(parts)
    top, bottom = (np.array([getattr(box[0], end) for box in boxes]) for end in ("start", "stop"))
    width = np.array([box[1].stop - box[1].start for box in boxes])
    height = bottom - top
    tallest = height.max()
    if tallest < LOWEST:
        return []
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
    specks = np.maximum(height, width) < SPECK * tallest
    pen = stroke_width(ink[within]) if specks.any() else np.inf
    dots = line_of[specks & (np.minimum(height, width) >= DOT * pen)]
    line_of[specks] = -1
    if np.count_nonzero(line_of >= 0) > MOST_PARTS or len(spans) > MOST_LINES:
        return []
    chosen = np.concatenate([[-1], line_of])[parts]
    order = np.argsort([first for first, _ in spans])
    of_line, dots = (np.bincount(of[of >= 0], minlength=len(spans)) for of in (line_of, dots))
    return [
        _line(np.where(chosen == i, ink[within], 0), from_left, from_top, int(of_line[i]), int(dots[i]))
        for i in order
    ]


def _line(ink: np.ndarray, from_left: int, from_top: int, parts: int, dots: int) -> Line:
    box = box_of(ink > 0.5)
    if box is None:
        return Line(np.zeros((2, 2), np.float32), 0, 0, 1.0, 0, 0)
    rows, columns = box.within(margin=1)
    within = ink[rows, columns]
    scale = max(len(within) / LINE_HEIGHT, 1 / MOST_ENLARGED)
    size = (max(round(within.shape[1] / scale), 1), max(round(within.shape[0] / scale), 2))
    filter = Image.Resampling.BOX if scale >= 1 else Image.Resampling.BILINEAR
    reduced = np.asarray(Image.fromarray(within).resize(size, filter))
    return Line(reduced, from_left + columns.start, from_top + rows.start, scale, parts, dots)
