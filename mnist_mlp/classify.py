"""Many pictures at once: a batch in, the same batch with digits and confidences out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from mnist_mlp.canvas import Placed, place
from mnist_mlp.mlp import load
from mnist_mlp.picture import PictureError, read_picture, to_array


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
    net = load(network)
    placed, errors = [], []
    for picture in batch[column]:
        try:
            placed.append(place(_canvas(picture)))
            errors.append("")
        except (PictureError, TypeError, ValueError) as fault:
            placed.append(Placed(np.zeros((28, 28), np.float32), "unreadable"))
            errors.append(str(fault))
    pixels = np.array([digit.pixels for digit in placed], np.float32).reshape(-1, 28, 28)
    probabilities = net.predict_proba(pixels)
    there = np.array([not digit.hint for digit in placed], bool)
    return {
        **batch,
        "digit": np.where(there, probabilities.argmax(-1), -1),
        "confidence": np.where(there, probabilities.max(-1), np.float32(0)),
        "error": errors,
    }


def _canvas(picture: Any) -> np.ndarray:
    if isinstance(picture, dict):
        picture = picture.get("bytes") or picture.get("path")
    if isinstance(picture, Image.Image):
        return to_array(picture)
    if isinstance(picture, np.ndarray):
        return picture
    if picture is None:
        raise PictureError("Expected a picture; got nothing.")
    return read_picture(picture)
