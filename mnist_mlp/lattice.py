"""Reading with one lattice: every way to group a line's pieces into digits and marks, and what it reads.

Nodes 0..n are the cuts of a line, arcs are runs of neighbouring pieces. A mark is what is in the picture and not in the
text: a point, a comma, a dash. For arc r, with the network's logits and the features phi(r) of its size and place,

    lp[r, k] = log softmax([logits(r), 0])[k]          k = 0..9 a digit, 10 none
    s[r, k]  = lp[r, k]  + phi(r) · digit              k < 10
    s[r, 10] = lp[r, 10] + phi(r) · mark

and the probability of a text is the sum over the ways that give it, divided by the sum over all ways (LeCun,
Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document recognition", sections V to VII).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from mnist_mlp.network import digit_score
from mnist_mlp.pieces import IN_GAP, Arcs, Pieces

MARK = 10  # the label of an arc that is left out of the text
NEVER = -1e9  # the score of what cannot be
TALLEST_MARK = 0.6  # of the line's height
READINGS = 10
BEAM = 12  # texts kept at each node
HOPELESS = -12.0  # the log-probability of an arc's label below which no likely text has it


class Measures(NamedTuple):
    """What is measured of m arcs, (m,) float32 each. Lengths are in shares of the line's height."""

    height: np.ndarray
    """From its uppermost to its lowest ink; 0 where all of it is fainter than half."""
    width: np.ndarray
    top: np.ndarray
    """From the line's upper edge down to the ink."""
    bottom: np.ndarray
    """From the line's upper edge down to the end of the ink."""
    gaps: np.ndarray
    """Number of gaps between its pieces."""
    crossed: np.ndarray
    """Ink that its right cut crosses, in widths of the pen."""
    length: np.ndarray
    """Length of its strokes."""


# The features of an arc: each a function of what is measured. A reader has two weights for each, by its name.
FEATURES: dict[str, Callable[[Measures], np.ndarray]] = {
    "one": lambda arc: np.ones_like(arc.height),
    "lower than 0.4": lambda arc: np.maximum(0.4 - arc.height, 0),
    "lower than 0.6": lambda arc: np.maximum(0.6 - arc.height, 0),
    "lower than 0.8": lambda arc: np.maximum(0.8 - arc.height, 0),
    "narrower than 0.1": lambda arc: np.maximum(0.1 - arc.width, 0),
    "narrower than 0.3": lambda arc: np.maximum(0.3 - arc.width, 0),
    "wider than 0.7": lambda arc: np.maximum(arc.width - 0.7, 0),
    "wider than 1.0": lambda arc: np.maximum(arc.width - 1.0, 0),
    "gaps": lambda arc: arc.gaps,
    "crossed": lambda arc: arc.crossed,
    "crossed more than 1.3": lambda arc: np.maximum(arc.crossed - 1.3, 0),
    "shorter than 0.8": lambda arc: np.maximum(0.8 - arc.length, 0),
    "off the middle": lambda arc: np.abs((arc.top + arc.bottom) / 2 - 0.5),
    "ends above 0.85": lambda arc: np.maximum(0.85 - arc.bottom, 0),
    "begins below 0.15": lambda arc: np.maximum(arc.top - 0.15, 0),
}


def measure(pieces: Pieces, arcs: Arcs, ink: np.ndarray) -> Measures:
    """Measure arcs; `ink` is theirs, (m, H, W) float32 in 0..1."""
    height, width = ink.shape[1:]
    clear = np.greater(ink, 0.5)
    rows, columns = clear.any(2), clear.any(1)
    there = rows.any(1)
    top, bottom = rows.argmax(1), height - rows[:, ::-1].argmax(1)
    left, right = columns.argmax(1), width - columns[:, ::-1].argmax(1)
    gaps = np.cumsum(pieces.cost < IN_GAP)
    pen = max(pieces.pen / height, 0.02)
    measured = Measures(
        height=np.where(there, bottom - top, 0) / height,
        width=np.where(there, right - left, 0) / height,
        top=top / height,
        bottom=bottom / height,
        gaps=gaps[arcs.end - 1] - gaps[arcs.start],
        crossed=pieces.cost[arcs.end] / pen,
        length=ink.sum((1, 2)) / height**2 / pen,
    )
    return Measures(*(values.astype(np.float32) for values in measured))


def features(measures: Measures) -> np.ndarray:
    """phi, (m, len(FEATURES)) float32."""
    return np.stack([feature(measures) for feature in FEATURES.values()], 1).astype(np.float32)


def scores(logits: np.ndarray, height: np.ndarray, as_digit: np.ndarray, as_mark: np.ndarray) -> np.ndarray:
    """s, (m, 11) float64: each arc as each digit, and as a mark.

    Args:
        logits: (m, 10), the network's.
        height: (m,), as it is measured: what is tall is no mark, and an arc without ink is nothing.
        as_digit, as_mark: (m,), the features' sums: phi · digit, phi · mark.
    """
    logits = logits.astype(np.float64)
    log_sum = np.logaddexp(digit_score(logits), 0)  # with the eleventh logit, 0
    mark = np.where(height < TALLEST_MARK, as_mark - log_sum, NEVER)
    s = np.concatenate([logits + (as_digit - log_sum)[:, None], mark[:, None]], 1)
    s[height <= 0] = [NEVER] * 10 + [0.0]
    return s


