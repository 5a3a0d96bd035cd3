"""The second tab: a photo or a picture, by Gradio's own upload, clipboard and camera."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr
from gradio.events import Events

from mnist_mlp.hints import LACKS
from mnist_mlp.page.answer import describe
from mnist_mlp.page.label import NOTHING
from mnist_mlp.page.part import Part
from mnist_mlp.picture import read_data_url, read_picture
from mnist_mlp.server.limits import DECODING, in_turn
from mnist_mlp.server.networks import serving

NO_PICTURE = "Upload, paste or take a picture of a digit or a number."
BUSY = "The server is busy with other pictures: try again in a moment."
PATIENCE = 3  # seconds that a picture waits for its turn: meanwhile it holds one of the server's threads
NO_INK = "There is no ink in this picture to be read: take it in more light, or nearer."

# How `Photo` is made: of a phone the camera at the back, whose pictures are not mirrored.
PHOTO: dict[str, Any] = {
    "sources": ["upload", "clipboard", "webcam"],
    "webcam_options": gr.WebcamOptions(mirror=False, constraints={"video": {"facingMode": "environment"}}),
    "show_label": False,
}


class Photo(gr.Image):
    """`gr.Image` that hands on where the file is: a file that is no picture is answered in a sentence of ours."""

    def get_block_name(self) -> str:
        return "image"

    def preprocess(self, payload: Any) -> str | None:
        return payload and (payload.path or payload.url)


NO_PHOTO = json.dumps({"label": NOTHING, "preview": None, "hint": NO_PICTURE, "panel": None})


class Paste(Part):
    """Takes a picture that is pasted with Ctrl+V; its value is then a file of Gradio's and a hint, as JSON."""

    EVENTS: list[Any] = [Events.input]  # noqa: RUF012

    def __init__(self, **kwargs: Any):
        super().__init__("paste", visible="hidden", **kwargs)


def answer_picture(source: str | None, network: str) -> str:
    """The answer to a picture, as the pad's: see `page.answer`.

    Args:
        source: a file that Gradio has checked, or a data URL.
    """
    if source is None:
        return NO_PHOTO
    answer = in_turn(DECODING, lambda: _describe(source, network), PATIENCE)
    if "label" not in answer:
        answer = {"label": NOTHING, "preview": None, "hint": answer.get("refused", BUSY), "panel": None}
    if answer["hint"] == LACKS["ink"]:
        answer["hint"] = NO_INK
    return json.dumps(answer)


def _describe(source: str, network: str) -> dict[str, Any]:
    canvas = read_data_url(source) if source.startswith("data:") else read_picture(source)
    return describe(canvas, serving(network))
