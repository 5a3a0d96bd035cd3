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
from gradio.components.image_editor import AcceptBlobs, EditorData
from gradio.exceptions import InvalidPathError
from gradio.route_utils import FnIndexInferError
from gradio.utils import LRUCache, get_upload_folder

from mnist_mlp.picture import PictureError, read_picture, to_png
from mnist_mlp.server.limits import DECODING, HELD_AGE, MAX_EDITED, MAX_HELD

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


class HTML(gr.HTML):
    """`gr.HTML` that finds out Gradio's description of it once.

    Gradio asks for it in each new session, and searches the script for each of its names that is not an
    attribute: for all parts of the page that took 20 ms, twice as long as a call of the API.
    """

    EVENTS: list[Any] = []  # noqa: RUF012
    _config: dict[str, Any] | None = None

    def get_config(self) -> dict[str, Any]:  # type: ignore[override]
        if self._config is None:
            self._config = super().get_config()
        return {**self._config, "value": self.value}


HELD_OVERHEAD = 10_000  # bytes that a held picture counts beside its own: at most 6,400 are held


def remove_old_files(demo: gr.Blocks, age: float) -> None:
    """Remove the uploads, and the files of answers, that came more than `age` seconds ago.

    Gradio's own search goes, in a thread, through sets to which calls add meanwhile. Under load that raises a
    RuntimeError, its task ends, and no file is removed any more: of 10,000 calls all were left.
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
        except Exception as fault:
            why = str(fault)
            LOG.warning("A call is refused: %r", fault)
        raise gr.Error(why, print_exception=False)


class Sketchpad(gr.Sketchpad):
    """Gradio's editor, for a photo or a picture: upload, paste, webcam, crop, draw over.

    As an input, it passes the picture as a uint8 canvas, (H, W), (H, W, 3) or (H, W, 4); None where there is
    none.

    Gradio keeps each upload of the editor in memory until the call that uses it. Without the methods below,
    uploads that no call follows fill the memory, and each call decodes three pictures instead of one.
    """

    _lock = threading.Lock()

    def get_block_name(self) -> str:
        return "imageeditor"

    @server
    def accept_blobs(self, data: AcceptBlobs) -> None:
        """Keep an upload's finished picture for `HELD_AGE` seconds; refuse it while all places are taken."""
        if data.data.get("type") != "composite":
            return
        name, picture, now = str(data.data["id"]), data.files[0][1], time.monotonic()
        size = len(picture) + HELD_OVERHEAD
        if len(picture) > MAX_EDITED:
            raise gr.Error(f"Expected a picture of at most {MAX_EDITED:,} bytes; got {len(picture):,}.")
        held: dict[str, Any] = self.blob_storage
        with self._lock:
            for old in [old for old, (since, _) in held.items() if now - since > HELD_AGE]:
                del held[old]
            if sum(len(other) + HELD_OVERHEAD for _, other in held.values()) + size > MAX_HELD:
                raise gr.Error("The app is busy with other visitors' pictures: try again in a moment.")
            held[name] = now, picture

    def preprocess(self, payload: EditorData | None) -> np.ndarray | None:  # type: ignore[override]
        if payload is None:
            return None
        held: dict[str, Any] = self.blob_storage
        with self._lock:
            _, picture = held.pop(payload.id or "", (0, None))
        if file := payload.composite or payload.background:
            picture = picture or file.path
        if picture is None:
            return None
        try:
            with DECODING:
                return read_picture(picture)
        except PictureError as fault:
            raise gr.Error(str(fault), print_exception=False) from None
