"""The limits of a request, and the settings of Gradio that go with them."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mnist_mlp.server.api import TOOL
from mnist_mlp.server.gradio_internals import (
    LOG,
    UnknownEndpoint,
    bound_sessions,
    cache_folder,
    is_unknown_component,
    remove_old_files,
    tools_query,
)
from mnist_mlp.server.limits import (
    CACHE_AGE,
    CACHE_EVERY,
    MAX_BODY,
    MAX_BYTES,
    MAX_CACHE,
    MAX_REQUEST,
    MAX_SESSIONS,
    MAX_UPLOADS,
    MAX_WAITING,
    STATUS_EVERY,
    THREADS,
)
from mnist_mlp.server.networks import notice


class Quota:
    """Whether the cache folder has room: counts the uploads of the time that files are kept.

    Gradio bounds one upload, and not all of them: callers could fill a Space's disk within minutes.
    """

    def __init__(self) -> None:
        self.uploads: deque[tuple[float, int]] = deque()  # when, and the bytes
        self.bytes = 0

    def has_room(self, upload: int) -> bool:
        now = time.monotonic()
        while self.uploads and now - self.uploads[0][0] > CACHE_AGE + CACHE_EVERY:
            self.bytes -= self.uploads.popleft()[1]
        if self.bytes + upload > MAX_CACHE or len(self.uploads) >= MAX_UPLOADS:
            return False
        self.uploads.append((now, upload))
        self.bytes += upload
        return True


def remove_empty_folders(folder: Path, age: float = CACHE_EVERY) -> None:
    """Remove the folders of the cache that no longer have a file: Gradio leaves two behind a call."""
    for each in os.scandir(folder) if folder.exists() else ():
        # A new one may be about to get its file.
        with contextlib.suppress(OSError):  # not empty
            if each.is_dir(follow_symlinks=False) and time.time() - each.stat().st_mtime > age:
                os.rmdir(each.path)


def _keep_tidy(demo: gr.Blocks) -> None:
    while True:
        time.sleep(CACHE_EVERY)
        try:
            remove_old_files(demo, CACHE_AGE)
            remove_empty_folders(cache_folder())
        except Exception:  # the next search may succeed
            LOG.exception("Old files could not be removed")


@contextlib.asynccontextmanager
async def _lifespan(app: Any) -> AsyncIterator[None]:
    """What runs beside the app: the removal of old files, and the first request to the Hub."""
    threading.Thread(target=_keep_tidy, args=(app.get_blocks(),), daemon=True).start()
    threading.Thread(target=notice, daemon=True).start()
    yield


class Limits:
    """Refuses a body that is too large, and uploads while the cache folder is full; ends every error in JSON.

    An error that Gradio does not handle would close the connection without an answer.
    """

    def __init__(self, app: ASGIApp):
        self.app = app
        self.quota = Quota()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.limited(scope, receive, watched)
        except Exception as fault:
            if started and isinstance(fault.__cause__, HTTPException):
                # An event stream of a session that does not exist has said so; it lacks its end.
                return await send({"type": "http.response.body"})
            if started:
                raise
            LOG.exception("%s %r failed", scope["method"], scope["path"])
            await _refuse(500, "This request failed; /gradio_api/info says what is expected.")(
                scope, receive, send
            )

    async def limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].rstrip("/")
        upload, tool = path.endswith("/upload"), "/gradio_api/mcp" in path
        if tool:
            scope = {**scope, "query_string": tools_query(TOOL)}
        if scope["method"] in ("GET", "HEAD"):
            return await self.app(scope, receive, send)
        limit = MAX_BODY if upload or tool else MAX_REQUEST
        too_large = f"Expected at most {limit:,} bytes; got more."
        announced = int(dict(scope["headers"]).get(b"content-length", 0))
        if announced > limit:
            return await _refuse(413, too_large)(scope, receive, send)
        if upload and not self.quota.has_room(announced or limit):
            busy = "Too many pictures have been sent to this app within the last minutes: try again later."
            return await _refuse(503, busy)(scope, receive, send)
        received = 0

        async def counted() -> Message:  # a body need not announce its length
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(413, too_large)
            return message

        await self.app(scope, counted, send)


def _refuse(status: int, detail: str) -> JSONResponse:
    return JSONResponse({"detail": detail}, status)


async def _unknown(request: Request, fault: Exception) -> JSONResponse:
    return _refuse(404, "There is no such endpoint or component; /gradio_api/info lists the endpoints.")


async def _key_error(request: Request, fault: Exception) -> JSONResponse:
    if not is_unknown_component(fault):
        raise fault
    return await _unknown(request, fault)


async def _error(request: Request, fault: Exception) -> JSONResponse:
    """What a component's server function refuses: in the queue, Gradio does this itself."""
    return _refuse(400, str(fault))


def queue(demo: gr.Blocks) -> None:
    """Let callers wait in a queue of bounded length, and only there."""
    demo.queue(STATUS_EVERY, api_open=False, max_size=MAX_WAITING)
    bound_sessions(demo)


# For `gr.Blocks` and its `launch`. Gradio empties the cache when the app ends; until then `_keep_tidy` does it.
BLOCKS: dict[str, Any] = {"delete_cache": (86400, 86400)}
LAUNCH: dict[str, Any] = {
    "max_file_size": MAX_BYTES,
    "max_threads": THREADS,
    "state_session_capacity": MAX_SESSIONS,
    "show_error": True,  # tells a caller what was wrong
    "enable_monitoring": False,  # its dashboard is open to everyone
    "app_kwargs": {
        # Gradio compresses its files, but neither the page, which holds the scripts, nor the answers.
        "middleware": [Middleware(Limits), Middleware(GZipMiddleware, minimum_size=1000)],
        "lifespan": _lifespan,
        "exception_handlers": {UnknownEndpoint: _unknown, KeyError: _key_error, gr.Error: _error},
    },
}
