"""The network, in NumPy: 784-128-256-10, sigmoid or ReLU, read from safetensors.

For a row x of 784 pixels:

    z1 = x·W1 + b1          h1 = f(z1)
    z2 = h1·W2 + b2         h2 = f(z2)
    logits = h2·W3 + b3     probabilities = softmax(logits)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open

LAYERS = (784, 128, 256, 10)
WEIGHTS = Path(__file__).parent / "weights"
MAX_FILE = 1_000_000  # bytes of one file of a network; its weights are 544,296 of them
MAX_WEIGHT = 10_000.0  # no step of the forward pass overflows float32 below it
SHAPES = {
    name: shape
    for i, (fan_in, fan_out) in enumerate(pairwise(LAYERS), 1)
    for name, shape in ((f"w{i}", (fan_in, fan_out)), (f"b{i}", (fan_out,)))
}
Weights = dict[str, np.ndarray]
"""A network's six arrays by name: see `SHAPES`."""

BLOCK = 384  # pictures in one forward pass: its arrays stay in the processor's cache


def relu(z: np.ndarray) -> np.ndarray:
    """max(0, z)"""
    return np.maximum(0, z)


def sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-z))"""
    return 1 / (1 + np.exp(np.minimum(-z, 80)))  # exp(80) fits into float32; the sigmoid is 0 there


def softmax(logits: np.ndarray) -> np.ndarray:
    """exp(logits) / sum(exp(logits)) over the last axis."""
    # Softmax is shift-invariant; with the largest logit at 0, exp cannot overflow.
    e = np.exp(logits - np.maximum.reduce(logits, -1, keepdims=True))
    return e / np.add.reduce(e, -1, keepdims=True)


def digit_score(logits: np.ndarray) -> np.ndarray:
    """How much an image is a digit at all: log(sum(exp(logits))) over the last axis, (..., 10) to (...).

    The negative energy of Liu, Wang, Owens and Li 2020, "Energy-based out-of-distribution detection". The
    networks are trained with "no digit" as an eleventh class whose logit is 0, so that the probability of a
    digit at all is 1 / (1 + exp(-score)), and that of digit d exp(logits[d]) / (1 + exp(score)).
    """
    largest = logits.max(-1, keepdims=True)  # so that exp cannot overflow
    return np.log(np.exp(logits - largest).sum(-1)) + largest[..., 0]


ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"relu": relu, "sigmoid": sigmoid}


class Forward(NamedTuple):
    """Every step of one forward pass, in order. All float32; the leading axes are those of x."""

    z1: np.ndarray
    h1: np.ndarray
    z2: np.ndarray
    h2: np.ndarray
    logits: np.ndarray
    probabilities: np.ndarray


class Network:
    """A trained 784-128-256-10 network.

    Args:
        weights: float32 arrays w1 (784, 128), b1 (128,), w2 (128, 256), b2 (256,), w3 (256, 10)
            and b3 (10,).
        config: the contents of `config.json`; "activation" is "relu" or "sigmoid", "layers" the sizes.

    Raises:
        ValueError: tensors or configuration that are not such a network's.
    """

    def __init__(self, weights: Weights, config: dict[str, Any]):
        _check_config(config)
        _check_weights(weights)
        self.weights, self.config = {name: weights[name] for name in SHAPES}, config
        self.w1, self.b1, self.w2, self.b2, self.w3, self.b3 = self.weights.values()
        self.activation: str = config["activation"]
        self.activate = ACTIVATIONS[self.activation]

    def forward(self, x: np.ndarray) -> Forward:
        """Every step from pixels to probabilities.

        Args:
            x: floats in 0..1, (..., 784) or (..., 28, 28).

        Raises:
            TypeError: not a NumPy array of floats.
            ValueError: another shape, or pixels outside 0..1.
        """
        x = _check_input(x)
        if x.ndim > 2:  # BLAS takes matrices; for more axes, NumPy's own loop is 20 times slower
            steps = self.forward(x.reshape(-1, 784))
            return Forward(*(step.reshape(*x.shape[:-1], step.shape[-1]) for step in steps))
        z1 = x.dot(self.w1) + self.b1
        h1 = self.activate(z1)
        z2 = h1.dot(self.w2) + self.b2
        h2 = self.activate(z2)
        logits = h2.dot(self.w3) + self.b3
        return Forward(z1, h1, z2, h2, logits, softmax(logits))

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Probabilities of the ten digits: (..., 10) float32, rows that sum to 1; x as in `forward`."""
        x = _flat(x)
        if x.size <= BLOCK * 784:
            return self.forward(x).probabilities
        rows = x.reshape(-1, 784)
        blocks = (rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK))
        probabilities = np.concatenate([self.forward(block).probabilities for block in blocks])
        return probabilities.reshape(*x.shape[:-1], 10)


