"""A canvas → what is read: the one way that the page, the API, the command line and `classify` take.

The ink is cut into pieces, every run of neighbouring pieces is shown to the network as one digit, and the
likeliest way through the runs is the reading (Liu, Sako and Fujisawa 2004, "Effects of classifier structures
and training regimes on integrated segmentation and recognition of handwritten numeral strings").
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from mnist_mlp.canvas import SIDE, Placed, place_all, place_ink, to_canvas
from mnist_mlp.ink import find_ink
from mnist_mlp.network import Network, digit_score, shipped, softmax
from mnist_mlp.picture import PictureError
from mnist_mlp.pieces import FREE, Line, Pieces, Runs, between, cut, cut_at_gaps, find_lines, runs, show
from mnist_mlp.prior import run_scores

MOST_DIGITS = 200
KEPT = 10  # readings considered, and ways kept at each cut
BLOCK = 64  # runs shown to the network at once
LABELS = 11  # ten digits, and a mark that is left out of the text
SURE = math.log(0.65)  # a drawing that is one digit so likely is not cut
PLAIN = math.log(0.9)  # a part that is one digit so likely is not cut
PLAIN_WIDTH = 1.0  # of the line's height: a part that is wider is cut
WIDE = 2.0  # of its height: one that is wider is cut, however sure the network is
NOT_READ = -1.5  # the mean log-probability of a number's digits, below which it is none
WEAKEST = math.log(0.95)  # of a number's digits: below it, there is doubt
SURE_NUMBER = 0.7  # a number that is less likely is read with a hint
DOUBT = 1.5  # by how much the score may lack for a digit that is read with a hint
NO_DIGIT = "That does not look like a digit."


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
    """"42"; "" where nothing can be read. Lines are separated by line feeds."""
    confidence: float
    """0..1: the probability of `text`; 0 where there is none."""
    hint: str
    """Advice to the person who drew; "" where there is no doubt."""
    digits: tuple[Digit, ...]
    """From left to right, line by line; where `text` is "", what the drawing is nearest to."""
    readings: dict[str, float]
    """Every reading considered, the likeliest first, with its probability: they sum to 1."""


class Seen(NamedTuple):
    """A canvas before the network has seen it."""

    canvas: np.ndarray
    ink: np.ndarray
    placed: Placed
    """All of the ink, as if it were one digit."""


class Way(NamedTuple):
    """One way through the runs of a line."""

    score: float
    """The logarithm of its probability, up to a constant."""
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
        ValueError: another shape, or no such network.
        PictureError: more than 200 digits; it is a ValueError, too.
    """
    net = network if isinstance(network, Network) else shipped_network(network)
    seen = look(canvas)
    return decide(seen, net.forward(seen.placed.pixels.reshape(SIDE * SIDE)).logits, net)


def look(canvas: np.ndarray) -> Seen:
    """The part of `read` that comes before the network."""
    ink = find_ink(canvas)
    placed = place_ink(ink)
    return Seen(canvas, ink, placed._replace(box=to_canvas(placed.box, ink, canvas)))


def decide(seen: Seen, logits: np.ndarray, net: Network) -> Reading:
    """The part of `read` that comes after the network has seen all of the ink as one digit: logits (10,)."""
    if seen.placed.hint:
        return Reading("", 0.0, seen.placed.hint, (), {})
    left, top, right, bottom = seen.placed.box
    whole = Found(Digit(int(logits.argmax()), softmax(logits), seen.placed.pixels, seen.placed.box), logits)
    if right - left <= WIDE * (bottom - top) and _is_digit(logits) >= SURE:
        return _one_digit(whole, net, logits)
    lines: list[dict[str, float]] = []
    every: list[Found] = []
    for line in find_lines(seen.ink):
        ways, found = _read_line(line, seen, net)
        lines += [ways] if found else []
        every += found
        if len(every) > MOST_DIGITS:
            raise PictureError(
                f"Expected at most {MOST_DIGITS} digits in a picture; got {len(every)} or more."
            )
    if len(every) < 2:
        return _one_digit(every[0] if every else whole, net, whole.logits)
    readings = _joined(lines)
    digits = tuple(found.digit for found in every)
    likely = np.array([_is_digit(found.logits) for found in every])
    if likely.mean() < NOT_READ:
        return Reading("", 0.0, NO_DIGIT, digits, readings)
    (text, confidence), *_ = readings.items()
    doubt = confidence < SURE_NUMBER or likely.min() < WEAKEST
    return Reading(text, confidence, _not_sure(readings) if doubt else "", digits, readings)


