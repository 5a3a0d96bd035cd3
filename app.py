"""The page: a pad to draw a number on, and what a small network makes of it while the pen still moves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

# At batch size 1, BLAS threads cost more than they save. To be set before NumPy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import gradio as gr

from mnist_mlp.page.answer import EMPTY, NO_PICTURE
from mnist_mlp.page.hint import Hint
from mnist_mlp.page.label import Label
from mnist_mlp.page.pad import Pad
from mnist_mlp.page.panel import Panel
from mnist_mlp.page.photo import Photo, answer_picture
from mnist_mlp.page.preview import Preview
from mnist_mlp.server.api import endpoints
from mnist_mlp.server.gradio_internals import Blocks, Sketchpad
from mnist_mlp.server.middleware import BLOCKS, LAUNCH, queue
from mnist_mlp.server.networks import notice

FOLDER = Path(__file__).parent / "mnist_mlp" / "page"
DESCRIPTION = "Draw a digit or a number, and see what a small neural network reads, and why."
PAGE: dict[str, Any] = {
    "theme": gr.themes.Base(
        primary_hue="indigo",
        neutral_hue="stone",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ).set(body_text_color_subdued="*neutral_500", body_text_color_subdued_dark="*neutral_400"),
    "css_paths": [FOLDER / "page.css", FOLDER / "gradio.css"],
    "head": f'<meta name="description" content="{DESCRIPTION}">',
    "footer_links": ["api"],
    "run_history": False,
    "ssr_mode": False,
    "mcp_server": True,
}
TITLE = "<h1>Digits, as you draw them</h1><p>A small neural network, and the mathematics inside it.</p>"
NETWORKS = [("ReLU", "relu"), ("Sigmoid", "sigmoid")]

EDITOR: dict[str, Any] = {
    "sources": ("upload", "clipboard", "webcam"),
    "layers": False,
    "canvas_size": (520, 390),
    "height": 470,
    "fixed_canvas": True,
    "show_label": False,
    "elem_classes": "editor",
}
INTERFACE: dict[str, Any] = {
    "clear_btn": None,
    "flagging_mode": "never",
    "deep_link": False,
    "show_progress": "hidden",
    "api_visibility": "private",
}

# The pad's value is the newest answer, as JSON. In the page it goes to the components that show its parts.
SHOW = """(answer) => {
  const { label, preview, hint, panel } = JSON.parse(answer);
  return [label, preview, hint, panel];
}"""

with Blocks(title="Digits, as you draw them", **BLOCKS) as demo:
    gr.HTML(TITLE, elem_id="title")
    if notice():
        gr.Markdown(notice(), elem_id="notice")
    with gr.Tab("Draw"):
        with gr.Row(elem_classes="sheet-and-answer"):
            with gr.Column(elem_classes="sheet"):
                pad = Pad(elem_id="pad")
            with gr.Column(elem_classes="answer"):
                label = Label(show_label=False, elem_id="label", elem_classes="reading")
                hint = Hint(EMPTY, elem_id="hint", elem_classes="hint")
                preview = Preview(elem_id="preview")
                gr.Radio(
                    NETWORKS,
                    value="relu",
                    label="Network",
                    elem_id="network",
                    elem_classes="choice",
                    interactive=True,
                )
        inside = Panel(elem_id="inside", elem_classes="explanation")
        pad.change(None, pad, [label, preview, hint, inside], js=SHOW)

    with gr.Tab("Photo or picture") as tab:
        editor, photo = Sketchpad(visible=False, render=False, **EDITOR), Photo(render=False)
        with gr.Row(elem_classes="sheet-and-answer"):
            left = gr.Column(elem_classes="sheet")
            with gr.Column(elem_classes="answer"):
                label = Label(show_label=False, elem_classes="reading")
                hint = Hint(NO_PICTURE, elem_classes="hint")
                preview = Preview()
        with left:
            network = gr.Radio(NETWORKS, value="relu", label="Network", elem_classes="choice", render=False)
            gr.Interface(answer_picture, [editor, network], photo, live=True, **INTERFACE)
        editor.upload(None, js="() => { document.dispatchEvent(new Event('editor:upload')); }")
        # Asks once more where the editor has sent an upload before it held its picture.
        photo.input(
            answer_picture, [editor, network], photo, show_progress="hidden", api_visibility="private"
        )
        inside = Panel(opened=False, elem_classes="explanation")
        photo.change(None, photo, [label, preview, hint, inside], js=SHOW)
        # The editor's code is large, and is fetched when its tab is opened.
        tab.select(None, None, editor, js="() => ({__type__: 'update', visible: true})")
    endpoints()

queue(demo)

if __name__ == "__main__":
    demo.launch(**PAGE, **LAUNCH)
