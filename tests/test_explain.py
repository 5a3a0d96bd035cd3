"""The evidence, against TensorFlow's gradients and against the logits themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.deletion import deletion
from mnist_mlp import MLP, load
from mnist_mlp.explain import backward, contributions
from mnist_mlp.training.data import Mnist

NETWORKS = ["relu", "sigmoid"]


@pytest.fixture(scope="session")
def pictures(mnist: Mnist) -> np.ndarray:
    """MNIST's 10,000 test images, (10000, 784) float32 in 0..1."""
    return mnist.x_test.reshape(-1, 784) / np.float32(255)


def twin(net: MLP) -> tuple[tf.keras.Model, tf.keras.Model]:
    """The same network in Keras: from pixels to logits, and from h1 to logits."""
    layers = [
        tf.keras.layers.Dense(units, activation)
        for units, activation in [(128, net.activation), (256, net.activation), (10, None)]
    ]
    whole = tf.keras.Sequential([tf.keras.Input((784,)), *layers])
    whole.set_weights([net.w1, net.b1, net.w2, net.b2, net.w3, net.b3])
    return whole, tf.keras.Sequential([tf.keras.Input((128,)), *layers[1:]])


def gradient_tape(model: tf.keras.Model, x: np.ndarray) -> np.ndarray:
    """The gradient of all ten logits for a batch, (batch, 10, inputs)."""
    variable = tf.Variable(x)
    with tf.GradientTape() as tape:
        logits = model(variable)
    return tape.batch_jacobian(logits, variable).numpy()


@pytest.mark.parametrize("name", NETWORKS)
def test_evidence_and_bias_are_the_logit(name: str, pictures: np.ndarray) -> None:
    net = load(name)
    for some in np.split(pictures[::5], 100):
        steps = net.forward(some)
        evidence = contributions(net, some, steps)
        missed = np.abs(evidence.pixels.sum(-1) + evidence.bias - steps.logits)
        if name == "relu":
            assert missed.max() < 1e-4
        else:
            assert (missed.max(1) < 0.01 * np.ptp(steps.logits, axis=1)).all()
            assert np.abs(evidence.bias - net.forward(np.zeros(784, np.float32)).logits).max() < 1e-5


@pytest.mark.parametrize("name", NETWORKS)
def test_explain_gives_the_same_one_by_one(name: str, pictures: np.ndarray) -> None:
    net = load(name)
    for x, logits in zip(pictures[:100], net.forward(pictures[:100]).logits):
        for digit in [None, 3]:
            evidence, bias, logit = net.explain(x, digit)
            assert logit == pytest.approx(logits.max() if digit is None else logits[digit], abs=1e-4)
            tolerance = 1e-4 if name == "relu" else 0.01 * float(np.ptp(logits))
            assert evidence.sum() + bias == pytest.approx(logit, abs=tolerance)


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_agree_with_tensorflow(name: str, pictures: np.ndarray) -> None:
    net, some = load(name), pictures[:200]
    _, dz1 = backward(net, net.forward(some))
    whole, _ = twin(net)
    assert np.abs(dz1 @ net.w1.T - gradient_tape(whole, some)).max() < 1e-5


def test_relu_evidence_is_pixel_times_gradient(pictures: np.ndarray) -> None:
    net = load("relu")
    whole, _ = twin(net)
    for x, gradient in zip(pictures[:20], gradient_tape(whole, pictures[:20])):
        for digit in range(10):
            assert np.abs(net.explain(x, digit).evidence.ravel() - x * gradient[digit]).max() < 1e-5


def test_sigmoid_evidence_is_the_integral_of_tensorflows_gradients(pictures: np.ndarray) -> None:
    net = load("sigmoid")
    whole, _ = twin(net)
    middles = (np.arange(500, dtype=np.float32)[:, None] + 0.5) / 500
    for x in pictures[:3]:
        integral = x * gradient_tape(whole, middles * x).mean(0)
        for digit in range(10):
            evidence = net.explain(x, digit).evidence.ravel()
            assert np.abs(evidence - integral[digit]).max() < 1e-3 * np.abs(integral).max()


@pytest.mark.parametrize("name", NETWORKS)
def test_the_units_contributions_add_up_to_the_logit(name: str, pictures: np.ndarray) -> None:
    net, some = load(name), pictures[:50]
    steps = net.forward(some)
    evidence = contributions(net, some, steps)
    assert np.abs(evidence.units2.sum(-1) + net.b3 - steps.logits).max() < 1e-4
    if name == "relu":  # a unit's value, times what TensorFlow says it is worth
        _, rest = twin(net)
        worth = gradient_tape(rest, steps.h1)
        assert np.abs(evidence.units1 - steps.h1[:, None] * worth).max() < 1e-5
    else:  # all evidence passes through the first layer
        assert np.abs(evidence.units1.sum(-1) - evidence.pixels.sum(-1)).max() < 1e-4


@pytest.mark.parametrize("name", NETWORKS)
def test_explain_takes_what_predict_proba_takes(name: str, pictures: np.ndarray) -> None:
    net, x = load(name), pictures[0]
    explanation = net.explain(x)
    assert explanation.evidence.shape == (28, 28)
    assert explanation.evidence.dtype == np.float32
    assert not explanation.evidence.ravel()[x == 0].any()
    predicted = int(net.predict_proba(x).argmax())
    same = net.explain(x.reshape(28, 28).astype(np.float64), predicted)
    assert np.array_equal(same.evidence, explanation.evidence)
    assert same[1:] == explanation[1:]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_blank_picture_has_no_evidence(name: str) -> None:
    evidence, bias, logit = load(name).explain(np.zeros((28, 28), np.float32), 3)
    assert not evidence.any()
    assert bias == pytest.approx(logit, abs=1e-5)


@pytest.mark.parametrize(
    ("digit", "error"),
    [(10, ValueError), (-1, ValueError), ("7", TypeError), (7.0, TypeError), (True, TypeError)],
)
def test_a_digit_out_of_range_is_refused(digit: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="0 to 9; got"):
        load().explain(np.zeros(784, np.float32), digit)


@pytest.mark.parametrize("shape", [(2, 784), (1, 28, 28), (783,)])
def test_other_input_than_one_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"784.*got"):
        load().explain(np.zeros(shape, np.float32))


@pytest.mark.parametrize("name", NETWORKS)
def test_without_its_evidence_a_logit_falls_faster_than_without_random_ink(
    name: str, pictures: np.ndarray
) -> None:
    curves = deletion(load(name), pictures[:100])
    evidence, random = np.array(curves["most evidence"]["logit"]), np.array(curves["random ink"]["logit"])
    assert (evidence[1:-1] < random[1:-1]).all()  # they start and end at the same pictures
    assert evidence[0] == random[0] and evidence[-1] == pytest.approx(random[-1])
