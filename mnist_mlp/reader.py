"""A canvas → what is read: the one way that the page, the API, the command line and `classify` take.

The ink of each line is cut into pieces, every run of neighbouring pieces goes through the network as one digit,
and `mnist_mlp.lattice` sums over all ways through them. What is read, how sure, and what else it could be are
one probability distribution over texts, in which no number at all is one more text, "".
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mnist_mlp.box import Box, box_of
from mnist_mlp.canvas import SIDE, place_all, place_ink, to_canvas
from mnist_mlp.hints import LACKS, NO_NUMBER_HINT, not_sure
from mnist_mlp.ink import find_ink
from mnist_mlp.lattice import FEATURES, MARK, READINGS, Way, best_texts, features, measure, scores
from mnist_mlp.network import BLOCK, MAX_WEIGHT, Network, digit_score, read_files, read_json, softmax
from mnist_mlp.picture import PictureError
from mnist_mlp.pieces import MOST_ARCS, Arcs, Line, Pieces, arcs, cut, find_lines, ink_of

if TYPE_CHECKING:
    from typing_extensions import Self

READER_FILE = "reader.json"
MOST_DIGITS = 200
ARCS_AT_ONCE = 64  # arcs shown to the network at once
NO_NUMBER = ""  # the text of a drawing that is no number
NARROW = 0.6  # of the line's height: digits are mostly wider
MANY = 5  # digits: the terms of P(no number) tell no further
NOTABLE = 0.005  # probability of a reading that is worth showing

# The terms of P(no number), by name; a reader has a weight for each.
TERMS = ("one", "digit score", "marks", "one component", "narrow", "digits")


class Digit(NamedTuple):
    """One digit of what is read."""

    digit: int
    """0..9, as it is read."""
    probabilities: np.ndarray
    """(10,) float32"""
    pixels: np.ndarray
    """(28, 28) float32 in 0..1: what the network sees."""
    box: Box
    """Where it is, in canvas pixels."""


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
    """Logarithm of the sum over all ways that give the text."""
    of_all: float
    """Logarithm of the sum over all ways."""


class Reading(NamedTuple):
    """What is read on a canvas."""

    text: str
    """"42"; "" where there is no number. Lines are separated by line feeds."""
    confidence: float
    """0..1: the probability of `text`; 0 where nothing is drawn."""
    hint: str
    """Advice to the person who drew; "" where there is no doubt."""
    digits: tuple[Digit, ...]
    """From left to right, line by line. Where `text` is "": those of the likeliest number, if there is a likely one."""
    readings: dict[str, float]
    """The likeliest readings with their probabilities, the likeliest first; "" for no number. Empty where nothing
    is drawn."""
    sums: tuple[LineSum, ...] = ()
    """Why the likeliest number is read, line by line. P(number) is P(a number at all) times those of its lines."""
    marks: int = 0
    """Number of points, commas and dashes that are left out of `text`."""


class LineWays(NamedTuple):
    """What a line can be read as."""

    ways: list[Way]
    sum: LineSum
    """Why the likeliest text is read."""
    digits: tuple[Digit, ...]
    """The digits of the likeliest text."""
    score: float
    """Sum of their `digit_score`."""
    width: float
    """Width of the line, in shares of its height."""
    components: int
    """Number of connected components of its ink."""
    dots: int
    """Number of dots that are too small for a part of it."""


class ReaderWeights(NamedTuple):
    """What turns a network's logits into a reading: the contents of reader.json."""

    digit: np.ndarray
    """(len(FEATURES),) float64: weights of the features of an arc that is a digit."""
    mark: np.ndarray
    """(len(FEATURES),) float64: weights of the features of an arc that is a mark."""
    none: np.ndarray
    """(len(TERMS),) float64: weights of the terms of P(no number)."""
    sure: float
    """P(text | a number) below which a number is read with a hint."""
    doubt: float
    """P(no number) above which it is, too."""

    @classmethod
    def from_json(cls, given: Any) -> ReaderWeights:
        """Weights by name; a feature or a term without a weight has the weight 0.

        Raises:
            ValueError: it is not a reader's.
        """
        if not isinstance(given, dict):
            raise ValueError(f"the reader is a JSON object; got {type(given).__name__}")

        def weights(key: str, names: tuple[str, ...]) -> np.ndarray:
            values = given.get(key, {})
            known = isinstance(values, dict) and values.keys() <= set(names)
            if not known or not all(
                type(v) in (int, float) and abs(v) <= MAX_WEIGHT for v in values.values()
            ):
                raise ValueError(f'"{key}" has numbers by name, of {names}; got {values!r:.80}')
            return np.array([values.get(name, 0.0) for name in names], np.float64)

        def share(key: str) -> float:
            value = given.get(key)
            if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= 1:
                raise ValueError(f'"{key}" is a number in 0..1; got {value!r:.80}')
            return float(value)

        names = tuple(FEATURES)
        digit, mark, none = weights("digit", names), weights("mark", names), weights("none", TERMS)
        return cls(digit, mark, none, share("sure"), share("doubt"))

    def to_json(self) -> dict[str, Any]:
        """The contents of reader.json, with four decimals."""

        def by_name(names: tuple[str, ...], values: np.ndarray) -> dict[str, float]:
            return {name: round(float(value), 4) for name, value in zip(names, values)}

        names = tuple(FEATURES)
        return {
            "digit": by_name(names, self.digit),
            "mark": by_name(names, self.mark),
            "none": by_name(TERMS, self.none),
            "sure": self.sure,
            "doubt": self.doubt,
        }


