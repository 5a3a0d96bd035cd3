"""How soon the pad answers, beside Gradio's own sketchpad: in one Chromium, on one machine, in one run.

    python benchmarks/live_pad.py

It draws with the mouse on the app, and on a page with `gr.Sketchpad` and `live=True` that asks the same
network; it opens the app, and a page with one text box, each time as a new visitor. It prints a table and
writes `benchmarks/results/live_pad.json`. On two quiet cores that takes less than four minutes; it says how
far it is.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import math
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "live_pad.json"
FLAGS = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]

STOCK = """
import gradio as gr
from mnist_mlp import load, to_mnist
def predict(value):
    if value["composite"] is None:
        return None
    x = to_mnist(value["composite"])
    return {str(digit): float(p) for digit, p in enumerate(load().predict_proba(x))}
label = gr.Label(num_top_classes=3, elem_id="label")
gr.Interface(predict, gr.Sketchpad(elem_id="pad"), label, live=True).launch()
"""
BARE = """
import gradio as gr
gr.Interface(lambda text: text, gr.Textbox(elem_id="text"), gr.Textbox(elem_id="label"), live=True).launch()
"""

# Notes when the pen went up, and when the label showed another answer.
WATCH = """() => {
  window.up = window.label = 0;
  window.answers = [];
  let shown = "";
  addEventListener("pointerup", () => { window.up = performance.now(); }, true);
  new MutationObserver(() => {
    const parts = [...document.querySelectorAll("#label h2, #label meter")];
    const showing = parts.map((part) => part.outerHTML).join();
    if (showing === shown) return;
    shown = showing;
    window.label = performance.now();
    window.answers.push(window.label);
  }).observe(document.querySelector("#label"), {
    subtree: true, childList: true, characterData: true, attributes: true,
  });
}"""


@contextlib.contextmanager
def serving(*commands: tuple[str, ...]) -> Iterator[list[str]]:
    """The addresses of apps, started together, as soon as they all answer."""
    urls, processes = [], []
    for command in commands:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        settings = {
            "GRADIO_SERVER_PORT": str(port),
            "GRADIO_ANALYTICS_ENABLED": "False",
            "PYTHONPATH": str(ROOT),
        }
        processes.append(
            subprocess.Popen(
                [sys.executable, *command], cwd=ROOT, env=os.environ | settings, stdout=subprocess.DEVNULL
            )
        )
        urls.append(f"http://127.0.0.1:{port}")
    try:
        for url, process in zip(urls, processes):
            wait_until_served(url, process)
        yield urls
    finally:
        for process in processes:
            process.kill()
            process.wait()


def wait_until_served(url: str, process: subprocess.Popen[bytes], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.1)
    raise RuntimeError(f"{' '.join(map(str, process.args))[:60]!r} does not serve")  # type: ignore[arg-type]


def say(done: str) -> None:
    print(done, file=sys.stderr, flush=True)


def new_page(browser: Browser) -> Page:
    """A visitor who has not been here before: nothing is in the browser's cache."""
    return browser.new_context(viewport={"width": 1280, "height": 900}).new_page()


def stroke(page: Page, canvas: str, turn: float, steps: int = 60, pause: float = 8) -> float:
    """A round stroke, different each time, with the pen up right after the last step; its seconds."""
    box = page.locator(canvas).first.bounding_box()
    assert box
    start = time.perf_counter()
    for step in range(steps + 1):
        angle = 2 * math.pi * step / steps
        x = box["x"] + box["width"] * (0.5 + (0.15 + turn / 100) * math.sin(angle))
        y = box["y"] + box["height"] * (0.5 - 0.25 * math.cos(angle))
        page.mouse.move(x, y)
        if step == 0:
            page.mouse.down()
        elif step < steps:
            page.wait_for_timeout(pause)
    page.mouse.up()
    return time.perf_counter() - start


def settled(page: Page, patience: float) -> tuple[float, float, list[float]]:
    """When the pen went up, when the label was last redrawn, when each answer came; in ms."""
    deadline = time.monotonic() + patience + 10
    while time.monotonic() < deadline:
        page.wait_for_timeout(100)
        now, up, label, answers = page.evaluate("[performance.now(), up, label, answers]")
        if (label > up and now - label > patience * 1000) or now - up > 4000 + patience * 1000:
            return up, label, answers
    raise RuntimeError("no answer")


def measure(
    name: str,
    page: Page,
    url: str,
    canvas: str,
    take_pen: Callable[[], int],
    clear: Callable[[], None],
    rounds: int,
    patience: float,
) -> dict[str, float]:
    requests: list[str] = []
    page.goto(url)
    page.locator(canvas).first.wait_for()
    page.wait_for_timeout(3000)
    page.evaluate(WATCH)
    page.on("request", lambda request: requests.append(request.url))
    clicks = [take_pen()]
    stroke(page, canvas, 0)  # the first of a page compiles its code
    page.wait_for_timeout(2000)
    latencies, rates, answered = [], [], 0
    requests.clear()
    for turn in range(rounds):
        clear()
        page.wait_for_timeout(500)
        clicks.append(take_pen())
        page.evaluate("() => { window.answers = []; }")
        seconds = stroke(page, canvas, turn % 10)
        up, label, answers = settled(page, patience)
        latencies.append(max(label - up, 0))
        rates.append(sum(at < up for at in answers) / seconds)
        say(
            f"{name}: stroke {turn + 1} of {rounds}, {latencies[-1]:.0f} ms, {rates[-1]:.1f} answers a second"
        )
        answered += len(answers)
    page.context.close()
    latencies.sort()
    return {
        "pen_up_to_label_ms_median": statistics.median(latencies),
        "pen_up_to_label_ms_p95": latencies[math.ceil(0.95 * len(latencies)) - 1],
        "answers_a_second_while_drawing": statistics.median(rates),
        "requests_an_answer": len(requests) / max(answered, 1),
        "clicks_before_the_first_stroke": clicks[0],
        "clicks_after_a_clear": statistics.median(clicks[1:]),
    }


