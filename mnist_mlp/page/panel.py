"""The panel that shows how an answer came about, and the same for callers."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np

from mnist_mlp.explain import Workings
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

    def postprocess(self, value: Workings | str | None) -> str | None:  # type: ignore[override]
        # As text: of an object, the page would copy each part.
        return json.dumps(pack(value)) if isinstance(value, Workings) else value

    def api_info(self) -> dict[str, Any]:
        return {"type": "string", "description": "how it came about, packed for the page: see /explain"}


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
