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
                 "chosen": which of them is explained, "least": the one that the network is least certain of,
                 "text": the reading, "" for no number, "heading": as much of it as the label has room for,
                 "sums": why: [{"text", "terms": [[label, network, features], …], "of_text", "of_all"}, …],
                 "number": P(a number at all)}, or null,
     "hint": what to tell the visitor,
     "panel": what the panel shows of the chosen digit, or null}

or with {"refused": what was expected and what came} or {"busy": true}: Gradio's page does not tell a function's
caller the status of a reply.
"""

from __future__ import annotations

import math
import reprlib
from typing import Any

import numpy as np

from mnist_mlp.hints import full_hint
from mnist_mlp.page.label import NOTHING
from mnist_mlp.page.panel import pack
from mnist_mlp.picture import SMALL_PIXELS, SMALL_URL, is_small, read_data_url, to_data_url
from mnist_mlp.reader import NOTABLE, Reader, Reading, least_certain
from mnist_mlp.server.label_value import to_label
from mnist_mlp.server.limits import DRAWINGS, in_turn
from mnist_mlp.server.networks import serving

EXPECTED = (
    f"Expected a PNG of at most {SMALL_PIXELS:,} pixels in a data URL of at most {SMALL_URL:,} characters"
)
EMPTY = "Draw a digit or a number."


def answer(request: Any) -> dict[str, Any]:
    """Answer the pad."""
    return in_turn(DRAWINGS, lambda: _answer(request))


def _answer(request: Any) -> dict[str, Any]:
    canvas, net, index, explain = _check(request)
    if canvas is None:
        return {"label": NOTHING, "preview": None, "hint": EMPTY, "panel": None}
    return describe(canvas, net, index, explain)


def describe(
    canvas: np.ndarray, net: Reader, index: int | None = None, explain: bool = True
) -> dict[str, Any]:
    """The answer to a canvas (uint8, as `read` takes it)."""
    reading = net.read(canvas)
    digits = reading.digits
    if index is None or index >= len(digits):
        index = least_certain(digits)
    label: dict[str, Any] = {**to_label(reading)} if reading.readings else NOTHING
    if reading.readings:
        first, *others = label["confidences"]
        shown = [first, *(other for other in others if other["confidence"] >= NOTABLE)]
        label["label"] = shortened(label["label"])
        label["confidences"] = [
            {**one, "label": shortened(one["label"], 1).replace("\n", " ")} for one in shown
        ]
    return {
        "label": label,
        "preview": _preview(reading, index, canvas.shape[:2]) if digits else None,
        "hint": full_hint(reading.hint, reading.marks),
        "panel": pack(net, digits[index].pixels, index, _story(reading)) if explain and digits else None,
    }


def shortened(text: str, lines: int = 3, letters: int = 20) -> str:
    """A text as the label has room for it, with an ellipsis where something is left out."""
    kept = [line if len(line) <= letters else line[: letters - 1] + "…" for line in text.split("\n")]
    return "\n".join(kept) if len(kept) <= lines else "\n".join(kept[:lines]) + "…"


def _preview(reading: Reading, chosen: int, shape: tuple[int, ...]) -> dict[str, Any]:
    height, width = shape
    shown = [
        {
            "picture": to_data_url(digit.pixels),
            "digit": digit.digit,
            "box": [round(at / of, 4) for at, of in zip(digit.box, (width, height, width, height))],
        }
        for digit in reading.digits
    ]
    sums = [
        {**line._asdict(), "terms": [[term.label, term.network, term.features] for term in line.terms]}
        for line in reading.sums
    ]
    number = 1 - reading.readings[""]
    return {
        "digits": shown,
        "chosen": chosen,
        "least": least_certain(reading.digits),
        "text": reading.text,
        "heading": shortened(reading.text),
        "sums": sums,
        "number": number,
    }


def _story(reading: Reading) -> dict[str, Any]:
    """What leads from a digit's probability to the label's: see `panel.pack`."""
    number = "\n".join(line.text for line in reading.sums)
    p = math.exp(sum(line.of_text - line.of_all for line in reading.sums))
    return {"text": number, "p": p, "number": 1 - reading.readings[""]}


def _check(request: Any) -> tuple[np.ndarray | None, Reader, int | None, bool]:
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