def measure_ours(browser: Browser, url: str, rounds: int) -> dict[str, float]:
    page = new_page(browser)

    def take_pen() -> int:
        return 0

    def clear() -> None:
        page.keyboard.press("Escape")

    return measure("the pad", page, url, "#pad canvas", take_pen, clear, rounds, 0.3)


def measure_stock(browser: Browser, url: str, rounds: int) -> dict[str, float]:
    page = new_page(browser)
    pen = page.locator("#pad").get_by_role("button", name="Brush")

    def take_pen() -> int:
        # The page says so where a stroke would draw nothing.
        if not page.get_by_text("select the draw tool to start").is_visible():
            return 0
        pen.click()
        return 1

    def clear() -> None:
        page.locator("#pad").get_by_role("button", name="Clear canvas").click()

    return measure("gr.Sketchpad", page, url, "#pad canvas", take_pen, clear, rounds, 1.5)


def open_and_draw(browser: Browser, url: str) -> float:
    """Seconds from opening the page to a first stroke that is answered."""
    page = new_page(browser)
    start = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.locator("#pad canvas").wait_for()
    box = page.locator("#pad canvas").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.8)
    page.mouse.up()
    page.wait_for_function("document.querySelector('#label h2')?.innerText === '1'")
    seconds = time.perf_counter() - start
    page.context.close()
    return seconds


def open_and_type(browser: Browser, url: str) -> float:
    """The same for a page with one text box."""
    page = new_page(browser)
    start = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.locator("#text textarea").wait_for()
    page.locator("#text textarea").fill("1")
    page.wait_for_function("document.querySelector('#label textarea')?.value === '1'")
    seconds = time.perf_counter() - start
    page.context.close()
    return seconds


def measure_opening(browser: Browser, ours: str, bare: str, rounds: int) -> dict[str, float]:
    open_and_draw(browser, ours), open_and_type(browser, bare)
    pairs = []
    for turn in range(rounds):
        pairs.append((open_and_draw(browser, ours), open_and_type(browser, bare)))
        say("opening {} of {}: {:.2f} s, a text box {:.2f} s".format(turn + 1, rounds, *pairs[-1]))
    return {
        "ours_s": statistics.median(ours for ours, _ in pairs),
        "bare_s": statistics.median(bare for _, bare in pairs),
        "ratio": statistics.median(ours / bare for ours, bare in pairs),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--strokes", type=int, default=40, help="on the pad; on the stock sketchpad a third of it"
    )
    parser.add_argument("--openings", type=int, default=11, help="of each page")
    options = parser.parse_args()
    with (
        serving(("app.py",), ("-c", STOCK), ("-c", BARE)) as (ours, stock, bare),
        sync_playwright() as playwright,
    ):
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        results: dict[str, dict[str, Any]] = {
            "stock": measure_stock(browser, stock, max(3, options.strokes // 3)),
            "ours": measure_ours(browser, ours, options.strokes),
            "opening": measure_opening(browser, ours, bare, options.openings),
        }
        results["run"] = {
            "command": " ".join(["python", *sys.argv]),
            "date": datetime.date.today().isoformat(),
            "chromium": browser.version,
            "gradio": version("gradio"),
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "strokes": options.strokes,
            "openings": options.openings,
        }
        browser.close()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print(table(results))


def table(results: dict[str, dict[str, Any]]) -> str:
    stock, ours, opening = results["stock"], results["ours"], results["opening"]
    rows: list[tuple[str, ...]] = [("", "gr.Sketchpad", "the pad")]
    for name, text in (
        ("pen_up_to_label_ms_median", "pen up to new label, median"),
        ("pen_up_to_label_ms_p95", "pen up to new label, 95 of 100"),
        ("answers_a_second_while_drawing", "answers a second while drawing"),
        ("requests_an_answer", "requests an answer"),
        ("clicks_before_the_first_stroke", "clicks before the first stroke is seen"),
        ("clicks_after_a_clear", "clicks after each clear"),
    ):
        unit = " ms" if "_ms_" in name else ""
        rows.append(
            (
                text,
                *(f"{side[name]:.{0 if unit or 'clicks' in name else 1}f}{unit}" for side in (stock, ours)),
            )
        )
    width = max(len(row[0]) for row in rows)
    lines = [f"{row[0]:{width}}  {row[1]:>12}  {row[2]:>8}" for row in rows]
    lines.append(
        f"from opening the page to a first answer: {opening['ours_s']:.2f} s; "
        f"a page with one text box: {opening['bare_s']:.2f} s; {opening['ratio']:.2f} times"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
