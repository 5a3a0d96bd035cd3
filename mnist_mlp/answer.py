"""What the page and the API say of a drawing."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from mnist_mlp.canvas import place
from mnist_mlp.mlp import MLP, load

TOP_K = 3


def answer(picture: np.ndarray | None, network: str = "relu") -> tuple[dict[str, float] | None, str | None, str]:
    """Read a handwritten digit (0 to 9) in a picture.

    Args:
        picture: one digit, dark on light or light on dark, of any size.
        network: "relu" or "sigmoid".

    Returns:
        The probability of each digit; the 28×28 pixels that the network sees, as a PNG data URL;
        a hint where there is something to say. The first two are None where there is no digit.
    """
    if picture is None:
        return None, None, "Draw a digit."
    placed = place(picture)
    if placed.hint:
        return None, None, placed.hint
    net = load(network)
    probabilities = net.predict_proba(placed.pixels)
    label = {str(digit): float(p) for digit, p in enumerate(probabilities)}
    return label, to_data_url(placed.pixels), _doubt(probabilities, net)


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
