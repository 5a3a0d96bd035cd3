"""The preview: the 28×28 pixels of each digit, as the network sees them."""

from __future__ import annotations

from typing import Any

from mnist_mlp.page.part import Part


class Preview(Part):
    """A strip of pictures, one for each digit. The value is the "preview" of an answer."""

    def __init__(self, value: dict[str, Any] | None = None, **kwargs: Any):
        super().__init__("preview", value, **kwargs)

    def postprocess(self, value: dict[str, Any] | None) -> dict[str, Any] | None:  # type: ignore[override]
        return value
