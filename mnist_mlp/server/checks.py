"""What callers may send beside a picture, and how they are told what was wrong."""

from __future__ import annotations

import functools
import reprlib
from collections.abc import Callable
from typing import Any

import gradio as gr

from mnist_mlp.server.explanation import serving_snapshots


def check_integer(value: Any, name: str, end: int) -> None:
    """Raise a ValueError where the value is neither null nor an integer from 0 to end - 1."""
    if value is not None and not (type(value) is int and 0 <= value < end):
        got = reprlib.repr(value)
        raise ValueError(f"Expected {name} to be an integer from 0 to {end - 1}, or null; got {got}.")


def check_epoch(epoch: Any, network: str) -> None:
    """Raise a ValueError where there is no snapshot of the network after that epoch."""
    snapshots = serving_snapshots(network)
    if epoch is None or (snapshots is not None and type(epoch) is int and epoch in snapshots.epochs):
        return
    epochs = ", ".join(map(str, snapshots.epochs)) if snapshots else ""
    expected = f"one of {epochs}, or null" if snapshots else "null: this network has no snapshots"
    raise ValueError(f"Expected epoch to be {expected}; got {reprlib.repr(epoch)}.")


def check_unit(unit: Any) -> None:
    """Raise a ValueError where the unit's name is no text; which names there are, `explained` says."""
    if unit is not None and not isinstance(unit, str):
        raise ValueError(f"Expected unit to be text such as h1[103], or null; got {reprlib.repr(unit)}.")


def with_clear_errors(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose `ValueError`s reach the caller, and not the log."""

    @functools.wraps(function)
    def called(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except ValueError as fault:
            message = str(fault)
            raise gr.Error(message[:1].upper() + message[1:], print_exception=False) from None

    return called
