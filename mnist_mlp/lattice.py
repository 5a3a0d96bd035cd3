"""Reading with one lattice: every way to group a line's pieces into digits and marks, and what it reads.

Nodes 0..n are the cuts of a line, arcs are runs of neighbouring pieces. For arc r, with the network's logits and
the features phi(r) of its size and place,

    lp[r, k] = log softmax([logits(r), 0])[k]          k = 0..9 a digit, 10 none
    s[r, k]  = lp[r, k]  + phi(r) · digit              k < 10
    s[r, 10] = lp[r, 10] + phi(r) · mark               a point or a dash: in the picture, not in the text

and the probability of a text is the sum over the ways that give it, divided by the sum over all ways (LeCun,
Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document recognition", sections V to VII).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from mnist_mlp.network import FEATURES as FEATURES
from mnist_mlp.network import digit_score
from mnist_mlp.pieces import IN_GAP, Arcs, Pieces

MARK = 10  # the label of an arc that is left out of the text
NEVER = -1e9  # the score of what cannot be
TALLEST_MARK = 0.6  # of the line's height
READINGS = 10
BEAM = 12  # texts kept at each node
HOPELESS = -12.0  # the log-probability of an arc's label below which no likely text has it


Steps = tuple[Any, int, int] | None
"""A way so far: that before its last arc, the arc and its label. Not a tuple of all, which would be copied."""
Beginning = tuple[float, float, Steps]


class Way(NamedTuple):
    """One reading of a line."""

    text: str
    of_text: float
    """The logarithm of the sum over all ways that give the text."""
    of_all: float
    """The logarithm of the sum over all ways."""
    steps: tuple[tuple[int, int], ...]
    """Its likeliest way: each arc and its label, 0..9 or `MARK`."""

    @property
    def log_probability(self) -> float:
        """Of the text."""
        return self.of_text - self.of_all

    @property
    def arcs(self) -> tuple[int, ...]:
        """The digits of its likeliest way."""
        return tuple(arc for arc, label in self.steps if label != MARK)


def features(pieces: Pieces, arcs: Arcs, ink: np.ndarray) -> np.ndarray:
    """phi, (m, FEATURES) float32; lengths are in shares of the line's height, ink that is cut in stroke widths.

    Args:
        ink: (m, H, W) float32 in 0..1, that of each arc.
    """
    height, size = ink.shape[1], np.float32(ink.shape[1])
    clear = np.greater(ink, 0.5)
    rows, columns = clear.any(2), clear.any(1)
    top, bottom = rows.argmax(1) / size, (height - rows[:, ::-1].argmax(1)) / size
    tall = np.where(rows.any(1), bottom - top, 0)
    left, right = columns.argmax(1), columns.shape[1] - columns[:, ::-1].argmax(1)
    wide = np.where(columns.any(1), right - left, 0) / size
    gaps = np.cumsum(pieces.cost < IN_GAP)
    pen = max(pieces.pen / height, 0.02)
    crossed = pieces.cost[arcs.end] / pen
    length = ink.sum((1, 2)) / size**2 / pen
    phi = [
        np.ones(len(tall)),
        *(np.maximum(limit - tall, 0) for limit in (0.4, 0.6, 0.8)),
        *(np.maximum(limit - wide, 0) for limit in (0.1, 0.3)),
        *(np.maximum(wide - limit, 0) for limit in (0.7, 1.0)),
        gaps[arcs.end - 1] - gaps[arcs.first],
        crossed,
        np.maximum(crossed - 1.3, 0),
        np.maximum(0.8 - length, 0),
        np.abs((top + bottom) / 2 - 0.5),
        np.maximum(1 - bottom - 0.15, 0),
        np.maximum(top - 0.15, 0),
    ]
    return np.stack(phi, 1).astype(np.float32)


def scores(logits: np.ndarray, phi: np.ndarray, digit: np.ndarray, mark: np.ndarray) -> np.ndarray:
    """s, (m, 11) float64: each arc as each digit, and as a mark.

    Args:
        logits: (m, 10), the network's.
        phi: (m, FEATURES).
        digit, mark: (FEATURES,), their weights.
    """
    logits = logits.astype(np.float64)
    log_sum = np.logaddexp(digit_score(logits), 0)  # with the eleventh logit, 0
    tall = 0.8 - phi[:, 3]  # up to 0.8
    as_mark = np.where(tall < TALLEST_MARK, phi @ mark - log_sum, NEVER)
    s = np.concatenate([logits + (phi @ digit - log_sum)[:, None], as_mark[:, None]], 1)
    s[tall <= 0] = [NEVER] * 10 + [0.0]  # too faint for a digit: nothing
    return s


def total(nodes: int, arcs: Arcs, s: np.ndarray) -> float:
    """The logarithm of the sum over all ways (forward algorithm)."""
    return float(_until(nodes, arcs, s)[-1])


def _until(nodes: int, arcs: Arcs, s: np.ndarray) -> np.ndarray:
    """The logarithm of the sum over all ways from the first node to each, (nodes,)."""
    each = np.logaddexp.reduce(s, 1)
    a = np.full(nodes, -np.inf)
    a[0] = 0
    for node, into in enumerate(_into(nodes, arcs)):
        if len(into):
            a[node] = np.logaddexp.reduce(a[arcs.first[into]] + each[into])
    return a


def _from(nodes: int, arcs: Arcs, s: np.ndarray) -> np.ndarray:
    """The logarithm of the sum over all ways from each node to the last, (nodes,)."""
    reverse = arcs._replace(first=nodes - 1 - arcs.end, end=nodes - 1 - arcs.first)
    return _until(nodes, reverse, s)[::-1]


def log_sums(texts: Sequence[str], nodes: int, arcs: Arcs, s: np.ndarray) -> np.ndarray:
    """The logarithm of the sum over the ways that give each text, (len(texts),)."""
    longest = max(map(len, texts))
    labels = np.array([[int(c) for c in text.ljust(longest, "0")] for text in texts], np.int64)
    labels = labels.reshape(len(texts), longest)
    a = np.full((nodes, len(texts), longest + 1), -np.inf)
    a[0, :, 0] = 0
    for node, into in enumerate(_into(nodes, arcs)):
        if not len(into):
            continue
        before = a[arcs.first[into]]  # (arcs, texts, length)
        ways = before + s[into, MARK][:, None, None]
        ways[..., 1:] = np.logaddexp(ways[..., 1:], before[..., :-1] + s[into][:, labels])
        a[node] = np.logaddexp.reduce(ways, 0)
    return a[-1, np.arange(len(texts)), [len(text) for text in texts]]


def best_texts(nodes: int, arcs: Arcs, s: np.ndarray) -> list[Way]:
    """The likeliest texts of a line, the best first, with their exact probabilities: at most `READINGS`.

    A beam over the nodes finds them: it keeps the `BEAM` likeliest beginnings at each, and follows an arc's label
    where the ways through it are not hopeless.
    """
    before, after = _until(nodes, arcs, s), _from(nodes, arcs, s)
    through = before[arcs.first, None] + s + after[arcs.end, None] - before[-1]
    # text -> log of the sum over its ways so far, score of the best of these, its steps
    beams: list[dict[str, Beginning]] = [{"": (0.0, 0.0, None)}]
    for into in _into(nodes, arcs)[1:]:
        found: dict[str, Beginning] = {}
        least = min(HOPELESS, through[into].max())  # so that each node is reached
        for arc in into.tolist():
            labels = np.flatnonzero(through[arc] >= least).tolist()
            row = s[arc].tolist()
            for text, (log_sum, best, chosen) in beams[arcs.first[arc]].items():
                for label in labels:
                    step = row[label]
                    key = text if label == MARK else text + str(label)
                    old = found.get(key)
                    log_sum_so_far = log_sum + step if old is None else _log_add(old[0], log_sum + step)
                    if old is None or best + step > old[1]:
                        found[key] = (log_sum_so_far, best + step, (chosen, arc, label))
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
