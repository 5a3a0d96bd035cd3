"""The evidence, against TensorFlow's gradients and against the logits themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from mnist_mlp import MLP, load
from mnist_mlp.explain import explanation
from mnist_mlp.learning_step import gradients, learn_from
from mnist_mlp.nearest import load_neighbours
from mnist_mlp.training.mnist import Digits

NETWORKS = ["relu", "sigmoid"]


@pytest.fixture(scope="session")
def pictures(mnist: Digits) -> np.ndarray:
    """(2500, 784) float32 in 0..1."""
    return mnist.images.reshape(-1, 784) / np.float32(255)


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
    blank = net.forward(np.zeros(784, np.float32)).logits
    for x in pictures[::5]:
        found = explanation(net, x)
        missed = np.abs(found["evidence"].sum((1, 2)) + found["bias"] - found["logits"])
        assert missed.max() < (1e-4 if name == "relu" else 1e-5 * np.ptp(found["logits"]))
        assert name == "relu" or np.abs(found["bias"] - blank).max() < 1e-5


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
    net = load(name)
    for x in pictures[:20]:
        found = explanation(net, x)
        assert np.abs(found["h2_contributions"].sum(1) + net.b3 - found["logits"]).max() < 1e-4
        if name == "relu":  # a unit's value, times what TensorFlow says it is worth
            worth = gradient_tape(twin(net)[1], found["h1"][None])[0]
            assert np.abs(found["h1_contributions"] - found["h1"] * worth).max() < 1e-5
        else:  # all evidence passes through the first layer
            assert np.abs(found["h1_contributions"].sum(1) - found["evidence"].sum((1, 2))).max() < 1e-4


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
def test_what_would_be_learnt_is_tensorflows_gradient(name: str, pictures: np.ndarray) -> None:
    net, x = load(name), pictures[3]
    model, _ = twin(net)
    with tf.GradientTape() as tape:
        loss = -tf.math.log_softmax(model(x[None]))[0, 5]
    expected = dict(zip(net.weights, tape.gradient(loss, model.trainable_variables)))
    found_loss, found = gradients(net, x, 5)
    assert found_loss == pytest.approx(float(loss), rel=1e-4)
    for key, gradient in expected.items():
        assert found[key] == pytest.approx(gradient.numpy(), abs=1e-5), key


@pytest.mark.parametrize("name", NETWORKS)
def test_steps_of_learning_are_those_of_keras(name: str, pictures: np.ndarray) -> None:
    net, x = load(name), pictures[3]
    told = learn_from(net, x, 5, rate=0.002)
    model, _ = twin(net)
    model.compile(
        tf.keras.optimizers.SGD(0.002), tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    answers = {0: tf.nn.softmax(model(x[None]))[0].numpy()}
    for step in range(1, 11):
        model.train_on_batch(x[None], np.array([5]))
        answers[step] = tf.nn.softmax(model(x[None]))[0].numpy()
    assert told["probabilities"] == pytest.approx(np.stack([answers[i] for i in told["steps"]]), abs=1e-3)
    assert told["losses"] == pytest.approx([-np.log(answers[i][5]) for i in told["steps"]], abs=0.01)
    assert np.array_equal(net.weights["w1"], load(name).weights["w1"])  # nothing is kept
    among = load_neighbours()
    assert among
    some = among.images[:: len(among.labels) // told["kept"]].reshape(-1, 784) / np.float32(255)
    labels = among.labels[:: len(among.labels) // told["kept"]]
    right = net.predict_proba(some).argmax(1) == labels
    after = model.predict(some, verbose=0).argmax(1) == labels
    assert abs(told["lost"] - int((right & ~after).sum())) <= 1  # a logit may round over a border


@pytest.mark.parametrize("rate", [0, -1, 1, "0.01", None, True, float("nan")])
def test_a_rate_out_of_range_is_refused(rate: Any, pictures: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"a rate is .*got"):
        learn_from(load(), pictures[0], 3, rate)
