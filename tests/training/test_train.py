"""Training, against Keras, SciPy and MNIST itself."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import mannwhitneyu

import train
from mnist_mlp.canvas import to_mnist
from mnist_mlp.mlp import MLP, load
from mnist_mlp.network import ACTIVATIONS, WEIGHTS
from mnist_mlp.training import report
from mnist_mlp.training.data import DIGESTS, Mnist
from mnist_mlp.training.non_digits import scribbles
from mnist_mlp.training.strokes import measure

BOTH = ["relu", "sigmoid"]


@pytest.fixture(scope="module")
def few(mnist: Mnist) -> Mnist:
    return Mnist(mnist.x_train[:1500], mnist.y_train[:1500], mnist.x_test[:500], mnist.y_test[:500])


def fit(few: Mnist, folder: Path, epochs: int, seed: int = 1) -> dict[str, dict[str, np.ndarray]]:
    x = few.x_test.reshape(-1, 784) / np.float32(255)
    images, digits = few.x_train, few.y_train
    return train.fit(images, digits, (x, few.y_test), BOTH, folder, epochs, batch_size=64, seed=seed)[0]


def same(a: dict[str, dict[str, np.ndarray]], b: dict[str, dict[str, np.ndarray]]) -> bool:
    return all(a[n][t].tobytes() == b[n][t].tobytes() for n in BOTH for t in a[n])


def test_the_seed_decides_every_byte(few: Mnist, tmp_path: Path) -> None:
    first, again = fit(few, tmp_path / "a", 2), fit(few, tmp_path / "b", 2)
    assert same(first, again)
    assert not same(first, fit(few, tmp_path / "c", 2, seed=2))


def test_an_interrupted_run_ends_as_one_that_was_not(
    few: Mnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fit(few, tmp_path / "whole", train.CHECKPOINT_EVERY + 2)

    class Interrupted(train.Checkpoint):
        def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
            super().on_epoch_end(epoch, logs)
            if epoch == train.CHECKPOINT_EVERY:
                raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(train, "Checkpoint", Interrupted)
        fit(few, tmp_path / "parts", train.CHECKPOINT_EVERY + 2)
    assert same(whole, fit(few, tmp_path / "parts", train.CHECKPOINT_EVERY + 2))


def test_a_small_run_learns_and_saves_what_loads_again(
    few: Mnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "load_mnist", lambda path: few)
    monkeypatch.setattr(train, "VALIDATION", 5)
    train.main(["--epochs", "24", "--batch-size", "32", "--output", str(tmp_path)])
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    for name in ACTIVATIONS:
        net = MLP.from_pretrained(tmp_path / name)
        assert net.activation == name
        wrong = net.predict_proba(few.x_test / np.float32(255)).argmax(1) != few.y_test
        assert metrics[name]["test_errors"] == wrong.sum()
        pictures = {path.stem for path in (tmp_path / name).glob("*.png")}
        assert pictures == {"curves", "confusion", "mistakes", "first_layer", "reliability"}
    assert metrics["relu"]["test_accuracy"] > 0.6  # of which chance would give 0.1
    assert not list(tmp_path.glob(".checkpoint*"))


def test_interrupting_leaves_the_earlier_weights(
    few: Mnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "load_mnist", lambda path: few)
    monkeypatch.setattr(train, "VALIDATION", 5)
    load("relu").save_pretrained(tmp_path / "relu")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def interrupted(*args: object, **settings: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.Model, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train.main(["--epochs", "1", "--activation", "relu", "--output", str(tmp_path)])
    assert all(path.read_bytes() == content for path, content in before.items())


def test_redrawn_digits_lie_where_to_mnist_puts_them(few: Mnist) -> None:
    strokes = measure(few.x_train[:600])
    tensors = strokes._replace(fields=tf.constant(strokes.fields.reshape(-1)))
    digit = tf.constant(few.y_train[:600], tf.int32)
    pixels = train.redraw(tensors, digit, tf.range(600), tf.constant(3)).numpy().reshape(-1, 28, 28)
    assert pixels.dtype == np.float32
    assert pixels.min() >= 0 and pixels.max() <= 1
    again = np.stack([to_mnist((255 * image).astype(np.uint8)) for image in pixels])
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


def test_undistorted_digits_look_like_mnists_own(few: Mnist, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TURN", "SHEAR", "STRETCH", "BEND", "WOBBLE"):
        monkeypatch.setattr(train, name, 0.0)
    monkeypatch.setattr(train, "WAYS", (1.0, 0.0, 0.0))
    strokes = measure(few.x_train[:600])
    tensors = strokes._replace(fields=tf.constant(strokes.fields.reshape(-1)))
    digit = tf.constant(few.y_train[:600], tf.int32)
    pixels = train.redraw(tensors, digit, tf.range(600), tf.constant(3)).numpy().reshape(-1, 28, 28)
    original = few.x_train[:600] / np.float32(255)

    def edges(images: np.ndarray) -> float:
        return sum(float((np.diff(images, axis=axis) ** 2).sum()) for axis in (1, 2))

    assert pixels.sum() == pytest.approx(original.sum(), rel=0.02)
    assert edges(pixels) == pytest.approx(edges(original), rel=0.1)


def test_redrawn_digits_are_still_themselves(few: Mnist) -> None:
    """The shipped network reads most of them: a distortion that changes what they say would show."""
    strokes = measure(few.x_train[:600])
    tensors = strokes._replace(fields=tf.constant(strokes.fields.reshape(-1)))
    digit = tf.constant(few.y_train[:600], tf.int32)
    pixels = train.redraw(tensors, digit, tf.range(600), tf.constant(4)).numpy()
    assert (load("relu").predict_proba(pixels).argmax(1) == few.y_train[:600]).mean() > 0.9


def test_temperature_is_where_the_gradient_vanishes() -> None:
    rng = np.random.default_rng(0)
    digits = rng.integers(0, 10, 4000)
    logits = 3 * (rng.normal(size=(4000, 10)) + 2 * np.eye(10)[digits])
    log_t = tf.Variable(np.log(train.temperature(logits, digits)))
    with tf.GradientTape() as tape:
        scaled = tf.constant(logits) / tf.exp(log_t)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(digits, scaled))
    assert abs(float(tape.gradient(loss, log_t))) < 1e-4


def test_auroc_is_mann_and_whitneys_statistic() -> None:
    rng = np.random.default_rng(0)
    high, low = rng.normal(1, 1, 300).round(1), rng.normal(0, 1, 200).round(1)
    assert report.auroc(high, low) == pytest.approx(mannwhitneyu(high, low).statistic / (300 * 200))


def test_calibration_error_of_networks_whose_answer_is_known() -> None:
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.2, 1, 200_000)
    right = rng.random(200_000) < sure
    probabilities = np.zeros((200_000, 10))
    probabilities[:, 1:] = ((1 - sure) / 9)[:, None]
    probabilities[:, 0] = sure
    assert report.calibration_error(probabilities, np.where(right, 0, 1)) < 0.01
    always = np.zeros(200_000, int)
    assert report.calibration_error(probabilities, always) == pytest.approx(1 - sure.mean(), abs=1e-6)


def test_scribbles_are_told_by_the_seed() -> None:
    first, again, other = scribbles(4, 0), scribbles(4, 0), scribbles(4, 1)
    assert all(np.array_equal(a, b) for a, b in zip(first, again))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other))
    assert all(c.shape == (280, 280) and c.dtype == np.uint8 and to_mnist(c).any() for c in first)


@pytest.mark.parametrize("name", BOTH)
def test_the_shipped_figures_are_those_of_the_shipped_weights(name: str, mnist: Mnist) -> None:
    net, metrics = load(name), json.loads((WEIGHTS / "metrics.json").read_text())[name]
    model = keras.Sequential(
        [
            keras.Input((784,)),
            keras.layers.Dense(128, name),
            keras.layers.Dense(256, name),
            keras.layers.Dense(10, "softmax"),
        ]
    )
    model.set_weights([net.w1, net.b1, net.w2, net.b2, net.w3, net.b3])
    p = model.predict(mnist.x_test.reshape(-1, 784) / np.float32(255), batch_size=1000, verbose=0)
    errors = int((p.argmax(1) != mnist.y_test).sum())
    assert errors == metrics["test_errors"] == net.config["test_errors"]
    assert metrics["test_accuracy"] == net.config["test_accuracy"] == pytest.approx(1 - errors / 10_000)
    assert report.calibration_error(p, mnist.y_test) == pytest.approx(metrics["test_ece"], abs=1e-4)
    assert net.config["command"].startswith("python train.py")
    assert net.config["data"] == DIGESTS
    assert errors <= 80


@pytest.mark.parametrize(
    "arguments",
    [["--epochs", "0"], ["--epochs", "x"], ["--activation", "tanh"], ["--batch-size", "-1"], ["--surplus"]],
)
def test_bad_options_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        train.main(arguments)
    assert stop.value.code == 2
    assert "usage:" in capsys.readouterr().err
