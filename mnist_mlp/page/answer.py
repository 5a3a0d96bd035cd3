"""What the page and the API say of a drawing."""

from __future__ import annotations

import base64
import io
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from mnist_mlp.canvas import place
from mnist_mlp.mlp import MLP
from mnist_mlp.page.panel import pack
from mnist_mlp.server.networks import serving

TOP_K = 3


class Answer(NamedTuple):
    """In the order in which the page shows it, and the API returns it."""

    label: dict[str, float] | None
    """The probability of each digit; None where there is no digit."""
    preview: str | None
    """The 28×28 pixels that the network sees, as a PNG in a data URL."""
    hint: str
    """What there is to say: what the picture lacks, or between which digits the network is not sure."""
    inside: str | None
    """How the answer came about."""


NOTHING = Answer(None, None, "Draw a digit.", None)  # to an empty canvas


def answer(picture: np.ndarray | None, network: str = "relu") -> Answer:
    """Read one handwritten digit in a picture: dark on light or light on dark, anywhere in it, of any size.

    Args:
        picture: a uint8 canvas, (H, W), (H, W, 3) or (H, W, 4); None where nothing is drawn.
        network: "relu" or "sigmoid".
    """
    if picture is None:
        return NOTHING
    placed = place(picture)
    if placed.hint:
        return Answer(None, None, placed.hint, None)
    net = serving(network)
    probabilities = net.predict_proba(placed.pixels.reshape(784))
    label = {str(digit): float(p) for digit, p in enumerate(probabilities)}
    return Answer(label, to_data_url(placed.pixels), _doubt(probabilities, net), pack(net, placed.pixels))


def to_data_url(pixels: np.ndarray) -> str:
    """Pixels in 0..1 as a grey PNG in a data URL."""
    file = io.BytesIO()
    Image.fromarray((pixels * 255).round().astype(np.uint8)).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _doubt(probabilities: np.ndarray, net: MLP) -> str:
    second, first = np.argsort(probabilities)[-2:]
    threshold: Any = net.config.get("not_sure_below", 0.5)
    if probabilities[first] >= threshold:
        return ""
    return f"Not sure: it could be {_a(first)} or {_a(second)}."


def _a(digit: int) -> str:
    return f"an {digit}" if digit == 8 else f"a {digit}"