def read_files(folder: Path) -> tuple[Weights, dict[str, Any]]:
    """The weights and the configuration of a network, from model.safetensors and config.json.

    Raises:
        ValueError: they are not a network's; the message names the file and the fault.
    """
    config = read_json(folder / "config.json", _check_config)
    path = folder / "model.safetensors"
    try:
        with safe_open(_check_file_size(path), "np") as file:
            _check_header(file, config)
            weights = {name: file.get_tensor(name) for name in SHAPES}
        _check_weights(weights)
    except OSError as fault:
        raise ValueError(f"{path}: {fault.strerror or fault}") from fault
    except (ValueError, SafetensorError) as fault:
        raise ValueError(f"{path}: {fault}") from fault
    return weights, config


def read_json(path: Path, check: Callable[[Any], Any]) -> Any:
    """What a JSON file holds, when `check` has not raised.

    Raises:
        ValueError: `check` did, or it is no JSON; the message names the file and the fault.
    """
    try:
        content = json.loads(_check_file_size(path).read_text(encoding="utf-8"))
        check(content)
    except OSError as fault:
        raise ValueError(f"{path}: {fault.strerror or fault}") from fault
    except (ValueError, RecursionError) as fault:
        raise ValueError(f"{path}: {fault}") from fault
    return content


def _check_file_size(path: Path) -> Path:
    size = path.stat().st_size
    if size > MAX_FILE:
        raise ValueError(f"a file of at most {MAX_FILE:,} bytes; got {size:,}")
    return path


def _check_config(config: Any) -> None:
    if not isinstance(config, dict):
        raise ValueError(f"the configuration is a JSON object; got {type(config).__name__}")
    activation = config.get("activation")
    if activation not in list(ACTIVATIONS):
        raise ValueError(f'"activation" is one of {sorted(ACTIVATIONS)}; got {activation!r:.80}')
    if config.get("layers") != list(LAYERS):
        raise ValueError(f'"layers" is {list(LAYERS)}; got {config.get("layers")!r:.80}')


def _check_header(file: Any, config: dict[str, Any]) -> None:
    _check_names(file.keys())
    for name, shape in SHAPES.items():
        tensor = file.get_slice(name)
        if tensor.get_dtype() != "F32" or tuple(tensor.get_shape()) != shape:
            raise ValueError(f"{name} is F32 {shape}; got {tensor.get_dtype()} {tuple(tensor.get_shape())}")
    # Weights trained with one activation give wrong digits with the other, and no sign of it.
    trained_with = (file.metadata() or {}).get("activation")
    if trained_with != config["activation"]:
        raise ValueError(
            f"the weights were trained with {trained_with!r:.80}, config.json says {config['activation']!r}"
        )


def _check_names(names: Iterable[str]) -> None:
    if set(names) != set(SHAPES):
        raise ValueError(f"the tensors are {sorted(SHAPES)}; got {sorted(names)!s:.80}")


def _check_weights(weights: Weights) -> None:
    _check_names(weights)
    for name, shape in SHAPES.items():
        tensor = weights[name]
        if tensor.shape != shape or tensor.dtype != np.float32:
            raise ValueError(f"{name} is float32 {shape}; got {tensor.dtype} {tensor.shape}")
        if not np.abs(tensor).max() <= MAX_WEIGHT:  # neither is NaN
            raise ValueError(f"{name} is finite, within ±{MAX_WEIGHT:,.0f}; got {np.abs(tensor).max()}")


def _check_input(x: np.ndarray) -> np.ndarray:
    x = _flat(x)
    if x.dtype != np.float32:
        with np.errstate(over="ignore"):  # an overflow becomes infinity, which is refused below
            x = x.astype(np.float32)
    # argmin and argmax find NaN too, and cost a third of min and max for one picture.
    if x.size and not (x.item(x.argmin()) >= 0 and x.item(x.argmax()) <= 1):
        raise ValueError(f"pixels are in 0..1; got {x.min()}..{x.max()}")
    return x


def _flat(x: np.ndarray) -> np.ndarray:
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        got = x.dtype if isinstance(x, np.ndarray) else type(x).__name__
        raise TypeError(f"pixels are a NumPy array of floats; got {got}")
    if x.shape[-1:] == (784,):
        return x
    if x.shape[-2:] != (28, 28):
        raise ValueError(f"pixels are (..., 784) or (..., 28, 28); got {x.shape}")
    return x.reshape(*x.shape[:-2], 784)
