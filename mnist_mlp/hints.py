"""What is said to the person who drew, where a drawing leaves a doubt."""

from __future__ import annotations

LACKS = {  # by `canvas.Lack`
    "ink": "Draw a digit or a number.",
    "size": "That is only a speck: draw larger.",
    "lines": "That is a blot, without lines to read: draw a digit or a number.",
}
NO_NUMBER_HINT = "That does not look like a number."
MARKS_LEFT_OUT = "A mark was left out: only digits are read."


def not_sure(first: str, second: str) -> str:
    """The hint for a drawing that may be either of two readings; "" is no number."""
    return f"Not sure: it could be {_a(first)} or {_a(second)}."


def full_hint(hint: str, marks: int) -> str:
    """A reading's hint, or that marks were left out of it; "" for neither."""
    return hint or (MARKS_LEFT_OUT if marks else "")


def _a(number: str) -> str:
    if not number:
        return "no number"
    number = number.replace("\n", " ")
    if len(number) > 1:
        return number
    return f"an {number}" if number == "8" else f"a {number}"
