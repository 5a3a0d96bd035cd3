"""A small network that reads handwritten digits: trained with TensorFlow, run in NumPy."""

from mnist_mlp.canvas import to_mnist
from mnist_mlp.mlp import MLP, load

__all__ = ["MLP", "load", "to_mnist"]
