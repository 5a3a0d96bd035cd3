"""What is said to the person who drew, where a drawing leaves a doubt."""

from __future__ import annotations

LACKS = {  # by `canvas.Lack`
    "ink": "Draw a digit.",
    "size": "That is only a speck: draw larger.",
    "lines": "That is a blot, without lines to read: draw a digit.",
}
NO_DIGIT = "That does not look like a digit."


def not_sure(first: str, second: str) -> str:
    """Of two readings, "" for no number."""
    return f"Not sure: it could be {_a(first)} or {_a(second)}."


def _a(number: str) -> str:
    if not number:
        return "no number"
    number = number.replace("\n", " ")
    if len(number) > 1:
        return number
    return f"an {number}" if number == "8" else f"a {number}"
