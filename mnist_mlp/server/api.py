"""The endpoints for callers: `/predict`, `/explain`, and the tool for agents.

They wait in the queue and share one limit, so that they cannot starve the pad, which does not queue.
"""

# No `from __future__ import annotations`: Gradio makes the schemas from the types.

import functools
import itertools
import json
import reprlib
from collections.abc import Callable
from typing import Any, Literal

import gradio as gr
import numpy as np
from gradio import FileData

from mnist_mlp.counterfactual import change_to as smallest_change_to
from mnist_mlp.explain import explanation, unit_sum
from mnist_mlp.hints import full_hint
from mnist_mlp.learning_step import learn_from
from mnist_mlp.nearest import load_neighbours, nearest
from mnist_mlp.network import Network
from mnist_mlp.picture import read_data_url, read_picture
from mnist_mlp.reader import Reader, Reading, least_certain
from mnist_mlp.server.gradio_internals import checked_path, to_file
from mnist_mlp.server.label_value import TOP_K, LabelValue, to_label
from mnist_mlp.server.limits import CALLERS, DECODING
from mnist_mlp.server.networks import serving, serving_snapshots

BLANK = np.zeros((28, 28), np.uint8)
TOOL = "read_number"

NetworkName = Literal["relu", "sigmoid"]


def endpoints() -> None:
    """Add the endpoints to the `gr.Blocks` under construction."""
    for function in (predict, explain, read_number):
        gr.api(with_clear_errors(function), **CALLERS)


