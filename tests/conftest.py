"""The fixtures that the tests share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from helpers import LAPTOP, ROOT, Server, chromium, serving
from hub_server import TOKEN, Hub, Run, running
from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from playwright.sync_api import Error as BrowserError

from mnist_mlp.training.mnist import Digits, load_train

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # else importing Gradio starts threads that ask the network


@pytest.fixture(scope="session")
def mnist() -> Digits:
    """MNIST's 2,500 validation digits, of which no network has learnt. The test images stay shut."""
    return load_train()[1]


@pytest.fixture(scope="session")
def learnt() -> Digits:
    """The 57,500 that the networks have learnt."""
    return load_train()[0]


@pytest.fixture(scope="session")
def start_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Starts `python app.py`, or another command, as `helpers.serving` does; runs until the session ends."""
    with ExitStack() as started:

        def start(*command: str, port: int | None = None, **environment: str) -> Server:
            folder = tmp_path_factory.mktemp("app")
            return started.enter_context(serving(folder, *command, port=port, **environment))

        yield start


@pytest.fixture(scope="session")
def running_app(start_app: Callable[..., Server]) -> Server:
    """The app that most tests share."""
    return start_app()


@pytest.fixture(scope="session")
def app(running_app: Server) -> str:
    """The address of the app that most tests share."""
    return running_app.url


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    try:
        running = chromium(playwright)
    except BrowserError as fault:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no Chromium: apt-get install chromium, or playwright install chromium ({fault})")
    yield running
    running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new window of a laptop's size."""
    context = browser.new_context(viewport=LAPTOP)
    yield context.new_page()
    context.close()


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A Hub on loopback, empty."""
    with running() as hub:
        yield hub


@pytest.fixture
def hub_user(hub: Hub, tmp_path: Path) -> Run:
    """Runs Python code in its own process, as a user of that Hub."""

    def run(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        settings = {
            "HF_ENDPOINT": hub.address,
            "HF_HOME": str(tmp_path / "hf"),
            "HF_TOKEN": TOKEN,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DOWNLOAD_TIMEOUT": "2",
        }
        return subprocess.run(
            [sys.executable, "-c", "import sys\nfrom mnist_mlp import MLP, load\n" + code, *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT), **settings, **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run
