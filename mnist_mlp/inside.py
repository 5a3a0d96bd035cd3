"""The panel that shows how an answer came about: the forward pass, the evidence, and what would change it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from mnist_mlp.explain import Workings
from mnist_mlp.mlp import MLP, load

HERE = Path(__file__).parent
BRIGHTEST = 99.5  # percentile of a layer's weights: the few beyond it are shown no stronger


class Inside(gr.HTML):
    """An accordion with the workings of the latest answer, open on a wide screen, closed on a phone.

    As an output, it shows what `explain.workings` returns; None for nothing. The pictures of the weights are
    the same for every answer, so they are part of the page and do not travel with the answers.

    Args:
        networks: the networks that may answer, by activation.
    """

    EVENTS = []

    def __init__(self, value: Workings | None = None, *, networks: dict[str, MLP] | None = None, **kwargs: Any):
        networks = networks or {name: load(name) for name in ("relu", "sigmoid")}
        weights = {name: [_halves(net.w1), _halves(net.w2)] for name, net in networks.items()}
        script = (HERE / "inside.js").read_text(encoding="utf-8")
        super().__init__(
            value=value,
            html_template=(HERE / "inside.html").read_text(encoding="utf-8"),
            css_template=(HERE / "inside.css").read_text(encoding="utf-8"),
            # Not as a property: Gradio compares all of these with every answer.
            js_on_load=f"const WEIGHTS = {json.dumps(weights)};\n{script}",
            apply_default_css=False,
            **kwargs,
        )

    def postprocess(self, value: Workings | None) -> dict[str, Any] | None:
        return None if value is None else pack(value)

    def api_info(self) -> dict[str, Any]:
        return {"type": "object", "description": "What the page's explanation shows, packed. See /explain."}


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


def _halves(weights: np.ndarray) -> dict[str, Any]:
    """As `_pack`, unit by unit in 4 bits: two weights in a byte, the first one high, 7 of which are `scale`."""
    scale = float(np.percentile(np.abs(weights), BRIGHTEST))
    level = (np.rint(weights.T.ravel() * (7 / scale)).clip(-7, 7) + 8).astype(np.uint8)
    return {"scale": scale, "data": base64.b64encode(level[::2] << 4 | level[1::2]).decode()}
