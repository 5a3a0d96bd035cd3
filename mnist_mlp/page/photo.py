"""The second tab: a photo or a picture, by Gradio's own upload, clipboard and camera."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.components.image import ImageData

from mnist_mlp.hints import LACKS
from mnist_mlp.page.answer import describe
from mnist_mlp.page.label import NOTHING
from mnist_mlp.picture import PictureError, read_data_url, read_picture
from mnist_mlp.server.limits import DECODING
from mnist_mlp.server.networks import serving

NO_PICTURE = "Upload, paste or take a picture of a digit or a number."
NO_INK = "There is no ink in this picture to be read: take it in more light, or nearer."


class Photo(gr.Image):
    """`gr.Image` that hands on where the file is: a file that is no picture is answered in a sentence of ours."""

    def get_block_name(self) -> str:
        return "image"

    def preprocess(self, payload: ImageData | None) -> str | None:
        return payload and (payload.path or payload.url)


def answer_picture(source: str | None, network: str) -> tuple[Any, ...]:
    """What label, preview, hint and panel show of a picture: a file that Gradio has checked, or a data URL."""
    if source is None:
        return NOTHING, None, NO_PICTURE, None
    try:
        with DECODING:
            canvas = read_data_url(source) if source.startswith("data:") else read_picture(source)
        answer = describe(canvas, serving(network))
    except PictureError as fault:
        return NOTHING, None, str(fault), None
    hint = NO_INK if answer["hint"] == LACKS["ink"] else answer["hint"]
    return answer["label"], answer["preview"], hint, answer["panel"]
