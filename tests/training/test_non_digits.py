"""Drawings that are no digit."""

from __future__ import annotations

import numpy as np
import pytest

from mnist_mlp.mlp import load
from mnist_mlp.reader import no_digit
from mnist_mlp.training.data import Mnist
from mnist_mlp.training.non_digits import KINDS, SHARES, non_digits, to_learn_from


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_determines_drawings_in_mnists_form(kind: str, mnist: Mnist) -> None:
    digits = mnist.x_train[:200], mnist.y_train[:200]
    first, again, other = (non_digits(kind, 20, *digits, seed) for seed in (1, 1, 2))
    assert first.shape == (20, 28, 28) and first.dtype == np.uint8
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    ink = first > 127
    assert (ink.sum((1, 2)) >= 12).all()
    assert (ink.any(1).sum(1) <= 21).all() and (ink.any(2).sum(1) <= 21).all()
    y, x = np.mgrid[:28, :28]
    weight = first.sum((1, 2))
    assert np.abs((first * x).sum((1, 2)) / weight - 14).max() < 1
    assert np.abs((first * y).sum((1, 2)) / weight - 14).max() < 1


def test_all_kinds_are_learnt_from_but_the_typeface_that_is_measured_on(mnist: Mnist) -> None:
    made = to_learn_from(300, mnist.x_train[:200], mnist.y_train[:200], 1)
    assert abs(len(made) - 300) < len(SHARES)
    assert sum(SHARES.values()) == pytest.approx(1)
    assert "held-out typeface" not in SHARES


@pytest.mark.parametrize("name", ["relu", "sigmoid"])
def test_the_shipped_networks_refuse_non_digits_and_keep_digits(name: str, mnist: Mnist) -> None:
    net, (x, y) = load(name), (mnist.x_train[:500], mnist.y_train[:500])

    def kept(images: np.ndarray) -> float:
        none = no_digit(net.forward(images.astype(np.float32) / 255).logits, net)
        return float((none <= net.reader.doubt).mean())

    assert kept(x) > 0.95
    for kind, most in {"held-out typeface": 0.1, "pairs": 0.1, "scribbles": 0.3}.items():
        assert kept(non_digits(kind, 200, x, y, 99)) < most
