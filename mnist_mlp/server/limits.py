"""Every limit on untrusted requests, with its reason."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from mnist_mlp.picture import MAX_BYTES as MAX_BYTES

# One request
MAX_BODY = 14_000_000  # bytes of an upload or a tool call: the largest picture in base64
MAX_REQUEST = 2_000_000  # bytes of any other request. Gradio keeps a session's last one.

# All callers together. The pad does not wait in the queue.
MAX_WAITING = 100  # calls in the queue; further ones are refused as "busy"
STATUS_EVERY = 5  # seconds between two messages to a caller who waits; Gradio's default is one for each call
CALLERS: dict[str, Any] = {"concurrency_id": "callers", "concurrency_limit": 2}
THREADS = 100  # for all calls; Gradio's default of 40 could be held by photos that wait
DRAWINGS = threading.BoundedSemaphore(8)  # of the pad, read at once; a page is told "busy", and asks again
EXPLAINING = threading.BoundedSemaphore(2)  # questions of the panel at once, 40 ms each
WAIT_FOR_TURN = 0.25  # seconds that either waits for its turn
# A picture of 24 megapixels takes up to 100 MB and a second to decode. One at a time: of a Space's two processors,
# one is left to the pad.
DECODING = threading.BoundedSemaphore(1)
MAX_SESSIONS = 100  # sessions that Gradio keeps, 80 kB each; a new one costs 5 ms

# Gradio's Sketchpad keeps what its pages upload in memory, until a call fetches it
MAX_EDITED = 1_500_000  # bytes of one picture: 500 × 500 pixels, badly compressed
MAX_HELD = 64_000_000  # bytes of all that wait for their call, which follows at once
HELD_AGE = 30  # seconds after which a picture that nobody fetched is dropped

# The cache folder
CACHE_AGE = 180  # seconds that a file is kept: it is read once, right after it came or after the queue
CACHE_EVERY = 30  # seconds between two searches for older ones
MAX_CACHE = 1_000_000_000  # bytes of uploads in that time: a hundred of the largest; a small disk has 16 GB
MAX_UPLOADS = 20_000  # in that time: a hundred a second, more than the server can read


def in_turn(
    turns: threading.BoundedSemaphore, work: Callable[[], dict[str, Any]], patience: float = WAIT_FOR_TURN
) -> dict[str, Any]:
    """What the work returns; {"busy": True} where its turn does not come, {"refused": why} for its ValueError."""
    if not turns.acquire(timeout=patience):
        return {"busy": True}
    try:
        return work()
    except (TypeError, ValueError) as fault:
        return {"refused": str(fault)}
    finally:
        turns.release()
