"""Shared by the tests: a server, a browser's page, a stroke, a picture."""

from __future__ import annotations

import asyncio
import base64
import io
import math
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, Playwright, ViewportSize, expect

if TYPE_CHECKING:
    import gradio as gr

ROOT = Path(__file__).parent.parent
LAPTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 3,
    "has_touch": True,
    "is_mobile": True,
}
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Servers


class Server(NamedTuple):
    """A server in its own process."""

    url: str
    process: subprocess.Popen[bytes]
    cache: Path
    """Gradio's cache folder."""
    log: Path
    """What it prints."""


def run_async(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in a thread of its own: a browser leaves a running loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(folder: Path, *command: str, port: int | None = None, **environment: str) -> Iterator[Server]:
    """Run `python *command` (app.py by default) until the block ends; entered when it answers.

    Args:
        folder: an empty folder for its log and cache.
        port: a free one by default.
        environment: further variables.
    """
    port = port or free_port()
    log, cache = folder / "log.txt", folder / "cache"
    variables = {
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(cache),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *(command or ["app.py"])],
            cwd=ROOT,
            env=os.environ | variables | environment,
            stdout=output,
            stderr=output,
        )
    server = Server(f"http://127.0.0.1:{port}", process, cache, log)
    try:
        wait_until_served(server)
        yield server
    finally:
        process.kill()
        process.wait()


def wait_until_served(server: Server, patience: float = 180) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            with urllib.request.urlopen(server.url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the server did not start:\n{server.log.read_text()}")


@contextmanager
def launched(blocks: gr.Blocks, **options: Any) -> Iterator[str]:
    """Serve Blocks from this process until the block ends; gives their address."""
    settings = {"prevent_thread_lock": True, "quiet": True, "ssr_mode": False, "server_name": "127.0.0.1"}
    blocks.launch(**{**settings, "server_port": free_port(), **options})
    try:
        yield f"http://127.0.0.1:{blocks.server_port}"
    finally:
        blocks.close(verbose=False)


def wait_until(done: Callable[[], bool], patience: float = 30) -> None:
    """Outside a browser's page only: inside, `page.wait_for_timeout` lets its events go on."""
    deadline = time.monotonic() + patience
    while not done():
        assert time.monotonic() < deadline, f"not within {patience} s"
        time.sleep(0.05)


def checkout(folder: Path) -> None:
    """Copy the files that belong to the repository, committed or new, into a folder."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for path in filter(None, listed.split("\0")):
        if (ROOT / path).is_file():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, folder / path)


# Pictures


def png(pixels: np.ndarray) -> bytes:
    """uint8 pixels, (height, width) or (height, width, 3 or 4), as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def data_url(picture: np.ndarray | bytes, kind: str = "image/png") -> str:
    """Pixels, written as PNG, or the bytes of a file, as a data URL."""
    content = picture if isinstance(picture, bytes) else png(picture)
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


# The page

Points = list[tuple[float, float]]
"""A stroke; x and y as shares of the sheet's width and height."""

SEVEN: Points = [(0.3, 0.22), (0.5, 0.21), (0.7, 0.2), (0.62, 0.4), (0.52, 0.6), (0.44, 0.8)]
ONE: Points = [(0.5, 0.2), (0.5, 0.8)]
ZERO: Points = [
    (0.5 + 0.2 * math.sin(turn / 12 * math.pi), 0.5 - 0.3 * math.cos(turn / 12 * math.pi))
    for turn in range(25)
]


def chromium(playwright: Playwright) -> Browser:
    """The system's Chromium, or Playwright's own."""
    installed = shutil.which("chromium") or shutil.which("google-chrome")
    return playwright.chromium.launch(executable_path=installed, args=FLAGS)


def open_app(page: Page, url: str) -> None:
    """Go to the app and wait until its example is on the pad, which can be drawn on from then on."""
    page.goto(url)
    expect(page.locator("#pad .pad.example")).to_be_visible(timeout=60_000)


def on_canvas(page: Page, x: float, y: float) -> tuple[float, float]:
    """A point of the sheet in the window's pixels."""
    box = page.locator("#pad canvas").bounding_box()
    assert box
    return box["x"] + box["width"] * x, box["y"] + box["height"] * y


def draw(page: Page, points: Points, up: bool = True, pause: float = 8, steps: int = 4) -> None:
    """Draw a stroke with the mouse: `steps` moves to each point, then a pause of milliseconds."""
    page.mouse.move(*on_canvas(page, *points[0]))
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*on_canvas(page, *point), steps=steps)
        page.wait_for_timeout(pause)
    if up:
        page.mouse.up()
