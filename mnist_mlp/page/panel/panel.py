"""The panel as a component of the page, and what an answer brings it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from mnist_mlp.explain import explanation
from mnist_mlp.network import Network, digit_score
from mnist_mlp.page.panel.arrays import decode_picture, encode
from mnist_mlp.page.panel.questions import QUESTIONS
from mnist_mlp.page.part import Part

# What of an explanation is sent as float16, and what only where there is ink: it is 0 elsewhere.
SHORT, INKED = ("evidence", "h1_contributions", "h2_contributions"), "evidence"


class Panel(Part):
    """An accordion with the mathematics of the latest answer, open on a wide screen, closed on a phone.

    Its value is what `pack` returns; None for nothing.

    Args:
        opened: False keeps it closed on a wide screen, too.
    """

    def __init__(self, value: str | None = None, *, opened: bool = True, **kwargs: Any):
        super().__init__(
            "panel/panel", value, constants={"OPENED": opened}, server_functions=QUESTIONS, **kwargs
        )

    def api_info(self) -> dict[str, Any]:
        return {"type": "string", "description": "how it came about, packed for the page: see /explain"}


def with_unit(packed: str, net: Network) -> str:
    """What `pack` returned with the weights of the unit that the panel shows first, so that it need not ask for all."""
    panel = json.loads(packed)
    found = explanation(net, decode_picture(panel["x"]))
    index = int(found["h1_contributions"][found["logits"].argmax()].argmax())
    weights = encode(net.w1[:, index], "<f2")
    return json.dumps({**panel, "unit": {"index": index, "weights": weights, "bias": float(net.b1[index])}})


def pack(net: Network, pixels: np.ndarray, index: int, story: dict[str, Any]) -> str:
    """What the panel shows of one digit, as JSON of about 12 kB: `explain.explanation` in base64.

    Args:
        net: the network that read it.
        pixels: (28, 28) float32 in 0..1, as the network got them.
        index: which digit of the number it is.
        story: what else the panel tells: "text", the number; "p", its probability; "number", P(a number at all).
    """
    found = explanation(net, pixels)
    inked = found["x"] > 0
    packed = {
        name: encode(array[:, inked] if name == INKED else array, "<f2" if name in SHORT else "<f4")
        for name, array in found.items()
    }
    no_digit = float(1 / (1 + np.exp(min(float(digit_score(found["logits"])), 700.0))))
    return json.dumps({"network": net.activation, "index": index, "no_digit": no_digit, **story, **packed})
