"""A long day in twenty minutes: pages that draw, leave and come back, callers, and a server that is killed.

    python benchmarks/soak.py               # 20 minutes
    python benchmarks/soak.py --minutes 2

Eight pages of Chromium draw digits, switch tabs, open folds, leave and come back; eight `gradio_client`s ask
`/predict`. Every four minutes the server is killed (SIGKILL) and started again. An answer is lost if it does
not come, though the server was not killed meanwhile; it is wrong if it names another digit.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
from gradio_client import Client, handle_file
from playwright.sync_api import Browser, Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.helpers import LAPTOP, ROOT, chromium, free_port, save

PAGES = CALLERS = 8
LIFE = 240  # seconds between two kills
PATIENCE = 15  # seconds for an answer
GRACE = 30  # seconds after a kill in which a call may fail: the server starts, the callers connect again
EXPECTED = re.compile(r"Running on local URL|To create a public link|^\s*$|MCP server|INFO|^\* ")
STROKES = {
    "1": [(0.5, 0.2), (0.5, 0.8)],
    "7": [(0.3, 0.22), (0.5, 0.21), (0.7, 0.2), (0.62, 0.4), (0.52, 0.6), (0.44, 0.8)],
    "4": [(0.42, 0.2), (0.36, 0.5), (0.62, 0.5), (0.6, 0.3), (0.59, 0.85)],
}


class Life:
    """The server, killed and started again, and what was seen of it."""

    def __init__(self, folder: Path):
        self.folder, self.port, self.number = folder, free_port(), 0
        self.killed = -float(GRACE)
        self.samples: list[list[tuple[float, int]]] = []  # of each life: megabytes and threads
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def shaky(self) -> bool:
        """Whether a call that fails now may fail."""
        return time.monotonic() - self.killed < GRACE

    def start(self) -> None:
        self.number += 1
        variables = {
            "GRADIO_ANALYTICS_ENABLED": "False",
            "GRADIO_SERVER_NAME": "127.0.0.1",
            "GRADIO_SERVER_PORT": str(self.port),
            "GRADIO_TEMP_DIR": str(self.folder / "cache"),
        }
        with open(self.folder / f"{self.number}.log", "wb") as log:
            self.process = psutil.Popen(
                [sys.executable, "app.py"],
                cwd=ROOT,
                env=os.environ | variables,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.samples.append([])

    def kill(self) -> None:
        self.killed = time.monotonic()
        self.process.kill()
        self.process.wait()
        self.start()
        self.killed = time.monotonic()

    def sample(self) -> None:
        with contextlib.suppress(psutil.Error):
            self.samples[-1].append((self.process.memory_info().rss / 1e6, self.process.num_threads()))

    def unexpected(self) -> list[str]:
        lines = [
            line
            for path in self.folder.glob("*.log")
            for line in path.read_text(errors="replace").splitlines()
        ]
        return [line for line in lines if not EXPECTED.search(line)]


def call(life: Life, until: float, counts: Counter[str], picture: Path, text: str) -> None:
    """One caller: asks until the end."""
    client: Client | None = None
    while time.monotonic() < until:
        shaky = life.shaky
        try:
            client = client or Client(life.url, verbose=False)
            label, preview = client.predict(handle_file(str(picture)), "relu", api_name="/predict")
            counts["answers to callers"] += 1
            counts["wrong"] += label["label"] != text
            Path(preview).unlink(missing_ok=True)
        except Exception:
            client = None
            counts["in flight at a kill" if shaky or life.shaky else "lost"] += 1
            time.sleep(1)


def draw(page: Page, points: list[tuple[float, float]]) -> None:
    page.locator("#pad canvas").scroll_into_view_if_needed()  # an opened fold has scrolled the page
    box = page.locator("#pad canvas").bounding_box()
    assert box
    at = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in points]
    page.mouse.move(*at[0])
    page.mouse.down()
    for point in at[1:]:
        page.mouse.move(*point, steps=5)
        page.wait_for_timeout(5)
    page.mouse.up()


def visit(page: Page, life: Life, turn: int, counts: Counter[str]) -> None:
    """What one page does in its turn."""
    if page.url == "about:blank":
        page.goto(life.url)
        page.locator("#pad canvas").wait_for()
        page.wait_for_timeout(1000)  # what was drawn before comes back
    act = turn % 6
    if act == 1:
        page.get_by_role("tab", name="Photo or picture").click()
        page.get_by_role("tab", name="Draw").click()
    elif act == 3:
        fold = page.locator("#inside .fold summary").nth(turn % 3)
        if fold.is_visible():
            fold.click()
    elif act == 5:
        page.goto("about:blank")
        return
    digit = list(STROKES)[turn % len(STROKES)]
    clear = page.locator("#pad .clear")
    if clear.get_attribute("aria-disabled") != "true":
        clear.click()
    draw(page, STROKES[digit])
    reading = page.locator("#label .output-class")
    expect(reading).to_have_text(re.compile(rf"^\s*{digit}\s*$"), timeout=1000 * PATIENCE)
    counts["answers to pages"] += 1


def browse(browser: Browser, life: Life, until: float, counts: Counter[str]) -> None:
    pages = [browser.new_context(viewport=LAPTOP).new_page() for _ in range(PAGES)]
    for turn in itertools.count():
        if time.monotonic() > until:
            return
        page = pages[turn % PAGES]
        shaky = life.shaky
        try:
            visit(page, life, turn // PAGES + turn % PAGES, counts)
        except Exception as fault:
            counts["in flight at a kill" if shaky or life.shaky else "lost"] += 1
            if not (shaky or life.shaky):
                print("lost:", str(fault)[:300], file=sys.stderr)
            with contextlib.suppress(Exception):
                page.goto("about:blank")


def growth(samples: list[tuple[float, int]], column: int) -> float:
    """The last quarter's median beside the second's, the first being the start."""
    values = [sample[column] for sample in samples]
    quarter = max(len(values) // 4, 1)
    middle = lambda part: sorted(part)[len(part) // 2]  # noqa: E731
    return middle(values[-quarter:]) / middle(values[quarter : 2 * quarter] or values)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=20)
    options = parser.parse_args()
    counts: Counter[str] = Counter({name: 0 for name in ("wrong", "lost", "in flight at a kill")})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, sync_playwright() as playwright:
        life = Life(Path(name))
        until = time.monotonic() + 60 * options.minutes
        life.killed = time.monotonic()
        examples = sorted((ROOT / "mnist_mlp" / "page" / "examples").glob("?.png"))
        callers: list[Any] = [
            threading.Thread(target=call, args=(life, until, counts, path, path.stem), daemon=True)
            for path, _ in zip(itertools.cycle(examples), range(CALLERS))
        ]

        def watch() -> None:
            born = time.monotonic()
            while time.monotonic() < until:
                time.sleep(2)
                life.sample()
                if time.monotonic() - born > LIFE and until - time.monotonic() > GRACE:
                    life.kill()
                    born = time.monotonic()

        watcher = threading.Thread(target=watch, daemon=True)
        browser = chromium(playwright)
        try:
            time.sleep(8)
            for thread in (*callers, watcher):
                thread.start()
            browse(browser, life, until, counts)
            for thread in (*callers, watcher):
                thread.join(60)
        finally:
            browser.close()
            life.process.kill()
            life.process.wait()
        unexpected = life.unexpected()
        lives = [samples for samples in life.samples if len(samples) > 20]
        report = {
            "minutes": options.minutes,
            "kills": life.number - 1,
            **counts,
            "memory_growth": round(max(growth(samples, 0) for samples in lives), 3),
            "thread_growth": round(max(growth(samples, 1) for samples in lives), 3),
            "most_megabytes": round(max(sample[0] for samples in lives for sample in samples)),
            "unexpected_lines": len(unexpected),
        }
        save("soak", report)
        print(report)
        for line in unexpected[:40]:
            print("log:", line)
        sys.exit(1 if counts["wrong"] or counts["lost"] or unexpected else 0)


if __name__ == "__main__":
    main()
