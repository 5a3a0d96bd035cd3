"""A canvas → what is read: the one way that the page, the API, the command line and `classify` take.

The ink of each line is cut into pieces, every run of neighbouring pieces goes through the network as one digit,
and `mnist_mlp.lattice` sums over all ways through them. What is read, how sure, and what else it could be are
one probability distribution over texts, in which no number at all is one more text, "".
"""

from __future__ import annotations

import itertools
import math
from functools import cache
from typing import NamedTuple

import numpy as np

from mnist_mlp.box import Box, box_of
from mnist_mlp.canvas import SIDE, Placed, place_all, place_ink, to_canvas
from mnist_mlp.hints import LACKS, NO_DIGIT, not_sure
from mnist_mlp.ink import find_ink
from mnist_mlp.lattice import MARK, NEVER, READINGS, Way, best_texts, features, scores
from mnist_mlp.network import Network, digit_score, shipped, softmax
from mnist_mlp.picture import PictureError
from mnist_mlp.pieces import MOST_ARCS, Arcs, Line, Pieces, arcs, cut, find_lines, ink_of

MOST_DIGITS = 200
ARCS_AT_ONCE = 64  # arcs shown to the network at once
NO_NUMBER = ""  # the text of a drawing that is no number
PLAIN = 2.0  # the digit_score from which on a drawing that is not wide is one digit, however it could be cut
NARROW = 0.6  # of the line's height: digits are mostly wider
WIDE = 1.0  # of its height: a drawing that is wider may be several digits


class Digit(NamedTuple):
    """One digit of what is read."""

    digit: int
    """As it is read, 0..9."""
    probabilities: np.ndarray
    """(10,) float32"""
    pixels: np.ndarray
    """(28, 28) float32 in 0..1: what the network sees."""
    box: Box
    """In canvas pixels."""


class Term(NamedTuple):
    """One arc of the likeliest way through a line's lattice."""

    label: str
    """"0".."9", or "mark" for what is left out of the text."""
    network: float
    """log P(label | arc)"""
    features: float
    """What the arc's size and place add."""


class LineSum(NamedTuple):
    """Why a line is read as it is: P(text) = exp(of_text - of_all)."""

    text: str
    terms: tuple[Term, ...]
    """Those of the likeliest way that gives the text."""
    of_text: float
    """The logarithm of the sum over all ways that give the text."""
    of_all: float
    """The logarithm of the sum over all ways."""


class Reading(NamedTuple):
    """What is read on a canvas."""

    text: str
    """"42"; "" where there is no number. Lines are separated by line feeds."""
    confidence: float
    """0..1: the probability of `text`; 0 where nothing is drawn."""
    hint: str
    """Advice to the person who drew; "" where there is no doubt."""
    digits: tuple[Digit, ...]
    """From left to right, line by line; where `text` is "", those of the likeliest number."""
    readings: dict[str, float]
    """The likeliest readings with their probabilities, the likeliest first; "" for no number. Empty where nothing
    is drawn."""
    sums: tuple[LineSum, ...] = ()
    """Of the likeliest number, line by line. Its probability is P(a number at all) times those of the lines."""


class Seen(NamedTuple):
    """A canvas before the network has seen it."""

    canvas: np.ndarray
    ink: np.ndarray
    placed: Placed
    """All of the ink, as if it were one digit."""


