"""The smallest change, against Keras and a search along the gradient."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from mnist_mlp import MLP, load
from mnist_mlp.training.mnist import Digits

NETWORKS = ["relu", "sigmoid"]
PICTURES = 20


@pytest.fixture(scope="module")
def pictures(mnist: Digits) -> np.ndarray:
    """(20, 784) float32 in 0..1."""
    return mnist.images[:PICTURES].reshape(-1, 784) / np.float32(255)


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
def test_no_straight_way_along_a_gradient_is_much_shorter(name: str, pictures: np.ndarray) -> None:
    """The oracle: TensorFlow's gradient of the margin at the picture, followed until Keras reads the other digit."""
    net = load(name)
    model = twin(net)
    ratios = []
    for x in pictures:
        second = int(np.argsort(net.forward(x).logits)[-2])
        variable = tf.Variable(x[None])
        with tf.GradientTape() as tape:
            logits = model(variable)[0]
            margin = logits[second] - tf.reduce_max(logits)
        way = tape.gradient(margin, variable).numpy()[0]
        lengths = np.linspace(0, 6, 400, dtype=np.float32)[:, None]
        tried = np.clip(x + lengths * way / np.linalg.norm(way), 0, 1)
        read = model.predict(tried, verbose=0).argmax(1) == second
        if read.any():
            ours = np.linalg.norm(net.smallest_change(x, second).ravel() - x)
            ratios.append(ours / np.linalg.norm(tried[read.argmax()] - x))
    assert len(ratios) > PICTURES / 2 and np.median(ratios) <= 1 and max(ratios) < 1.1


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