def with_clear_errors(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose `ValueError`s reach the caller, and not the log."""

    @functools.wraps(function)
    def called(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except ValueError as fault:
            message = str(fault)
            raise gr.Error(message[:1].upper() + message[1:], print_exception=False) from None

    return called


def predict(picture: FileData, network: NetworkName = "relu") -> tuple[LabelValue, FileData | None]:
    """Read the handwritten number in a picture: dark on light or light on dark, anywhere in it, of any size.

    Args:
        picture: a file (gradio_client.handle_file) of at most 10 MB, or a data URL of at most 1 MB.
        network: "relu" or "sigmoid".

    Returns:
        the likeliest readings and their probabilities, as gr.Label gives them; the label is null where nothing is drawn
        the 28×28 pixels of each digit that the network sees, side by side: an image file
    """
    reading = _reading_of(picture, serving(network))
    strip = to_file(np.hstack([digit.pixels for digit in reading.digits])) if reading.digits else None
    return to_label(reading), strip


def read_number(picture: FileData, network: NetworkName = "relu") -> str:
    """Read the handwritten number in a picture: dark on light or light on dark, anywhere in it, of any size.

    Args:
        picture: PNG, JPEG, WebP, GIF, BMP or TIFF of at most 10 MB: an http(s) address, or a data URL.
        network: "relu", the more accurate, or "sigmoid".

    Returns:
        a JSON object: "number", its digits as text with leading zeros, "" where none can be read
        "confidence", its probability, 0 to 1
        "readings", the likeliest readings with their probabilities
        "hint", what the picture lacks, what else it could be, or that marks were left out; "" where there is no doubt
    """
    reading = _reading_of(picture, serving(network))
    likeliest = dict(itertools.islice(reading.readings.items(), TOP_K))
    answer = {"number": reading.text, "confidence": reading.confidence, "readings": likeliest}
    return json.dumps({**answer, "hint": full_hint(reading.hint, reading.marks)})


def explain(
    picture: FileData,
    network: NetworkName = "relu",
    digit: int | None = None,
    index: int | None = None,
    unit: str | None = None,
    epoch: int | None = None,
    change_to: int | None = None,
    learn_as: int | None = None,
) -> dict[str, Any]:
    """Explain how a network reads a digit: its forward pass, and what each pixel contributes to a logit.

    Args:
        picture: as for /predict.
        network: "relu" or "sigmoid".
        digit: whose logit, 0 to 9; null for the predicted digit's.
        index: which digit of a number, from the left, 0 for the first; null for the least certain one.
        unit: whose sum to give: "h1[0]" to "h1[127]", "h2[0]" to "h2[255]", "logits[0]" to "logits[9]"; null for none.
        epoch: of which to explain the snapshot of the network in training; null for the network as shipped.
        change_to: the digit as which the smallest change of the picture is to be read; null for none.
        learn_as: the digit that the picture should have been: what the network would learn from it; null for none.

    Returns:
        x, z1, h1, z2, h2, logits, probabilities: the forward pass; evidence: what each of the 28×28 pixels adds to the digit's logit, which is their sum + bias; h1_contributions, h2_contributions: what each hidden unit adds; unit: inputs, weights and bias of a sum; change: the nearest picture read as another digit; learning: loss, gradient and answers of gradient descent on this picture; snapshots: the probabilities epoch by epoch; nearest: the training digits with the most similar h2; text, confidence, hint and lattice: what the whole picture is read as, and the terms of its sum
    """  # noqa: E501
    for name, given in (("digit", digit), ("change_to", change_to), ("learn_as", learn_as)):
        _check_integer(given, name, 10)
    if unit is not None and not isinstance(unit, str):
        raise ValueError(f"Expected unit to be text such as h1[103], or null; got {reprlib.repr(unit)}.")
    shipped = serving(network)
    net = _at_epoch(network, epoch) if epoch is not None else shipped
    reading = _reading_of(picture, shipped)
    if not reading.digits:
        raise ValueError(f"There is no digit to explain. {reading.hint}")
    _check_integer(index, "index", len(reading.digits))
    x = reading.digits[least_certain(reading.digits) if index is None else index].pixels
    found = explanation(net, x)
    second, predicted = np.argsort(found["logits"])[-2:]
    chosen = predicted if digit is None else digit
    of_digit = ("evidence", "bias", "h1_contributions", "h2_contributions")
    snapshots, among = serving_snapshots(network), load_neighbours()
    answer = {
        "network": network,
        "epoch": epoch,
        "predicted": predicted,
        "second": second,
        "digit": chosen,
        "logit": found["logits"][chosen],
        **{name: array[chosen] if name in of_digit else array for name, array in found.items()},
        "unit": None if unit is None else unit_sum(net, x, unit),
        "change": None if change_to is None else smallest_change_to(net, x, change_to),
        "learning": None if learn_as is None else learn_from(net, x, learn_as),
        "snapshots": [] if snapshots is None else snapshots.over_epochs(x),
        "nearest": [] if among is None else [each._asdict() for each in nearest(net, x, among)],
        "text": reading.text,
        "confidence": reading.confidence,
        "hint": full_hint(reading.hint, reading.marks),
        "lattice": [
            {**line._asdict(), "terms": [term._asdict() for term in line.terms]} for line in reading.sums
        ],
    }
    listed: dict[str, Any] = _listed(answer)
    return listed


def _listed(value: Any) -> Any:
    """Arrays as lists and NumPy's numbers as Python's, at any depth."""
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_listed(item) for item in value]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def _check_integer(value: Any, name: str, end: int) -> None:
    if value is not None and not (type(value) is int and 0 <= value < end):
        got = reprlib.repr(value)
        raise ValueError(f"Expected {name} to be an integer from 0 to {end - 1}, or null; got {got}.")


def _at_epoch(network: str, epoch: Any) -> Network:
    """The snapshot of a network after an epoch."""
    snapshots = serving_snapshots(network)
    if snapshots is None:
        raise ValueError("Expected epoch to be null: this network has no snapshots.")
    if type(epoch) is not int or epoch not in snapshots.epochs:
        epochs = ", ".join(map(str, snapshots.epochs))
        raise ValueError(f"Expected epoch to be one of {epochs}, or null; got {reprlib.repr(epoch)}.")
    return snapshots.networks[snapshots.epochs.index(epoch)]


def _reading_of(picture: Any, net: Reader) -> Reading:
    """What is read in a file or a data URL, whatever else a caller may have sent."""
    if picture is None or picture == "":
        return net.read(BLANK)
    path = checked_path(picture)
    if path is None and not isinstance(picture, str):
        raise ValueError(f"Expected a picture: a file or a data URL; got {reprlib.repr(picture)}.")
    with DECODING:
        return net.read(read_data_url(picture) if path is None else read_picture(path))
