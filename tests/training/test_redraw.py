"""Data augmentation, against `to_mnist`, MNIST's own pictures and the shipped network."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from mnist_mlp.canvas import to_mnist
from mnist_mlp.mlp import load
from mnist_mlp.training import habits, redraw
from mnist_mlp.training.data import Mnist
from mnist_mlp.training.strokes import Strokes, measure_strokes

N = 600


@pytest.fixture(scope="module")
def strokes(mnist: Mnist) -> Strokes:
    return measure_strokes(mnist.x_train[:N])


def redrawn(strokes: Strokes, digits: np.ndarray, seed: int) -> np.ndarray:
    """Each of the digits once: (n, 28, 28)."""
    tensors = strokes._replace(fields=tf.constant(strokes.fields.reshape(-1)))
    labels = tf.constant(digits, tf.int32)
    pixels = redraw.redraw(tensors, labels, tf.range(len(digits)), tf.constant(seed))
    return pixels.numpy().reshape(-1, 28, 28)


def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave only the pens."""
    monkeypatch.setattr(habits, "REMNANT", 0.0)
    for name in ("CLIPPED", "SCAN"):
        monkeypatch.setattr(redraw, name, 0.0)


def test_redrawn_digits_lie_where_to_mnist_puts_them(
    strokes: Strokes, mnist: Mnist, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain(monkeypatch)
    pixels = redrawn(strokes, mnist.y_train[:N], 3)
    assert pixels.dtype == np.float32
    assert pixels.min() >= 0 and pixels.max() <= 1
    again = np.stack([to_mnist((255 * image).astype(np.uint8)) for image in pixels])
    placed = again.any((1, 2))  # a zero with the boldest strokes is a blot
    assert placed.mean() > 0.995
    pixels, again = pixels[placed], again[placed]
    place = np.arange(28)

    def centres(images: np.ndarray) -> np.ndarray:
        weight = images.sum((1, 2))[:, None]
        return np.stack([images.sum(1) @ place, images.sum(2) @ place], 1) / weight

    def spreads(images: np.ndarray) -> np.ndarray:
        far = (place - centres(images)[..., None]) ** 2
        return np.sqrt((images.sum(1) * far[:, 0] + images.sum(2) * far[:, 1]).sum(1) / images.sum((1, 2)))

    off = centres(pixels) - centres(again)
    assert np.abs(np.median(off, axis=0)).max() < 0.1
    assert np.quantile(np.abs(off), 0.95) < 0.55  # MNIST's own lie up to half a pixel off
    larger = spreads(pixels) / spreads(again)
    assert abs(np.median(larger) - 1) < 0.01
    assert np.abs(np.quantile(larger, [0.05, 0.95]) - 1).max() < 0.05


def test_undistorted_digits_look_like_mnists_own(
    strokes: Strokes, mnist: Mnist, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain(monkeypatch)
    for name in ("TURN", "SHEAR", "STRETCH", "BEND", "WOBBLE"):
        monkeypatch.setattr(redraw, name, 0.0)
    monkeypatch.setattr(redraw, "MANNERS", (1.0, 0.0, 0.0))
    pixels = redrawn(strokes, mnist.y_train[:N], 3)
    original = mnist.x_train[:N] / np.float32(255)

    def edges(images: np.ndarray) -> float:
        return sum(float((np.diff(images, axis=axis) ** 2).sum()) for axis in (1, 2))

    assert pixels.sum() == pytest.approx(original.sum(), rel=0.02)
    assert edges(pixels) == pytest.approx(edges(original), rel=0.1)


def test_redrawn_digits_are_still_themselves(strokes: Strokes, mnist: Mnist) -> None:
    """The shipped network reads most of them: a distortion that makes other digits of them would show."""
    pixels = redrawn(strokes, mnist.y_train[:N], 4)
    assert (load("relu").predict_proba(pixels).argmax(1) == mnist.y_train[:N]).mean() > 0.9


def test_what_is_no_digit_gets_no_digits_strokes(
    strokes: Strokes, mnist: Mnist, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all habits at their most frequent, as NON_DIGIT a picture is drawn as with none of them."""
    plain(monkeypatch)
    none = np.full(N, redraw.NON_DIGIT)
    with monkeypatch.context() as patch:
        for name in ("FIRST_STROKE", "SECOND_STROKE", "ERASED"):
            patch.setattr(habits, name, (0.0,) * 11)
        expected = redrawn(strokes, mnist.y_train[:N], 5)
    for name in ("FIRST_STROKE", "SECOND_STROKE", "ERASED"):
        monkeypatch.setattr(habits, name, (1.0,) * 10 + (0.0,))
    monkeypatch.setattr(habits, "REMNANT", 1.0)
    assert np.array_equal(redrawn(strokes, none, 5), expected)
    assert not np.array_equal(redrawn(strokes, mnist.y_train[:N], 5), expected)


def test_a_low_resolution_is_cell_means_interpolated_linearly() -> None:
    line = np.random.default_rng(0).random(28)
    middles, means = (np.arange(7) + 0.5) * 4, line.reshape(7, 4).mean(1)
    assert redraw._reduction(7) @ line == pytest.approx(
        np.interp(np.arange(28) + 0.5, middles, means), abs=1e-6
    )
    assert redraw._reduction(28) == pytest.approx(np.eye(28))


def test_seed_and_number_determine_a_batch(strokes: Strokes, mnist: Mnist) -> None:
    draw, other = (redraw.drawing(strokes, mnist.y_train[:N], seed) for seed in (1, 2))
    first, again, next_one = draw(7, 64), draw(7, 64), draw(8, 64)
    assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1])
    assert not np.array_equal(first[0], next_one[0]) and not np.array_equal(first[0], other(7, 64)[0])