class Found(NamedTuple):
    digit: Digit
    logits: np.ndarray


def _one_digit(found: Found, net: Network, whole: np.ndarray) -> Reading:
    """The reading of a drawing that has one digit; `whole` (10,) are the logits of all of its ink."""
    digit, logits = found
    order = np.argsort(digit.probabilities)[::-1]
    readings = {str(d): float(digit.probabilities[d]) for d in order}
    lowest: Any = net.config.get("no_digit_below", -math.inf)
    lacks = lowest - float(digit_score(logits))
    if lacks > DOUBT:
        return Reading("", 0.0, NO_DIGIT, (digit,), readings)
    confidence = float(digit.probabilities[order[0]])
    hint = _not_sure(readings) if confidence < _threshold(net) else ""
    if lacks > 0 or digit_score(whole) < lowest:
        hint = f"Not sure: it could be {_a(str(order[0]))}, or no digit."
    return Reading(str(order[0]), confidence, hint, (digit,), readings)


def _read_line(line: Line, seen: Seen, net: Network) -> tuple[dict[str, float], list[Found]]:
    """The readings of a line with their probabilities, and the digits of the likeliest."""
    pieces = _pieces(line.ink, net)
    candidates = runs(pieces)
    if not len(candidates.first):
        return {}, []
    scores, logits, pixels = _run_scores(pieces, candidates, net)
    ways = best_ways(len(pieces.at) - 1, candidates.first, candidates.end, scores)
    ways = [way for way in ways if way.text and way.score > -np.inf]
    if not ways:
        return {}, []
    likely = softmax(np.array([way.score for way in ways]))
    chosen = np.array(ways[0].runs)
    windows = show(pieces, candidates.some(chosen))
    found = []
    for digit, run, window in zip(ways[0].text, ways[0].runs, windows):
        box = to_canvas(line.box(int(candidates.left[run]), window), seen.ink, seen.canvas)
        found.append(Found(Digit(int(digit), softmax(logits[run]), pixels[run], box), logits[run]))
    return {way.text: float(p) for way, p in zip(ways, likely)}, found


def _pieces(ink: np.ndarray, net: Network) -> Pieces:
    """The pieces of a line. What stands by itself and is plainly one digit is not cut."""
    pieces = cut_at_gaps(ink)
    doubtful = np.ones(len(pieces.at) - 1, bool)
    for first, _ in _plain(pieces, net):
        doubtful[first] = False
    if not doubtful.any():
        return pieces
    pieces = cut(pieces, doubtful)
    keep = np.ones(len(pieces.at), bool)
    for first, end in _plain(pieces, net):  # slanted gaps are found by cutting
        keep[first + 1 : end] = False
    return pieces.some(keep)


def _plain(pieces: Pieces, net: Network) -> list[tuple[int, int]]:
    """Between which gaps there is plainly one digit."""
    gaps = np.flatnonzero(pieces.cost < FREE)
    middle = pieces.at.mean(1)
    apart = between(pieces, gaps[:-1], gaps[1:])
    apart = apart.some(middle[apart.end] - middle[apart.first] <= PLAIN_WIDTH * len(pieces.ink))
    if not len(apart.first):
        return []
    _, logits, _ = _run_scores(pieces, apart, net)
    likely = np.array([_is_digit(digit) for digit in logits]) >= PLAIN
    return list(zip(apart.first[likely].tolist(), apart.end[likely].tolist()))