# Of a network that has no reader yet: every way is as good, and all that is drawn is a number.
NEW_READER = ReaderWeights.from_json({"none": {"one": -MAX_WEIGHT}, "sure": 0.5, "doubt": 1.0})


class Reader(Network):
    """A network with what reads numbers.

    Args:
        weights, config: as of a `Network`.
        reader: as in reader.json; by default that of a network which has not learnt to read numbers.
    """

    def __init__(
        self, weights: dict[str, np.ndarray], config: dict[str, Any], reader: ReaderWeights = NEW_READER
    ):
        super().__init__(weights, config)
        self.reader = reader

    @classmethod
    def from_folder(cls, folder: Path) -> Self:
        """Read model.safetensors, config.json and, if there is one, reader.json.

        Raises:
            ValueError: they are not a reader's; the message names the file and the fault.
        """
        path, reader = folder / READER_FILE, NEW_READER
        weights, config = read_files(folder)
        if path.exists():
            reader = ReaderWeights.from_json(read_json(path, ReaderWeights.from_json))
        return cls(weights, config, reader)

    def read(self, canvas: np.ndarray) -> Reading:
        """Read the number that is drawn on a canvas.

        Args:
            canvas: uint8, (H, W), (H, W, 3) or (H, W, 4), as `to_mnist` takes it.

        Raises:
            TypeError: the canvas is not an array of uint8.
            ValueError: it has another shape.
            PictureError: it has more than 200 digits. This is a ValueError, too.
        """
        lack, lines = self.read_lines(canvas)
        if lack:
            return Reading("", 0.0, LACKS[lack], (), {})
        readings = {NO_NUMBER: 1.0}
        if lines:
            none = float(self.no_number(no_number_terms(lines)))
            likely = {"": 1.0}
            for line in lines:
                likely = _joined(likely, line.ways)
            readings = {text: p * (1 - none) for text, p in likely.items()}
            readings[NO_NUMBER] = readings.get(NO_NUMBER, 0.0) + none
        return self._conclude(dict(sorted(readings.items(), key=lambda reading: -reading[1])), lines)

    def read_lines(self, canvas: np.ndarray) -> tuple[str, list[LineWays]]:
        """What a canvas lacks, as `canvas.Placed` says it, and what each line with a digit can be read as."""
        ink = find_ink(canvas)
        placed = place_ink(ink)
        if placed.lack:
            return placed.lack, []
        found = find_lines(ink)
        read: list[LineWays] = []
        for line in found:
            whole = placed.pixels if len(found) == 1 else None
            read.append(self._read_line(line, ink, canvas, whole, MOST_ARCS // len(found)))
            digits = sum(len(each.digits) for each in read)
            if digits > MOST_DIGITS:
                raise PictureError(
                    f"Expected at most {MOST_DIGITS} digits in a picture; got {digits} or more."
                )
        return "", [line for line in read if line.ways[0].text]

    def no_number(self, terms: np.ndarray) -> float | np.ndarray:
        """P(no number) = σ(w · t), of a list of terms t: (..., len(TERMS)) to (...)."""
        return 1 / (1 + np.exp(np.minimum(-(terms @ self.reader.none), 700.0)))

    def no_digit(self, logits: np.ndarray) -> np.ndarray:
        """P(no number) of images that can be nothing but one digit: logits (n, 10) to (n,)."""
        terms = np.zeros((len(logits), len(TERMS)))
        terms[:, 0], terms[:, 1] = 1, digit_score(logits)
        return np.asarray(self.no_number(terms))

    def _read_line(
        self, line: Line, ink: np.ndarray, canvas: np.ndarray, whole: np.ndarray | None, most_arcs: int
    ) -> LineWays:
        pieces = cut(line.ink, most_arcs)
        every = arcs(pieces)
        phi, height, pixels, logits = self._see(pieces, every, whole)
        as_digit, as_mark = phi @ self.reader.digit, phi @ self.reader.mark
        s = scores(logits, height, as_digit, as_mark)
        ways = best_texts(len(pieces.cost), every, s)
        chosen = np.array(ways[0].digits, np.int64)
        digits = []
        for digit, arc, window in zip(ways[0].text, chosen, ink_of(pieces, every.some(chosen))):
            within = box_of(window > 0.5)
            assert within is not None  # `scores` takes an arc without ink for no digit
            box = to_canvas(line.to_picture(int(every.left[arc]), within), ink, canvas)
            digits.append(Digit(int(digit), softmax(logits[arc]), pixels[arc], box))
        terms = []
        for arc, label in ways[0].steps:
            part = 0.0 if height[arc] <= 0 else float((as_mark if label == MARK else as_digit)[arc])
            terms.append(Term("mark" if label == MARK else str(label), float(s[arc, label]) - part, part))
        line_sum = LineSum(ways[0].text, tuple(terms), ways[0].of_text, ways[0].of_all)
        score = float(digit_score(logits[chosen]).sum())
        width = line.ink.shape[1] / line.ink.shape[0]
        return LineWays(ways, line_sum, tuple(digits), score, width, line.components, line.dots)

    def _see(
        self, pieces: Pieces, every: Arcs, whole: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Features (m, len(FEATURES)), heights (m,), pixels (m, 28, 28) and logits (m, 10) of the arcs.

        Args:
            whole: the pixels of the arc that is the whole line, at the picture's own resolution, if known.
        """
        phi, height, pixels = [], [], []
        for start in range(0, len(every.start), ARCS_AT_ONCE):  # windows of a block are alike in width
            block = every.some(slice(start, start + ARCS_AT_ONCE))
            ink = ink_of(pieces, block)
            measures = measure(pieces, block, ink)
            phi.append(features(measures))
            height.append(measures.height)
            pixels.append(place_all(ink))
        placed = np.concatenate(pixels)
        if whole is not None:
            placed[(every.start == 0) & (every.end == len(pieces.cost) - 1)] = whole
        rows = placed.reshape(-1, SIDE * SIDE)
        logits = [self.forward(rows[i : i + BLOCK]).logits for i in range(0, len(rows), BLOCK)]
        return np.concatenate(phi), np.concatenate(height), placed, np.concatenate(logits)

    def _conclude(self, readings: dict[str, float], lines: list[LineWays]) -> Reading:
        (text, confidence), *others = readings.items()
        none = readings[NO_NUMBER]
        digits = tuple(digit for line in lines for digit in line.digits)
        sums = tuple(line.sum for line in lines)
        hint = ""
        if text == NO_NUMBER:
            hint = NO_NUMBER_HINT
            if len(digits) > 1 and (
                not others or others[0][1] < NOTABLE
            ):  # no likely number: nothing to show of it
                return Reading(text, confidence, hint, (), {text: confidence})
        elif confidence < self.reader.sure * (1 - none) or none > self.reader.doubt:
            hint = not_sure(text, others[0][0])
        marks = sum(term.label == "mark" for line in sums for term in line.terms)
        marks += sum(line.dots for line in lines)
        return Reading(text, confidence, hint, digits, readings, sums, marks)


def no_number_terms(lines: list[LineWays]) -> np.ndarray:
    """The terms of P(no number), (len(TERMS),): see `TERMS`.

    1, the mean `digit_score` of the digits of the likeliest text, and the marks for each digit. Where there are
    several digits: whether all of the ink is one component, as a letter's mostly is, how much narrower than `NARROW` a
    digit is, and how many they are.
    """
    digits = sum(len(line.digits) for line in lines)
    marks = sum(term.label == "mark" for line in lines for term in line.sum.terms)
    several = digits > 1
    one_component = sum(line.components for line in lines) == 1
    narrow = max(NARROW - sum(line.width for line in lines) / digits, 0.0)
    score = sum(line.score for line in lines) / digits
    return np.array(
        [1.0, score, marks / digits, several * one_component, several * narrow, several * min(digits, MANY)]
    )


def least_certain(digits: tuple[Digit, ...]) -> int:
    """The index of the digit that the network is least certain of; 0 where there are none."""
    return min(range(len(digits)), key=lambda i: digits[i].probabilities.max(), default=0)


def _joined(readings: dict[str, float], ways: list[Way]) -> dict[str, float]:
    """The readings so far with those of one more line, the likeliest first."""
    products: dict[str, float] = {}
    for (text, p), way in itertools.product(readings.items(), ways):
        both = "\n".join(filter(None, (text, way.text)))
        products[both] = products.get(both, 0.0) + p * math.exp(way.log_probability)
    return dict(sorted(products.items(), key=lambda reading: -reading[1])[:READINGS])
