"""Untrusted bytes → canvas: pictures are checked, decoded and reduced."""

from __future__ import annotations

import base64
import binascii
import contextlib
import io
import os
import re
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

# Limits on untrusted pictures
MAX_BYTES = 10_000_000  # a phone's photo has 3 to 8 MB
MAX_PIXELS = 24_000_000  # twice a phone's photo; 100 MB at most while it is decoded
MAX_DATA_URL = 1_000_000  # characters; the page sends fewer than 40,000, and files need no data URL
MAX_SIDE = 500  # a larger canvas is reduced: the smallest mark that counts, 4 % of it, keeps 20 pixels
SMALL_URL, SMALL_PIXELS = 40_000, 320 * 240  # what the pad sends

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")  # what phones, browsers and scanners write

_EXPECTED = f"Expected a picture ({', '.join(FORMATS)})"
_DATA_URL = re.compile(r"data:image/[a-z0-9.+-]{1,40};base64,([A-Za-z0-9+/]*={0,2})", re.ASCII)


class PictureError(ValueError):
    """Not a picture that can be read; the message says what was expected and what came."""


def read_picture(source: bytes | str | Path) -> np.ndarray:
    """Read a picture: the bytes of a file, or its path.

    The first frame of an animation, turned as its EXIF data says, its longer side reduced to at most
    500 pixels.

    Returns:
        uint8, (H, W), (H, W, 3) or (H, W, 4).

    Raises:
        PictureError: no such file, not one of `FORMATS`, cut off or damaged, or over the limits.
    """
    encoded = source if isinstance(source, bytes) else _read_file(source)
    if len(encoded) > MAX_BYTES:
        raise PictureError(f"{_EXPECTED} of at most {MAX_BYTES:,} bytes; got {len(encoded):,}.")
    if not encoded:
        raise PictureError(f"{_EXPECTED}; got no bytes.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of what is checked here
            image = Image.open(io.BytesIO(encoded), formats=FORMATS)
            _check_size(image.size)
            # JPEG is decoded at a half, a quarter or an eighth where that is large enough.
            share = MAX_SIDE / max(image.size)
            image.draft(None, (max(1, int(share * image.width)), max(1, int(share * image.height))))
            image.load()
            if image.info:  # without any, there is no EXIF data either
                _turn(image)
            return to_array(image)
    except PictureError:
        raise
    except Image.DecompressionBombError:
        raise PictureError(f"{_EXPECTED} of at most {MAX_PIXELS:,} pixels; got more.") from None
    except Image.UnidentifiedImageError:
        raise PictureError(f"{_EXPECTED}; got {len(encoded):,} bytes that are none of these.") from None
    except Exception as fault:  # hostile bytes make Pillow's decoders raise nearly anything
        raise PictureError(f"{_EXPECTED}; got one that is cut off or damaged.") from fault


def read_data_url(text: str) -> np.ndarray:
    """Read a picture from "data:image/png;base64,…"; otherwise as `read_picture`."""
    if len(text) > MAX_DATA_URL:
        raise PictureError(f"Expected a data URL of at most {MAX_DATA_URL:,} characters; got {len(text):,}.")
    match = _DATA_URL.fullmatch(text)
    if not match:
        raise PictureError(f'Expected "data:image/png;base64," and a picture; got {text[:40]!r}.')
    try:
        encoded = base64.b64decode(match[1], validate=True)
    except binascii.Error:
        raise PictureError("Expected a data URL in base64; got one that is cut off or damaged.") from None
    return read_picture(encoded)


def to_png(pixels: np.ndarray) -> bytes:
    """Pixels, (H, W) in 0..1, as a grey PNG."""
    file = io.BytesIO()
    Image.fromarray((pixels * 255).round().astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def to_data_url(pixels: np.ndarray) -> str:
    """The same as a data URL."""
    return "data:image/png;base64," + base64.b64encode(to_png(pixels)).decode()


def is_small(text: str) -> bool:
    """Whether a data URL holds a PNG no larger than those that the pad sends: to be read in a millisecond."""
    match = _DATA_URL.fullmatch(text) if len(text) <= SMALL_URL else None
    if not match:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(base64.b64decode(match[1])), formats=("PNG",))
    except Exception:  # as in `read_picture`, which says what is wrong
        return False
    return image.width * image.height <= SMALL_PIXELS


def _read_file(path: str | Path) -> bytes:
    try:
        with open(os.fspath(path), "rb") as file:  # `os.fspath`: an int would be taken as a file descriptor
            size = os.fstat(file.fileno()).st_size
            if size > MAX_BYTES:
                raise PictureError(f"{_EXPECTED} of at most {MAX_BYTES:,} bytes; got {size:,}.")
            # No more than there is: Python makes room for all that is asked for.
            return file.read(min(size, MAX_BYTES) + 1)
    except IsADirectoryError:
        inside = Path(path) / "*"
        raise PictureError(f"{_EXPECTED}; got a folder. For the pictures in it: {inside}") from None
    except (OSError, ValueError) as fault:  # ValueError: a null byte in the name
        if isinstance(fault, PictureError):
            raise
        reason = getattr(fault, "strerror", None) or fault
        raise PictureError(f"{_EXPECTED}; cannot read {Path(path).name!r}: {reason}.") from None


def from_image(image: Image.Image) -> np.ndarray:
    """A caller's Pillow image as `read_picture` would give it: turned as its EXIF data says, and reduced."""
    if image.getexif():
        image = image.copy()
        _turn(image)
    return to_array(image)


def _check_size(size: tuple[int, int]) -> None:
    # Read from the header, before a pixel is decoded: a small file can claim to be huge.
    width, height = size
    if width * height > MAX_PIXELS:
        raise PictureError(f"{_EXPECTED} of at most {MAX_PIXELS:,} pixels; got {width:,} × {height:,}.")


def _turn(image: Image.Image) -> None:
    with contextlib.suppress(Exception):  # damaged EXIF data: the pixels are sound
        ImageOps.exif_transpose(image, in_place=True)


def to_array(image: Image.Image) -> np.ndarray:
    """A Pillow image of any mode as a canvas: uint8, (H, W), (H, W, 3) or (H, W, 4)."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = _to_8_bits(image)
    has_alpha = "A" in image.getbands() or "transparency" in image.info
    mode = "RGBA" if has_alpha else "L" if image.mode in ("1", "L") else "RGB"
    if image.mode != mode or max(image.size) > MAX_SIDE:  # else it is one, and converting copies it
        image = image.convert(mode)
        image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX)
    return np.array(image)


def _to_8_bits(image: Image.Image) -> Image.Image:
    """From 16 bits by their upper half; from integers and floats of unknown range by their own range."""
    values = np.nan_to_num(np.asarray(image, np.float64))
    low, high = (0, 65535) if image.mode.startswith("I;16") else (values.min(), values.max())
    return Image.fromarray(((values - low) / max(high - low, 1e-9) * 255).clip(0, 255).astype(np.uint8))
