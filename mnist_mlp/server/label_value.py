"""The label of a reading, as `gr.Label` takes and gives it, for the page and the API."""

# No `from __future__ import annotations`: Gradio makes the schemas from the types.

import itertools
from typing import TypedDict

from mnist_mlp.reader import Reading

TOP_K = 3
NOT_READ = "?"  # the large label of a drawing that is no number
NO_NUMBER_NAME = "no number"  # that reading among the others


class Confidence(TypedDict):
    label: str
    confidence: float


class LabelValue(TypedDict):
    """The value of a `gr.Label`; its label is null where nothing is drawn."""

    label: str | None
    confidences: list[Confidence]


def to_label(reading: Reading) -> LabelValue:
    """The value of a `gr.Label`: "?" for a drawing that is no number, and the likeliest readings."""
    likeliest = itertools.islice(reading.readings.items(), TOP_K)
    return {
        "label": (reading.text or NOT_READ) if reading.readings else None,
        "confidences": [{"label": text or NO_NUMBER_NAME, "confidence": p} for text, p in likeliest],
    }
