"""`read` against brute force over all groupings, and numbers made of MNIST's digits."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from mnist_mlp import load, read, to_mnist
from mnist_mlp.picture import PictureError
from mnist_mlp.reader import KEPT, best_ways
from mnist_mlp.training.data import Mnist
from mnist_mlp.training.numbers import make


def lattice(pieces: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every run of up to five of the pieces, with scores by chance."""
    rng = np.random.default_rng(seed)
    first, end = np.triu_indices(pieces + 1, 1)
    short = end - first <= 5
    first, end = first[short], end[short]
    return first, end, np.log(rng.dirichlet(np.full(11, 0.2), len(first)))


def all_groupings(pieces: int, first: np.ndarray, end: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """The best score of each text, over all 2^(n-1) ways to group the pieces and all labels of each group."""
    number = {(a, b): i for i, (a, b) in enumerate(zip(first.tolist(), end.tolist()))}
    best: dict[str, float] = {}
    for cuts in itertools.product((False, True), repeat=pieces - 1):
        bounds = [0, *(i + 1 for i, cut in enumerate(cuts) if cut), pieces]
        groups = list(itertools.pairwise(bounds))
        if any(group not in number for group in groups):
            continue
        texts = {"": 0.0}
        for group in groups:
            row = scores[number[group]]
            longer: dict[str, float] = {}
            for text, score in texts.items():
                for label in range(11):
                    new = text + (str(label) if label < 10 else "")
                    longer[new] = max(longer.get(new, -np.inf), score + row[label])
            # More than are compared below: the rest cannot come back.
            texts = dict(sorted(longer.items(), key=lambda item: -item[1])[:200])
        for text, score in texts.items():
            best[text] = max(best.get(text, -np.inf), score)
    return best


@pytest.mark.parametrize("pieces", range(1, 9))
@pytest.mark.parametrize("seed", range(3))
def test_the_best_ways_are_those_of_all_groupings(pieces: int, seed: int) -> None:
    first, end, scores = lattice(pieces, 10 * pieces + seed)
    expected = sorted(all_groupings(pieces, first, end, scores).items(), key=lambda item: -item[1])[:KEPT]
    ways = best_ways(pieces, first, end, scores)
    assert [way.text for way in ways] == [text for text, _ in expected]
    assert np.allclose([way.score for way in ways], [score for _, score in expected])


def test_a_way_names_the_runs_of_its_digits() -> None:
    first, end, scores = lattice(6, 1)
    for way in best_ways(6, first, end, scores):
        assert len(way.runs) == len(way.text)
        assert all(end[a] <= first[b] for a, b in itertools.pairwise(way.runs))


def numbers(mnist: Mnist, n: int, digits: int) -> Any:
    for seed in range(n):
        rng = np.random.default_rng(seed)
        some = rng.integers(50_000, 60_000, digits)
        yield make(mnist.x_train[some], mnist.y_train[some], rng)


def test_numbers_of_mnist_s_digits_are_read(mnist: Mnist) -> None:
    readings = [(read(number.canvas), number) for number in numbers(mnist, 40, 3)]
    assert np.mean([reading.text == number.text for reading, number in readings]) >= 0.75
    away = []  # by how many pixels a box is off; a digit that reaches over its neighbour is cut
    for reading, number in readings:
        if reading.text != number.text:
            continue
        for digit, ink in zip(reading.digits, number.ink):
            rows, columns = np.flatnonzero((ink > 0.5).any(1)), np.flatnonzero((ink > 0.5).any(0))
            box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
            away.append(np.abs(np.array(digit.box) - box).max())
    assert np.median(away) <= 3 and np.quantile(away, 0.9) <= 10  # pixels; a digit is about 80 high


def test_what_a_reading_holds(mnist: Mnist) -> None:
    for number in numbers(mnist, 10, 2):
        reading = read(number.canvas)
        assert sum(reading.readings.values()) == pytest.approx(1, abs=1e-5)
        assert list(reading.readings.values()) == sorted(reading.readings.values(), reverse=True)
        if not reading.text:
            continue
        assert next(iter(reading.readings)) == reading.text
        assert reading.confidence == pytest.approx(reading.readings[reading.text])
        assert "".join(str(digit.digit) for digit in reading.digits) == reading.text.replace("\n", "")
        for digit in reading.digits:
            assert digit.probabilities.shape == (10,) and digit.probabilities.sum() == pytest.approx(
                1, abs=1e-5
            )
            assert digit.pixels.shape == (28, 28) and digit.pixels.dtype == np.float32
            logits = load().forward(digit.pixels.reshape(784)).probabilities
            assert np.allclose(logits, digit.probabilities, atol=1e-5)


def test_one_digit_s_readings_are_the_ten_probabilities(mnist: Mnist) -> None:
    canvas = np.full((200, 200), 255, np.uint8)
    canvas[30:142, 40:152] = 255 - mnist.x_train[7].repeat(4, 0).repeat(4, 1)
    reading = read(canvas)
    probabilities = load().predict_proba(to_mnist(canvas).reshape(784))
    assert reading.text == "3" and len(reading.digits) == 1
    assert [reading.readings[str(d)] for d in range(10)] == pytest.approx(probabilities.tolist(), abs=1e-6)


def test_lines_are_separated_by_line_feeds(mnist: Mnist) -> None:
    canvas = np.full((200, 200), 255, np.uint8)
    for i, (y, x) in {5: (20, 20), 7: (20, 110), 13: (120, 20), 15: (120, 110)}.items():
        canvas[y : y + 56, x : x + 56] = 255 - mnist.x_train[i].repeat(2, 0).repeat(2, 1)
    expected = "{}{}\n{}{}".format(*mnist.y_train[[5, 7, 13, 15]])
    assert read(canvas).text == expected


def test_more_than_200_digits_are_refused(mnist: Mnist) -> None:
    row = np.pad(255 - mnist.x_train[7], 4, constant_values=255)
    with pytest.raises(PictureError, match="at most 200 digits"):
        read(np.tile(row, (2, 110)))


@pytest.mark.parametrize("canvas", [np.full((50, 50), 255, np.uint8), np.zeros((9, 9, 4), np.uint8)])
def test_nothing_drawn(canvas: np.ndarray) -> None:
    reading = read(canvas)
    assert (reading.text, reading.confidence, reading.digits, reading.readings) == ("", 0.0, (), {})
    assert reading.hint == "Draw a digit."


def test_no_such_network() -> None:
    with pytest.raises(ValueError, match="relu"):
        read(np.zeros((9, 9), np.uint8), "tanh")
