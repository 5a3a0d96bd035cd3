"""Snapshots of a network in training, as a file that train.py could have written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from mnist_mlp import load
from mnist_mlp.network import SHAPES, softmax
from mnist_mlp.snapshots import load_snapshots, read_snapshots

EPOCHS = [0, 1, 2, 5, 1500]


def save(path: Path, **other: Any) -> Path:
    """Snapshots between zeros and the shipped ReLU network."""
    tensors = {
        f"{epoch}/{name}": (load().weights[name] * (i / 4)).astype(np.float16)
        for i, epoch in enumerate(EPOCHS)
        for name in SHAPES
    }
    about = {"epochs": EPOCHS, "validation_errors": [900, 90, 60, 40, 20], "validation_images": 1000} | other
    metadata = {key: json.dumps(value) for key, value in about.items()}
    save_file(tensors, path, metadata | {"activation": "relu"})
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
    assert snapshots.epochs == tuple(EPOCHS) and snapshots.validation_errors == (900, 90, 60, 40, 20)
    assert np.array_equal(
        snapshots.incoming("h2", 7)[-1], load().w2[:, 7].astype(np.float16).astype(np.float32)
    )


def test_what_holds_no_snapshots_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "snapshots.safetensors"
    faults: list[tuple[dict[str, Any], str, str]] = [
        ({}, "sigmoid", "of a sigmoid network"),
        ({"epochs": [0, 1]}, "relu", "errors for each"),
        ({"epochs": [0, 1, 2, 5, 7]}, "relu", "7/w1"),
        ({"validation_errors": "many"}, "relu", "list of integers"),
    ]
    for other, activation, fault in faults:
        with pytest.raises(ValueError, match=rf"snapshots\.safetensors: .*{fault}"):
            read_snapshots(save(path, **other), activation)
    path.write_bytes(b"no safetensors")
    with pytest.raises(ValueError, match=r"snapshots\.safetensors"):
        read_snapshots(path, "relu")


@pytest.mark.parametrize("name", ["relu", "sigmoid"])
def test_the_last_shipped_snapshot_is_the_shipped_network(name: str) -> None:
    snapshots = load_snapshots(name)
    assert snapshots
    assert snapshots.epochs[0] == 0 and list(snapshots.epochs) == sorted(snapshots.epochs)
    for key, tensor in snapshots.networks[-1].weights.items():
        assert np.array_equal(tensor, load(name).weights[key].astype(np.float16).astype(np.float32))
