"""The smallest change, against Foolbox's DeepFool and against Keras."""

from __future__ import annotations

from typing import Any

import foolbox
import keras
import numpy as np
import pytest
import tensorflow as tf

from mnist_mlp import MLP, load
from mnist_mlp.training.data import Mnist

NETWORKS = ["relu", "sigmoid"]
FIRST, PICTURES = 50_000, 20  # of the training images: the test images stay shut


@pytest.fixture(scope="module")
def pictures(mnist: Mnist) -> np.ndarray:
    """(20, 784) float32 in 0..1."""
    return mnist.x_train[FIRST : FIRST + PICTURES].reshape(-1, 784) / np.float32(255)


def twin(net: MLP) -> keras.Model:
    """The same network in Keras, from pixels to logits."""
    layers = [(128, net.activation), (256, net.activation), (10, None)]
    model = keras.Sequential([keras.Input((784,)), *(keras.layers.Dense(*layer) for layer in layers)])
    model.set_weights([net.w1, net.b1, net.w2, net.b2, net.w3, net.b3])
    return model


@pytest.mark.parametrize("name", NETWORKS)
def test_a_change_is_read_as_asked_by_numpy_and_by_keras(name: str, pictures: np.ndarray) -> None:
    net, digits = load(name), np.arange(PICTURES) % 10
    changed = np.array([net.smallest_change(x, int(digit)) for x, digit in zip(pictures, digits)])
    assert changed.dtype == np.float32 and changed.shape == (PICTURES, 28, 28)
    assert changed.min() >= 0 and changed.max() <= 1
    assert [int(net.predict_proba(y).argmax()) for y in changed] == digits.tolist()
    assert net.predict_proba(changed).argmax(1).tolist() == digits.tolist()
    keras_logits = twin(net).predict(changed.reshape(-1, 784), verbose=0)
    assert keras_logits.argmax(1).tolist() == digits.tolist()


@pytest.mark.parametrize("name", NETWORKS)
def test_no_change_is_larger_than_the_one_of_foolboxs_deepfool(name: str, pictures: np.ndarray) -> None:
    net = load(name)
    attack = foolbox.attacks.L2DeepFoolAttack(steps=50)
    model = foolbox.TensorFlowModel(twin(net), bounds=(0, 1))
    read = net.predict_proba(pictures).argmax(1)
    _, fooled, succeeded = attack(model, tf.constant(pictures), tf.constant(read), epsilons=None)
    assert succeeded.numpy().all()
    fooled = fooled.numpy()
    ratios = []
    for x, theirs, digit in zip(pictures, fooled, net.predict_proba(fooled).argmax(1)):
        ours = net.smallest_change(x, int(digit)).ravel()
        ratios.append(np.linalg.norm(ours - x) / np.linalg.norm(theirs - x))
    assert max(ratios) < 1.001  # ours keeps a margin for rounding, theirs does not
    assert np.median(ratios) < 0.98


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("picture", ["blank", "full", "noise"])
def test_what_is_no_digit_can_be_changed_too(name: str, picture: str) -> None:
    x: Any = {
        "blank": np.zeros((28, 28), np.float32),
        "full": np.ones((28, 28), np.float32),
        "noise": np.random.default_rng(1).random((28, 28), np.float32),
    }[picture]
    net = load(name)
    for digit in range(10):
        assert net.predict_proba(net.smallest_change(x, digit)).argmax() == digit


def test_a_picture_that_is_read_as_the_digit_stays_as_it_is(pictures: np.ndarray) -> None:
    net = load()
    for x, digit in zip(pictures, net.predict_proba(pictures).argmax(1)):
        assert np.array_equal(net.smallest_change(x, digit).ravel(), x)


@pytest.mark.parametrize(
    ("digit", "error"),
    [
        (10, ValueError),
        (-1, ValueError),
        ("7", TypeError),
        (7.0, TypeError),
        (True, TypeError),
        (None, TypeError),
    ],
)
def test_a_change_to_no_digit_is_refused(digit: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="0 to 9; got"):
        load().smallest_change(np.zeros(784, np.float32), digit)


@pytest.mark.parametrize("shape", [(2, 784), (1, 28, 28), (783,)])
def test_a_change_of_what_is_not_one_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"784.*got"):
        load().smallest_change(np.zeros(shape, np.float32), 3)
