"""The nearest training digits, against brute force and MNIST."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mnist_mlp import load
from mnist_mlp import nearest as module
from mnist_mlp.nearest import Neighbours, load_neighbours, nearest
from mnist_mlp.training.data import Mnist


@pytest.mark.parametrize("name", ["relu", "sigmoid"])
def test_the_nearest_are_those_with_the_largest_cosine(name: str, mnist: Mnist) -> None:
    among = Neighbours(mnist.x_train[:200], mnist.y_train[:200], np.arange(200, dtype=np.int32))
    net, x = load(name), mnist.x_train[300] / np.float32(255)
    h2 = net.forward(x).h2.astype(np.float64)
    cosines = [
        float(h2 @ other / np.linalg.norm(h2) / np.linalg.norm(other))
        for other in (net.forward(image / np.float32(255)).h2 for image in among.images)
    ]
    found = nearest(net, x, among)
    assert found.indices.tolist() == sorted(range(200), key=lambda i: -cosines[i])[:10]
    assert np.allclose(found.similarities, sorted(cosines, reverse=True)[:10], atol=1e-5)
    assert np.array_equal(found.images, among.images[found.indices])
    assert np.array_equal(found.labels, among.labels[found.indices])


def test_a_digit_is_nearest_to_itself(mnist: Mnist) -> None:
    among = Neighbours(mnist.x_train[:50], mnist.y_train[:50], np.arange(50, dtype=np.int32))
    for i in range(50):
        found = nearest(load(), mnist.x_train[i].reshape(784) / np.float32(255), among, count=3)
        assert found.indices[0] == i and found.similarities[0] == pytest.approx(1)


def test_the_packages_digits_are_mnists_training_digits(mnist: Mnist) -> None:
    among = load_neighbours()
    assert among and module.FILE.stat().st_size <= 1_000_000
    assert among.images.shape == (2000, 28, 28) and len(set(among.indices.tolist())) == 2000
    assert np.array_equal(among.images, mnist.x_train[among.indices])
    assert np.array_equal(among.labels, mnist.y_train[among.indices])
    assert np.bincount(among.labels, minlength=10).min() >= 100


def test_a_package_without_digits_has_no_nearest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "FILE", tmp_path / "neighbours.npz")
    assert load_neighbours.__wrapped__() is None
