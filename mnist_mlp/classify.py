"""Many pictures at once: a batch in, the same batch with digits and confidences out."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from mnist_mlp.canvas import SIDE, to_mnist
from mnist_mlp.network import Network, shipped
from mnist_mlp.picture import PictureError, read_picture, to_array

AHEAD = 32  # pictures that are read before they are placed: at most 32 MB of canvases


def classify(batch: Mapping[str, Any], column: str = "image", network: str = "relu") -> dict[str, Any]:
    """Read the digit in each picture of a batch.

    It has the form that `datasets.Dataset.map(batched=True)` and `ray.data.Dataset.map_batches` call:
    columns in, columns out.

    Args:
        batch: columns of equal length, by name.
        column: the one with the pictures, each a path, the bytes of a file, an array as `to_mnist`
            takes it, a Pillow image, or a dictionary with "bytes" or "path", as `datasets` has it.
        network: "relu" or "sigmoid".

    Returns:
        The batch with three more columns: "digit", int64, in 0..9, or -1 where there is none;
        "confidence", float32 in 0..1, the probability of that digit, 0 where there is none; "error",
        str, what is wrong with a picture that could not be read, else empty.

    Raises:
        ValueError: the batch has no such column, or there is no such network.
    """
    if column not in batch:
        raise ValueError(f"the batch has no column {column!r}; it has {sorted(batch)}")
    net = _load(network)
    pictures = batch[column]
    pixels, errors = np.zeros((len(pictures), SIDE, SIDE), np.float32), [""] * len(pictures)
    for i, canvas in enumerate(_canvases(pictures)):
        digit = _unless_faulty(to_mnist, canvas)
        if isinstance(digit, Exception):
            errors[i] = str(digit)
        else:
            pixels[i] = digit
    probabilities = net.predict_proba(pixels)
    there = pixels.any((1, 2))
    return {
        **batch,
        "digit": np.where(there, probabilities.argmax(-1), -1),
        "confidence": np.where(there, probabilities.max(-1), np.float32(0)),
        "error": errors,
    }


@cache
def _load(name: str) -> Network:
    # Not mnist_mlp.load: for 10,000 small pictures, importing the Hub's library takes a fifth of the whole.
    return Network.from_folder(shipped(name))


def _canvases(pictures: Iterable[Any]) -> Iterator[np.ndarray | Exception]:
    """The canvas of each picture, or what is wrong with it."""
    rest = iter(pictures)
    # In turns of one, reading and placing would push each other out of the processor's cache.
    while some := [_unless_faulty(_to_canvas, picture) for picture in itertools.islice(rest, AHEAD)]:
        yield from some


def _unless_faulty(step: Callable[[Any], np.ndarray], given: Any) -> np.ndarray | Exception:
    """What a step makes of what it is given, or the fault that it finds; a fault remains one."""
    if isinstance(given, Exception):
        return given
    try:
        return step(given)
    except (OSError, TypeError, ValueError) as fault:
        return fault


def _to_canvas(picture: Any) -> np.ndarray:
    if isinstance(picture, dict):
        picture = picture.get("bytes") or picture.get("path")
    if isinstance(picture, Image.Image):
        return to_array(picture)
    if isinstance(picture, np.ndarray):
        return picture
    if picture is None:
        raise PictureError("Expected a picture; got nothing.")
    return read_picture(picture)
