"""The page: a pad to draw a digit on, and what a small neural network makes of it while the pen still moves."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from mnist_mlp.answer import TOP_K, answer
from mnist_mlp.hub import notice
from mnist_mlp.inside import Inside
from mnist_mlp.pad import Live, Pad, Preview, Sketchpad

# How the page looks, and what of Gradio's own it leaves out.
PAGE = {
    "theme": gr.themes.Base(primary_hue="indigo", neutral_hue="stone", font=["system-ui", "sans-serif"]),
    "css_paths": Path(__file__).parent / "mnist_mlp" / "page.css",
    "footer_links": ["api"],
    "run_history": False,
    "ssr_mode": False,
}


def network(**ids: str) -> gr.Radio:
    return gr.Radio([("ReLU", "relu"), ("Sigmoid", "sigmoid")], value="relu", label="Network", elem_classes="choice", **ids)


def outputs(**ids: str) -> list[gr.components.Component]:
    return [
        gr.Label(num_top_classes=TOP_K, show_label=False, elem_classes="answer-label", elem_id=ids.get("label")),
        Preview(caption="What the network sees: 28 × 28 pixels", elem_id=ids.get("preview"), elem_classes="answer-preview"),
        gr.HTML(
            "Draw a digit.",
            html_template="<p role='status'>${value}</p>",
            js_on_load=None,
            elem_id=ids.get("hint"),
            elem_classes="answer-hint",
        ),
        Inside(elem_id=ids.get("inside"), elem_classes="answer-inside"),
    ]


with gr.Blocks(title="Digits, as you draw them", delete_cache=(600, 3600)) as demo:
    gr.HTML("<h1>Digits, as you draw them</h1><p>A small neural network, and the mathematics inside it.</p>", elem_id="title")
    if notice():
        gr.Markdown(notice(), elem_id="notice")
    with gr.Tab("Draw"):
        Live(
            answer,
            [Pad(elem_id="pad"), network(elem_id="network")],
            outputs(label="label", preview="preview", hint="hint", inside="inside"),
            live=True,
            api_name="predict",
            clear_btn=None,
            flagging_mode="never",
            deep_link=False,
            show_progress="hidden",
        )
    with gr.Tab("Photo or picture"):
        gr.Interface(
            answer,
            [Sketchpad(sources=["upload", "clipboard", "webcam"], layers=False, show_label=False, elem_classes="editor"), network()],
            outputs(),
            live=True,
            api_name="predict_sketchpad",
            clear_btn=None,
            flagging_mode="never",
            deep_link=False,
            show_progress="hidden",
        )

if __name__ == "__main__":
    demo.launch(**PAGE)
