"""What the benchmarks share: a server, a browser, a picture, the file of results."""

from __future__ import annotations

import base64
import io
import json
import os
import platform
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import Image

if TYPE_CHECKING:
    import numpy as np
    from playwright.sync_api import Browser, Playwright, ViewportSize

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
LAPTOP: ViewportSize = {"width": 1280, "height": 900}
FLAGS = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]


class Server(NamedTuple):
    """A server in its own process."""

    url: str
    port: int
    process: subprocess.Popen[bytes]
    cache: Path
    """Gradio's cache folder."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(*command: str, port: int | None = None, **environment: str) -> Iterator[Server]:
    """Run `python *command` until the block ends; entered when it answers."""
    port = port or free_port()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        variables = {
            "GRADIO_ANALYTICS_ENABLED": "False",
            "GRADIO_SERVER_NAME": "127.0.0.1",
            "GRADIO_SERVER_PORT": str(port),
            "GRADIO_TEMP_DIR": name,
            "PYTHONPATH": str(ROOT),
        }
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=os.environ | variables | environment,
            stdout=subprocess.DEVNULL,
        )
        server = Server(f"http://127.0.0.1:{port}", port, process, Path(name))
        try:
            _wait_until_served(server)
            yield server
        finally:
            process.kill()
            process.wait()


def _wait_until_served(server: Server, patience: float = 120) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            with urllib.request.urlopen(server.url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{server.process.args!r:.80} does not serve")


def chromium(playwright: Playwright) -> Browser:
    """The system's Chromium, or Playwright's own."""
    installed = shutil.which("chromium") or shutil.which("google-chrome")
    return playwright.chromium.launch(executable_path=installed, args=FLAGS)


def data_url(picture: Image.Image | np.ndarray) -> str:
    """A picture, or uint8 pixels, as the data URL of a PNG."""
    file = io.BytesIO()
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def machine() -> str:
    """The class of this machine, as it stands beside each figure: "2 cores of a virtual machine"."""
    cpu = Path("/proc/cpuinfo")
    virtual = cpu.exists() and "hypervisor" in cpu.read_text()
    kind = "a virtual machine" if virtual else f"a {platform.system()} {platform.machine()} machine"
    return f"{os.cpu_count()} cores of {kind}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, its first column text, the others figures."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def save(name: str, shown: str, **more: Any) -> None:
    """Print what a page shows of the results, and write results/<name>.json, which `benchmarks/readme.py` reads."""
    print(shown)
    RESULTS.mkdir(exist_ok=True)
    command = shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]])
    told = {"command": command, "machine": machine(), "shown": shown.split("\n"), **more}
    text = json.dumps(told, indent=2, ensure_ascii=False)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
