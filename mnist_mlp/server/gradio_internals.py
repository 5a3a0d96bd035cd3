"""The private parts of Gradio that the app depends on. Each stands here with its reason.

`tests/server/test_gradio_internals.py` says which of them a new version of Gradio has changed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
import traceback
import uuid
from pathlib import Path
from typing import Any

import gradio as gr
import gradio.routes
import numpy as np
from gradio import FileData
from gradio.components.base import server
from gradio.components.image_editor import AcceptBlobs
from gradio.exceptions import InvalidPathError
from gradio.route_utils import FnIndexInferError
from gradio.utils import LRUCache, get_upload_folder
from PIL import Image, UnidentifiedImageError

from mnist_mlp.picture import FORMATS, MAX_PIXELS, to_png
from mnist_mlp.server.limits import HELD_AGE, MAX_EDITED, MAX_HELD

LOG = logging.getLogger("uvicorn.error")

# Gradio raises this for a call to an endpoint that does not exist. Without a handler for it the caller gets a
# status of 500, and the log a traceback.
UnknownEndpoint = FnIndexInferError


def is_unknown_component(fault: BaseException) -> bool:
    """Whether Gradio looked up a component that does not exist: it raises a plain KeyError for that."""
    frames = traceback.extract_tb(fault.__traceback__)
    return isinstance(fault, KeyError) and frames[-1].filename == str(gradio.routes.__file__)


def cache_folder() -> Path:
    """Where Gradio keeps uploads, and looks for the files of answers. No public name says where that is."""
    return Path(get_upload_folder())


def checked_path(picture: Any) -> str | None:
    """The path of a file that a caller sent, None for anything else.

    Gradio marks the files whose path it has checked. Any other path is what a caller wrote.
    """
    is_checked = isinstance(picture, dict) and picture.get("meta") == {"_type": "gradio.FileData"}
    return picture["path"] if is_checked and isinstance(picture.get("path"), str) else None


def to_file(pixels: np.ndarray) -> Any:
    """A picture, (H, W) float32 in 0..1, as `gr.Image` gives one: a file in a folder of its own in the cache."""
    path = cache_folder() / uuid.uuid4().hex / "image.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(to_png(pixels))
    return FileData(path=str(path), orig_name=path.name, mime_type="image/png").model_dump()


# After each call Gradio summarises its last 10,000 calls for a dashboard, with pandas, even where the
# dashboard is closed. Without these settings that takes longer than reading a digit.
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(sys.maxsize))


def bound_sessions(demo: gr.Blocks) -> None:
    """Bound the sessions whose calls Gradio remembers; call it after `demo.queue`.

    Gradio removes one when its result is fetched. Without this bound, callers who leave before that fill the
    memory. The messages for them are already bounded like this.
    """
    queue = demo._queue
    queue.pending_event_ids_session = LRUCache(queue.pending_messages_per_session.max_size)


def tools_query(tool: str) -> bytes:
    """The query with which Gradio offers one endpoint as a tool to agents, and not every one.

    On a Space the tool's name begins with the Space's. If that has a hyphen, Gradio 6 finds no tool by a
    query: there all are offered.
    """
    space = os.environ.get("SPACE_ID", "").rpartition("/")[2]
    return b"" if "-" in space else f"tools={tool},{space}_{tool}".encode()


def remove_old_files(demo: gr.Blocks, age: float) -> None:
    """Remove the uploads, and the files of answers, that came more than `age` seconds ago.

    Gradio's own search goes, in a thread, through sets to which calls add meanwhile. Under load that raises a
    RuntimeError, its task ends, and no file is removed any more: of 10,000 calls all files were left.
    """
    for files in demo.temp_file_sets:
        for file in tuple(files):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - os.lstat(file).st_ctime <= age:
                    continue
                os.remove(file)
            files.discard(file)


class Blocks(gr.Blocks):
    """`gr.Blocks` that tells a caller in a sentence why what he sent cannot be taken; the log gets no traceback.

    Gradio fetches and checks files before any function is called. What it raises there goes to the log as a fault
    of the app, and to the caller as it is, with the server's folder for a path that was not uploaded.
    """

    async def preprocess_data(self, *arguments: Any, **named: Any) -> Any:
        try:
            return await super().preprocess_data(*arguments, **named)
        except gr.Error:
            raise
        except InvalidPathError:
            why = "Expected a picture that was uploaded, an http(s) address of one, or a data URL; got another path."
        except Image.DecompressionBombError:
            why = f"Expected a picture of at most {MAX_PIXELS:,} pixels; got a larger one."
        except UnidentifiedImageError:
            why = f"Expected a picture ({', '.join(FORMATS)}); got a file that is none of these."
        except Exception as fault:
            why = str(fault)
            LOG.warning("A call is refused: %r", fault)
        raise gr.Error(why, print_exception=False)


# Gradio's editor opens pictures itself: above twice this limit, Pillow refuses one before it is decoded.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2

HELD_OVERHEAD = 10_000  # bytes that a held picture counts beside its own: at most 6,400 are held


class Sketchpad(gr.Sketchpad):
    """`gr.Sketchpad` whose uploads are bounded.

    Gradio keeps each upload of its editor in memory until the call that uses it, in a list as long as the page says.
    Uploads that no call follows fill the memory: 1,000 of 1 MB are 1 GB, and one with the layer 10⁸ is as much.
    """

    def get_block_name(self) -> str:
        return "imageeditor"

    @server
    def accept_blobs(self, data: AcceptBlobs) -> None:
        """Keep the finished picture alone, for `HELD_AGE` seconds; refuse it while all places are taken."""
        if data.data.get("type") != "composite":
            return
        name, size, now = str(data.data["id"]), len(data.files[0][1]), time.monotonic()
        if size > MAX_EDITED:
            raise gr.Error(f"Expected a picture of at most {MAX_EDITED:,} bytes; got {size:,}.")
        with _LOCK:
            for old, (since, _) in list(_HELD.items()):
                if now - since > HELD_AGE or old not in self.blob_storage:
                    self.blob_storage.pop(old, None)
                    del _HELD[old]
            if sum(held for _, held in _HELD.values()) + size + HELD_OVERHEAD > MAX_HELD:
                raise gr.Error("The app is busy with other visitors' pictures: try again in a moment.")
            _HELD[name] = now, size + HELD_OVERHEAD
            super().accept_blobs(data)


_LOCK = threading.Lock()
_HELD: dict[str, tuple[float, int]] = {}  # since when, and the bytes, of each upload
