"""The endpoints for callers: `/predict`, `/predict_sketchpad`, `/explain`, and the tool for agents.

They wait in the queue and share one limit, so that they cannot starve the pad, which does not queue.
"""

# No `from __future__ import annotations`: Gradio makes the schemas from the types.

import itertools
import json
import reprlib
from typing import Any, Literal, TypedDict

import gradio as gr
import numpy as np
from gradio import FileData

from mnist_mlp.network import Network
from mnist_mlp.picture import read_data_url, read_picture
from mnist_mlp.reader import Reading, least_certain, read
from mnist_mlp.server.checks import check_epoch, check_integer, check_unit, with_clear_errors
from mnist_mlp.server.explanation import Explained, explained
from mnist_mlp.server.gradio_internals import checked_path, to_file
from mnist_mlp.server.label_value import TOP_K, LabelValue, to_label
from mnist_mlp.server.limits import CALLS_AT_ONCE, DECODING
from mnist_mlp.server.networks import serving

BLANK = np.zeros((28, 28), np.uint8)
TOOL = "read_number"

NetworkName = Literal["relu", "sigmoid"]


class Sketch(TypedDict):
    """The value of a `gr.Sketchpad`."""

    background: FileData | None
    layers: list[FileData]
    composite: FileData | None


def endpoints() -> None:
    """Add the endpoints to the `gr.Blocks` under construction."""
    for function in (predict, predict_sketchpad, explain, read_number):
        gr.api(with_clear_errors(function), concurrency_id="callers", concurrency_limit=CALLS_AT_ONCE)


def predict(picture: FileData, network: NetworkName = "relu") -> tuple[LabelValue, FileData | None]:
    """Read the handwritten number in a picture: dark on light or light on dark, anywhere in it, of any size.

    Args:
        picture: a file (gradio_client.handle_file) of at most 10 MB, or a data URL of at most 1 MB.
        network: "relu" or "sigmoid".

    Returns:
        the likeliest readings and their probabilities, as gr.Label gives them; empty where nothing is drawn
        the 28×28 pixels of each digit that the network sees, side by side: an image file
    """
    reading = _reading_of(picture, serving(network))
    return to_label(reading), _strip(reading)


def predict_sketchpad(picture: Sketch, network: NetworkName = "relu") -> tuple[LabelValue, FileData | None]:
    """Read the handwritten number in the value of a gr.Sketchpad, as `predict` does.

    Args:
        picture: its composite is read, or its background if there is none.
        network: "relu" or "sigmoid".
    """
    parts = ("background", "layers", "composite")
    if picture is not None and not (isinstance(picture, dict) and any(part in picture for part in parts)):
        raise ValueError(f"Expected the value of a Sketchpad; got {reprlib.repr(picture)}.")
    file: Any = picture and (picture.get("composite") or picture.get("background"))
    return predict(file, network)


def read_number(picture: FileData, network: NetworkName = "relu") -> str:
    """Read the handwritten number in a picture: dark on light or light on dark, anywhere in it, of any size.

    Args:
        picture: PNG, JPEG, WebP, GIF, BMP or TIFF of at most 10 MB: an http(s) address, or a data URL.
        network: "relu", the more accurate, or "sigmoid".

    Returns:
        a JSON object: "number", its digits as text with leading zeros, "" where none can be read
        "confidence", its probability, 0 to 1
        "readings", the likeliest readings with their probabilities
        "hint", what the picture lacks or what else it could be, "" where there is no doubt
    """
    reading = _reading_of(picture, serving(network))
    likeliest = dict(itertools.islice(reading.readings.items(), TOP_K))
    answer = {"number": reading.text, "confidence": reading.confidence, "readings": likeliest}
    return json.dumps({**answer, "hint": reading.hint})


def explain(
    picture: FileData,
    network: NetworkName = "relu",
    digit: int | None = None,
    index: int | None = None,
    unit: str | None = None,
    epoch: int | None = None,
    change_to: int | None = None,
) -> Explained:
    """Explain how a network reads a digit: its forward pass, and what each pixel contributes to a logit.

    Args:
        picture: as for /predict.
        network: "relu" or "sigmoid".
        digit: whose logit, 0 to 9; null for the predicted digit's.
        index: which digit of a number, from the left, 0 for the first; null for the least certain one.
        unit: whose sum to give: "h1[0]" to "h1[127]", "h2[0]" to "h2[255]", "logits[0]" to "logits[9]"; null for none.
        epoch: of which to explain the snapshot of the network in training; null for the network as shipped.
        change_to: the digit as which the smallest change of the picture is to be read; null for none.

    Returns:
        evidence: what each of the 28×28 pixels adds to the digit's logit, which is their sum + bias; *_contributions: what each hidden unit adds; unit: inputs, weights and bias of a sum; change: the nearest picture read as another digit; snapshots: the probabilities epoch by epoch; nearest: the training digits with the most similar h2; text, confidence and lattice: what the whole picture is read as, and the terms of its sum
    """  # noqa: E501
    check_integer(digit, "digit", 10)
    check_integer(change_to, "change_to", 10)
    check_epoch(epoch, network)
    check_unit(unit)
    reading = _reading_of(picture, serving(network))
    if not reading.digits:
        raise ValueError(f"There is no digit to explain. {reading.hint}")
    check_integer(index, "index", len(reading.digits))
    if index is None:
        index = least_certain(reading.digits)
    return explained(network, reading, index, digit, unit, epoch, change_to)


def _strip(reading: Reading) -> FileData | None:
    """The digits' pixels, side by side."""
    if not reading.digits:
        return None
    return to_file(np.hstack([digit.pixels for digit in reading.digits]))


def _reading_of(picture: Any, network: Network) -> Reading:
    """What is read in a file or a data URL, whatever else a caller may have sent."""
    if picture is None or picture == "":
        return read(BLANK, network)
    path = checked_path(picture)
    if path is None and not isinstance(picture, str):
        raise ValueError(f"Expected a picture: a file or a data URL; got {reprlib.repr(picture)}.")
    with DECODING:
        return read(read_data_url(picture) if path is None else read_picture(path), network)
