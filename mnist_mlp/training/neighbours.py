"""The training digits that the explanation compares a drawing with: a few that stand for all."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mnist_mlp.files import write_whole
from mnist_mlp.network import Network

PER_DIGIT = 200  # of each digit


def chosen(nets: Sequence[Network], images: np.ndarray, digits: np.ndarray) -> np.ndarray:
    """2,000 of n training digits, 200 of each, that cover the second hidden layers: their indices, ascending.

    Greedy k-center (Gonzalez 1985) by cosine similarity, over all the networks' layers at once: each next
    centre is the digit farthest from those before. Then each is replaced by the most typical digit of its
    cluster.

    Args:
        images, digits: (n, 28, 28) and (n,) uint8.
    """
    picked: list[int] = []
    for digit in range(10):
        of_digit = np.flatnonzero(digits == digit)
        x = images[of_digit].reshape(-1, 784) / np.float32(255)
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


def save_neighbours(nets: Sequence[Network], images: np.ndarray, digits: np.ndarray, path: Path) -> None:
    """Write neighbours.npz: "images" (2000, 28, 28) uint8, "labels" (2000,) uint8, and "indices" (2000,)
    int32, their places in the arrays given."""
    indices = chosen(nets, images, digits)
    content = io.BytesIO()
    np.savez_compressed(
        content, images=images[indices], labels=digits[indices], indices=indices.astype(np.int32)
    )
    write_whole(path, content.getvalue())
