"""Training, against Keras, SciPy and MNIST itself."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from scipy.stats import mannwhitneyu

import train
from mnist_mlp.mlp import MLP, load
from mnist_mlp.network import ACTIVATIONS, WEIGHTS
from mnist_mlp.snapshots import load_snapshots, read_snapshots
from mnist_mlp.training import lattice, report
from mnist_mlp.training.data import DIGESTS, Mnist

BOTH = ["relu", "sigmoid"]


@pytest.fixture
def few(mnist: Mnist, monkeypatch: pytest.MonkeyPatch) -> Mnist:
    """A little of MNIST, which `train.main` takes for all of it."""
    few = Mnist(mnist.x_train[:1500], mnist.y_train[:1500], mnist.x_test[:500], mnist.y_test[:500])
    monkeypatch.setattr(train, "load_mnist", lambda path: few)
    monkeypatch.setattr(train, "VALIDATION", 5)
    monkeypatch.setattr(report, "DRAWINGS_OF_EACH", 20)
    monkeypatch.setattr(lattice, "SIZES", lattice.SIZES[-1:])  # each takes some ten seconds to compile
    return few


def run(folder: Path, *arguments: str) -> None:
    folders = ["--output", str(folder / "weights"), "--pictures", str(folder / "docs")]
    train.main([*arguments, "--non-digits", "300", "--numbers", "200", "--number-epochs", "1", *folders])


def test_a_small_run_learns_and_saves_what_loads_again(few: Mnist, tmp_path: Path) -> None:
    run(tmp_path, "--epochs", "15", "--batch-size", "32")
    weights = tmp_path / "weights"
    metrics = json.loads((weights / "metrics.json").read_text())
    for name in ACTIVATIONS:
        net = MLP.from_pretrained(weights / name)
        assert net.activation == name
        wrong = net.predict_proba(few.x_test / np.float32(255)).argmax(1) != few.y_test
        assert metrics[name]["test_errors"] == wrong.sum()
        pictures = {path.stem for path in (tmp_path / "docs" / name).glob("*.png")}
        assert pictures == {"curves", "confusion", "mistakes", "first_layer", "reliability"}
        assert net.reader.sure == metrics[name]["sure"] == net.config["reader"]["sure"]
        files = {path.name for path in (weights / name).iterdir()}
        assert files == {"model.safetensors", "config.json", "README.md", "snapshots.safetensors"}
    assert metrics["relu"]["test_accuracy"] > 0.6  # of which chance would give 0.1
    assert metrics["relu"]["auroc_non_digits"] > 0.6
    assert (tmp_path / "docs" / "habits.png").is_file()
    assert (tmp_path / "docs" / "non_digits.png").is_file()
    assert (weights / "neighbours.npz").is_file()
    assert not list(weights.glob(".checkpoint*"))


def test_the_second_part_starts_from_networks_that_there_are(few: Mnist, tmp_path: Path) -> None:
    run(tmp_path, "--start", str(WEIGHTS), "--activation", "relu")
    net, before = MLP.from_pretrained(tmp_path / "weights" / "relu"), load("relu")
    assert net.config["started_from"] == before.config["command"]
    change = np.abs(net.w2 - before.w2).max()
    assert 0 < change < 0.1
    shipped = load_snapshots("relu")
    assert shipped
    epochs = read_snapshots(tmp_path / "weights" / "relu" / "snapshots.safetensors", "relu").epochs
    assert epochs[-1] == before.config["epochs"] + 1 and epochs[:-1] == shipped.epochs[:-1]


def test_interrupting_leaves_the_earlier_weights(
    few: Mnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load("relu").save_pretrained(tmp_path / "weights" / "relu")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def interrupted(*args: object, **settings: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.Model, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, "--epochs", "1", "--activation", "relu")
    assert all(path.read_bytes() == content for path, content in before.items())


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
