"""The training digits that the network takes for most alike: the nearest by its second hidden layer.

`train.py` writes `neighbours.npz` into the package's weights: 2,000 of MNIST's 60,000 training images,
chosen to cover it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np

from mnist_mlp.explain import check_picture
from mnist_mlp.network import WEIGHTS, Network

FILE = WEIGHTS / "neighbours.npz"


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The training digits among which the nearest are looked for."""

    images: np.ndarray
    """(n, 28, 28) uint8, ink high."""
    labels: np.ndarray
    """(n,) uint8, 0..9."""
    indices: np.ndarray
    """(n,) int32: which of MNIST's 60,000 training images they are."""


class Neighbour(NamedTuple):
    """A training digit whose second hidden layer is near."""

    label: int
    """0..9"""
    cosine: float
    """Cosine of the angle between its h2 and the picture's."""
    number: int
    """Which of MNIST's 60,000 training images it is."""
    image: np.ndarray
    """(28, 28) uint8, ink high."""


@cache
def load_neighbours() -> Neighbours | None:
    """The package's 2,000 training digits, or None where it has none."""
    if not FILE.exists():
        return None
    with np.load(FILE, allow_pickle=False) as arrays:
        return Neighbours(arrays["images"], arrays["labels"], arrays["indices"])


def nearest(net: Network, x: np.ndarray, among: Neighbours, count: int = 10) -> list[Neighbour]:
    """The training digits whose h2 has the largest cosine with that of a picture, the nearest first.

    Args:
        x: one picture, (784,) or (28, 28), floats in 0..1.
        among: what `load_neighbours` returned.
        count: how many, at most all.

    Raises:
        TypeError, ValueError: another picture.
    """
    steps = net.forward(x)
    check_picture(x, steps)
    cosines = unit_h2(net, among) @ normalised(steps.h2)
    return [
        Neighbour(int(among.labels[i]), float(cosines[i]), int(among.indices[i]), among.images[i])
        for i in np.argsort(-cosines, kind="stable")[:count]
    ]


@lru_cache(maxsize=4)
def unit_h2(net: Network, among: Neighbours) -> np.ndarray:
    """h2 of each digit, divided by its length: (n, 256) float32."""
    return normalised(net.forward(among.images / np.float32(255)).h2)


def normalised(h2: np.ndarray) -> np.ndarray:
    return h2 / np.maximum(np.linalg.norm(h2, axis=-1, keepdims=True), 1e-9)
