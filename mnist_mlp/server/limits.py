"""Every limit on untrusted requests, with its reason."""

from __future__ import annotations

import threading

from mnist_mlp.picture import MAX_BYTES as MAX_BYTES

# One request
MAX_BODY = 14_000_000  # bytes of an upload or a tool call: the largest picture in base64
MAX_REQUEST = 2_000_000  # bytes of any other request. Gradio keeps a session's last one.
MAX_EDITED = 1_500_000  # bytes of a picture from the editor: 500 × 500 pixels, badly compressed

# All callers together. The pad does not wait in the queue.
MAX_WAITING = 100  # calls in the queue; further ones are refused as "busy"
STATUS_EVERY = 5  # seconds between two messages to a caller who waits; Gradio's default is one for each call
CALLS_AT_ONCE = 2
# A picture of 24 megapixels takes up to 100 MB and a second to decode. One at a time, visitors' photos in the
# second tab too: of a Space's two processors, one is left to the pad.
DECODING = threading.BoundedSemaphore(1)
MAX_SESSIONS = 100  # sessions that Gradio keeps, 80 kB each; a new one costs 5 ms
MAX_HELD = 32  # pictures from the editor that wait for their call, which follows at once
HELD_AGE = 30  # seconds after which such a picture is dropped

# The cache folder
CACHE_AGE = 600  # seconds that a file is kept: it is read once, right after it came
CACHE_EVERY = 60  # seconds between two searches for older ones
MAX_CACHE = 1_000_000_000  # bytes: a hundred of the largest uploads; a small disk has 16 GB
MAX_FILES = 20_000
