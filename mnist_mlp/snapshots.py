"""How a network learned: what it was after each of a dozen epochs of its training.

`train.py` writes `snapshots.safetensors` beside `model.safetensors`: float16 tensors "<epoch>/w1" to
"<epoch>/b3", the epochs and the validation errors after each in the metadata. The last is the network that
is shipped.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open

from mnist_mlp.network import ACTIVATIONS, LAYERS, SHAPES, WEIGHTS, Network

LARGEST_FILE = 4_000_000  # bytes
MAX_SNAPSHOTS = 20


class Snapshots(NamedTuple):
    """Weights after selected epochs, oldest first."""

    epochs: tuple[int, ...]
    validation_errors: tuple[int, ...]
    """How many of the validation images each misread."""
    validation_images: int
    networks: tuple[Network, ...]

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """The probabilities that each gives one picture: (len(epochs), 10) float32; x as in `forward`."""
        return np.stack([net.predict_proba(x) for net in self.networks])

    def over_epochs(self, x: np.ndarray) -> list[dict[str, Any]]:
        """The same with the epochs and the validation errors, a dictionary for each."""
        return [
            {
                "epoch": epoch,
                "validation_errors": errors,
                "validation_images": self.validation_images,
                "probabilities": probabilities,
            }
            for epoch, errors, probabilities in zip(
                self.epochs, self.validation_errors, self.predict_proba(x)
            )
        ]

    def incoming(self, layer: str, unit: int) -> np.ndarray:
        """The weights into a unit after each epoch: (len(epochs), inputs) float32.

        Args:
            layer: "h1", "h2" or "logits".
            unit: which unit of it.
        """
        name = {"h1": "w1", "h2": "w2", "logits": "w3"}[layer]
        return np.stack([net.weights[name][:, unit] for net in self.networks])


@cache
def load_snapshots(name: str = "relu") -> Snapshots | None:
    """The snapshots of a shipped network, or None where the package has none.

    Raises:
        ValueError: no such network, or a file that holds no snapshots; the message names it and the fault.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"the networks are {sorted(ACTIVATIONS)}; got {name!r}")
    path = WEIGHTS / name / "snapshots.safetensors"
    return read_snapshots(path, name) if path.exists() else None


def read_snapshots(path: Path, activation: str) -> Snapshots:
    """Read a file that `train.py` wrote.

    Raises:
        ValueError: it holds no snapshots of such a network; the message names it and the fault.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError(f"a file of at most {LARGEST_FILE:,} bytes; got {path.stat().st_size:,}")
        with safe_open(path, "np") as file:
            about = file.metadata() or {}
            if about.get("activation") != activation:
                raise ValueError(f"of a {activation} network; got {about.get('activation')!r:.80}")
            epochs = _integers(about, "epochs")
            errors = _integers(about, "validation_errors")
            if len(errors) != len(epochs) or not 1 <= len(epochs) <= MAX_SNAPSHOTS:
                raise ValueError(
                    f"1 to {MAX_SNAPSHOTS} epochs, with errors for each; got {epochs} and {errors}"
                )
            images = int(about["validation_images"])
            config = {"activation": activation, "layers": list(LAYERS)}
            networks = [
                Network({key: file.get_tensor(f"{epoch}/{key}").astype(np.float32) for key in SHAPES}, config)
                for epoch in epochs
            ]
    except (OSError, KeyError, SafetensorError, ValueError) as fault:
        raise ValueError(f"{path}: {fault}") from fault
    return Snapshots(epochs, errors, images, tuple(networks))


def _integers(about: dict[str, str], key: str) -> tuple[int, ...]:
    values = json.loads(about[key])
    if not isinstance(values, list) or not all(type(value) is int and value >= 0 for value in values):
        raise ValueError(f"{key} is a list of integers from 0; got {values!r:.80}")
    return tuple(values)
