"""A canvas → what is read: the one way that the page, the API, the command line and `classify` take."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from mnist_mlp.canvas import place
from mnist_mlp.network import Network, shipped


class Digit(NamedTuple):
    """One digit of what is read."""

    digit: int
    """The likeliest, 0..9."""
    probabilities: np.ndarray
    """(10,) float32"""
    pixels: np.ndarray
    """(28, 28) float32 in 0..1: what the network sees."""
    box: tuple[int, int, int, int]
    """Left, top, right, bottom in canvas pixels; right and bottom are exclusive."""


class Reading(NamedTuple):
    """What is read on a canvas."""

    text: str
    """"7"; "" where nothing can be read."""
    confidence: float
    """0..1: the probability of `text`; 0 where there is none."""
    hint: str
    """What to tell the person who drew; "" where there is no doubt."""
    digits: tuple[Digit, ...]
    """From left to right."""
    readings: dict[str, float]
    """Every reading considered, the likeliest first, with its probability: they sum to 1."""


def read(canvas: np.ndarray, network: str | Network = "relu") -> Reading:
    """Read what is drawn on a canvas.

    Args:
        canvas: uint8, (H, W), (H, W, 3) or (H, W, 4), as `to_mnist` takes it.
        network: "relu" or "sigmoid" for a shipped one, or a network.

    Raises:
        TypeError: the canvas is not an array of uint8.
        ValueError: another shape, or no such network.
    """
    net = network if isinstance(network, Network) else _shipped(network)
    placed = place(canvas)
    if placed.hint:
        return Reading("", 0.0, placed.hint, (), {})
    probabilities = net.predict_proba(placed.pixels)
    order = np.argsort(probabilities)[::-1]
    digit = Digit(int(order[0]), probabilities, placed.pixels, placed.box)
    readings = {str(d): float(probabilities[d]) for d in order}
    return Reading(
        str(digit.digit), float(probabilities[order[0]]), _hint(probabilities, net), (digit,), readings
    )


@cache
def _shipped(name: str) -> Network:
    # Not `mnist_mlp.load`: importing the Hub's client takes longer than reading a hundred pictures.
    return Network.from_folder(shipped(name))


def _hint(probabilities: np.ndarray, net: Network) -> str:
    second, first = np.argsort(probabilities)[-2:]
    threshold: Any = net.config.get("not_sure_below", 0.5)
    if probabilities[first] >= threshold:
        return ""
    return f"Not sure: it could be {_a(first)} or {_a(second)}."


def _a(digit: int) -> str:
    return f"an {digit}" if digit == 8 else f"a {digit}"
