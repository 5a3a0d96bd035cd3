"""`read` on numbers made of MNIST's digits, single digits, and drawings that are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mnist_mlp import load, read, to_mnist
from mnist_mlp.picture import PictureError
from mnist_mlp.training.data import Mnist
from mnist_mlp.training.non_digits import DRAWN
from mnist_mlp.training.numbers import make


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
        assert 0.98 <= sum(reading.readings.values()) <= 1 + 1e-9  # the rest is of less likely texts
        assert "" in reading.readings
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


def digit_canvas(mnist: Mnist, index: int = 7) -> np.ndarray:
    canvas = np.full((200, 200), 255, np.uint8)
    canvas[30:142, 40:152] = 255 - mnist.x_train[index].repeat(4, 0).repeat(4, 1)
    return canvas


def test_one_digit_s_readings_are_the_probabilities_of_eleven(mnist: Mnist) -> None:
    canvas = digit_canvas(mnist)
    reading = read(canvas)
    probabilities = load().predict_proba(to_mnist(canvas).reshape(784))
    assert reading.text == "3" and len(reading.digits) == 1 and not reading.hint
    number = 1 - reading.readings[""]
    assert [reading.readings[str(d)] for d in range(10)] == pytest.approx(
        (number * probabilities).tolist(), abs=1e-6
    )
    assert sum(reading.readings.values()) == pytest.approx(1)


def test_the_short_cut_for_a_plain_digit_changes_no_answer(
    mnist: Mnist, monkeypatch: pytest.MonkeyPatch
) -> None:
    canvases = [digit_canvas(mnist, i) for i in range(100)]
    quick = [read(canvas) for canvas in canvases]
    monkeypatch.setattr("mnist_mlp.reader.PLAIN", np.inf)
    for canvas, expected in zip(canvases, quick):
        whole = read(canvas)
        assert (whole.text, bool(whole.hint)) == (expected.text, bool(expected.hint))


@pytest.mark.parametrize("kind", ["hands", "typefaces", "scribbles"])
def test_what_is_no_number_is_said_to_be_none(kind: str) -> None:
    rng = np.random.default_rng(11)
    readings = [read(DRAWN[kind](rng)) for _ in range(60)]
    readings = [reading for reading in readings if reading.readings]
    none = [reading for reading in readings if not reading.text]
    assert len(none) >= 0.65 * len(readings)
    assert np.mean([not reading.hint for reading in readings]) < 0.25
    for reading in none:
        assert reading.hint == "That does not look like a digit."
        assert next(iter(reading.readings)) == "" and reading.confidence == reading.readings[""]
        assert reading.digits  # what it is nearest to


def test_confidence_is_the_share_that_is_right(mnist: Mnist) -> None:
    made = [number for digits in (1, 2, 3, 4) for number in numbers(mnist, 60, digits)]
    readings = [read(number.canvas) for number in made]
    right = [reading.text == number.text for reading, number in zip(readings, made)]
    assert abs(np.mean([reading.confidence for reading in readings]) - np.mean(right)) < 0.06


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
