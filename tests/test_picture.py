"""Pictures that strangers send: read, or refused with a sentence."""

from __future__ import annotations

import base64
import io
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from mnist_mlp import to_mnist
from mnist_mlp.picture import (
    FORMATS,
    MAX_BYTES,
    MAX_DATA_URL,
    MAX_PIXELS,
    PictureError,
    read_data_url,
    read_picture,
    to_array,
)


@pytest.fixture(autouse=True)
def pillow_s_own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The app sets a lower one, if another test of this process has imported it."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 89_478_485)


def seven(mode: str = "L", size: tuple[int, int] = (160, 200)) -> Image.Image:
    image = Image.new("L", size, 255)
    w, h = size
    ImageDraw.Draw(image).line(
        [(w * 0.2, h * 0.2), (w * 0.8, h * 0.2), (w * 0.45, h * 0.85)], 0, int(w * 0.09)
    )
    return image.convert(mode)


def encode(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def assert_seven(canvas: np.ndarray, size: tuple[int, int] = (160, 200)) -> None:
    """The same digit as if it had been drawn as a plain grey array."""
    assert canvas.dtype == np.uint8 and canvas.shape[:2] == size[::-1]
    assert np.abs(to_mnist(canvas) - to_mnist(np.asarray(seven(size=size)))).mean() < 0.02


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_is_read(format: str) -> None:
    assert_seven(read_picture(encode(seven("RGB"), format)))


def test_16_bit_pictures_are_read() -> None:
    deep = Image.fromarray(np.asarray(seven(), np.uint16) * 257)
    assert deep.mode == "I;16"
    for format in ("PNG", "TIFF"):
        assert_seven(read_picture(encode(deep, format)))


@pytest.mark.parametrize("ground", [0, 255])
def test_ink_on_a_transparent_ground_is_read(ground: int) -> None:
    ink = ImageOps.invert(seven())
    grey = Image.merge("LA", [Image.new("L", ink.size, 255 - ground), ink])
    colour = Image.merge("RGBA", [Image.new("L", ink.size, 255 - ground)] * 3 + [ink])
    palette = seven().convert("P", palette=Image.Palette.ADAPTIVE, colors=2)
    transparent = palette.getpixel((0, 0))
    for encoded in (encode(grey), encode(colour), encode(palette, transparency=transparent)):
        canvas = read_picture(encoded)
        assert canvas.shape[2:] == (4,)
        assert_seven(canvas)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_exif_orientation_is_applied(format: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a phone held upright: the pixels lie on their side
    sideways = seven("RGB").rotate(90, expand=True)
    assert_seven(read_picture(encode(sideways, format, quality=95, exif=exif)))


def test_a_phones_photo_is_reduced_and_read() -> None:
    canvas = read_picture(encode(seven("RGB", (3000, 4000)), "JPEG"))
    assert max(canvas.shape) <= 1000
    assert np.abs(to_mnist(canvas) - to_mnist(np.asarray(seven()))).mean() < 0.03


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_a_callers_image_is_not_changed(mode: str) -> None:
    image = seven(mode)
    before = image.copy()
    to_array(image)[:] = 7
    assert image == before


def test_a_path_is_read(tmp_path: Path) -> None:
    path = tmp_path / "seven.png"
    path.write_bytes(encode(seven()))
    assert_seven(read_picture(path))
    assert_seven(read_picture(str(path)))


# ---- Refused


def png_that_claims(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    packed = [
        struct.pack(">I", len(d)) + kind + d + struct.pack(">I", zlib.crc32(kind + d)) for kind, d in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@pytest.mark.parametrize(
    ("encoded", "said"),
    [
        (b"", "no bytes"),
        (b"not a picture at all", "20 bytes that are none of these"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "none of these"),
        (b"%PDF-1.4\n%", "none of these"),
        (encode(seven())[:200], "cut off or damaged"),
        (encode(seven(), "JPEG")[:700], "cut off or damaged"),
        (encode(seven(), "GIF")[:100], "cut off or damaged"),
        (png_that_claims(100_000, 100_000), "pixels"),
        (png_that_claims(MAX_PIXELS + 1, 1), f"{MAX_PIXELS + 1:,}"),
        (png_that_claims(0, 0), ""),
        (bytes(MAX_BYTES + 1), f"{MAX_BYTES + 1:,}"),
    ],
    ids=lambda case: case if isinstance(case, str) else f"{len(case)} bytes",
)
def test_other_bytes_are_refused_and_the_error_says_what_came(encoded: bytes, said: str) -> None:
    with warnings.catch_warnings(), pytest.raises(PictureError, match="Expected a picture") as refusal:
        warnings.simplefilter("error")
        read_picture(encoded)
    assert said in str(refusal.value)


def test_other_formats_are_not_decoded() -> None:
    for format in ("PPM", "ICO", "TGA", "PCX"):
        with pytest.raises(PictureError, match="none of these"):
            read_picture(encode(seven("RGB"), format))


@pytest.mark.parametrize("source", [0, True, 3.5, None, ["seven.png"]])
def test_other_types_are_refused(source: Any) -> None:
    with pytest.raises(TypeError, match="PathLike"):
        read_picture(source)


def test_a_damaged_file_is_read_or_refused() -> None:
    rng = np.random.default_rng(1)
    for format in FORMATS:
        whole = bytearray(encode(seven("RGB", (40, 50)), format))
        for _ in range(60):
            damaged = bytearray(whole)
            for at in rng.integers(0, len(whole), 3):
                damaged[at] = rng.integers(256)
            try:
                canvas = read_picture(bytes(damaged))
            except PictureError:
                continue
            assert canvas.dtype == np.uint8 and canvas.ndim in (2, 3)


# ---- Data URLs


def test_a_data_url_is_read() -> None:
    for format in ("png", "jpeg", "webp"):
        text = f"data:image/{format};base64," + base64.b64encode(encode(seven(), format)).decode()
        assert_seven(read_data_url(text))


@pytest.mark.parametrize(
    "text",
    [
        *("", "data:", "data:image/png;base64,", "data:image/png;base64,A", "data:image/png;base64,####"),
        *("data:image/png,plain", "data:text/html;base64,PGI+", "data:image/svg+xml;base64,PHN2Zy8+"),
        *("file:///etc/passwd", "/etc/passwd", "data:image/png;base64," + "A" * MAX_DATA_URL),
    ],
    ids=lambda text: text[:30] or "empty",
)
def test_other_text_is_refused_as_a_data_url(text: str) -> None:
    with pytest.raises(PictureError, match="Expected"):
        read_data_url(text)
