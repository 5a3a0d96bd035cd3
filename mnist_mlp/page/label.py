"""The label: the reading, large, and the likeliest readings as bars."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.components.label import LabelData

# Without a value, Gradio renders an icon with an invalid aria-label.
NOTHING: dict[str, Any] = {"label": "–"}


class Label(gr.Label):
    """Gradio's label; it accepts a heading that is not one of the classes."""

    def get_block_name(self) -> str:
        return "label"

    def postprocess(self, value: dict[str, Any] | None) -> Any:  # type: ignore[override]
        return LabelData(**(value or NOTHING))
