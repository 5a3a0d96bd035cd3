"""What the panel asks of the server, beside an answer. Nothing is kept from one question to the next.

A question is a JSON object with "network", "relu" or "sigmoid", and mostly "x", the 28×28 pixels as base64
of float32. The reply is a JSON object; {"refused": what was expected and what came} for what a stranger may send
instead, and {"busy": true} where too many ask at once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import numpy as np

from mnist_mlp.counterfactual import change_to
from mnist_mlp.explain import parse_unit
from mnist_mlp.learning_step import learn_from
from mnist_mlp.mlp import MLP
from mnist_mlp.nearest import load_neighbours, nearest
from mnist_mlp.page.panel.arrays import decode_picture, encode
from mnist_mlp.server.limits import EXPLAINING, in_turn
from mnist_mlp.server.networks import serving, serving_snapshots

Request = dict[str, Any]
Reply = dict[str, Any]

NO_SNAPSHOTS = "This network has no snapshots of its training."
NO_NEIGHBOURS = "This installation has no training digits to compare with."


def question(answer: Callable[[Request], Reply]) -> Callable[[Any], Reply]:
    @wraps(answer)
    def checked(request: Any) -> Reply:
        def work() -> Reply:
            if not isinstance(request, dict):
                raise TypeError(f"a question is a JSON object; got {type(request).__name__}")
            return answer(request)

        return in_turn(EXPLAINING, work)

    return checked


@question
def panel_weights(request: Request) -> Reply:
    """The exact weights and biases of a network: {"type": "float16" or "float32", "w1", "b1", …}."""
    name = request.get("network")
    serving(name)  # refuses any other name
    return _weights(name)


@question
def panel_change(request: Request) -> Reply:
    """The smallest change of x that is read as "digit", and how large it is."""
    net, x = serving(request.get("network")), decode_picture(request.get("x"))
    found = change_to(net, x, request.get("digit"))
    return {**found, "pixels": encode(found["pixels"]), "probabilities": found["probabilities"].tolist()}


@question
def panel_epochs(request: Request) -> Reply:
    """The network's probabilities for x after each epoch, and what one unit's weights were."""
    name, x = str(request.get("network")), decode_picture(request.get("x"))
    unit = str(request.get("unit"))
    snapshots = serving_snapshots(name)
    if snapshots is None:
        return {"missing": NO_SNAPSHOTS}
    return {
        "unit": unit,
        "epochs": list(snapshots.epochs),
        "errors": list(snapshots.validation_errors),
        "images": snapshots.validation_images,
        "probabilities": encode(snapshots.predict_proba(x)),
        "weights": encode(snapshots.incoming(*parse_unit(unit)), "<f2"),
    }


@question
def panel_nearest(request: Request) -> Reply:
    """The ten training digits whose h2 is nearest to that of x."""
    net, x = serving(request.get("network")), decode_picture(request.get("x"))
    among = load_neighbours()
    if among is None:
        return {"missing": NO_NEIGHBOURS}
    found = nearest(net, x, among)
    return {
        "images": encode(np.stack([each.image for each in found]), "u1"),
        "labels": [each.label for each in found],
        "similarities": [round(each.cosine, 6) for each in found],
    }


@question
def panel_learning(request: Request) -> Reply:
    """What the network would learn from x if it is a "digit", at a "rate"; of one unit, its weights' gradient."""
    net, x = serving(request.get("network")), decode_picture(request.get("x"))
    layer, index = parse_unit(str(request.get("unit")))
    found = learn_from(net, x, request.get("digit"), request.get("rate"))
    gradient = found[{"h1": "dW1", "h2": "dW2", "logits": "dW3"}[layer]][:, index]
    numbers = ("digit", "rate", "loss", "steps", "losses", "kept", "lost")
    return {
        **{name: found[name] for name in numbers},
        "unit": request["unit"],
        "dlogits": found["dlogits"].tolist(),
        "probabilities": found["probabilities"].tolist(),
        "gradient": encode(gradient),
    }


QUESTIONS = [panel_weights, panel_change, panel_epochs, panel_nearest, panel_learning]


@cache
def _weights(name: str) -> Reply:
    net = serving(name)
    short = is_float16(net)
    arrays = {key: encode(array, "<f2" if short else "<f4") for key, array in net.weights.items()}
    return {"type": "float16" if short else "float32", **arrays}


def is_float16(net: MLP) -> bool:
    """Whether float16 holds each weight without rounding, as it does those that `train.py` saves."""
    with np.errstate(over="ignore"):
        return all(np.array_equal(w, w.astype(np.float16)) for w in net.weights.values())
