"""Many pictures at once: a batch in, the same batch with what is read out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from PIL import Image

from mnist_mlp.mlp import load
from mnist_mlp.picture import PictureError, from_image, read_picture
from mnist_mlp.reader import Reading


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
        probability of what is answered, which may be that it is no number, 0 where nothing is drawn; "error",
        str, what is wrong with a picture that could not be read, else "".

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
    net = load(network)
    for picture in batch[column]:
        try:
            yield net.read(_to_canvas(picture))
        except (OSError, TypeError, ValueError) as fault:
            yield fault


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
