"""The panel that shows how an answer came about, and the same for callers."""

from __future__ import annotations

import base64
import json
import reprlib
from typing import Any

import gradio as gr
import numpy as np

from mnist_mlp.canvas import place
from mnist_mlp.explain import Workings, workings
from mnist_mlp.page.part import Part
from mnist_mlp.server.networks import NAMES, serving

BRIGHTEST = 99.5  # percentile of a layer's weights: the few beyond it are shown no stronger


class Inside(Part):
    """An accordion with the workings of the latest answer, open on a wide screen, closed on a phone.

    As an output, it shows what `explain.workings` returns; nothing for None. The weights are the same for
    every answer, so they come with the page.

    Args:
        weights: whether this panel brings the weights; one on a page does so for all.
    """

    def __init__(self, value: Workings | None = None, *, weights: bool = True, **kwargs: Any):
        super().__init__("panel", value, **kwargs)
        # In the first value, which the first answer replaces: whatever a component keeps, its script too, the
        # page copies five times an answer.
        if weights:
            packed = pack(value) if value else {}
            self.value = json.dumps({"weights": _all_weights(), **packed})

    def postprocess(self, value: Workings | None) -> str | None:  # type: ignore[override]
        # As text: of an object, the page would copy each part.
        return None if value is None else json.dumps(pack(value))

    def api_info(self) -> dict[str, Any]:
        return {"type": "string", "description": "how it came about, packed for the page: see /explain"}


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
        "bias": {"type": "number", "description": "what its logit is without evidence"},
        "evidence": _numbers(28, 28, what="what each pixel adds to its logit"),
        "difference": _numbers(28, 28, what="the evidence for the predicted digit, less that for the second"),
        "x": _numbers(28, 28, what="the pixels, 0 to 1"),
        "h1": _numbers(128, what="the first hidden layer"),
        "h2": _numbers(256, what="the second hidden layer"),
        "h1_says": _numbers(128, what="what each unit of the first layer adds to the digit's logit"),
        "h2_says": _numbers(256, what="what each unit of the second layer adds to it"),
        "logits": _numbers(10, what="the logits of the ten digits"),
        "probabilities": _numbers(10, what="their softmax"),
    },
}


class Reasons(gr.JSON):
    """What `reasons` returns, with its schema."""

    def api_info(self) -> dict[str, Any]:
        return SCHEMA


def reasons(picture: np.ndarray | None, network: str = "relu", digit: int | None = None) -> dict[str, Any]:
    """Explain how a network reads a handwritten digit: its forward pass, and what each pixel argues for.

    Args:
        picture: one digit, dark on light or light on dark, anywhere in it, of any size.
        network: "relu" or "sigmoid".
        digit: whose evidence, 0 to 9; None for the predicted digit's.
    """
    placed = place(picture) if picture is not None else None
    if placed is None or placed.hint:
        hint = placed.hint if placed else "Draw a digit."
        raise gr.Error(f"There is no digit to explain. {hint}", print_exception=False)
    name, x, steps, evidence = workings(serving(network), placed.pixels)
    second, predicted = (int(i) for i in np.argsort(steps.logits)[-2:])
    digit = predicted if digit is None else digit
    arrays = {
        "logit": steps.logits[digit],
        "bias": evidence.bias[digit],
        "evidence": evidence.pixels[digit].reshape(28, 28),
        "difference": (evidence.pixels[predicted] - evidence.pixels[second]).reshape(28, 28),
        "x": x.reshape(28, 28),
        "h1": steps.h1,
        "h2": steps.h2,
        "h1_says": evidence.units1[digit],
        "h2_says": evidence.units2[digit],
        "logits": steps.logits,
        "probabilities": steps.probabilities,
    }
    named = {"network": name, "predicted": predicted, "second": second, "digit": digit}
    return named | {key: array.tolist() for key, array in arrays.items()}


def pack(workings: Workings) -> dict[str, Any]:
    """A few kilobytes of JSON. An array is {"scale", "data"}: int8 in base64, 127 of which are `scale`."""
    network, x, steps, evidence = workings
    inked = _to_int8(x)[1] > 0
    return {
        "network": network,
        "x": _pack(x),
        "h1": _pack(steps.h1),
        "h2": _pack(steps.h2),
        "logits": _round(steps.logits, 4),
        "probabilities": _round(steps.probabilities, 6),
        "bias": _round(evidence.bias, 4),
        # Where there is no ink there is no evidence, so only the inked pixels travel, row by row.
        "evidence": _pack(evidence.pixels[:, inked]),
        "units1": _pack(evidence.units1),
        "units2": _pack(evidence.units2),
    }


def _to_int8(array: np.ndarray) -> tuple[float, np.ndarray]:
    scale = float(np.abs(array).max(initial=1e-9))
    return scale, np.rint(array * (127 / scale)).astype(np.int8)


def _pack(array: np.ndarray) -> dict[str, Any]:
    scale, whole = _to_int8(array)
    return {"scale": float(f"{scale:.6g}"), "data": base64.b64encode(whole.tobytes()).decode()}


def _round(array: np.ndarray, digits: int) -> list[float]:
    return [round(float(number), digits) for number in array]


def _all_weights() -> dict[str, list[dict[str, Any]]]:
    """What each network's hidden units read: the weights of the first and of the second layer."""
    networks = {name: serving(name) for name in NAMES}
    return {name: [_halves(net.w1), _halves(net.w2)] for name, net in networks.items()}


def _halves(weights: np.ndarray) -> dict[str, Any]:
    """As `_pack`, unit by unit in 4 bits: two weights a byte, the first one high; 8 is zero, 15 `scale`."""
    scale = float(np.percentile(np.abs(weights), BRIGHTEST))
    level = (np.rint(weights.T.ravel() * (7 / scale)).clip(-7, 7) + 8).astype(np.uint8)
    return {"scale": scale, "data": base64.b64encode((level[::2] << 4 | level[1::2]).tobytes()).decode()}
