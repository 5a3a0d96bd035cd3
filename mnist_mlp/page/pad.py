"""The page's components for pictures: the pad, the editor of the second tab, and the preview."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.data_classes import FileData
from gradio.events import Dependency, Events
from PIL import Image

from mnist_mlp.canvas import find_ink
from mnist_mlp.page.part import HERE, Part
from mnist_mlp.picture import PictureError, read_data_url, read_picture

EXAMPLES = sorted((HERE / "examples").glob("*.png"))
SIDE = 224  # pixels of a sheet that goes to the page
FILE_SCHEMA = FileData.model_json_schema()  # once: it is asked for three times a page
FILE_MARK = {"_type": "gradio.FileData"}
EXAMPLE_FILE = {"path": "seven.png", "meta": FILE_MARK}  # in the documentation of the API


class Pad(Part):
    """A sheet of paper that sends what is drawn on it while it is drawn.

    As an input, it passes the drawing as a uint8 canvas, (H, W), (H, W, 3) or (H, W, 4), or None where
    nothing is drawn. It takes the page's data URL or a caller's picture file. As an output, it shows
    such a canvas or picture file, which can then be drawn over.

    Args:
        value: what the sheet shows at first: a canvas or the path of a picture.
        examples: picture files to offer below the sheet, named after their digit.
    """

    EVENTS: list[Any] = [Events.change]  # noqa: RUF012

    def __init__(
        self,
        value: np.ndarray | str | Path | None = None,
        *,
        examples: list[Path] | None = None,
        **kwargs: Any,
    ):
        examples = EXAMPLES if examples is None else examples
        pictures = {path.stem: _to_sheet(read_picture(path)) for path in examples}
        super().__init__("pad", value, constants={"EXAMPLES": pictures}, **kwargs)

    def preprocess(self, payload: Any) -> np.ndarray | None:  # type: ignore[override]
        if payload is None or payload == "":
            return None
        if isinstance(payload, str):
            return _read(read_data_url, payload)
        # Gradio has checked the path of a dictionary with this mark, and moved the file into its cache. The
        # path of any other is whatever a client wrote.
        if isinstance(payload, dict) and {"path", "meta"} <= payload.keys() and payload["meta"] == FILE_MARK:
            return _read(read_picture, Path(payload["path"]))
        raise gr.Error(
            f"Expected a picture: a file or a data URL; got {type(payload).__name__}.", print_exception=False
        )

    def postprocess(self, value: np.ndarray | str | Path | None) -> str | None:
        if value is None:
            return None
        return _to_sheet(value if isinstance(value, np.ndarray) else read_picture(value))

    def api_info(self) -> dict[str, Any]:
        return {
            **FILE_SCHEMA,
            "description": "A picture of one handwritten digit, as a file: gradio_client.handle_file(path)",
        }

    def example_payload(self) -> Any:
        return EXAMPLE_FILE

    def example_value(self) -> Any:
        return EXAMPLE_FILE["path"]


class Preview(Part):
    """The 28×28 pixels that the network sees, each a large square. The value is a data URL, None for none."""

    def __init__(self, **kwargs: Any):
        super().__init__("preview", **kwargs)

    def api_info(self) -> dict[str, Any]:
        return {
            "type": "string",
            "description": "The 28×28 pixels that the network sees: a PNG in a data URL",
        }


class Hint(Part):
    """A sentence for the visitor, which a screen reader says when it changes."""

    def __init__(self, value: str = "", **kwargs: Any):
        super().__init__("hint", value, **kwargs)

    def api_info(self) -> dict[str, Any]:
        return {"type": "string", "description": "What the picture lacks, or what the network is not sure of"}


class Live(gr.Interface):
    """An interface that tells the pad when an answer has come: then it sends the newest drawing."""

    def attach_submit_events(self, *buttons: Any) -> Dependency:
        call = super().attach_submit_events(*buttons)
        for outcome, then in (("answered", call.success), ("failed", call.failure)):
            then(
                None,
                js=f"() => {{ document.dispatchEvent(new Event('pad:{outcome}')); }}",
                api_visibility="private",
            )
        return call


class LiveEditor(gr.Interface):
    """An interface whose first input is an editor; it answers the first picture that is put in there, too.

    For an upload, a paste or a photo the editor empties itself, and tells a change. That the picture is in
    it, it tells by `upload` alone.
    """

    def attach_submit_events(self, *buttons: Any) -> Dependency:
        assert self.input_components
        self.input_components[0].upload(
            self.fn,
            self.input_components,
            self.output_components,
            show_progress="hidden",
            trigger_mode="always_last",
            api_name="upload",
            api_visibility="private",
        )
        return super().attach_submit_events(*buttons)


def _read(read: Any, source: Any) -> np.ndarray:
    try:
        return read(source)
    except PictureError as fault:
        raise gr.Error(str(fault), print_exception=False) from None


def _to_sheet(canvas: np.ndarray) -> str:
    """A canvas as the page holds a drawing: a square grey PNG in a data URL, dark ink on white."""
    ink = Image.fromarray((find_ink(canvas) * 255).astype(np.uint8))
    longer = max(ink.size)
    square = Image.new("L", (longer, longer))
    square.paste(ink, ((longer - ink.width) // 2, (longer - ink.height) // 2))
    sheet = square.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    if longer < SIDE:
        # MNIST's pixels, enlarged, are a blur: between its light and its dark there runs an edge.
        sheet = sheet.point(lambda ink: min(max((ink - 96) * 4, 0), 255))
    file = io.BytesIO()
    Image.eval(sheet, lambda ink: 255 - ink).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
