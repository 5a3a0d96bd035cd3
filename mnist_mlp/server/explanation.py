"""What `/explain` gives callers: the forward pass and the contributions, as JSON with a schema."""

from __future__ import annotations

import reprlib
from typing import Any

import gradio as gr
import numpy as np

from mnist_mlp.canvas import place
from mnist_mlp.explain import contributions
from mnist_mlp.server.networks import NAMES, serving


class Digit(gr.Number):
    """A digit from 0 to 9, or None."""

    def preprocess(self, payload: Any) -> int | None:
        if payload is None:
            return None
        if isinstance(payload, bool) or not isinstance(payload, (int, float)) or payload not in range(10):
            got = reprlib.repr(payload)
            raise gr.Error(f"A digit is an integer from 0 to 9, or null; got {got}.", print_exception=False)
        return int(payload)

    def api_info(self) -> dict[str, Any]:
        description = "whose evidence, 0 to 9; null for the predicted digit's"
        return {"type": "integer", "minimum": 0, "maximum": 9, "description": description}


def _numbers(*shape: int, what: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "number"}
    for length in reversed(shape):
        schema = {"type": "array", "items": schema, "minItems": length, "maxItems": length}
    return {**schema, "description": what}


SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "Why a network gives a picture a logit: logit = sum of evidence + bias.",
    "properties": {
        "network": {"type": "string", "enum": list(NAMES), "description": "which network"},
        "predicted": {"type": "integer", "description": "the digit with the largest logit"},
        "second": {"type": "integer", "description": "the digit with the second largest"},
        "digit": {"type": "integer", "description": "the digit that is explained"},
        "logit": {"type": "number", "description": "its logit"},
        "bias": {"type": "number", "description": "the part of its logit that comes from no pixel"},
        "evidence": _numbers(28, 28, what="each pixel's contribution to its logit"),
        "x": _numbers(28, 28, what="the pixels, 0 to 1"),
        "h1": _numbers(128, what="the first hidden layer"),
        "h2": _numbers(256, what="the second hidden layer"),
        "h1_contributions": _numbers(128, what="what each unit of the first layer adds to the digit's logit"),
        "h2_contributions": _numbers(256, what="what each unit of the second layer adds to it"),
        "logits": _numbers(10, what="the logits of the ten digits"),
        "probabilities": _numbers(10, what="their softmax"),
    },
}


class ExplanationJSON(gr.JSON):
    """What `explain_picture` returns, with its schema."""

    def api_info(self) -> dict[str, Any]:
        return SCHEMA


def explain_picture(
    picture: np.ndarray | None, network: str = "relu", digit: int | None = None
) -> dict[str, Any]:
    """Explain how a network reads a handwritten digit: its forward pass, and each pixel's contribution.

    Args:
        picture: one digit, dark on light or light on dark, anywhere in it, of any size.
        network: "relu" or "sigmoid".
        digit: whose evidence, 0 to 9; None for the predicted digit's.
    """
    placed = place(picture) if picture is not None else None
    if placed is None or placed.hint:
        hint = placed.hint if placed else "Draw a digit."
        raise gr.Error(f"There is no digit to explain. {hint}", print_exception=False)
    net, x = serving(network), placed.pixels.reshape(784)
    steps = net.forward(x)
    found = contributions(net, x, steps)
    second, predicted = (int(i) for i in np.argsort(steps.logits)[-2:])
    digit = predicted if digit is None else digit
    arrays = {
        "logit": steps.logits[digit],
        "bias": found.bias[digit],
        "evidence": found.pixels[digit].reshape(28, 28),
        "x": x.reshape(28, 28),
        "h1": steps.h1,
        "h2": steps.h2,
        "h1_contributions": found.units1[digit],
        "h2_contributions": found.units2[digit],
        "logits": steps.logits,
        "probabilities": steps.probabilities,
    }
    named = {"network": net.activation, "predicted": predicted, "second": second, "digit": digit}
    return named | {key: array.tolist() for key, array in arrays.items()}
