"""The second tab: a photo or a picture in Gradio's editor, and what is said of it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from gradio.events import Events

from mnist_mlp.page.answer import NO_PICTURE, describe
from mnist_mlp.page.label import NOTHING
from mnist_mlp.page.part import Part
from mnist_mlp.server.networks import serving

NO_ANSWER = {"label": NOTHING, "preview": None, "hint": NO_PICTURE, "panel": None}


class Photo(Part):
    """Watches the editor in its tab: says at once that a picture is read, or why a file is none.

    Its value is the newest answer, as JSON; a `change` tells that it has come. An answer that comes after its
    picture was removed is not shown.
    """

    EVENTS: list[Any] = [Events.change, Events.input]  # noqa: RUF012

    def __init__(self, **kwargs: Any):
        super().__init__("photo", constants={"NO_ANSWER": NO_ANSWER}, **kwargs)


def answer_picture(picture: np.ndarray | None, network: str) -> str:
    """The answer to a picture in the editor, as the pad's: see `page.answer`."""
    return json.dumps(NO_ANSWER if picture is None else describe(picture, serving(network)))
