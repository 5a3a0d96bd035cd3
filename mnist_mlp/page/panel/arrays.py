"""Arrays on their way to the page and back: base64 of their bytes, little-endian, row by row."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import numpy as np


def encode(array: np.ndarray, dtype: str = "<f4") -> str:
    return base64.b64encode(np.ascontiguousarray(array, dtype).tobytes()).decode()


def decode_picture(data: Any) -> np.ndarray:
    """The (28, 28) float32 picture that a page sent.

    Raises:
        TypeError, ValueError: the message says what was expected and what came.
    """
    if not isinstance(data, str):
        raise TypeError(f"pixels are base64 of 784 float32; got {type(data).__name__}")
    size = 4 * -(-784 * 4 // 3)  # characters of base64
    if len(data) != size:
        raise ValueError(f"pixels are base64 of 784 float32, {size:,} characters; got {len(data):,}")
    try:
        pixels = np.frombuffer(base64.b64decode(data, validate=True), "<f4")
    except binascii.Error as fault:
        raise ValueError(f"pixels are base64 of 784 float32: {fault}") from None
    if not ((pixels >= 0) & (pixels <= 1)).all():
        raise ValueError("pixels are in 0..1")
    return pixels.reshape(28, 28).astype(np.float32)
