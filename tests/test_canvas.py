"""`to_mnist` against MNIST itself, a second implementation in loops, and what must hold for any drawing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image, ImageDraw

from mnist_mlp import load, to_mnist
from mnist_mlp.canvas import place
from mnist_mlp.training.mnist import Digits

COLOURS = [
    ((0, 0, 0), (255, 255, 255)),
    ((255, 255, 255), (0, 0, 0)),
    ((200, 20, 20), (255, 255, 240)),
    ((255, 0, 0), (0, 0, 255)),
]


def strokes(
    size: int | tuple[int, int] = 280, *, offset: tuple[float, float] = (0, 0), scale: float = 1
) -> np.ndarray:
    """A seven with smooth edges, ink 255 on 0: drawn four times as large, then reduced."""
    width, height = (size, size) if isinstance(size, int) else size
    unit = scale * min(width, height) * 4
    points = [(0.3, 0.25), (0.7, 0.25), (0.45, 0.8)]
    placed = [
        ((x - 0.5) * unit + (width / 2 + offset[0]) * 4, (y - 0.5) * unit + (height / 2 + offset[1]) * 4)
        for x, y in points
    ]
    paper = Image.new("L", (width * 4, height * 4))
    pen = ImageDraw.Draw(paper)
    radius = unit * 0.035
    pen.line(placed, 255, round(2 * radius), "curve")
    for x, y in placed:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), 255)
    return np.asarray(paper.resize((width, height), Image.Resampling.BOX))


def paint(ink: np.ndarray, pen: tuple[int, ...], ground: tuple[int, ...]) -> np.ndarray:
    share = ink[..., None] / 255
    return np.round(np.array(ground) * (1 - share) + np.array(pen) * share).astype(np.uint8)


def extent(pixels: np.ndarray, threshold: float = 0.5) -> tuple[int, int]:
    rows, columns = np.flatnonzero((pixels > threshold).any(1)), np.flatnonzero((pixels > threshold).any(0))
    return int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)


def by_loops(ink: np.ndarray) -> np.ndarray:
    """The same recipe, written another way: how much of each of the 28×28 squares is covered with ink."""
    rows, columns = np.flatnonzero((ink > 127).any(1)), np.flatnonzero((ink > 127).any(0))
    box = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] / 255
    step = max(box.shape) / 20
    y = sum(weight * (i + 0.5) for i, weight in enumerate(box.sum(1))) / box.sum()
    x = sum(weight * (i + 0.5) for i, weight in enumerate(box.sum(0))) / box.sum()

    def covered(first: float, length: int) -> np.ndarray:
        """How much of each square each canvas pixel covers, along one axis: (28, length)."""
        shares = np.zeros((28, length))
        for square in range(28):
            start, end = first + square * step, first + (square + 1) * step
            for pixel in range(max(0, math.floor(start)), min(length, math.ceil(end))):
                shares[square, pixel] = (min(end, pixel + 1) - max(start, pixel)) / step
        return shares

    return covered(y - 14.5 * step, box.shape[0]) @ box @ covered(x - 14.5 * step, box.shape[1]).T


def same(a: np.ndarray, b: np.ndarray, mean: float) -> None:
    assert np.abs(a - b).mean() < mean


# MNIST as the oracle


def on_a_canvas(digit: np.ndarray, times: int, rng: np.random.Generator) -> np.ndarray:
    """Each pixel a square of times × times, somewhere on a larger sheet, black on white."""
    height, width = 28 * times + rng.integers(0, 200, 2)
    sheet = np.zeros((height, width), np.uint8)
    y, x = rng.integers(0, [height - 28 * times + 1, width - 28 * times + 1])
    sheet[y : y + 28 * times, x : x + 28 * times] = digit.repeat(times, 0).repeat(times, 1)
    return 255 - sheet


@pytest.mark.parametrize("times", [3, 8, 20])
def test_mnists_digits_are_placed_as_they_were(mnist: Digits, times: int) -> None:
    """They were placed by this recipe: placed once more, they are themselves."""
    rng = np.random.default_rng(times)
    differences = []
    for digit in mnist.images[:100]:
        differences.append(np.abs(to_mnist(on_a_canvas(digit, times, rng)) - digit / 255).mean())
    assert (
        np.median(differences) < 0.03
    )  # the digits' own mean is 0.13; by half a pixel off, it would be 0.05
    assert np.quantile(differences, 0.9) < 0.06


# A second implementation as the oracle


@pytest.mark.parametrize("size", [100, 280, (200, 500), (640, 480)])
@pytest.mark.parametrize("scale", [0.4, 0.9])
def test_agrees_with_the_recipe_in_loops(size: Any, scale: float) -> None:
    ink = strokes(size, scale=scale)
    # What remains are the threshold against noise and the rounding to bytes.
    coarse = max(extent(ink, 127)) < 40  # pixels: an edge is a large part of a stroke then
    same(to_mnist(ink), by_loops(ink), 0.02 if coarse else 0.01)


# What holds for any drawing


@pytest.mark.parametrize(("pen", "ground"), COLOURS)
def test_ink_of_any_colour_on_any_ground_is_placed_the_same(
    pen: tuple[int, ...], ground: tuple[int, ...]
) -> None:
    ink = strokes()
    expected = to_mnist(ink)
    same(to_mnist(paint(ink, pen, ground)), expected, 0.01)
    same(to_mnist(paint(ink, (*pen, 255), (*ground, 255))), expected, 0.01)  # opaque
    same(to_mnist(paint(ink, (*pen, 255), (*pen, 0))), expected, 0.01)  # on a transparent ground


@given(st.integers(-60, 60), st.integers(-60, 60), st.floats(0.25, 0.9), st.sampled_from([280, 500]))
@settings(max_examples=40, deadline=None)
def test_position_and_size_do_not_matter(x: int, y: int, scale: float, size: int) -> None:
    room = max(0.0, (1 - 0.65 * scale) / 2 * size - 3) / 60
    moved = to_mnist(strokes(size, offset=(x * room, y * room), scale=scale))
    same(moved, to_mnist(strokes(280)), 0.02)


# No digit where there is none


def dot(radius: float) -> np.ndarray:
    y, x = np.mgrid[:280, :280]
    return (255 * (np.hypot(x - 140, y - 140) <= radius)).astype(np.uint8)


NOTHING = {
    **{f"all {level}": np.full((280, 280), level, np.uint8) for level in (0, 127, 255)},
    "all one colour": np.full((50, 80, 3), (200, 10, 10), np.uint8),
    "all transparent": np.zeros((50, 80, 4), np.uint8),
    "one pixel": np.zeros((1, 1), np.uint8),
    "one row": np.zeros((1, 500), np.uint8),
    "a speck, dark on light": 255 - dot(3),
    "a blot": dot(100),
    "ink all over, but for the edge": np.pad(np.full((276, 276), 255, np.uint8), 2),
    "noise that nobody sees": (240 + np.random.default_rng(1).integers(0, 8, (280, 280))).astype(np.uint8),
}


@pytest.mark.parametrize("canvas", NOTHING.values(), ids=NOTHING.keys())
def test_a_canvas_without_a_digit_gives_zeros_and_a_reason(canvas: np.ndarray) -> None:
    placed = place(canvas)
    assert not placed.pixels.any()
    assert placed.lack
    assert not to_mnist(canvas).any()


# Whatever comes, an answer or a clear error


@given(
    arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=40))
    | arrays(np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 30), st.sampled_from([1, 3, 4])))
)
@settings(max_examples=150, deadline=None)
def test_any_canvas_is_placed_or_lacks_something(canvas: np.ndarray) -> None:
    placed = place(canvas)
    assert placed.pixels.shape == (28, 28) and placed.pixels.dtype == np.float32
    assert np.isfinite(placed.pixels).all()
    assert placed.pixels.min() >= 0 and placed.pixels.max() <= 1
    assert bool(placed.lack) == (not placed.pixels.any())
    load().predict_proba(placed.pixels)


@pytest.mark.parametrize(
    ("canvas", "error", "came"),
    [
        (None, TypeError, "NoneType"),
        ([[0, 255]], TypeError, "list"),
        (np.zeros((28, 28)), TypeError, "float64"),
        (np.zeros((28, 28), bool), TypeError, "bool"),
        (np.zeros(784, np.uint8), ValueError, r"\(784,\)"),
        (np.zeros((0, 0), np.uint8), ValueError, r"\(0, 0"),
        (np.zeros((5, 5, 2), np.uint8), ValueError, r"\(5, 5, 2\)"),
        (np.zeros((3, 28, 28), np.uint8), ValueError, r"\(3, 28, 28\)"),
    ],
)
def test_other_input_is_refused_and_the_error_says_what_came(
    canvas: Any, error: type[Exception], came: str
) -> None:
    with pytest.raises(error, match=f"a canvas is .*got .*{came}"):
        to_mnist(canvas)
