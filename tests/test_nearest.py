"""The nearest training digits and the snapshots, against brute force, MNIST and the formula."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from mnist_mlp import load
from mnist_mlp import nearest as module
from mnist_mlp.nearest import Neighbours, load_neighbours, nearest
from mnist_mlp.network import SHAPES, softmax
from mnist_mlp.snapshots import load_snapshots, read_snapshots
from mnist_mlp.training.mnist import HELD_OUT, Digits

NETWORKS = ["relu", "sigmoid"]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_nearest_are_those_with_the_largest_cosine(name: str, mnist: Digits) -> None:
    among = Neighbours(mnist.images[:200], mnist.labels[:200], np.arange(200, dtype=np.int32))
    net, x = load(name), mnist.images[300] / np.float32(255)
    h2 = net.forward(x).h2.astype(np.float64)
    others = [net.forward(image / np.float32(255)).h2 for image in among.images]
    cosines = [float(h2 @ other / np.linalg.norm(h2) / np.linalg.norm(other)) for other in others]
    found = nearest(net, x, among)
    assert [each.number for each in found] == sorted(range(200), key=lambda i: -cosines[i])[:10]
    assert np.allclose([each.cosine for each in found], sorted(cosines, reverse=True)[:10], atol=1e-5)
    assert all(np.array_equal(each.image, among.images[each.number]) for each in found)
    assert [each.label for each in found] == [int(among.labels[each.number]) for each in found]


def test_the_packages_digits_are_mnists_training_digits(learnt: Digits) -> None:
    among = load_neighbours()
    assert among and module.FILE.stat().st_size <= 1_000_000
    places = np.full(60_000, -1)
    places[~HELD_OUT] = np.arange(len(learnt.labels))
    at = places[among.indices]
    assert len(set(at.tolist())) == 2000 and at.min() >= 0  # none that the networks are validated with
    assert np.array_equal(among.images, learnt.images[at]) and np.array_equal(among.labels, learnt.labels[at])
    assert (np.bincount(among.labels) == 200).all()


def test_a_package_without_digits_has_no_nearest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "FILE", tmp_path / "neighbours.npz")
    assert load_neighbours.__wrapped__() is None


EPOCHS = [0, 1, 2, 5, 1500]


def save(path: Path, **other: Any) -> Path:
    """Snapshots between zeros and the shipped ReLU network."""
    tensors = {
        f"{epoch}/{name}": (load().weights[name] * (i / 4)).astype(np.float16)
        for i, epoch in enumerate(EPOCHS)
        for name in SHAPES
    }
    about = {"epochs": EPOCHS, "validation_errors": [900, 90, 60, 40, 20], "validation_images": 1000} | other
    save_file(
        tensors, path, {key: json.dumps(value) for key, value in about.items()} | {"activation": "relu"}
    )
    return path


def test_each_snapshot_answers_as_its_weights_do(tmp_path: Path) -> None:
    snapshots = read_snapshots(save(tmp_path / "snapshots.safetensors"), "relu")
    x = np.random.default_rng(1).random(784).astype(np.float32)
    expected = []
    for i in range(len(EPOCHS)):
        weights = [(load().weights[name] * (i / 4)).astype(np.float16).astype(np.float64) for name in SHAPES]
        w1, b1, w2, b2, w3, b3 = weights
        expected.append(softmax(np.maximum(0, np.maximum(0, x @ w1 + b1) @ w2 + b2) @ w3 + b3))
    assert np.allclose(snapshots.predict_proba(x), expected, atol=1e-4)
    assert [row["epoch"] for row in snapshots.over_epochs(x)] == EPOCHS
    assert np.array_equal(
        snapshots.incoming("h2", 7)[-1], load().w2[:, 7].astype(np.float16).astype(np.float32)
    )


FAULTS: list[tuple[dict[str, Any], str, str]] = [
    ({}, "sigmoid", "of a sigmoid network"),
    ({"epochs": [0, 1]}, "relu", "errors for each"),
    ({"epochs": [0, 1, 2, 5, 7]}, "relu", "7/w1"),
    ({"validation_errors": "many"}, "relu", "list of integers"),
]


@pytest.mark.parametrize(("other", "activation", "fault"), FAULTS)
def test_what_holds_no_snapshots_is_refused_by_name(
    tmp_path: Path, other: dict[str, Any], activation: str, fault: str
) -> None:
    with pytest.raises(ValueError, match=rf"snapshots\.safetensors: .*{fault}"):
        read_snapshots(save(tmp_path / "snapshots.safetensors", **other), activation)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_last_shipped_snapshot_is_the_shipped_network(name: str) -> None:
    snapshots, net = load_snapshots(name), load(name)
    assert snapshots and 10 <= len(snapshots.epochs) <= 14
    assert snapshots.epochs[0] == 0 and list(snapshots.epochs) == sorted(snapshots.epochs)
    assert snapshots.epochs[-1] == net.config["epochs"] + net.config["number_epochs"]
    for key, tensor in snapshots.networks[-1].weights.items():
        assert np.array_equal(tensor, net.weights[key])
