"""What a reader cuts numbers into, against the shipped networks and against the digits themselves."""

from __future__ import annotations

import numpy as np
import pytest

from mnist_mlp.mlp import load
from mnist_mlp.network import digit_score
from mnist_mlp.training.data import Mnist
from mnist_mlp.training.numbers import segments
from mnist_mlp.training.redraw import NO_DIGIT
from mnist_mlp.training.report import auroc
from train import VALIDATION


@pytest.fixture(scope="module")
def cut(mnist: Mnist) -> tuple[np.ndarray, np.ndarray]:
    """Of digits that the shipped networks have not learnt from."""
    return segments(400, mnist.x_train[::VALIDATION], mnist.y_train[::VALIDATION], 7)


def test_the_seed_determines_segments_in_mnists_form(
    cut: tuple[np.ndarray, np.ndarray], mnist: Mnist
) -> None:
    pixels, labels = cut
    again = segments(400, mnist.x_train[::VALIDATION], mnist.y_train[::VALIDATION], 7)
    assert (pixels == again[0]).all() and (labels == again[1]).all()
    assert pixels.shape == (400, 28, 28) and pixels.dtype == np.uint8
    ink = pixels > 127
    assert (ink.any(1).sum(1) <= 21).all() and (ink.any(2).sum(1) <= 21).all()
    assert set(np.unique(labels)) == set(range(NO_DIGIT + 1))


@pytest.mark.parametrize("name", ["relu", "sigmoid"])
def test_the_shipped_networks_read_the_digits_and_refuse_the_rest(
    cut: tuple[np.ndarray, np.ndarray], name: str
) -> None:
    pixels, labels = cut
    logits = load(name).forward(pixels / np.float32(255)).logits
    is_digit = labels != NO_DIGIT
    assert (logits[is_digit].argmax(1) == labels[is_digit]).mean() > 0.93
    score = digit_score(logits)
    assert auroc(score[is_digit], score[~is_digit]) > 0.96