class Way(NamedTuple):
    """One reading of a line."""

    text: str
    of_text: float
    """Logarithm of the sum over all ways that give the text."""
    of_all: float
    """Logarithm of the sum over all ways."""
    steps: tuple[tuple[int, int], ...]
    """The likeliest way that gives the text: each arc and its label, 0..9 or `MARK`."""

    @property
    def log_probability(self) -> float:
        """Log-probability of the text."""
        return self.of_text - self.of_all

    @property
    def digits(self) -> tuple[int, ...]:
        """The arcs of the likeliest way that are digits."""
        return tuple(arc for arc, label in self.steps if label != MARK)


def total(nodes: int, arcs: Arcs, s: np.ndarray) -> float:
    """Logarithm of the sum over all ways (forward algorithm)."""
    return float(_until(nodes, arcs, s)[-1])


def _until(nodes: int, arcs: Arcs, s: np.ndarray) -> np.ndarray:
    """Logarithm of the sum over all ways from the first node to each, (nodes,)."""
    each = np.logaddexp.reduce(s, 1)
    a = np.full(nodes, -np.inf)
    a[0] = 0
    for node, into in enumerate(_into(nodes, arcs)):
        if len(into):
            a[node] = np.logaddexp.reduce(a[arcs.start[into]] + each[into])
    return a


def _from(nodes: int, arcs: Arcs, s: np.ndarray) -> np.ndarray:
    """Logarithm of the sum over all ways from each node to the last, (nodes,)."""
    reverse = arcs._replace(start=nodes - 1 - arcs.end, end=nodes - 1 - arcs.start)
    return _until(nodes, reverse, s)[::-1]


def log_sums(texts: Sequence[str], nodes: int, arcs: Arcs, s: np.ndarray) -> np.ndarray:
    """Logarithm of the sum over the ways that give each text, (len(texts),)."""
    longest = max(map(len, texts))
    labels = np.array([[int(c) for c in text.ljust(longest, "0")] for text in texts], np.int64)
    labels = labels.reshape(len(texts), longest)
    a = np.full((nodes, len(texts), longest + 1), -np.inf)
    a[0, :, 0] = 0
    for node, into in enumerate(_into(nodes, arcs)):
        if not len(into):
            continue
        before = a[arcs.start[into]]  # (arcs, texts, length)
        ways = before + s[into, MARK][:, None, None]
        ways[..., 1:] = np.logaddexp(ways[..., 1:], before[..., :-1] + s[into][:, labels])
        a[node] = np.logaddexp.reduce(ways, 0)
    return a[-1, np.arange(len(texts)), [len(text) for text in texts]]


Steps = tuple[Any, int, int] | None
"""A way so far: the way before its last arc, the arc and its label. Linked, since a copy would grow with the line."""


def best_texts(nodes: int, arcs: Arcs, s: np.ndarray) -> list[Way]:
    """The likeliest texts of a line, the best first, with their exact probabilities: at most `READINGS`.

    A beam over the nodes finds them: it keeps the `BEAM` likeliest beginnings at each, and follows an arc's label
    where the ways through it are not hopeless.
    """
    before, after = _until(nodes, arcs, s), _from(nodes, arcs, s)
    through = before[arcs.start, None] + s + after[arcs.end, None] - before[-1]
    # text -> log of the sum over its ways so far, score of the best of these, its steps
    beams: list[dict[str, tuple[float, float, Steps]]] = [{"": (0.0, 0.0, None)}]
    for into in _into(nodes, arcs)[1:]:
        found: dict[str, tuple[float, float, Steps]] = {}
        least = min(HOPELESS, through[into].max())  # so that each node is reached
        for arc in into.tolist():
            labels = np.flatnonzero(through[arc] >= least).tolist()
            row = s[arc].tolist()
            for text, (log_sum, best, steps) in beams[arcs.start[arc]].items():
                for label in labels:
                    score = row[label]
                    key = text if label == MARK else text + str(label)
                    old = found.get(key)
                    log_sum_so_far = log_sum + score if old is None else _log_add(old[0], log_sum + score)
                    if old is None or best + score > old[1]:
                        found[key] = (log_sum_so_far, best + score, (steps, arc, label))
                    else:
                        found[key] = (log_sum_so_far, old[1], old[2])
        kept = sorted(found.items(), key=lambda item: -item[1][0])[:BEAM]
        beams.append(dict(kept))
    last = beams[-1]  # not empty: each node is reached
    sums = log_sums(list(last), nodes, arcs, s)
    of_all = float(before[-1])
    ways = [Way(text, float(of_text), of_all, _in_order(last[text][2])) for text, of_text in zip(last, sums)]
    return sorted(ways, key=lambda way: -way.log_probability)[:READINGS]


def _in_order(steps: Steps) -> tuple[tuple[int, int], ...]:
    found = []
    while steps:
        steps, arc, label = steps
        found.append((arc, label))
    return tuple(reversed(found))


def _log_add(a: float, b: float) -> float:
    high, low = (a, b) if a > b else (b, a)
    return high + math.log1p(math.exp(low - high))


def _into(nodes: int, arcs: Arcs) -> list[np.ndarray]:
    """The arcs that end at each node."""
    order = np.argsort(arcs.end, kind="stable")
    return np.split(order, np.searchsorted(arcs.end[order], np.arange(1, nodes)))
