"""The drawing pad, and the preview beside it, as components of the page."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.events import Events
from PIL import Image

from mnist_mlp.canvas import find_ink
from mnist_mlp.picture import PictureError, read_data_url, read_picture

HERE = Path(__file__).parent
EXAMPLES = sorted((HERE / "examples").glob("*.png"))
SIDE = 224  # of what travels, in pixels


class Pad(gr.HTML):
    """A sheet to draw on that sends what is drawn while it is drawn.

    As an input, it passes the drawing as a uint8 canvas, (H, W), (H, W, 3) or (H, W, 4); None where
    nothing is drawn. It takes the page's data URL or a caller's picture file. As an output, it shows
    such a canvas, or a picture file, which can then be drawn over.

    Args:
        examples: picture files to offer below the sheet, named after their digit.
    """

    EVENTS = [Events.change]

    def __init__(self, value: Any = None, *, examples: list[Path] = EXAMPLES, **kwargs: Any):
        super().__init__(
            value=value,
            html_template=(HERE / "pad.html").read_text(encoding="utf-8"),
            css_template=(HERE / "pad.css").read_text(encoding="utf-8"),
            js_on_load=(HERE / "pad.js").read_text(encoding="utf-8"),
            apply_default_css=False,
            examples=[{"name": path.stem[:1], "picture": _to_sheet(read_picture(path))} for path in examples],
            **kwargs,
        )

    def preprocess(self, payload: Any) -> np.ndarray | None:
        if payload is None or payload == "":
            return None
        try:
            return _read(payload)
        except PictureError as fault:
            raise gr.Error(str(fault), print_exception=False) from None

    def postprocess(self, value: np.ndarray | str | Path | None) -> str:
        if value is None:
            return ""
        return _to_sheet(value if isinstance(value, np.ndarray) else read_picture(value))


def _read(payload: Any) -> np.ndarray:
    if isinstance(payload, str):
        return read_data_url(payload)
    # Gradio has checked the path of a dictionary with this mark and moved the file into its cache. Of any
    # other, the path is whatever the client wrote.
    if isinstance(payload, dict) and payload.get("meta") == {"_type": "gradio.FileData"}:
        return read_picture(Path(payload["path"]))
    raise PictureError(f"Expected a picture file or a data URL; got {type(payload).__name__}.")


def _to_sheet(canvas: np.ndarray) -> str:
    """A canvas as the page holds a drawing: a grey PNG in a data URL, dark ink on white."""
    paper = Image.fromarray(255 - (find_ink(canvas) * 255).astype(np.uint8))
    paper.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    file = io.BytesIO()
    paper.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
