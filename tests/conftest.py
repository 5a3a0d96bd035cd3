"""What the tests share."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from playwright.sync_api import Error as BrowserError

from mnist_mlp.training.data import Mnist, load_mnist

ROOT = Path(__file__).parent.parent
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class App(NamedTuple):
    """The app, running as a newcomer would start it."""

    url: str
    process: subprocess.Popen[bytes]
    cache: Path
    """Gradio's cache folder."""
    log: Path
    """What it prints."""


@pytest.fixture(scope="session")
def mnist() -> Mnist:
    """The four arrays of MNIST."""
    return load_mnist()


@pytest.fixture(scope="session")
def start_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., App]]:
    """Starts `python app.py`, on a free port or the one given, and waits until it serves."""
    started: list[App] = []

    def start(port: int | None = None) -> App:
        port = port or free_port()
        folder = tmp_path_factory.mktemp("app")
        log = folder / "log.txt"
        environment = os.environ | {
            "GRADIO_ANALYTICS_ENABLED": "False",
            "GRADIO_SERVER_PORT": str(port),
            "GRADIO_TEMP_DIR": str(folder / "cache"),
            "PYTHONUNBUFFERED": "1",
        }
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=output, stderr=output
            )
        app = App(f"http://127.0.0.1:{port}", process, folder / "cache", log)
        started.append(app)
        wait_until_served(app)
        return app

    yield start
    for app in started:
        app.process.kill()
        app.process.wait()


@pytest.fixture(scope="session")
def running_app(start_app: Callable[..., App]) -> App:
    """The app that most tests share."""
    return start_app()


@pytest.fixture(scope="session")
def app(running_app: App) -> str:
    """The address of the app that most tests share."""
    return running_app.url


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_served(app: App, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and app.process.poll() is None:
        try:
            with urllib.request.urlopen(app.url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the app did not start:\n{app.log.read_text()}")


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium: the system's, or Playwright's own."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    try:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
    except BrowserError as fault:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no Chromium: apt-get install chromium, or playwright install chromium ({fault})")
    yield running
    running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new window of a laptop's size."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()
