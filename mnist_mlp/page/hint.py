"""The hint: a sentence for the visitor, which a screen reader says when it changes."""

from __future__ import annotations

from typing import Any

from mnist_mlp.page.part import Part


class Hint(Part):
    def __init__(self, value: str = "", **kwargs: Any):
        super().__init__("hint", value, **kwargs)