class LineWays(NamedTuple):
    """What a line can be read as."""

    ways: list[Way]
    sum: LineSum
    """Of the likeliest text."""
    digits: tuple[Digit, ...]
    """Of the likeliest text."""
    score: float
    """The sum of their `digit_score`."""
    width: float = 1.0
    """Of the line, in shares of its height."""
    parts: int = 1
    """How many separate ones its ink has."""


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
    if seen.placed.lack:
        return Reading("", 0.0, LACKS[seen.placed.lack], (), {})
    lines = read_lines(seen, logits, net)
    if not lines:
        return _conclude({NO_NUMBER: 1.0}, [_plain_digit(seen, logits)], net)
    terms = no_number_terms(lines)
    none = 1 / (1 + math.exp(min(-float(terms @ net.reader.none), 700.0)))
    readings = {"": 1.0}
    for line in lines:
        readings = _joined(readings, line.ways)
    likely = {text: p * (1 - none) for text, p in readings.items()}
    likely[NO_NUMBER] = likely.get(NO_NUMBER, 0.0) + none
    return _conclude(dict(sorted(likely.items(), key=lambda reading: -reading[1])), lines, net)


def _is_plain(seen: Seen, whole: float) -> bool:
    """A short cut: whether the drawing is so clearly one digit that the lattice is not asked.

    It takes a tenth of the time. In about one drawing of a hundred the lattice would have had a hint.
    """
    left, top, right, bottom = seen.placed.box
    return whole >= PLAIN and right - left <= WIDE * (bottom - top)


def _plain_digit(seen: Seen, logits: np.ndarray) -> LineWays:
    probabilities = softmax(logits)
    order = np.argsort(probabilities)[::-1].tolist()
    whole = float(digit_score(logits))
    of_all = -float(np.logaddexp(0, -whole))  # log P(a digit)
    of_texts = of_all + np.log(np.maximum(probabilities.astype(float), 1e-30))
    ways = [Way(str(d), float(of_texts[d]), of_all, ((0, d),)) for d in order]
    best = ways[0]
    digit = Digit(order[0], probabilities, seen.placed.pixels, seen.placed.box)
    terms = (Term(best.text, best.of_text, 0.0),)
    return LineWays(ways, LineSum(best.text, terms, best.of_text, of_all), (digit,), whole)


def no_number_terms(lines: list[LineWays]) -> np.ndarray:
    """What P(no number) is a logistic of, (NO_NUMBER_TERMS,).

    1, the mean `digit_score` of the digits of the likeliest text, and the marks for each digit. Where they are
    several digits: whether all of the ink is one part, as a letter's mostly is, how much narrower than `NARROW` a
    digit is, and how many they are.
    """
    digits = sum(len(line.digits) for line in lines)
    marks = sum(term.label == "mark" for line in lines for term in line.sum.terms)
    several = digits > 1
    one_part = sum(line.parts for line in lines) == 1
    narrow = max(NARROW - sum(line.width for line in lines) / digits, 0.0)
    score = sum(line.score for line in lines) / digits
    return np.array([1.0, score, marks / digits, several * one_part, several * narrow, several * digits])


def no_digit(logits: np.ndarray, net: Network) -> np.ndarray:
    """P(no number) of drawings that can be nothing but one digit: logits (n, 10) to (n,)."""
    constant, slope = net.reader.none[:2]
    return 1 / (1 + np.exp(np.minimum(-(constant + slope * digit_score(logits)), 700)))


def _conclude(readings: dict[str, float], lines: list[LineWays], net: Network) -> Reading:
    (text, confidence), *_ = readings.items()
    hint = ""
    if text == NO_NUMBER:
        hint = NO_DIGIT
    elif confidence < net.reader.sure * (1 - readings[NO_NUMBER]) or readings[NO_NUMBER] > net.reader.doubt:
        hint = not_sure(*itertools.islice(readings, 2))
    digits = tuple(digit for line in lines for digit in line.digits)
    return Reading(text, confidence, hint, digits, readings, tuple(line.sum for line in lines))


def read_lines(seen: Seen, logits: np.ndarray, net: Network) -> list[LineWays]:
    """What each line with a digit can be read as."""
    if _is_plain(seen, float(digit_score(logits))):
        return [_plain_digit(seen, logits)]
    lines = find_lines(seen.ink)
    read: list[LineWays] = []
    digits = 0
    for line in lines:
        read.append(_read_line(line, seen, net, len(lines)))
        digits += len(read[-1].digits)
        if digits > MOST_DIGITS:
            raise PictureError(f"Expected at most {MOST_DIGITS} digits in a picture; got {digits} or more.")
    return [line for line in read if line.ways and line.ways[0].text]


