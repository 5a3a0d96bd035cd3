"""A canvas → what is read: the one way that the page, the API, the command line and `classify` take.

The ink is cut into pieces, each run of neighbouring pieces is shown to the network as one digit, and the best
way through the runs is the reading (Liu, Sako and Fujisawa 2004).
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from mnist_mlp.canvas import SIDE, Placed, place_all, place_ink, to_canvas
from mnist_mlp.ink import find_ink
from mnist_mlp.network import Network, shipped, softmax
from mnist_mlp.pieces import Pieces, Runs, cut, find_lines, runs

MOST_DIGITS = 200
KEPT = 10  # readings considered, and the best ways kept at each cut
SURE = 0.98  # one digit that is at least so likely to be one is not taken apart

# The prior, fitted on numbers made of MNIST's training digits.
PER_CUT = -0.3
PER_INK = -2.0
MARK = -2.0
NO_DIGIT = 9.0  # of networks that were not trained to know it


class Digit(NamedTuple):
    """One digit of what is read."""

    digit: int
    """The likeliest, 0..9."""
    probabilities: np.ndarray
    """(10,) float32"""
    pixels: np.ndarray
    """(28, 28) float32 in 0..1: what the network sees."""
    box: tuple[int, int, int, int]
    """Left, top, right, bottom in canvas pixels; right and bottom are exclusive."""


class Reading(NamedTuple):
    """What is read on a canvas."""

    text: str
    """"42"; "" where nothing can be read; lines are parted by a line feed."""
    confidence: float
    """0..1: the probability of `text`; 0 where there is none."""
    hint: str
    """What to tell the person who drew; "" where there is no doubt."""
    digits: tuple[Digit, ...]
    """From left to right, line by line."""
    readings: dict[str, float]
    """Every reading considered, the likeliest first, with its probability: they sum to 1."""


class Way(NamedTuple):
    """One way through the runs of a line."""

    score: float
    text: str
    runs: tuple[int, ...]
    """Which runs are its digits."""


def read(canvas: np.ndarray, network: str | Network = "relu") -> Reading:
    """Read the number that is drawn on a canvas.

    Args:
        canvas: uint8, (H, W), (H, W, 3) or (H, W, 4), as `to_mnist` takes it.
        network: "relu" or "sigmoid" for a shipped one, or a network.

    Raises:
        TypeError: the canvas is not an array of uint8.
        ValueError: another shape, no such network, or more than 200 digits.
    """
    net = network if isinstance(network, Network) else _shipped(network)
    ink = find_ink(canvas)
    placed = place_ink(ink)
    if placed.hint:
        return Reading("", 0.0, placed.hint, (), {})
    logits = net.forward(placed.pixels).logits
    if _is_one_digit(logits, placed.box, net):
        return _one_digit(logits, placed._replace(box=to_canvas(placed.box, ink, canvas)), net)
    lines = [_read_line(line, net) for line in find_lines(ink)]
    lines = [line for line in lines if line[0]]
    if not lines:
        return Reading("", 0.0, "That does not look like a digit.", (), {})
    readings = {"": 1.0}
    digits: list[Digit] = []
    for ways, found in lines:
        likely = {
            f"{text}\n{more}" if text else more: p * q
            for text, p in readings.items()
            for more, q in ways.items()
        }
        readings = dict(sorted(likely.items(), key=lambda item: -item[1])[:KEPT])
        digits += [d._replace(box=to_canvas(d.box, ink, canvas)) for d in found]
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"expected a number of at most {MOST_DIGITS} digits; got {len(digits)}")
    total = sum(readings.values())
    readings = {text: p / total for text, p in readings.items()}
    text, confidence = next(iter(readings.items()))
    return Reading(text, confidence, _hint(readings, net), tuple(digits), readings)


def _is_one_digit(logits: np.ndarray, box: tuple[int, int, int, int], net: Network) -> bool:
    left, top, right, bottom = box
    if right - left > 1.2 * (bottom - top):
        return False
    if "no_digit_below" not in net.config:
        return True
    shifted = np.append(logits - _no_digit(net), 0)
    return bool(np.logaddexp.reduce(shifted[:10]) - np.logaddexp.reduce(shifted) > np.log(SURE))


def _one_digit(logits: np.ndarray, placed: Placed, net: Network) -> Reading:
    probabilities = softmax(logits)
    order = np.argsort(probabilities)[::-1]
    readings = {str(d): float(probabilities[d]) for d in order}
    digit = Digit(int(order[0]), probabilities, placed.pixels, placed.box)
    return Reading(str(order[0]), float(probabilities[order[0]]), _hint(readings, net), (digit,), readings)


def _no_digit(net: Network) -> float:
    """The logit of no digit: 0 in a network that was trained to know it."""
    return 0.0 if "no_digit_below" in net.config else NO_DIGIT


def _read_line(line: Any, net: Network) -> tuple[dict[str, float], list[Digit]]:
    pieces = cut(line.ink)
    candidates = runs(pieces)
    clear = candidates.ink.max((1, 2)) > 0.5
    candidates = Runs(*(each[clear] for each in candidates))
    pixels = place_all(candidates.ink)
    logits = net.forward(pixels.reshape(len(pixels), SIDE * SIDE)).logits
    scores = score(pieces, candidates, logits - np.float32(_no_digit(net)))
    ways = best_ways(len(pieces.cost) - 1, candidates.first, candidates.end, scores)
    ways = [way for way in ways if way.text]
    if not ways:
        return {}, []
    relative = np.exp(np.array([way.score for way in ways]) - ways[0].score)
    relative /= relative.sum()
    probabilities = softmax(logits)
    digits = [
        Digit(int(c), probabilities[i], pixels[i], line.box_of(candidates, i))
        for c, i in zip(ways[0].text, ways[0].runs)
    ]
    return {way.text: float(p) for way, p in zip(ways, relative)}, digits


def score(pieces: Pieces, candidates: Runs, logits: np.ndarray) -> np.ndarray:
    """Log-probabilities of each run as each digit, and as a mark beside the digits: (m, 11)."""
    height = len(pieces.ink)
    logits = logits.astype(np.float64)
    any_digit = np.logaddexp.reduce(np.pad(logits, ((0, 0), (1, 0))), 1, keepdims=True)
    rows = candidates.ink.max(2) > 0.5
    tall = rows.sum(1) / height
    mark = np.where(tall < 0.4, MARK - 4 * tall, -50)[:, None] - any_digit
    cost = np.concatenate([[0], np.cumsum(pieces.cost)])
    inside = cost[candidates.end] - cost[candidates.first + 1]
    edges = PER_CUT + PER_INK * pieces.cost[candidates.end]
    edges = np.where(candidates.end == len(pieces.cost) - 1, 0, edges)
    size = np.where(tall < 0.35, -3 * (0.35 - tall) / 0.1, 0)
    return (
        np.concatenate([logits - any_digit + size[:, None], mark], 1) + edges[:, None] + 0 * inside[:, None]
    )


def best_ways(pieces: int, first: np.ndarray, end: np.ndarray, scores: np.ndarray) -> list[Way]:
    """The best ways through a line, one for each text, the best first: dynamic programming over the cuts.

    Args:
        pieces: how many.
        first, end: (m,) the runs.
        scores: (m, 11) of each run as each digit, and as a mark that is left out.
    """
    best: list[list[Way]] = [[Way(0.0, "", ())]]
    for at in range(1, pieces + 1):
        found: dict[str, Way] = {}
        ending = np.flatnonzero(end == at)
        starts = [best[first[run]] for run in ending]
        if not sum(map(len, starts)):
            best.append([])
            continue
        base = np.array([way.score for ways in starts for way in ways])
        which = [(run, way) for run, ways in zip(ending.tolist(), starts) for way in ways]
        run_of = np.repeat(ending, [len(ways) for ways in starts])
        total = base[:, None] + scores[run_of]
        for flat in np.argsort(total, axis=None)[::-1][: 6 * KEPT].tolist():
            (run, way), label = which[flat // 11], flat % 11
            text = way.text + str(label) if label < 10 else way.text
            if text not in found:
                found[text] = Way(float(total.flat[flat]), text, (*way.runs, run) if label < 10 else way.runs)
                if len(found) == KEPT:
                    break
        best.append(list(found.values()))
    return best[-1]


@cache
def _shipped(name: str) -> Network:
    # Not `mnist_mlp.load`: importing the Hub's client takes longer than reading a hundred pictures.
    return Network.from_folder(shipped(name))


def _hint(readings: dict[str, float], net: Network) -> str:
    threshold: Any = net.config.get("not_sure_below", 0.5)
    (first, p), *rest = readings.items()
    if p >= threshold or not rest:
        return ""
    second = rest[0][0]
    return f"Not sure: it could be {_a(first)} or {_a(second)}."


def _a(number: str) -> str:
    if len(number) > 1:
        return number
    return f"an {number}" if number == "8" else f"a {number}"
