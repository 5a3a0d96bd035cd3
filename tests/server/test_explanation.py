"""What `/explain` says of a digit, against the network's own weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from mnist_mlp import load
from mnist_mlp.box import Box
from mnist_mlp.network import SHAPES
from mnist_mlp.reader import Digit, Reading, read
from mnist_mlp.server import explanation
from mnist_mlp.server.explanation import explained
from mnist_mlp.snapshots import read_snapshots
from mnist_mlp.training.data import Mnist

EPOCHS = (0, 1, 1500)


@pytest.fixture(scope="module")
def picture(mnist: Mnist) -> np.ndarray:
    return mnist.x_train[50_000].reshape(784) / np.float32(255)


def as_read(x: np.ndarray) -> Reading:
    digit = Digit(0, np.zeros(10, np.float32), x.reshape(28, 28), Box(0, 0, 1, 1))
    return Reading("0", 0.9, "", (digit,), {"0": 0.9, "": 0.1})


@pytest.fixture(autouse=True)
def snapshots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three snapshots of the shipped network: the weights times 0, 0.5 and 1."""
    tensors = {
        f"{epoch}/{name}": (load().weights[name] * share).astype(np.float16)
        for epoch, share in zip(EPOCHS, (0, 0.5, 1))
        for name in SHAPES
    }
    about = {"epochs": json.dumps(EPOCHS), "validation_errors": "[900, 30, 20]", "validation_images": "1000"}
    save_file(tensors, tmp_path / "snapshots.safetensors", {"activation": "relu", **about})
    found = read_snapshots(tmp_path / "snapshots.safetensors", "relu")
    monkeypatch.setattr(explanation, "load_snapshots", lambda name: found if name == "relu" else None)


@pytest.mark.parametrize("unit", ["h1[103]", "h2[5]", "logits[7]"])
@pytest.mark.parametrize("network", ["relu", "sigmoid"])
def test_a_units_terms_and_bias_add_up_to_its_sum(picture: np.ndarray, network: str, unit: str) -> None:
    told = explained(network, as_read(picture), 0, unit=unit)["unit"]
    assert told and told["name"] == unit
    assert np.dot(told["inputs"], told["weights"]) + told["bias"] == pytest.approx(told["sum"], abs=1e-4)
    steps = load(network).forward(picture)
    layer, index = unit[:-1].split("[")
    assert told["output"] == pytest.approx(float(getattr(steps, layer)[int(index)]), abs=1e-5)


def test_the_smallest_change_is_read_as_asked(picture: np.ndarray) -> None:
    told = explained("relu", as_read(picture), 0, change_to=3)["change"]
    assert told and told["digit"] == 3
    changed = np.array(told["pixels"], np.float32)
    assert load().predict_proba(changed).argmax() == np.argmax(told["probabilities"]) == 3
    difference = np.abs(changed.ravel() - picture)
    assert told["l2"] == pytest.approx(float(np.linalg.norm(difference)), abs=1e-5)
    assert told["pixels_changed"] == (difference > 0.5 / 255).sum()


def test_an_epoch_explains_the_network_as_it_was(picture: np.ndarray) -> None:
    shipped, half = explained("relu", as_read(picture), 0), explained("relu", as_read(picture), 0, epoch=1)
    assert shipped["epoch"] is None and half["epoch"] == 1
    assert [snapshot["epoch"] for snapshot in shipped["snapshots"]] == list(EPOCHS)
    assert shipped["snapshots"][0]["probabilities"] == pytest.approx([0.1] * 10)
    assert shipped["snapshots"][-1]["probabilities"] == pytest.approx(shipped["probabilities"], abs=1e-3)
    assert shipped["snapshots"][1]["probabilities"] == pytest.approx(half["probabilities"], abs=1e-6)
    assert np.sum(half["evidence"]) + half["bias"] == pytest.approx(half["logit"], abs=1e-4)


def test_without_snapshots_there_are_none_and_no_epoch_can_be_asked_for(picture: np.ndarray) -> None:
    assert explained("sigmoid", as_read(picture), 0)["snapshots"] == []
    with pytest.raises(ValueError, match="no snapshots"):
        explained("sigmoid", as_read(picture), 0, epoch=1)


def test_what_there_is_not_is_refused(picture: np.ndarray) -> None:
    for unit in ("h1[128]", "h2[256]", "logits[10]", "h3[0]", "h1", "h1[-1]", "", "h1[0]\n"):
        with pytest.raises(ValueError, match="a unit is"):
            explained("relu", as_read(picture), 0, unit=unit)
    with pytest.raises(ValueError, match=r"the epochs are \[0, 1, 1500\]; got 7"):
        explained("relu", as_read(picture), 0, epoch=7)


def test_the_terms_of_a_number_add_up_to_its_probability(mnist: Mnist) -> None:
    pair = np.hstack([mnist.x_train[50_000], mnist.x_train[50_001]])
    reading = read(255 - np.pad(pair, 10).repeat(4, 0).repeat(4, 1))
    told = explained("relu", reading, 1)
    assert told["text"] == reading.text and len(told["text"]) == 2
    (line,) = told["lattice"]
    assert "".join(term["label"] for term in line["terms"] if term["label"] != "mark") == reading.text
    best = sum(term["network"] + term["features"] for term in line["terms"])
    assert best <= line["of_text"] + 1e-9 <= line["of_all"] + 2e-9  # one way, some ways, all ways
    number = 1 - reading.readings[""]
    assert number * np.exp(line["of_text"] - line["of_all"]) == pytest.approx(reading.confidence, abs=1e-6)


def test_an_epoch_s_smallest_change_is_that_of_its_network(picture: np.ndarray) -> None:
    changed = explained("relu", as_read(picture), 0, epoch=1, change_to=3)["change"]
    assert changed
    net = explanation.serving_snapshots("relu").networks[1]  # type: ignore[union-attr]
    assert net.predict_proba(np.array(changed["pixels"], np.float32)).argmax() == 3
    assert changed["probabilities"] == pytest.approx(
        net.predict_proba(np.array(changed["pixels"], np.float32)).tolist(), abs=1e-6
    )