def _read_line(line: Line, seen: Seen, net: Network, lines: int) -> LineWays:
    pieces = cut(line.ink, MOST_ARCS // lines)
    every = arcs(pieces)
    phi, logits, pixels = _see(pieces, every, net, seen.placed.pixels if lines == 1 else None)
    s = scores(logits, phi, net.reader.digit, net.reader.mark)
    clear = s[:, 0] > NEVER  # an arc that is too faint for a digit is a mark, and counts nothing
    nodes = len(pieces.cost)
    ways = best_texts(nodes, every, s)
    chosen = np.array(ways[0].arcs, np.int64)
    windows = ink_of(pieces, every.some(chosen))
    found = []
    for digit, arc, window in zip(ways[0].text, chosen, windows):
        within = box_of(window > 0.5)
        assert within is not None  # `scores` takes an arc without ink for no digit
        box = line.to_picture(int(every.left[arc]), within)
        found.append(
            Digit(int(digit), softmax(logits[arc]), pixels[arc], to_canvas(box, seen.ink, seen.canvas))
        )
    score = float(digit_score(logits[chosen]).sum())
    height, width = line.ink.shape
    features_part = np.concatenate([np.tile(phi @ net.reader.digit, (10, 1)), [phi @ net.reader.mark]])
    terms = tuple(
        Term("mark" if label == MARK else str(label), float(s[arc, label] - part), part)
        for arc, label in ways[0].steps
        for part in [float(features_part[label, arc]) if clear[arc] else 0.0]
    )
    line_sum = LineSum(ways[0].text, terms, ways[0].of_text, ways[0].of_all)
    return LineWays(ways, line_sum, tuple(found), score, width / height, line.parts)


def least_certain(digits: tuple[Digit, ...]) -> int:
    """Which of the digits the network is least certain of; 0 where there are none."""
    return min(range(len(digits)), key=lambda i: digits[i].probabilities.max(), default=0)


def _see(
    pieces: Pieces, every: Arcs, net: Network, whole: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """phi (m, FEATURES), logits (m, 10) and pixels (m, 28, 28) of the arcs.

    Args:
        whole: the pixels of the arc that is the whole line, at the picture's own resolution, if known.
    """
    phi, pixels = [], []
    for start in range(0, len(every.first), ARCS_AT_ONCE):  # windows of a block are alike in width
        block = every.some(slice(start, start + ARCS_AT_ONCE))
        ink = ink_of(pieces, block)
        phi.append(features(pieces, block, ink))
        pixels.append(place_all(ink))
    placed = np.concatenate(pixels)
    if whole is not None:
        placed[(every.first == 0) & (every.end == len(pieces.cost) - 1)] = whole
    rows = placed.reshape(-1, SIDE * SIDE)
    logits = np.concatenate([net.forward(rows[i : i + 384]).logits for i in range(0, len(rows), 384)])
    return np.concatenate(phi), logits, placed


def _joined(readings: dict[str, float], ways: list[Way]) -> dict[str, float]:
    """The readings so far with those of one more line, the likeliest first."""
    products: dict[str, float] = {}
    for (text, p), way in itertools.product(readings.items(), ways):
        both = "\n".join(filter(None, (text, way.text)))
        products[both] = products.get(both, 0.0) + p * math.exp(way.log_probability)
    return dict(sorted(products.items(), key=lambda reading: -reading[1])[:READINGS])


@cache
def shipped_network(name: str) -> Network:
    """A network that comes with the package, "relu" or "sigmoid"."""
    # Not `mnist_mlp.load`: importing the Hub's client takes longer than reading a hundred pictures.
    return Network.from_folder(shipped(name))
