"""The label: the reading, large, and the likeliest readings as bars."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.components.label import LabelData

# Without a value, Gradio shows a picture of its own, in an element with a label that it may not have.
NOTHING = {"label": "–"}


class Label(gr.Label):
    """Gradio's label, whose heading may be none of its classes."""

    def get_block_name(self) -> str:
        return "label"

    def postprocess(self, value: dict[str, Any] | None) -> Any:  # type: ignore[override]
        return LabelData(**(value or NOTHING))
