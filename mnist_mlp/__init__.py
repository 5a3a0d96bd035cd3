"""A small network that reads handwritten digits: trained with TensorFlow, run in NumPy."""

from mnist_mlp.canvas import to_mnist
from mnist_mlp.mlp import MLP, load, read

__all__ = ["MLP", "load", "read", "to_mnist"]
