"""What the page shows of a drawing: the pad's question and its answer.

The pad asks with

    {"picture": a PNG in a data URL, or "" while nothing is drawn,
     "network": "relu" or "sigmoid",
     "index": which digit of the number to explain, from the left; null for the least certain one,
     "explain": whether the panel is open}

and is answered with

    {"label": what `gr.Label` shows: the reading, or "?", and the likeliest readings with their probabilities,
     "preview": {"digits": [{"picture": 28×28 as a PNG in a data URL, "digit": 0..9,
                             "box": [left, top, right, bottom] in shares of the sheet}, …],
                 "chosen": which of them is explained, "text": the reading,
                 "sums": why: {"lines": [{"text", "terms": [[label, network, features], …], "of_text",
                         "of_all"}, …], "number": P(a number at all)}}, or null,
     "hint": what to tell the visitor,
     "panel": what the panel shows of the chosen digit, or null}

or with {"refused": what was expected and what came} or {"busy": true}: Gradio's page does not tell a function's
caller the status of a reply.
"""

from __future__ import annotations

import reprlib
from typing import Any

import numpy as np

from mnist_mlp.network import Network
from mnist_mlp.page.label import NOTHING
from mnist_mlp.page.panel import pack
from mnist_mlp.picture import SMALL_PIXELS, SMALL_URL, is_small, read_data_url, to_data_url
from mnist_mlp.reader import Reading, least_certain, read
from mnist_mlp.server.label_value import to_label
from mnist_mlp.server.limits import DRAWINGS, in_turn
from mnist_mlp.server.networks import serving

EXPECTED = (
    f"Expected a PNG of at most {SMALL_PIXELS:,} pixels in a data URL of at most {SMALL_URL:,} characters"
)
EMPTY = "Draw a digit or a number."
NO_PICTURE = "Upload a picture of a digit or a number, or draw one."


def answer(request: Any) -> dict[str, Any]:
    """Answer the pad."""
    return in_turn(DRAWINGS, lambda: _answer(request))


def _answer(request: Any) -> dict[str, Any]:
    canvas, net, index, explain = _check(request)
    if canvas is None:
        return {"label": NOTHING, "preview": None, "hint": EMPTY, "panel": None}
    return describe(canvas, net, index, explain)


def describe(
    canvas: np.ndarray, net: Network, index: int | None = None, explain: bool = True
) -> dict[str, Any]:
    """The answer to a canvas (uint8, as `read` takes it)."""
    reading = read(canvas, net)
    digits = reading.digits
    if index is None or index >= len(digits):
        index = least_certain(digits)
    height, width = canvas.shape[:2]
    shown = [
        {
            "picture": to_data_url(digit.pixels),
            "digit": digit.digit,
            "box": [round(at / of, 4) for at, of in zip(digit.box, (width, height, width, height))],
        }
        for digit in digits
    ]
    return {
        "label": to_label(reading) or NOTHING,
        "preview": {"digits": shown, "chosen": index, "text": reading.text, "sums": _sums(reading)}
        if digits
        else None,
        "hint": reading.hint,
        "panel": pack(net, digits[index].pixels, index, reading.text) if explain and digits else None,
    }


def _sums(reading: Reading) -> dict[str, Any]:
    lines = [
        {
            "text": line.text,
            "terms": [[term.label, round(term.network, 4), round(term.features, 4)] for term in line.terms],
            "of_text": round(line.of_text, 4),
            "of_all": round(line.of_all, 4),
        }
        for line in reading.sums
    ]
    return {"lines": lines, "number": round(1 - reading.readings[""], 4)}


def _check(request: Any) -> tuple[np.ndarray | None, Network, int | None, bool]:
    if not isinstance(request, dict):
        raise ValueError(f"Expected an object with a picture; got {reprlib.repr(request)}.")
    picture, network = request.get("picture"), request.get("network")
    index, explain = request.get("index"), request.get("explain", False)
    if picture != "" and not (isinstance(picture, str) and is_small(picture)):
        got = f"{len(picture):,} characters" if isinstance(picture, str) else reprlib.repr(picture)
        raise ValueError(f"{EXPECTED}; got {got}.")
    net = serving(network)
    if index is not None and (type(index) is not int or index < 0):
        raise ValueError(f"Expected index to be null or an integer from 0; got {reprlib.repr(index)}.")
    if not isinstance(explain, bool):
        raise ValueError(f"Expected explain to be true or false; got {reprlib.repr(explain)}.")
    return read_data_url(picture) if picture else None, net, index, explain
