"""The page: a pad to draw a digit on, and what a small network makes of it while the pen still moves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

# One picture's products are too small to share out among cores: the threads would wait for each other longer
# than they reckon, and take the time of other calls. To be said before NumPy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import gradio as gr

from mnist_mlp.page.answer import NOTHING, TOP_K, answer
from mnist_mlp.page.pad import Hint, Live, LiveEditor, Pad, Preview
from mnist_mlp.page.panel import Panel
from mnist_mlp.server.api import QUEUED, endpoints, predict_sketchpad
from mnist_mlp.server.gradio_internals import Sketchpad
from mnist_mlp.server.middleware import BLOCKS, LAUNCH, queue
from mnist_mlp.server.networks import notice

# How the page looks, and what of Gradio's own it leaves out.
PAGE: dict[str, Any] = {
    "theme": gr.themes.Base(
        primary_hue="indigo",
        neutral_hue="stone",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ),
    "css_paths": Path(__file__).parent / "mnist_mlp" / "page" / "page.css",
    "footer_links": ["api"],
    "run_history": False,
    "ssr_mode": False,
    "mcp_server": True,
}


# What both tabs have in common; only in the first do the parts have ids of their own.
INTERFACE: dict[str, Any] = {
    "live": True,
    "clear_btn": None,
    "flagging_mode": "never",
    "deep_link": False,
    "show_progress": "hidden",
}


def network(**name: Any) -> gr.Radio:
    choices = [("ReLU", "relu"), ("Sigmoid", "sigmoid")]
    return gr.Radio(choices, value="relu", label="Network", elem_classes="choice", **name)


def answers(hint: str, ids: bool) -> list[gr.components.Component]:
    def name(part: str) -> dict[str, Any]:
        return {"label": part, "elem_id": part if ids else None, "elem_classes": f"answer-{part}"}

    return [
        gr.Label(num_top_classes=TOP_K, show_label=False, **name("label")),
        Preview(**name("preview")),
        Hint(hint, **name("hint")),
        Panel(**name("inside")),
    ]


with gr.Blocks(title="Digits, as you draw them", **BLOCKS) as demo:
    gr.HTML(
        "<h1>Digits, as you draw them</h1><p>A small neural network, and the mathematics inside it.</p>",
        elem_id="title",
    )
    if notice():
        gr.Markdown(notice(), elem_id="notice")
    with gr.Tab("Draw"):
        pad = [Pad(elem_id="pad"), network(elem_id="network")]
        Live(
            answer,
            pad,
            answers(NOTHING.hint, ids=True),
            api_name="answer",
            api_visibility="private",
            **INTERFACE,
        )
    with gr.Tab("Photo or picture") as tab:
        editor = Sketchpad(
            sources=("upload", "clipboard", "webcam"),
            layers=False,
            canvas_size=(500, 500),
            fixed_canvas=True,
            show_label=False,
            elem_classes="editor",
            visible=False,
        )
        LiveEditor(
            predict_sketchpad,
            [editor, network()],
            [gr.Label(num_top_classes=TOP_K, label="label"), gr.Image(label="preview", format="png")],
            concurrency_limit=QUEUED["concurrency_limit"],
            api_name="predict_sketchpad",
            **INTERFACE,
        )
        # Its code is large, and is fetched when the editor is shown.
        tab.select(
            None, None, editor, js="() => ({__type__: 'update', visible: true})", api_visibility="private"
        )

    endpoints()

queue(demo)

if __name__ == "__main__":
    demo.launch(**PAGE, **LAUNCH)
