"""The page: a pad to draw a number on, and what a small network makes of it while the pen still moves."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

# At batch size 1, BLAS threads cost more than they save. To be set before NumPy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import gradio as gr
import numpy as np

from mnist_mlp.page.hint import Hint
from mnist_mlp.page.label import Label
from mnist_mlp.page.pad import Pad, opening
from mnist_mlp.page.panel import Panel
from mnist_mlp.page.photo import NO_PHOTO, NO_PICTURE, PHOTO, Paste, Photo, answer_picture
from mnist_mlp.page.preview import Preview
from mnist_mlp.server.api import endpoints
from mnist_mlp.server.gradio_internals import Blocks, Sketchpad
from mnist_mlp.server.limits import CALLERS
from mnist_mlp.server.middleware import BLOCKS, LAUNCH, queue
from mnist_mlp.server.networks import notice, repository, serving

FOLDER = Path(__file__).parent / "mnist_mlp" / "page"
TITLE = "Digits, as you draw them"
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
NETWORKS = [("ReLU", "relu"), ("Sigmoid", "sigmoid")]
PRIVATE: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "queue": False}
# The value of `pad` and of `photo` is the newest answer, as JSON; in the page it goes to the parts that show it, and to
# the panel that both share where their tab is the open one.
SHOW = """(answer, shown) => {
  const { label, preview, hint, panel } = JSON.parse(answer);
  return [label, preview, hint, document.querySelector("%s").clientWidth ? panel : shown];
}"""
SHOW_PANEL = "(answer) => (answer ? JSON.parse(answer).panel : null)"
SHOWN = "() => ({ __type__: 'update', visible: %s })"


def read_sketch(sketch: dict[str, Any], network: str) -> tuple[dict[str, float], np.ndarray | None]:
    """What the Sketchpad's interface returns: the likeliest readings, and the 28×28 pixels of each digit."""
    picture = sketch["background"] if sketch["composite"] is None else sketch["composite"]
    if picture is None:
        return {}, None
    reading = serving(network).read(picture)
    digits = [digit.pixels for digit in reading.digits]
    return {text or "no number": p for text, p in reading.readings.items()}, np.hstack(
        digits
    ) if digits else None


with Blocks(title=TITLE, **BLOCKS) as demo:
    gr.HTML(f"<h1>{TITLE}</h1><p>A small neural network, and the mathematics inside it.</p>", elem_id="title")
    if repository():
        demo.load(notice, None, gr.Markdown(elem_id="notice"), api_visibility="private")
    begun = opening()
    with gr.Tab("Draw") as draw_tab, gr.Row(elem_classes="sheet-and-answer"):
        with gr.Column(elem_classes="sheet"):
            pad = Pad(json.dumps(begun) if begun else None, elem_id="pad")
        with gr.Column(elem_classes="answer"):
            label = Label(begun.get("label"), show_label=False, elem_id="label", elem_classes="reading")
            hint = Hint(begun.get("hint", ""), elem_id="hint", elem_classes="hint")
            preview = Preview(begun.get("preview"), elem_id="preview")
    with gr.Tab("Photo") as photo_tab, gr.Row(elem_classes="sheet-and-answer"):
        with gr.Column(elem_classes="sheet"):
            image = Photo(**PHOTO, visible=False, elem_id="photo")
            photo, pasted = gr.HTML(NO_PHOTO, html_template="", visible="hidden"), Paste()
        with gr.Column(elem_classes="answer"):
            photo_label = Label(show_label=False, elem_classes="reading")
            photo_hint = Hint(NO_PICTURE, elem_classes="hint")
            photo_preview = Preview()
    with gr.Tab("Sketchpad", elem_id="sketchpad") as sketch_tab:
        sketchpad = Sketchpad(label="Choose the brush, then draw", visible=False, render=False)
        pixels = gr.Image(label="28 × 28", format="png", visible=False, render=False)
        gr.Interface(
            read_sketch,
            [sketchpad, gr.Radio(NETWORKS, value="relu", label="Network")],
            [gr.Label(num_top_classes=3, label="Reading"), pixels],
            live=True,
            clear_btn=None,
            flagging_mode="never",
            deep_link=False,
            api_name="predict_sketchpad",
            concurrency_limit=CALLERS["concurrency_limit"],
        )
    with gr.Column(elem_id="shared") as shared:
        network = gr.Radio(NETWORKS, value="relu", label="Network", elem_id="network", elem_classes="choice")
        inside = Panel(elem_id="inside", elem_classes="explanation")

    pad.change(None, [pad, inside], [label, preview, hint, inside], js=SHOW % "#pad canvas")
    pasted.input(None, pasted, [image, photo_hint], js="JSON.parse")
    gr.on([image.change, network.input], answer_picture, [image, network], photo, **PRIVATE)
    photo.change(None, [photo, inside], [photo_label, photo_preview, photo_hint, inside], js=SHOW % "#photo")
    for tab, answer in ((draw_tab, pad), (photo_tab, photo)):
        tab.select(None, answer, inside, js=SHOW_PANEL)
        tab.select(None, None, shared, js=SHOWN % "true")
    sketch_tab.select(None, None, shared, js=SHOWN % "'hidden'")
    # The code of Gradio's own parts is large, and is fetched when their tab is opened.
    for tab, part in ((photo_tab, image), (sketch_tab, sketchpad), (sketch_tab, pixels)):
        tab.select(None, None, part, js=SHOWN % "true")
    endpoints()

queue(demo)

if __name__ == "__main__":
    demo.launch(**PAGE, **LAUNCH)
