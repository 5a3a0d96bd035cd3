"""The Keras models: the networks, and their teacher."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

from mnist_mlp.network import LAYERS, SHAPES
from mnist_mlp.training.non_digits import NON_DIGIT

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
    return keras.Model(pixels, _with_no_digit(logits))


def build(activation: str, seed: int) -> keras.Model:
    """A 784-128-256-10 network with "relu" or "sigmoid" hidden layers."""
    start = keras.initializers.HeNormal if activation == "relu" else keras.initializers.GlorotNormal
    pixels = h = keras.Input((LAYERS[0],))
    for i, units in enumerate(LAYERS[1:]):
        h = keras.layers.Dense(units, activation if i < 2 else None, kernel_initializer=start(seed + i))(h)
    return keras.Model(pixels, _with_no_digit(h), name=activation)


def _with_no_digit(logits: keras.KerasTensor) -> keras.KerasTensor:
    """(n, 10) logits and an eleventh, that of "no digit", which is always 0: (n, 11)."""
    return keras.ops.pad(logits, [[0, 0], [0, 1]])


def weights_of(model: keras.Model) -> dict[str, np.ndarray]:
    """A network's weights by name, as in `network.SHAPES`."""
    return dict(zip(SHAPES, model.get_weights()))


def from_weights(activation: str, weights: dict[str, np.ndarray]) -> keras.Model:
    """The model of a network that was trained before."""
    model = build(activation, 0)
    model.set_weights([weights[name] for name in SHAPES])
    return model
