"""What ships beside the networks: their snapshots, and the training digits that a drawing is compared with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from mnist_mlp.network import Network, Weights
from mnist_mlp.training.mnist import HELD_OUT, Digits
from mnist_mlp.training.thresholds import rounded

PER_DIGIT = 200  # neighbours of each digit


def save_snapshots(net: Network, earlier: dict[int, Weights], validation: Digits, path: Path) -> None:
    """Write snapshots.safetensors: float16 tensors "0/w1", "0/b1" … by the epoch after which they were kept.

    The last are the network's own. The metadata are "activation" and, as JSON, "epochs",
    "validation_errors" (one for each epoch) and "validation_images" (how many).

    Args:
        earlier: the weights after some epochs.
    """
    of_epoch = {**earlier, net.config["epochs"] + net.config["number_epochs"]: net.weights}
    tensors: dict[str, np.ndarray] = {}
    errors = []
    for epoch, weights in sorted(of_epoch.items()):
        weights = rounded(weights)
        tensors |= {f"{epoch}/{name}": tensor.astype(np.float16) for name, tensor in weights.items()}
        p = Network(weights, net.config).predict_proba(validation.images / np.float32(255))
        errors.append(int((p.argmax(1) != validation.labels).sum()))
    metadata = {
        "activation": net.activation,
        "epochs": json.dumps(sorted(of_epoch)),
        "validation_errors": json.dumps(errors),
        "validation_images": json.dumps(len(validation.labels)),
    }
    save_file(tensors, path, metadata)


def save_neighbours(nets: Sequence[Network], digits: Digits, path: Path) -> None:
    """Write neighbours.npz: "images" (2000, 28, 28) uint8, "labels" (2000,) uint8 and "indices" (2000,) int32,
    their places among MNIST's 60,000 training images; `digits` are those that are learnt from."""
    indices = chosen(nets, digits)
    some, places = digits.some(indices), np.flatnonzero(~HELD_OUT)[indices]
    np.savez_compressed(path, images=some.images, labels=some.labels, indices=places.astype(np.int32))


def chosen(nets: Sequence[Network], digits: Digits) -> np.ndarray:
    """2,000 digits, 200 of each, that cover the second hidden layers: their indices, ascending.

    Greedy k-center (Gonzalez 1985) by cosine similarity, over all the networks' layers at once: each next
    centre is the digit farthest from those before. Then each is replaced by the most typical digit of its
    cluster.
    """
    picked: list[int] = []
    for digit in range(10):
        of_digit = np.flatnonzero(digits.labels == digit)
        x = digits.images[of_digit].reshape(-1, 784) / np.float32(255)
        hidden = np.concatenate([_directions(net.forward(x).h2) for net in nets], 1)
        similarity = np.full(len(hidden), -np.inf, np.float32)
        cluster = np.zeros(len(hidden), int)
        for centre in range(min(PER_DIGIT, len(hidden))):
            to_this = hidden @ hidden[similarity.argmin()]
            cluster[to_this > similarity] = centre
            similarity = np.maximum(similarity, to_this)
        for centre in np.unique(cluster):
            members = np.flatnonzero(cluster == centre)
            typical = (hidden[members] @ hidden[members].mean(0)).argmax()
            picked.append(int(of_digit[members[typical]]))
    return np.sort(np.array(picked))


def _directions(hidden: np.ndarray) -> np.ndarray:
    return hidden / np.maximum(np.linalg.norm(hidden, axis=1, keepdims=True), 1e-6)
