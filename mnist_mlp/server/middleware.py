"""How the app holds to its limits, where Gradio has a setting for them and where it has none."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import functools
import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from anyio import to_thread
from gradio.route_utils import FnIndexInferError
from gradio.routes import App
from gradio.utils import LRUCache, get_upload_folder
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mnist_mlp.picture import is_small
from mnist_mlp.server.limits import (
    AT_ONCE,
    CACHE_AGE,
    CACHE_EVERY,
    MAX_BODY,
    MAX_BYTES,
    MAX_CACHE,
    MAX_SECONDS,
    MAX_SESSIONS,
    MAX_WAITING,
)

LOG = logging.getLogger("uvicorn.error")  # where it would have gone


@contextlib.contextmanager
def no_server_yet() -> Iterator[None]:
    """Build a page without a server. Gradio would make two for each interface on it, and launches another."""
    create = App.create_app
    App.create_app = staticmethod(lambda *_, **__: None)  # type: ignore
    try:
        yield
    finally:
        App.create_app = staticmethod(create)  # type: ignore


def at_once(demo: gr.Blocks) -> None:
    """Answer each call in one go, from what was sent to what is sent back: a drawing on the spot, all else in
    a thread and within `MAX_SECONDS`.

    Gradio hands each input and each output to a thread in turn. Those wait for each other and for the server,
    so that with many visitors it takes several times as long as to answer a drawing.
    """
    for event in demo.fns.values():
        if event.fn:
            event.fn = _timely(_whole(event.fn, event.inputs, event.outputs))
            event.preprocess = event.postprocess = False


def _whole(function: Callable[..., Any], inputs: Sequence[Any], outputs: Sequence[Any]) -> Callable[..., Any]:
    """A function with what the components do before and after it."""

    @functools.wraps(function)
    def whole(*payloads: Any) -> Any:
        values = function(*map(_preprocess, inputs, payloads))
        if len(outputs) == 1:
            return _postprocess(outputs[0], values)
        return list(map(_postprocess, outputs, values))

    return whole


def _preprocess(part: Any, payload: Any) -> Any:
    if part.data_model and payload is not None:
        payload = part.data_model.model_validate(payload)
    return part.preprocess(payload)


def _postprocess(part: Any, value: Any) -> Any:
    value = part.postprocess(value)
    return value.model_dump() if isinstance(value, BaseModel) else value


def _timely(answer: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(answer)
    async def in_time(*payloads: Any) -> Any:
        if isinstance(payloads[0], str) and is_small(payloads[0]):
            return answer(*payloads)
        try:
            call = to_thread.run_sync(functools.partial(answer, *payloads), abandon_on_cancel=True)
            return await asyncio.wait_for(call, MAX_SECONDS)
        except (TimeoutError, asyncio.TimeoutError):
            raise gr.Error(
                f"No answer within {MAX_SECONDS} seconds: try a smaller picture.", print_exception=False
            ) from None

    return in_time


def line_up(demo: gr.Blocks) -> None:
    """Let at most `MAX_WAITING` calls wait, and answer `AT_ONCE` of each kind at a time."""
    demo.api_open = False  # the API that goes past the queue
    queue = demo._queue  # made with the page; `demo.queue` would make it and a server anew
    queue.max_size, queue.default_concurrency_limit = MAX_WAITING, AT_ONCE
    # Gradio would note for ever whose calls these are. What is yet to be told, it keeps for 2,000 callers.
    queue.pending_event_ids_session = LRUCache(queue.pending_messages_per_session.max_size)


def only_tool(demo: gr.Blocks, endpoint: str) -> None:
    """Offer agents one endpoint as a tool. Gradio offers all, and most are made for the page."""
    for event in demo.fns.values():
        if event.fn and event.api_name != endpoint:
            event.fn._mcp_type = "endpoint"  # type: ignore[attr-defined]


class Guard:
    """Refuses a request whose body is over `MAX_BODY`, and uploads while the cache folder is full.

    Where Gradio fails, the caller gets an answer to its end. Else the server would close the connection,
    and with it that caller's next request, which may already be on its way.

    When a page is closed, it is forgotten.
    """

    def __init__(self, app: ASGIApp):
        self.app = app
        self.looked, self.full = 0.0, False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.limited(scope, receive, noted)
        except Exception as fault:
            if not started:
                LOG.exception("%s %r failed", scope["method"], scope["path"])
                failed = "This could not be answered; /gradio_api/info says what is expected."
                await JSONResponse({"detail": failed}, 500)(scope, receive, send)
            elif isinstance(fault.__cause__, HTTPException):  # an event stream, which has said so: "404"
                await send({"type": "http.response.body"})
            else:
                raise
        _, is_alive, session = scope["path"].rpartition("/heartbeat/")
        if is_alive:  # it was, until now
            await _forget(scope["app"], session)

    async def limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in ("GET", "HEAD"):
            return await self.app(scope, receive, send)
        if scope["path"].rstrip("/").endswith("/upload") and self.is_full():
            busy = "Too many pictures have been sent to this app within the hour: try again later."
            return await JSONResponse({"detail": busy}, 503)(scope, receive, send)
        announced = int(dict(scope["headers"]).get(b"content-length", 0))
        too_large = f"Expected at most {MAX_BODY:,} bytes; got more."
        if announced > MAX_BODY:
            return await JSONResponse({"detail": too_large}, 413)(scope, receive, send)
        received = 0

        async def counted() -> Message:  # a body need not announce its length
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY:
                raise HTTPException(413, too_large)
            return message

        await self.app(scope, counted, send)

    def is_full(self) -> bool:
        if time.monotonic() > self.looked + 1:
            self.full = _size(Path(get_upload_folder())) > MAX_CACHE
            self.looked = time.monotonic()
        return self.full


async def _forget(app: Any, session: str) -> None:
    queue = app.get_blocks()._queue
    await queue.clean_events(session_hash=session)
    queue.pending_messages_per_session.pop(session, None)
    queue.pending_event_ids_session.pop(session, None)
    app.state_holder.session_data.pop(session, None)
    app.state_holder.time_last_used.pop(session, None)


async def _no_such_endpoint(request: Request, fault: Exception) -> JSONResponse:
    return JSONResponse({"detail": "There is no such endpoint; /gradio_api/info lists them."}, 404)


# For a dashboard, which is not open here, Gradio would sum up its last 10,000 calls after every call.
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(sys.maxsize))

# The GNU C library would give each thread a heap of its own, and keep the room that the busiest moment took.
if sys.platform == "linux":
    with contextlib.suppress(AttributeError):  # another C library
        M_ARENA_MAX, M_MMAP_THRESHOLD = -8, -3
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 256 * 1024)  # a page has 350 kB

# For `gr.Blocks` and its `launch`.
BLOCKS: dict[str, Any] = {"delete_cache": (CACHE_EVERY, CACHE_AGE)}
LAUNCH: dict[str, Any] = {
    "max_file_size": MAX_BYTES,
    "state_session_capacity": MAX_SESSIONS,
    "show_error": True,  # whoever sent something wrong hears what it was
    "enable_monitoring": False,  # else it is open to everyone
    "app_kwargs": {
        "middleware": [Middleware(Guard)],
        "exception_handlers": {FnIndexInferError: _no_such_endpoint},
    },
}


def _size(folder: Path) -> int:
    size = 0
    for root, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(FileNotFoundError):  # removed meanwhile
                size += os.path.getsize(os.path.join(root, name))
    return size