def _run_scores(pieces: Pieces, runs: Runs, net: Network) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores (m, 11), logits (m, 10) and pixels (m, 28, 28) of the runs."""
    blocks = [runs.some(slice(i, i + BLOCK)) for i in range(0, len(runs.first), BLOCK)]
    scores, logits, pixels = zip(*(_block_scores(pieces, block, net) for block in blocks))
    return np.concatenate(scores), np.concatenate(logits), np.concatenate(pixels)


def _block_scores(pieces: Pieces, runs: Runs, net: Network) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    ink = show(pieces, runs)
    there = ink.max((1, 2)) > 0.5
    pixels = np.zeros((len(ink), SIDE, SIDE), np.float32)
    pixels[there] = place_all(ink[there])
    logits = net.forward(pixels.reshape(-1, SIDE * SIDE)).logits
    scores = run_scores(pieces, runs, ink, logits)
    scores[~there] = [-np.inf] * 10 + [0.0]  # too faint for a digit, or for a mark
    return scores, logits, pixels


def best_ways(pieces: int, first: np.ndarray, end: np.ndarray, scores: np.ndarray) -> list[Way]:
    """The best ways through a line, the best of each text, the best first: dynamic programming over the cuts.

    Args:
        pieces: how many.
        first, end: (m,) int, the runs: pieces first..end - 1.
        scores: (m, 11) of each run as each digit, and as a mark that is left out of the text.

    Returns:
        At most `KEPT` ways. The score of a way is the sum of its runs' scores.
    """
    best = [[Way(0.0, "", ())]]
    for at in range(1, pieces + 1):
        begun = [(run, way) for run in np.flatnonzero(end == at).tolist() for way in best[first[run]]]
        found: dict[str, Way] = {}
        if begun:
            total = np.array([way.score for _, way in begun])[:, None] + scores[[run for run, _ in begun]]
            for score, i in _descending(total):
                (run, way), label = begun[i // LABELS], i % LABELS
                digit = str(label) if label < 10 else ""
                text = way.text + digit
                if text not in found:
                    found[text] = Way(score, text, (*way.runs, run) if digit else way.runs)
                    if len(found) == KEPT:
                        break
        best.append(list(found.values()))
    return best[-1]


def _descending(scores: np.ndarray) -> Iterator[tuple[float, int]]:
    """The scores and their places, the highest first."""
    flat = scores.ravel()
    few = min(64, len(flat))  # nearly always enough
    top = np.argpartition(flat, len(flat) - few)[len(flat) - few :]
    top = top[np.argsort(flat[top])[::-1]]
    yield from zip(flat[top].tolist(), top.tolist())
    if few < len(flat):
        rest = np.argsort(flat)[::-1][few:]
        yield from zip(flat[rest].tolist(), rest.tolist())


def _joined(lines: list[dict[str, float]]) -> dict[str, float]:
    """The readings of all lines together, the likeliest first."""
    readings = {"": 1.0}
    for ways in lines:
        products = {
            f"{text}\n{line}" if text else line: p * q
            for text, p in readings.items()
            for line, q in ways.items()
        }
        readings = dict(sorted(products.items(), key=lambda reading: -reading[1])[:KEPT])
    total = sum(readings.values())
    return {text: p / total for text, p in readings.items()}


@cache
def shipped_network(name: str) -> Network:
    """A network that comes with the package, "relu" or "sigmoid"."""
    # Not `mnist_mlp.load`: importing the Hub's client takes longer than reading a hundred pictures.
    return Network.from_folder(shipped(name))


def _is_digit(logits: np.ndarray) -> float:
    """log P(it is a digit), where no digit is a class whose logit is 0."""
    return -float(np.logaddexp(0, -np.logaddexp.reduce(logits)))


def _threshold(net: Network) -> float:
    threshold: Any = net.config.get("not_sure_below", 0.5)
    return float(threshold)


def _not_sure(readings: dict[str, float]) -> str:
    first, second = itertools.islice(map(_a, readings), 2) if len(readings) > 1 else (*map(_a, readings), "")
    return f"Not sure: it could be {first} or {second}." if second else f"Not sure: it could be {first}."


def _a(number: str) -> str:
    number = number.replace("\n", " ")
    if len(number) > 1:
        return number
    return f"an {number}" if number == "8" else f"a {number}"
