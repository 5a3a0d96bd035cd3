"""What the panel asks of the server, beside an answer. Nothing is kept from one question to the next.

Each function takes what the page sent, which may be anything, and returns a JSON object; where the question
makes no sense, {"error": what was expected and what came}.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import numpy as np

from mnist_mlp.mlp import MLP
from mnist_mlp.page.panel.arrays import encode
from mnist_mlp.server.networks import NAMES, serving

Reply = dict[str, Any]


def _checked(question: Callable[[dict[str, Any]], Reply]) -> Callable[[Any], Reply]:
    @wraps(question)
    def ask(request: Any) -> Reply:
        try:
            if not isinstance(request, dict):
                raise TypeError(f"a question is a JSON object; got {type(request).__name__}")
            return question(request)
        except (TypeError, ValueError) as fault:
            return {"error": str(fault)}

    return ask


@_checked
def panel_weights(request: dict[str, Any]) -> Reply:
    """All weights and biases of a network, exactly: {"network"} → {"type", "w1", "b1", …}."""
    return _weights(_name(request))


@cache
def _weights(name: str) -> Reply:
    net = serving(name)
    short = is_float16(net)
    kind = "<f2" if short else "<f4"
    arrays = {key: encode(array, kind) for key, array in net.weights.items()}
    return {"type": "float16" if short else "float32", **arrays}


def is_float16(net: MLP) -> bool:
    """Whether float16 holds each weight without rounding, as it does those that `train.py` saves."""
    with np.errstate(over="ignore"):
        return all(np.array_equal(w, w.astype(np.float16)) for w in net.weights.values())


def _name(request: dict[str, Any]) -> str:
    name = request.get("network")
    if name not in list(NAMES):
        raise ValueError(f"the networks are {sorted(NAMES)}; got {name!r:.80}")
    return str(name)


QUESTIONS = [panel_weights]
