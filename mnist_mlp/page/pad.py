"""The pad: a sheet of paper whose drawing is answered while it is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from gradio.events import Events
from PIL import Image

from mnist_mlp.ink import find_ink
from mnist_mlp.page.answer import answer
from mnist_mlp.page.part import HERE, Part
from mnist_mlp.picture import read_picture, to_data_url

EXAMPLES = sorted((HERE / "examples").glob("*.png"), key=lambda path: int(path.stem))
SHEET_HEIGHT = 168  # pixels of a picture that is put on the sheet


class Pad(Part):
    """A sheet to draw on, which asks `answer` while it is drawn on.

    Its value is the newest answer, as JSON; a `change` tells that it has come.

    Args:
        examples: picture files to offer below the sheet, named after their number.
    """

    EVENTS: list[Any] = [Events.change]  # noqa: RUF012

    def __init__(self, *, examples: list[Path] | None = None, **kwargs: Any):
        files = EXAMPLES if examples is None else examples
        pictures = [{"name": file.stem, "picture": _to_sheet(read_picture(file))} for file in files]
        super().__init__(
            "pad",
            scripts=("transport", "sheet", "link", "asking", "pen", "keeping"),
            constants={"EXAMPLES": pictures},
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
