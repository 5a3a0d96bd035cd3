"""Ink → pieces: a line of writing cut from left to right, too often rather than too seldom.

A cut is the cheapest way from the top of a line to its bottom: through the gaps where there are any, else
through thin strokes. There is one wherever such a way crosses the line's middle more cheaply than beside it.
A piece is the ink between two neighbouring cuts; a digit is a run of pieces.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

HEIGHT = 44  # pixels to which a line is reduced
STRAY = 0.02  # what a pixel sideways costs a cut; a pixel of ink costs 1
NEAR = 0.06  # of the line's height: of two cuts closer than that, the cheaper one stays
MAX_COST = 0.5  # of the line's height: ink that a cut crosses at most
WIDEST = 1.7  # of the line's height: a digit is not wider
LONGEST = 8  # pieces of one digit
EMPTY = 0.002  # of the squared height: less ink is no piece


class Pieces(NamedTuple):
    """n pieces of a line of writing: piece i is the ink between cut i and cut i + 1."""

    ink: np.ndarray
    """(H, W) float32 in 0..1"""
    at: np.ndarray
    """(n + 1, H) int64: in each row, the first column to the right of each cut."""
    cost: np.ndarray
    """(n + 1,) float64: the ink that each cut crosses, in shares of the line's height."""


class Runs(NamedTuple):
    """m runs of neighbouring pieces: each may be a digit."""

    first: np.ndarray
    """(m,) int64"""
    end: np.ndarray
    """(m,) int64: the piece after the last one."""
    ink: np.ndarray
    """(m, H, V) float32: the ink of each, in a window of its own"""
    left: np.ndarray
    """(m,) int64: where in the line each window begins"""


def cut(ink: np.ndarray) -> Pieces:
    """Cut a line of writing, (H, W) float32 in 0..1."""
    height, width = ink.shape
    half = height // 2
    halves = np.stack([ink[:half], ink[::-1][:half]], 1)  # (half, 2, W): from the top, and from the bottom
    cost, back = _ways(halves)
    total = cost.sum(0)
    chosen = _minima(total, max(NEAR * height, 2), MAX_COST * height)
    at = np.empty((len(chosen), height), np.int64)
    column = np.stack([chosen, chosen])
    for row in range(half - 1, -1, -1):
        at[:, row], at[:, height - 1 - row] = column
        column = back[row, [[0], [1]], column]
    if height % 2:
        at[:, half] = chosen
    edges = np.zeros((1, height), np.int64)
    at = np.concatenate([edges, at, edges + width])
    return _without_empty(ink, at, np.concatenate([[0], total[chosen], [0]]) / height)


def _without_empty(ink: np.ndarray, at: np.ndarray, cost: np.ndarray) -> Pieces:
    """Of two cuts with nothing between them, the cheaper one."""
    until = np.pad(np.cumsum(ink, 1, dtype=np.float64), ((0, 0), (1, 0)))
    before = until[np.arange(len(ink)), at].sum(1)  # ink to the left of each cut
    least = EMPTY * len(ink) ** 2
    keep = [0]
    for i in range(1, len(at)):
        if before[i] - before[keep[-1]] >= least:
            keep.append(i)
        elif cost[i] < cost[keep[-1]]:
            keep[-1] = i
    return Pieces(ink, at[keep], cost[keep])


def runs(pieces: Pieces) -> Runs:
    """Every run of neighbouring pieces that is no wider than a digit."""
    height = len(pieces.ink)
    middle = pieces.at.mean(1)
    first, end = np.triu_indices(len(middle), 1)
    fits = (middle[end] - middle[first] <= WIDEST * height) & (end - first <= LONGEST)
    fits |= end - first == 1
    first, end = first[fits], end[fits]
    left = pieces.at[first].min(1)
    width = int((pieces.at[end].max(1) - left).max(initial=1))
    column = left[:, None, None] + np.arange(width)
    padded = np.pad(pieces.ink, ((0, 0), (0, width)))
    within = (column >= pieces.at[first][:, :, None]) & (column < pieces.at[end][:, :, None])
    ink = padded[np.arange(height)[:, None], column] * within
    return Runs(first, end, ink, left)


def _ways(halves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cheapest way to each column of the last row; sideways within a row, too.

    Returns:
        costs (2, W), and the column each way comes from (rows, 2, W).
    """
    width = halves.shape[2]
    columns = np.arange(width)
    cost = np.zeros((2, width))
    back = np.empty(halves.shape, np.int64)
    for row, ink in enumerate(halves):
        sideways = np.cumsum(ink + STRAY, 1, dtype=np.float64)
        entered = cost + ink
        # To the right, x' → x costs sideways[x] - sideways[x']: the least over x' is a running minimum.
        right = entered - sideways
        best_right = np.minimum.accumulate(right, 1)
        before = sideways - ink - STRAY
        left = (entered + before)[:, ::-1]
        best_left = np.minimum.accumulate(left, 1)
        from_left = np.maximum.accumulate(np.where(right == best_right, columns, 0), 1)
        from_right = width - 1 - np.maximum.accumulate(np.where(left == best_left, columns, 0), 1)[:, ::-1]
        to_right, to_left = best_right + sideways, best_left[:, ::-1] - before
        cost = np.minimum(to_right, to_left)
        back[row] = np.where(to_right <= to_left, from_left, from_right)
    return cost, back


def _minima(cost: np.ndarray, near: float, most: float) -> np.ndarray:
    """Columns at local minima of the cost, the cheaper of two that are near, from left to right."""
    steps = np.flatnonzero(np.diff(cost)) + 1
    begin, end = np.concatenate([[0], steps]), np.concatenate([steps, [len(cost)]])  # plateaus
    level = np.concatenate([[np.inf], cost[begin], [np.inf]])
    lowest = (level[1:-1] < level[:-2]) & (level[1:-1] < level[2:]) & (level[1:-1] <= most)
    column, value = ((begin + end) // 2)[lowest], level[1:-1][lowest]
    chosen: list[int] = []
    for i in np.argsort(value, kind="stable"):
        if all(abs(column[i] - other) >= near for other in chosen):
            chosen.append(int(column[i]))
    return np.array(sorted(chosen), np.int64)


class Line(NamedTuple):
    """A line of writing, reduced to the height at which it is cut."""

    ink: np.ndarray
    """(H, W) float32 in 0..1"""
    left: int
    top: int
    scale: float
    """The picture's pixels for one of the line's."""

    def box_of(self, candidates: Runs, i: int) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of a run in the picture."""
        clear = candidates.ink[i] > 0.5
        rows, columns = np.flatnonzero(clear.any(1)), np.flatnonzero(clear.any(0)) + candidates.left[i]
        return (
            int(self.left + columns[0] * self.scale),
            int(self.top + rows[0] * self.scale),
            round(self.left + (columns[-1] + 1) * self.scale),
            round(self.top + (rows[-1] + 1) * self.scale),
        )


def find_lines(ink: np.ndarray) -> list[Line]:
    """The lines of writing in a picture, from top to bottom."""
    rows, columns = np.flatnonzero((ink > 0.5).any(1)), np.flatnonzero((ink > 0.5).any(0))
    top, left = max(rows[0] - 1, 0), max(columns[0] - 1, 0)
    within = ink[top : rows[-1] + 2, left : columns[-1] + 2]
    scale = max(len(within) / HEIGHT, 1.0)
    size = (max(round(within.shape[1] / scale), 1), max(round(within.shape[0] / scale), 1))
    reduced = np.asarray(Image.fromarray(within).resize(size, Image.Resampling.BOX))
    return [Line(reduced, int(left), int(top), scale)]
