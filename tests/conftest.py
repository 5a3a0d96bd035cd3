"""What the tests share."""

from __future__ import annotations

import pytest

from mnist_mlp.data import Mnist, load_mnist


@pytest.fixture(scope="session")
def mnist() -> Mnist:
    """The four arrays of MNIST."""
    return load_mnist()
