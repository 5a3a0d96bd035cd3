"""The Keras models: the networks, and their teacher."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

from mnist_mlp.network import LAYERS, SHAPES
from mnist_mlp.training.redraw import NON_DIGIT

CLASSES = NON_DIGIT + 1  # the ten digits, and no digit


def build_teacher(seed: int) -> keras.Model:
    """A small convolutional network with 2.8 million multiplications an image, twenty times the others'."""
    pixels = keras.Input((LAYERS[0],))
    h = keras.layers.Reshape((28, 28, 1))(pixels)
    for i, channels in enumerate((32, 64, 64)):
        start = keras.initializers.HeNormal(seed + i)
        h = keras.layers.Conv2D(channels, 3, activation="relu", kernel_initializer=start)(h)
        h = keras.layers.MaxPooling2D()(h) if i < 2 else keras.layers.Flatten()(h)
    logits = keras.layers.Dense(LAYERS[-1], kernel_initializer=keras.initializers.HeNormal(seed + 3))(h)
    return keras.Model(pixels, {"teacher": _with_no_digit(logits)})


def build(activations: list[str], seed: int) -> keras.Model:
    """One Keras model with a 784-128-256-10 network for each activation. They share the input alone."""
    pixels = keras.Input((LAYERS[0],))
    logits = {}
    for name in activations:
        start = keras.initializers.HeNormal if name == "relu" else keras.initializers.GlorotNormal
        h = pixels
        for i, units in enumerate(LAYERS[1:]):
            activation = name if i < 2 else None
            layer = keras.layers.Dense(
                units, activation, kernel_initializer=start(seed + i), name=f"{name}_{i + 1}"
            )
            h = layer(h)
        logits[name] = _with_no_digit(h)
    return keras.Model(pixels, logits)


def _with_no_digit(logits: tf.Tensor) -> tf.Tensor:
    """(n, 10) logits and an eleventh, that of "no digit", which is always 0: (n, 11)."""
    return keras.ops.pad(logits, [[0, 0], [0, 1]])


def accuracy(y: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Whether the likeliest of the ten digits is right, (n,); both arguments are (n, 11)."""
    return keras.metrics.categorical_accuracy(y[:, :-1], logits[:, :-1])


def weights_of(model: keras.Model) -> dict[str, np.ndarray]:
    """A model's weights by name: "relu_1/kernel" and so on."""
    return {"/".join(w.path.split("/")[-2:]): w.numpy() for w in model.weights}


def by_network(weights: dict[str, np.ndarray], activations: list[str]) -> dict[str, dict[str, np.ndarray]]:
    """The same by network and tensor, as in `network.SHAPES`."""
    kinds = {"w": "kernel", "b": "bias"}
    return {
        name: {tensor: weights[f"{name}_{tensor[1]}/{kinds[tensor[0]]}"] for tensor in SHAPES}
        for name in activations
    }
