"""Temperature, thresholds, snapshots and neighbours, against TensorFlow, SciPy and brute force."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from safetensors import safe_open
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression

from mnist_mlp.mlp import MLP, load
from mnist_mlp.network import FEATURES, LAYERS, NO_NUMBER_TERMS, SHAPES, digit_score
from mnist_mlp.training import calibrate
from mnist_mlp.training.calibrate import calibrated, temperature
from mnist_mlp.training.data import Mnist
from mnist_mlp.training.neighbours import PER_DIGIT, chosen, save_neighbours
from mnist_mlp.training.snapshots import save_snapshots
from train import VALIDATION

Validation = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def validation(mnist: Mnist) -> Validation:
    return mnist.x_train[:1000].reshape(-1, 784) / np.float32(255), mnist.y_train[:1000]


def test_temperature_is_where_the_gradient_vanishes() -> None:
    rng = np.random.default_rng(0)
    digits = rng.integers(0, 10, 4000)
    logits = 3 * (rng.normal(size=(4000, 10)) + 2 * np.eye(10)[digits])
    log_t = tf.Variable(np.log(temperature(logits, digits)))
    with tf.GradientTape() as tape:
        scaled = tf.constant(logits) / tf.exp(log_t)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(digits, scaled))
    assert abs(float(tape.gradient(loss, log_t))) < 1e-4


def test_digit_score_is_scipys_logsumexp() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1, (3, 50, 10)) * 10 ** rng.uniform(-2, 3.8, (3, 50, 1))
    assert digit_score(logits) == pytest.approx(logsumexp(logits, axis=-1), rel=1e-12)
    single = logits[0, 0].astype(np.float32)
    assert digit_score(single).dtype == np.float32 and digit_score(single).shape == ()
    assert digit_score(np.full((2, 10), 1e4, np.float32)) == pytest.approx([1e4 + np.log(10)] * 2)


def test_the_probability_of_a_digit_is_that_of_an_eleven_class_softmax() -> None:
    logits = np.random.default_rng(0).normal(0, 4, (100, 10))
    eleven = tf.nn.softmax(np.pad(logits, [(0, 0), (0, 1)])).numpy()
    score = digit_score(logits)
    assert 1 / (1 + np.exp(score)) == pytest.approx(eleven[:, 10], rel=1e-9)
    assert np.exp(logits) / (1 + np.exp(score))[:, None] == pytest.approx(eleven[:, :10], rel=1e-9)


def test_calibration_divides_the_logits_and_keeps_the_digits(validation: Validation) -> None:
    before = load("relu")
    hot = before.weights | {name: before.weights[name] * np.float32(3) for name in ("w3", "b3")}
    net = calibrated("relu", hot, validation, {"epochs": 7})
    x, _ = validation
    steps, t = net.forward(x), net.config["temperature"]
    assert t > 2  # the shipped network is calibrated; this one is three times as sure
    assert steps.logits == pytest.approx(3 * before.forward(x).logits / t, rel=1e-3, abs=0.05)  # float16
    assert net.config["epochs"] == 7


WRONG: dict[str, list[object]] = {
    "digit": [None, [], [0.0] * (FEATURES - 1), [True] * FEATURES, ["0"] * FEATURES, [1e9] * FEATURES],
    "mark": [{}, [0.0] * (FEATURES + 1), [float("nan")] * FEATURES],
    "none": [0, [0.0], [float("inf")] * NO_NUMBER_TERMS],
    "sure": [True, "0", None, float("nan"), 1.5, -0.1],
}


@pytest.mark.parametrize(
    ("key", "value"), [(key, value) for key, values in WRONG.items() for value in values]
)
def test_reader_weights_that_are_none_are_refused(key: str, value: object) -> None:
    net = load("relu")
    with pytest.raises(ValueError, match=f'"reader" has "{key}"'):
        MLP(net.weights, net.config | {"reader": net.config["reader"] | {key: value}})


def test_no_number_is_fitted_as_scikit_learn_fits_it(monkeypatch: pytest.MonkeyPatch, mnist: Mnist) -> None:
    monkeypatch.setattr(
        calibrate, "DRAWINGS_LEARNT", {"digits": 100, "numbers": 100, "hands": 100, "scribbles": 100}
    )
    shipped = load("relu")
    some = mnist._replace(x_train=mnist.x_train[::VALIDATION], y_train=mnist.y_train[::VALIDATION])
    fitted = calibrate.with_reader(shipped, shipped.reader.digit, shipped.reader.mark, some, 3)
    jobs = [("digits", 0), ("numbers", 1), ("hands", 2), ("scribbles", 3)]
    examples = [e for kind, i in jobs for e in calibrate._examples(kind, [3, i, 0], fitted, some, 100)]
    terms, none = np.stack([e.terms for e in examples]), np.array([not e.text for e in examples])
    weight = np.where(none, calibrate.NONE / none.sum(), (1 - calibrate.NONE) / (~none).sum()) * len(none)
    theirs = LogisticRegression(C=1 / (2 * calibrate.RIDGE * len(none)), max_iter=5000).fit(
        terms[:, 1:], none, weight
    )
    ours = 1 / (1 + np.exp(-terms @ fitted.reader.none))
    assert ours == pytest.approx(theirs.predict_proba(terms[:, 1:])[:, 1], abs=0.05)
    assert ours[none].mean() > 5 * ours[~none].mean()
    assert 0 < fitted.reader.sure < 1


def test_the_last_snapshot_is_the_network(tmp_path: Path, validation: Validation) -> None:
    shipped, other = load("relu"), load("sigmoid")
    net = MLP(shipped.weights, shipped.config | {"epochs": 8, "number_epochs": 1})
    save_snapshots(net, {0: other.weights, 2: other.weights}, validation, tmp_path / "s.safetensors")
    with safe_open(tmp_path / "s.safetensors", "np") as file:
        metadata = file.metadata()
        assert json.loads(metadata["epochs"]) == [0, 2, 9] and metadata["activation"] == "relu"
        assert set(file.keys()) == {f"{epoch}/{name}" for epoch in (0, 2, 9) for name in SHAPES}
        tensors = {name: file.get_tensor(name) for name in set(file.keys())}
    assert all(tensor.dtype == np.float16 for tensor in tensors.values())
    for name, weights in net.weights.items():
        assert np.array_equal(tensors[f"9/{name}"], weights.astype(np.float16))
    assert np.allclose(tensors["2/w3"], other.weights["w3"], rtol=1e-3, atol=1e-3)
    # Validation errors, counted again with the formula.
    x, y = validation
    w1, b1, w2, b2, w3, b3 = (tensors[f"9/{name}"].astype(np.float64) for name in SHAPES)
    logits = np.maximum(np.maximum(x @ w1 + b1, 0) @ w2 + b2, 0) @ w3 + b3
    errors = int((logits.argmax(1) != y).sum())
    assert json.loads(metadata["validation_errors"])[-1] == errors
    assert json.loads(metadata["validation_images"]) == len(y)


@pytest.mark.parametrize("name", ["relu", "sigmoid"])
def test_the_shipped_snapshots_end_with_the_shipped_network(name: str) -> None:
    from mnist_mlp.network import WEIGHTS

    path, net = WEIGHTS / name / "snapshots.safetensors", load(name)
    assert path.stat().st_size <= 4_000_000
    with safe_open(path, "np") as file:
        epochs = json.loads(file.metadata()["epochs"])
        assert (
            epochs[0] == 0
            and epochs[-1] == net.config["epochs"] + net.config["number_epochs"]
            and 10 <= len(epochs) <= 14
        )
        for tensor, weights in net.weights.items():
            assert np.array_equal(file.get_tensor(f"{epochs[-1]}/{tensor}"), weights.astype(np.float16))


def test_neighbours_are_200_of_each_digit_and_cover_the_rest(mnist: Mnist, tmp_path: Path) -> None:
    images, digits = mnist.x_train[:8000], mnist.y_train[:8000]
    nets = [load("relu"), load("sigmoid")]
    save_neighbours(nets, images, digits, tmp_path / "n.npz")
    with np.load(tmp_path / "n.npz", allow_pickle=False) as file:
        some, labels, indices = file["images"], file["labels"], file["indices"]
    assert (tmp_path / "n.npz").stat().st_size <= 1_000_000
    assert np.array_equal(some, images[indices]) and np.array_equal(labels, digits[indices])
    assert len(set(indices.tolist())) == 10 * PER_DIGIT and (np.bincount(labels) == PER_DIGIT).all()
    # Every digit of a class is nearer to one of its 200 than to as many picked at random, on average.
    rng = np.random.default_rng(0)
    for net in nets:
        hidden = net.forward(images.reshape(-1, LAYERS[0]) / np.float32(255)).h2
        hidden /= np.linalg.norm(hidden, axis=1, keepdims=True)
        ours, random = [], []
        for digit in range(10):
            of_digit = np.flatnonzero(digits == digit)
            ours.append((hidden[of_digit] @ hidden[indices[labels == digit]].T).max(1))
            picked = rng.choice(of_digit, PER_DIGIT, replace=False)
            random.append((hidden[of_digit] @ hidden[picked].T).max(1))
        assert np.concatenate(ours).mean() > np.concatenate(random).mean()
        assert np.quantile(np.concatenate(ours), 0.01) > np.quantile(np.concatenate(random), 0.01)


def test_few_digits_are_all_neighbours(mnist: Mnist) -> None:
    assert len(chosen([load("relu")], mnist.x_train[:100], mnist.y_train[:100])) == 100
