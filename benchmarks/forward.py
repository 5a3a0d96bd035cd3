"""The forward pass on one thread: NumPy beside the three bare matrix products, ONNX Runtime and Keras.

    python benchmarks/forward.py

All get the same MNIST digits, in turns, so that other load on the machine meets them all. Compared are
the medians of their turns, as multiples of the products' (x @ w1, h1 @ w2, h2 @ w3, without biases,
activations, softmax and the check of the input).
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Read when the libraries are loaded.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.path.insert(0, str(Path(__file__).parents[1]))

import keras
import numpy as np
import onnxruntime
import tensorflow as tf
from onnx import TensorProto, helper, numpy_helper

from benchmarks.helpers import save, table
from mnist_mlp import MLP, load
from mnist_mlp.mlp import NAMES
from mnist_mlp.network import LAYERS, _check_input
from mnist_mlp.training.mnist import load_train

ROUNDS = {1: 200, 10_000: 20}  # turns of each
CALLS = {1: 30, 10_000: 1}  # calls a turn


def in_keras(net: MLP) -> Callable[[np.ndarray], Any]:
    layers = [
        *(keras.layers.Dense(units, net.activation) for units in LAYERS[1:-1]),
        keras.layers.Dense(LAYERS[-1], "softmax"),
    ]
    model = keras.Sequential([keras.Input((LAYERS[0],)), *layers])
    model.set_weights([net.w1, net.b1, net.w2, net.b2, net.w3, net.b3])
    compiled = tf.function(model)  # `predict` is for data sets: 1,000 times slower for one picture
    return lambda x: compiled(x).numpy()


def in_onnx(net: MLP) -> Callable[[np.ndarray], Any]:
    activation = {"relu": "Relu", "sigmoid": "Sigmoid"}[net.activation]
    nodes = [
        helper.make_node("Gemm", ["x", "w1", "b1"], ["z1"]),
        helper.make_node(activation, ["z1"], ["h1"]),
        helper.make_node("Gemm", ["h1", "w2", "b2"], ["z2"]),
        helper.make_node(activation, ["z2"], ["h2"]),
        helper.make_node("Gemm", ["h2", "w3", "b3"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", LAYERS[0]])]
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", LAYERS[-1]])]
    weights = [numpy_helper.from_array(tensor, name) for name, tensor in net.weights.items()]
    graph = helper.make_graph(nodes, "mlp", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda x: session.run(None, {"x": x})[0]


def compare(net: MLP, x: np.ndarray) -> dict[str, float]:
    """Seconds a call, the median of the turns."""
    steps = net.forward(x)
    h1, h2 = steps.h1, steps.h2
    w1, w2, w3 = net.w1, net.w2, net.w3
    others = {"ONNX Runtime": in_onnx(net), "Keras": in_keras(net)}
    pictures = x[0] if len(x) == 1 else x
    contestants: dict[str, Callable[[], Any]] = {
        "products": lambda: (x @ w1, h1 @ w2, h2 @ w3),
        "NumPy": lambda: net.predict_proba(pictures),
        "of it, the check of the input": lambda: _check_input(pictures),
        **{name: lambda run=run: run(x) for name, run in others.items()},  # type: ignore[misc]
    }
    for name, run in others.items():
        apart = np.abs(run(x) - steps.probabilities).max()
        assert apart < 1e-5, f"{name} computes something else: {apart} apart"
    turns: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(ROUNDS[len(x)]):
        for name, call in contestants.items():
            call()  # the cache is the last one's
            start = time.perf_counter()
            for _ in range(CALLS[len(x)]):
                call()
            turns[name].append((time.perf_counter() - start) / CALLS[len(x)])
    return {name: statistics.median(seconds) for name, seconds in turns.items()}


def main() -> None:
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    digits = load_train()[0].images[:10_000].reshape(-1, 784) / np.float32(255)
    rows: list[list[str]] = []
    for network in ("relu", "sigmoid"):
        for batch in ROUNDS:
            seconds = compare(load(network), digits[:batch])
            shares = [f"{taken / seconds['products']:.2f}" for taken in seconds.values()]
            rows.append([f"{NAMES[network]}, batch {batch:,}", *shares])
            print(rows[-1], {name: f"{taken * 1e6:,.1f} µs" for name, taken in seconds.items()}, flush=True)
    versions = {module.__name__: module.__version__ for module in (np, onnxruntime, keras, tf)}
    shown = table(["as multiples of the three bare matrix products", *seconds], rows)
    save("forward", shown, versions=versions)


if __name__ == "__main__":
    main()
