"""`read` on numbers made of validation digits, on single digits, on drawings that are none, and on anything at all."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw

from mnist_mlp import load, read, to_mnist
from mnist_mlp.hints import MARKS_LEFT_OUT, NO_NUMBER_HINT, full_hint
from mnist_mlp.picture import PictureError
from mnist_mlp.reader import ReaderWeights
from mnist_mlp.training.mnist import Digits
from mnist_mlp.training.non_digits import DRAW
from mnist_mlp.training.numbers import APART, TOUCHING, Hand, Number, make


def numbers(mnist: Digits, n: int, length: int, hand: Hand = APART) -> Iterator[Number]:
    for seed in range(n):
        rng = np.random.default_rng([seed, length])
        some = mnist.some(rng.integers(len(mnist.labels), size=length))
        yield make(some.images, some.labels, rng, hand)


def test_three_digits_are_read_and_found(mnist: Digits) -> None:
    readings = [(read(number.canvas), number) for number in numbers(mnist, 120, 3)]
    # 95 % are claimed; two standard deviations of 120 are 4 points.
    assert np.mean([reading.text == number.text for reading, number in readings]) >= 0.91
    away = []  # by how many pixels a box is off; a digit that reaches over its neighbour is cut
    for reading, number in readings:
        for digit, ink in zip(reading.digits, number.ink) if reading.text == number.text else ():
            rows, columns = np.flatnonzero((ink > 0.5).any(1)), np.flatnonzero((ink > 0.5).any(0))
            box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
            away.append(np.abs(np.array(digit.box) - box).max())
    assert np.median(away) <= 3 and np.quantile(away, 0.9) <= 10  # pixels; a digit is about 80 high


@pytest.mark.parametrize("name", ["relu", "sigmoid"])
def test_what_a_reading_holds(mnist: Digits, name: str) -> None:
    net = load(name)
    for number in numbers(mnist, 10, 2):
        reading = net.read(number.canvas)
        assert 0.95 <= sum(reading.readings.values()) <= 1 + 1e-9  # the rest is of less likely texts
        assert "" in reading.readings
        assert list(reading.readings.values()) == sorted(reading.readings.values(), reverse=True)
        assert next(iter(reading.readings)) == reading.text
        assert reading.confidence == pytest.approx(reading.readings[reading.text])
        if not reading.text:
            continue
        (line,) = reading.sums
        p = np.exp(line.of_text - line.of_all) * (1 - reading.readings[""])
        assert reading.confidence == pytest.approx(p, abs=1e-9)
        assert "".join(str(digit.digit) for digit in reading.digits) == reading.text
        for digit, term in zip(reading.digits, [term for term in line.terms if term.label != "mark"]):
            forward = net.forward(digit.pixels.reshape(784))
            assert np.allclose(forward.probabilities, digit.probabilities, atol=1e-5)
            eleven = np.log(np.exp(np.append(forward.logits, 0).astype(float)).sum())  # with "no digit"
            assert term.network == pytest.approx(forward.logits[digit.digit] - eleven, abs=1e-4)


def on_a_sheet(image: np.ndarray, times: int = 4) -> np.ndarray:
    return np.pad(255 - image.repeat(times, 0).repeat(times, 1), 30, constant_values=255)


def test_one_digit_is_read_as_the_network_reads_it(mnist: Digits) -> None:
    canvases = [on_a_sheet(image) for image in mnist.images[:150]]
    alone = load().predict_proba(np.stack([to_mnist(canvas) for canvas in canvases])).argmax(1)
    same = [read(canvas).text == str(digit) for canvas, digit in zip(canvases, alone)]
    assert np.mean(same) > 0.95


def test_two_ones_one_above_the_other_are_two_lines() -> None:
    sheet = Image.new("L", (390, 390), 255)
    for top in (20, 205):
        ImageDraw.Draw(sheet).line((195, top, 195, top + 165), 0, 14)
    assert read(np.asarray(sheet)).text == "1\n1"


def test_lines_are_separated_by_line_feeds(mnist: Digits) -> None:
    clear = load().predict_proba(mnist.images[:200] / np.float32(255)).max(1) > 0.99
    some = mnist.some(np.flatnonzero(clear)[:4])
    canvas = np.full((200, 200), 255, np.uint8)
    for image, (y, x) in zip(some.images, ((20, 20), (20, 110), (120, 20), (120, 110))):
        canvas[y : y + 56, x : x + 56] = 255 - image.repeat(2, 0).repeat(2, 1)
    assert read(canvas).text == "{}{}\n{}{}".format(*some.labels)


MARKS = {"dash before": (10, 95, 50, 103), "dash after": (250, 95, 290, 103), "point": (240, 130, 252, 142)}


@pytest.mark.parametrize("mark", MARKS.values(), ids=MARKS.keys())
def test_a_mark_is_left_out_and_said_to_be(mnist: Digits, mark: tuple[int, ...]) -> None:
    five = mnist.images[mnist.labels == 5][1]
    sheet = Image.new("L", (300, 200), 255)
    sheet.paste(Image.fromarray(on_a_sheet(five)), (64, 14))
    plain = read(np.asarray(sheet))
    ImageDraw.Draw(sheet).rectangle(mark, 0)
    reading = read(np.asarray(sheet))
    assert (plain.text, plain.marks, reading.text, reading.marks) == ("5", 0, "5", 1)
    assert full_hint(reading.hint, reading.marks) == (reading.hint or MARKS_LEFT_OUT)


@pytest.mark.parametrize("kind", ["hands", "typefaces", "scribbles"])
def test_what_is_no_number_is_said_to_be_none(kind: str) -> None:
    rng = np.random.default_rng(11)
    readings = [reading for _ in range(60) if (reading := read(DRAW[kind](rng))).readings]
    none = [reading for reading in readings if not reading.text]
    assert len(none) >= 0.6 * len(readings)
    assert np.mean([not reading.hint for reading in readings]) < 0.25
    for reading in none:
        assert reading.hint == NO_NUMBER_HINT
        assert next(iter(reading.readings)) == "" and reading.confidence == reading.readings[""]


def test_a_level_line_has_no_text_and_no_digits() -> None:
    for width, y in ((9, 60), (14, 120), (24, 200)):
        sheet = Image.new("L", (320, 240), 255)
        ImageDraw.Draw(sheet).line((20, y, 300, y + 3), 0, width)
        reading = read(np.asarray(sheet))
        assert not reading.text and reading.hint == NO_NUMBER_HINT
        assert len(reading.digits) <= 1 and reading.confidence == reading.readings[""]


def test_confidence_is_the_share_that_is_right(mnist: Digits) -> None:
    kinds = itertools.product((APART, TOUCHING), (1, 2, 3))
    made = [number for hand, length in kinds for number in numbers(mnist, 80, length, hand)]
    readings = [read(number.canvas) for number in made]
    right = [reading.text == number.text for reading, number in zip(readings, made)]
    # Two standard deviations of 480 are 2.5 points; one is the calibration's.
    assert abs(np.mean([reading.confidence for reading in readings]) - np.mean(right)) < 0.035


def test_more_than_200_digits_are_refused(mnist: Digits) -> None:
    three = mnist.images[mnist.labels == 3][0]
    with pytest.raises(PictureError, match="at most 200 digits"):
        read(np.tile(np.pad(255 - three, 4, constant_values=255), (2, 110)))


@pytest.mark.parametrize("canvas", [np.full((50, 50), 255, np.uint8), np.zeros((9, 9, 4), np.uint8)])
def test_nothing_drawn(canvas: np.ndarray) -> None:
    reading = read(canvas)
    assert (reading.text, reading.confidence, reading.digits, reading.readings) == ("", 0.0, (), {})
    assert reading.hint == "Draw a digit or a number."


GOOD = load().reader.to_json()
WRONG: list[tuple[Any, str]] = [
    ([], "JSON object; got list"),
    (GOOD | {"digit": [0.0]}, '"digit" has numbers by name'),
    (GOOD | {"digit": {"no such feature": 1.0}}, '"digit" has numbers by name'),
    (GOOD | {"mark": {"one": True}}, '"mark"'),
    (GOOD | {"none": {"one": float("nan")}}, '"none"'),
    (GOOD | {"sure": 1.5}, '"sure" is a number'),
    (GOOD | {"doubt": None}, '"doubt" is a number'),
]


@pytest.mark.parametrize(("given_", "fault"), WRONG)
def test_reader_weights_that_are_none_are_refused(given_: Any, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        ReaderWeights.from_json(given_)


# Whatever is drawn, an answer or a PictureError

SOME = settings(
    deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], max_examples=120
)


def check(sheet: np.ndarray) -> None:
    try:
        reading = read(sheet)
    except PictureError as refusal:
        assert "got" in str(refusal)
        return
    assert 0 <= reading.confidence <= 1 and sum(reading.readings.values()) <= 1 + 1e-6
    if reading.readings:
        assert reading.readings[reading.text] == reading.confidence
        assert reading.text or reading.hint
    else:
        assert not reading.text and reading.hint


@given(sheet=arrays(np.uint8, st.tuples(st.integers(1, 60), st.integers(1, 60))))
@SOME
def test_small_grey_canvases_have_an_answer(sheet: np.ndarray) -> None:
    check(sheet)


@given(
    lines=st.lists(st.tuples(*[st.integers(0, 300)] * 4, st.integers(1, 60)), min_size=1, max_size=40),
    dark=st.booleans(),
)
@SOME
def test_lines_of_any_width_have_an_answer(lines: list[tuple[int, ...]], dark: bool) -> None:
    sheet = Image.new("L", (300, 220), 0 if dark else 255)
    for *ends, width in lines:
        ImageDraw.Draw(sheet).line(ends, 255 if dark else 0, width)
    check(np.asarray(sheet))
