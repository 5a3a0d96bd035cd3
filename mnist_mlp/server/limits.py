"""What strangers may ask of the app, and why no more: every limit, in one place."""

from __future__ import annotations

from mnist_mlp.picture import MAX_BYTES  # noqa: F401

MAX_EDITED = 1_500_000  # bytes of a picture from the editor: 500 × 500 pixels, packed badly

# A request
MAX_BODY = 12_000_000  # bytes: the largest picture, and what wraps it up
MAX_SECONDS = 10  # for one answer; the slowest picture that is allowed takes one or two

# All visitors together
MAX_WAITING = 100  # calls: a second or two of work; whoever comes later hears that the app is busy
MAX_SESSIONS = 100  # pages that are kept in mind, 80 kB each; one that was forgotten costs 5 ms anew
AT_ONCE = 4  # calls of one endpoint: a slow photo holds up nobody's pen, and four are decoded in 400 MB
MAX_HELD = 32  # pictures from the editor that wait for their call, which comes right after
CACHE_AGE = 3600  # seconds that an uploaded file is kept; it is read once, right after it came
CACHE_EVERY = 600  # seconds between two looks for older ones
MAX_CACHE = 1_000_000_000  # bytes of them at once: a hundred of the largest; a small disk has 16 GB
