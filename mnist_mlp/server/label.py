"""The label of a reading, as `gr.Label` takes and gives it, for the page and the API."""

# No `from __future__ import annotations`: Gradio makes the schemas from the types.

import itertools
from typing import TypedDict

from mnist_mlp.reader import Reading

TOP_K = 3
NO_DIGIT = "?"  # the label of a drawing that is no digit


class Confidence(TypedDict):
    label: str
    confidence: float


class Label(TypedDict, total=False):
    """The value of a `gr.Label`; empty where nothing is drawn."""

    label: str
    confidences: list[Confidence]


def to_label(reading: Reading) -> Label:
    """The value of a `gr.Label`: "?" for a drawing that is no digit, and the likeliest readings."""
    if not reading.readings:
        return {}
    likeliest = itertools.islice(reading.readings.items(), TOP_K)
    return {
        "label": reading.text or NO_DIGIT,
        "confidences": [{"label": text, "confidence": p} for text, p in likeliest],
    }
