"""The panel as a component of the page, and what an answer brings it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from mnist_mlp.explain import contributions
from mnist_mlp.network import Network
from mnist_mlp.page.panel.arrays import encode
from mnist_mlp.page.panel.questions import QUESTIONS
from mnist_mlp.page.part import Part

# One script for each view, and before them what they share.
SCRIPTS = (
    *("state", "words", "answer", "picture", "fold"),
    *("stages", "unit", "lines", "evidence", "change", "epochs", "nearest", "panel"),
)


class Panel(Part):
    """An accordion with the mathematics of the latest answer, open on a wide screen, closed on a phone.

    Its value is what `pack` returns; None for nothing.

    Args:
        opened: False keeps it closed on a wide screen, too.
    """

    def __init__(self, value: str | None = None, *, opened: bool = True, **kwargs: Any):
        scripts = [f"panel/{name}" for name in SCRIPTS]
        super().__init__(
            "panel/panel",
            value,
            scripts=scripts,
            constants={"OPENED": opened},
            server_functions=QUESTIONS,
            **kwargs,
        )

    def api_info(self) -> dict[str, Any]:
        return {"type": "string", "description": "how it came about, packed for the page: see /explain"}


def pack(net: Network, pixels: np.ndarray, index: int = 0, text: str = "") -> str:
    """What the panel shows of one digit, as JSON of about 12 kB.

    Arrays are base64: the steps of the forward pass float32, contributions float16.

    Args:
        net: the network that read it.
        pixels: (28, 28) float32 in 0..1, as the network got them.
        index: which digit of `text` it is.
        text: the number that was read.
    """
    x = pixels.reshape(784)
    steps = net.forward(x)
    found = contributions(net, x, steps)
    inked = x > 0
    packed = {
        "network": net.activation,
        "index": index,
        "text": text,
        "x": encode(x),
        **{name: encode(step) for name, step in steps._asdict().items()},
        "bias": encode(found.bias),
        "evidence": encode(found.pixels[:, inked], "<f2"),  # it is 0 where there is no ink
        "units1": encode(found.units1, "<f2"),
        "units2": encode(found.units2, "<f2"),
    }
    return json.dumps(packed)
