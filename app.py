"""A pad to draw a digit on, and what a small neural network makes of it while the pen still moves."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from mnist_mlp.answer import TOP_K, answer
from mnist_mlp.pad import Pad

PACKAGE = Path(__file__).parent / "mnist_mlp"


def outputs() -> list[gr.components.Component]:
    return [
        gr.Label(num_top_classes=TOP_K, show_label=False, elem_id="label"),
        gr.HTML(html_template="<img src='${value}' alt='28x28'>", js_on_load=None, elem_id="preview"),
        gr.HTML(js_on_load=None, elem_id="hint"),
    ]


with gr.Blocks(title="Digits", delete_cache=(600, 3600)) as demo:
    with gr.Tab("Draw"):
        gr.Interface(
            answer,
            [Pad(elem_id="pad"), gr.Radio([("ReLU", "relu"), ("Sigmoid", "sigmoid")], value="relu", elem_id="network")],
            outputs(),
            live=True,
            api_name="predict",
            clear_btn=None,
            flagging_mode="never",
            deep_link=False,
            show_progress="hidden",
        )

if __name__ == "__main__":
    demo.launch(ssr_mode=False, run_history=False, footer_links=["api"])
