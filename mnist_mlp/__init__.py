"""A small network that reads handwritten digits: trained with TensorFlow, run in NumPy."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnist_mlp.canvas import to_mnist
    from mnist_mlp.mlp import MLP, load
    from mnist_mlp.reader import read

__all__ = ["MLP", "load", "read", "to_mnist"]

_HOMES = {
    "MLP": "mnist_mlp.mlp",
    "load": "mnist_mlp.mlp",
    "read": "mnist_mlp.reader",
    "to_mnist": "mnist_mlp.canvas",
}


def __getattr__(name: str) -> Any:
    # Imported when first asked for: the command line needs no Hub, and speaks before NumPy is loaded.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
