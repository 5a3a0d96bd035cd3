"""Data augmentation, non-digits and numbers, against `to_mnist`, MNIST's own pictures and the shipped network."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tensorflow as tf

from mnist_mlp.canvas import to_mnist
from mnist_mlp.mlp import load
from mnist_mlp.training import habits, redraw
from mnist_mlp.training.mnist import Digits
from mnist_mlp.training.non_digits import KINDS, NON_DIGIT, SHARES, non_digits
from mnist_mlp.training.numbers import APART, TOUCHING, Hand, make, untidy, written
from mnist_mlp.training.strokes import Strokes, measure_strokes

N = 600


@pytest.fixture(scope="module")
def strokes(mnist: Digits) -> Strokes:
    return measure_strokes(mnist.images[:N])


def redrawn(strokes: Strokes, digits: np.ndarray, seed: int) -> np.ndarray:
    """Each of the digits once: (n, 28, 28)."""
    labels = tf.constant(digits, tf.int32)
    pixels = redraw.redraw(redraw.tensors(strokes), labels, tf.range(len(digits)), tf.constant(seed))
    return pixels.numpy().reshape(-1, 28, 28)


def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave only the pens."""
    monkeypatch.setattr(habits, "REMNANT", 0.0)
    for name in ("SCAN", "NARROW"):
        monkeypatch.setattr(redraw, name, 0.0)


def test_redrawn_digits_lie_where_to_mnist_puts_them(
    strokes: Strokes, mnist: Digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain(monkeypatch)
    pixels = redrawn(strokes, mnist.labels[:N], 3)
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


def test_redrawn_digits_are_still_themselves(strokes: Strokes, mnist: Digits) -> None:
    """The shipped network reads most of them: a distortion that makes other digits of them would show."""
    pixels = redrawn(strokes, mnist.labels[:N], 4)
    assert (load("relu").predict_proba(pixels).argmax(1) == mnist.labels[:N]).mean() > 0.9


def test_habits_are_those_of_the_digit(
    strokes: Strokes, mnist: Digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the table's strokes always drawn, as no digit a picture is drawn as with none of them."""
    plain(monkeypatch)
    monkeypatch.setattr(redraw, "MANNERS", (0.0, 0.0, 1.0))
    none = np.full(N, NON_DIGIT)
    always = tuple(habit._replace(first=habit.first._replace(share=1.0)) for habit in habits.HABITS)
    monkeypatch.setattr(habits, "HABITS", always)
    ink = redrawn(strokes, mnist.labels[:N], 5).sum((1, 2)) - redrawn(strokes, none, 5).sum((1, 2))
    for digit in (0, 1, 4, 7):
        assert np.median(np.abs(ink[mnist.labels[:N] == digit])) > 1  # a bar, a flag, an arm
    threes = mnist.labels[:N] == 3  # which have no habit
    assert np.array_equal(redrawn(strokes, mnist.labels[:N], 5)[threes], redrawn(strokes, none, 5)[threes])


def test_seed_and_number_determine_what_is_redrawn(mnist: Digits) -> None:
    draw = redraw.redrawing(mnist.images[:100], mnist.labels[:100], 1)
    first, again, next_one = draw(7, 64), draw(7, 64), draw(8, 64)
    assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1])
    assert first[0].dtype == np.uint8 and first[0].shape == (64, 784)
    assert not np.array_equal(first[0], next_one[0])


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_determines_drawings_in_mnists_form(kind: str, mnist: Digits) -> None:
    digits = mnist.some(np.s_[:200])
    first, again, other = (non_digits(kind, 20, digits, seed) for seed in (1, 1, 2))
    assert first.shape == (20, 28, 28) and first.dtype == np.uint8
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    ink = first > 127
    assert (ink.any(1).sum(1) <= 21).all() and (ink.any(2).sum(1) <= 21).all()
    y, x = np.mgrid[:28, :28]
    weight = first.sum((1, 2))
    assert np.abs((first * x).sum((1, 2)) / weight - 14).max() < 1
    assert np.abs((first * y).sum((1, 2)) / weight - 14).max() < 1


@pytest.mark.parametrize("name", ["relu", "sigmoid"])
def test_the_shipped_networks_refuse_non_digits_and_keep_digits(name: str, mnist: Digits) -> None:
    net = load(name)

    def kept(images: np.ndarray) -> float:
        none = net.no_digit(net.forward(images.astype(np.float32) / 255).logits)
        return float((none <= net.reader.doubt).mean())

    assert kept(mnist.images) > 0.95
    for kind, most in {"held-out typeface": 0.1, "pairs": 0.1, "scribbles": 0.3}.items():
        assert kind in ("pairs", "scribbles") or kind not in SHARES  # the typeface is not learnt from
        assert kept(non_digits(kind, 200, mnist, 99)) < most


@pytest.mark.parametrize("hand", [APART, TOUCHING])
def test_a_hand_sets_digits_apart_or_lets_them_touch(mnist: Digits, hand: Hand) -> None:
    gaps = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        some = mnist.some(rng.integers(0, 2500, 3))
        ink = make(some.images, some.labels, rng, hand).ink > 0.5
        columns = [np.flatnonzero(each.any(0)) for each in ink]
        gaps += [right[0] - left[-1] - 1 for left, right in itertools.pairwise(columns)]
    assert (np.array(gaps) > 0).all() if hand == APART else np.median(gaps) < 0


def test_what_is_written_beside_a_number_leaves_its_ink(mnist: Digits) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        some = mnist.some(rng.integers(0, 2500, 2))
        number = make(some.images, some.labels, rng, untidy(rng))
        canvas = written(number, rng)
        height, width = number.canvas.shape
        assert (canvas[:height, :width][number.canvas < 100] < 128).mean() > 0.8  # a bad scan loses a little
