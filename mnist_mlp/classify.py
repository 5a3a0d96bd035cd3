"""Many pictures at once: a batch in, the same batch with what is read out."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from mnist_mlp.canvas import SIDE
from mnist_mlp.network import Network
from mnist_mlp.picture import PictureError, from_image, read_picture
from mnist_mlp.reader import Reading, Seen, decide, look, shipped_network

AHEAD = 32  # pictures that are decoded before they are read: at most 64 MB of canvases and ink


def classify(batch: Mapping[str, Any], column: str = "image", network: str = "relu") -> dict[str, Any]:
    """Read the number in each picture of a batch.

    It has the form that `datasets.Dataset.map(batched=True)` and `ray.data.Dataset.map_batches` call:
    columns in, columns out.

    Args:
        batch: columns of equal length, by name.
        column: the one with the pictures, each a path, the bytes of a file, an array as `to_mnist`
            takes it, a Pillow image, or a dictionary with "bytes" or "path", as `datasets` has it.
        network: "relu" or "sigmoid".

    Returns:
        The batch with four more columns: "number", str, what is read, "" where that is nothing; "digit",
        int64, in 0..9, or -1 where there is not exactly one; "confidence", float32 in 0..1, the
        probability of the number, 0 where there is none; "error", str, what is wrong with a picture
        that could not be read, else "".

    Raises:
        ValueError: the batch has no such column, or there is no such network.
    """
    rows = list(read_all(batch, column, network))
    numbers = ["" if isinstance(row, Exception) else row.text for row in rows]
    confidences = [0.0 if isinstance(row, Exception) else row.confidence for row in rows]
    return {
        **batch,
        "number": numbers,
        "digit": np.array([int(text) if len(text) == 1 else -1 for text in numbers], np.int64),
        "confidence": np.array(confidences, np.float32),
        "error": [str(row) if isinstance(row, Exception) else "" for row in rows],
    }


def read_all(batch: Mapping[str, Any], column: str, network: str) -> Iterator[Reading | Exception]:
    """The reading of each picture, or what is wrong with it; arguments and errors as of `classify`."""
    if column not in batch:
        raise ValueError(f"the batch has no column {column!r}; it has {sorted(batch)}")
    net = shipped_network(network)
    rest = iter(batch[column])
    # In turns of one, decoding and placing would push each other out of the processor's cache.
    while canvases := [_unless_faulty(_to_canvas, picture) for picture in itertools.islice(rest, AHEAD)]:
        yield from _read_some([_unless_faulty(look, canvas) for canvas in canvases], net)


def _read_some(seen: list[Seen | Exception], net: Network) -> Iterator[Reading | Exception]:
    whole = [each.placed.pixels for each in seen if isinstance(each, Seen)]
    logits = iter(net.forward(np.reshape(whole, (-1, SIDE * SIDE))).logits) if whole else iter(())
    for each in seen:
        if isinstance(each, Exception):
            yield each
        else:
            yield _unless_faulty(partial(decide, logits=next(logits), net=net), each)


def _unless_faulty(step: Callable[[Any], Any], given: Any) -> Any:
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
        return from_image(picture)
    if isinstance(picture, np.ndarray):
        return picture
    if picture is None:
        raise PictureError("Expected a picture; got nothing.")
    return read_picture(picture)
