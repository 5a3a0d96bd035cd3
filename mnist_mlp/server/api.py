"""The endpoints for callers: `/predict`, `/predict_sketchpad`, `/explain`, and the tool for agents.

They wait in the queue and share one limit, so that they cannot starve the pad, which does not queue.
"""

# No `from __future__ import annotations`: Gradio makes the schemas from the types.

import hashlib
import io
import itertools
import json
import reprlib
from pathlib import Path
from typing import Any, Literal, TypedDict

import gradio as gr
import numpy as np
from gradio import FileData
from PIL import Image

from mnist_mlp.picture import PictureError, read_data_url, read_picture
from mnist_mlp.reader import Reading, read
from mnist_mlp.server.explanation import Explained, explained
from mnist_mlp.server.gradio_internals import cache_folder
from mnist_mlp.server.limits import CALLS_AT_ONCE
from mnist_mlp.server.networks import NAMES, serving

TOP_K = 3
NO_DIGIT = "?"  # the label of a drawing that is no digit
FILE_MARK = {"_type": "gradio.FileData"}
EMPTY = np.zeros((28, 28), np.uint8)
TOOL = "read_number"
QUEUED: dict[str, Any] = {"concurrency_id": "callers", "concurrency_limit": CALLS_AT_ONCE}

NetworkName = Literal["relu", "sigmoid"]


class Sketch(TypedDict):
    """What gr.Sketchpad holds."""

    background: FileData | None
    layers: list[FileData]
    composite: FileData | None


class Confidence(TypedDict):
    label: str
    confidence: float


class Label(TypedDict, total=False):
    """What `gr.Label` shows: the likeliest reading, and the likeliest three with their probabilities."""

    label: str
    confidences: list[Confidence]


def endpoints() -> None:
    """Add the endpoints that have no components to the page under construction."""
    gr.api(predict, **QUEUED)
    gr.api(predict_sketchpad, **QUEUED)
    gr.api(explain, **QUEUED)
    gr.api(read_number, **QUEUED)


def predict(picture: FileData, network: NetworkName = "relu") -> tuple[Label, FileData | None]:
    """Read the handwritten number in a picture: dark on light or light on dark, anywhere in it, of any size.

    Args:
        picture: a file (gradio_client.handle_file) of at most 10 MB, or a data URL of at most 1 MB.
        network: "relu" or "sigmoid".

    Returns:
        the likeliest readings and their probabilities, as gr.Label gives them; empty where nothing is drawn
        the 28×28 pixels of each digit that the network sees, side by side: an image file
    """
    return _label_and_strip(_read(picture, network))


def predict_sketchpad(sketch: Sketch, network: NetworkName = "relu") -> tuple[Label, FileData | None]:
    """Read the handwritten number in a drawing made with Gradio's Sketchpad, as `predict` does.

    Args:
        sketch: a value of gr.Sketchpad: its composite is read or, without one, its background.
        network: "relu" or "sigmoid".

    Returns:
        the likeliest readings and their probabilities, as gr.Label gives them; empty where nothing is drawn
        the 28×28 pixels of each digit that the network sees, side by side: an image file
    """
    if not isinstance(sketch, dict):
        raise _error(f"Expected a drawing: the value of a Sketchpad; got {reprlib.repr(sketch)}.")
    picture = sketch.get("composite") or sketch.get("background")
    return ({}, None) if picture is None else _label_and_strip(_read(picture, network))


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
    reading = _read(picture, network)
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
        evidence: what each of the 28×28 pixels adds to the digit's logit, which is their sum + bias; *_contributions: what each hidden unit adds; unit: inputs, weights and bias of a sum; change: the nearest picture read as another digit; snapshots: the probabilities epoch by epoch; nearest: the training digits with the most similar h2
    """  # noqa: E501
    for value, name in ((digit, "digit"), (change_to, "change_to")):
        _check_integer(value, name, 10)
    _check_integer(epoch, "epoch", 1_000_000)
    if unit is not None and not isinstance(unit, str):
        raise _error(f"Expected unit to be text such as h1[103], or null; got {reprlib.repr(unit)}.")
    reading = _read(picture, network)
    if not reading.digits:
        raise _error(f"There is no digit to explain. {reading.hint}")
    _check_integer(index, "index", len(reading.digits))
    if index is None:
        index = min(range(len(reading.digits)), key=lambda i: reading.digits[i].probabilities.max())
    try:
        return explained(network, reading.digits[index].pixels, digit, unit, epoch, change_to)
    except ValueError as fault:
        message = str(fault)
        raise _error(f"{message[0].upper()}{message[1:]}.") from None


def _label_and_strip(reading: Reading) -> tuple[Label, FileData | None]:
    if not reading.readings:
        return {}, None
    likeliest = itertools.islice(reading.readings.items(), TOP_K)
    confidences: list[Confidence] = [{"label": text, "confidence": p} for text, p in likeliest]
    return {"label": reading.text or NO_DIGIT, "confidences": confidences}, _to_file(_strip(reading))


def _strip(reading: Reading) -> np.ndarray:
    strip = np.hstack([digit.pixels for digit in reading.digits])
    return (strip * 255).round().astype(np.uint8)


def _to_file(pixels: np.ndarray) -> Any:
    """An image file as `gr.Image` gives it: in the cache folder, named after its content."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    folder = cache_folder() / hashlib.sha256(file.getvalue()).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "image.png"
    path.write_bytes(file.getvalue())
    return FileData(path=str(path), orig_name=path.name, mime_type="image/png").model_dump()


def _read(picture: Any, network: Any) -> Reading:
    net = _network(network)
    return read(_canvas(picture), net)


def _canvas(picture: Any) -> np.ndarray:
    if picture is None or picture == "":
        return EMPTY
    try:
        if isinstance(picture, str):
            return read_data_url(picture)
        # Gradio has checked the path in a dictionary with this mark. Any other path is what a caller wrote.
        marked = isinstance(picture, dict) and picture.get("meta") == FILE_MARK
        if marked and isinstance(picture.get("path"), str):
            return read_picture(Path(picture["path"]))
    except PictureError as fault:
        raise _error(str(fault)) from None
    raise _error(f"Expected a picture: a file or a data URL; got {type(picture).__name__}.")


def _network(name: Any) -> Any:
    if not isinstance(name, str) or name not in NAMES:
        raise _error(f'Expected the network "relu" or "sigmoid"; got {reprlib.repr(name)}.')
    return serving(name)


def _check_integer(value: Any, name: str, end: int) -> None:
    if value is None or (type(value) is int and 0 <= value < end):
        return
    raise _error(f"Expected {name} to be an integer from 0 to {end - 1}, or null; got {reprlib.repr(value)}.")


def _error(message: str) -> gr.Error:
    return gr.Error(message, print_exception=False)
