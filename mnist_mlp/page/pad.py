"""The pad: a sheet of paper whose drawing is answered while it is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from gradio.events import Events
from PIL import Image

from mnist_mlp.ink import find_ink
from mnist_mlp.mlp import load
from mnist_mlp.page.answer import answer, describe
from mnist_mlp.page.panel import with_unit
from mnist_mlp.page.part import HERE, Part
from mnist_mlp.picture import read_data_url, read_picture, to_data_url
from mnist_mlp.server.networks import repository

EXAMPLES = sorted((HERE / "examples").glob("*.png"), key=lambda path: int(path.stem))
FIRST = "7"  # the example that the page opens with
SHEET_HEIGHT = 168  # pixels of a picture that is put on the sheet


def opening() -> dict[str, Any]:
    """The answer to the example that the page opens with; without one, the page asks for it.

    It is the shipped network's: where another answers, the page does not wait for the Hub.
    """
    if repository():
        return {}
    file = next(file for file in EXAMPLES if file.stem == FIRST)
    picture = Image.fromarray(read_data_url(_to_sheet(read_picture(file))))
    sheet = Image.new("L", (SHEET_HEIGHT * 4 // 3, SHEET_HEIGHT), 255)
    sheet.paste(picture, ((sheet.width - picture.width) // 2, (sheet.height - picture.height) // 2))
    net = load("relu")
    answer = describe(np.asarray(sheet), net)
    return {**answer, "panel": with_unit(answer["panel"], net)}


class Pad(Part):
    """A sheet to draw on, which asks `answer` while it is drawn on.

    Its value is the newest answer, as JSON; a `change` tells that it has come. It opens with an example.

    Args:
        examples: picture files to offer below the sheet, named after their number.
    """

    EVENTS: list[Any] = [Events.change]  # noqa: RUF012

    def __init__(self, value: str | None = None, *, examples: list[Path] | None = None, **kwargs: Any):
        files = EXAMPLES if examples is None else examples
        pictures = [{"name": file.stem, "picture": _to_sheet(read_picture(file))} for file in files]
        super().__init__(
            "pad",
            value,
            constants={"EXAMPLES": pictures, "FIRST": FIRST},
            server_functions=[answer],
            **kwargs,
        )


def _to_sheet(canvas: np.ndarray) -> str:
    """A canvas as the page holds a picture: a grey PNG in a data URL, dark ink on white."""
    ink = Image.fromarray((find_ink(canvas) * 255).astype(np.uint8))
    scale = SHEET_HEIGHT / max(ink.height, ink.width * 3 / 4)
    sheet = ink.resize((round(ink.width * scale), round(ink.height * scale)), Image.Resampling.BICUBIC)
    if scale > 1:
        # Sharpen the blurred upscale of MNIST's pixels.
        sheet = sheet.point(lambda ink: min(max((ink - 96) * 4, 0), 255))
    return to_data_url(1 - np.asarray(sheet) / 255)
