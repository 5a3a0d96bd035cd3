"""How soon the pad answers a visitor far away: Chromium, which delays each request, and the app.

    python benchmarks/far_pad.py

It draws digits, with the panel closed and open, at round trips of 0, 100 and 200 ms. It opens the app, and a page with
one text box, as a new visitor.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from importlib.metadata import version
from pathlib import Path

from playwright.sync_api import Browser, Page, Request, ViewportSize, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.helpers import chromium, save, serving, table

WINDOW: ViewportSize = {"width": 1280, "height": 720}
MOVES, PAUSE = 160, 12  # of the mouse in a stroke; milliseconds between two of them
HEADER = ["round trip, drawing", "pen up → label, median / p95", "answers a second"]
HEADER += ["requests an answer", "up / down, at most"]
DRAWINGS = ("digit", "panel")  # a digit with the panel closed and open

BARE = """
import gradio as gr
gr.Interface(lambda text: text, gr.Textbox(elem_id="text"), gr.Textbox(elem_id="label"), live=True).launch()
"""

# Notes when the pen went up, when the label last changed, and each answer: it changes the label or the 28×28
# picture. A longer stroke may change the picture alone.
WATCH = """() => {
  window.up = window.label = 0;
  window.answers = [];
  const shown = ["", ""];
  const places = ["#label", "#preview"].map((place) => document.querySelector(place));
  addEventListener("pointerup", () => { window.up = performance.now(); }, true);
  const observer = new MutationObserver(() => {
    const showing = [
      [...places[0].querySelectorAll("h2, meter")].map((part) => part.outerHTML).join(),
      [...places[1].querySelectorAll("img")].map((part) => part.src).join(),
    ];
    const changed = showing.map((part, i) => part !== shown[i]);
    if (!changed.includes(true)) return;
    const now = performance.now();
    if (changed[0]) window.label = now;
    if (!(now - window.answers.at(-1) < 10)) window.answers.push(now); // both belong to one answer
    shown.splice(0, 2, ...showing);
  });
  for (const place of places)
    observer.observe(place, { subtree: true, childList: true, characterData: true, attributes: true });
}"""


def place(page: Page) -> tuple[float, float, float]:
    box = page.locator("#pad canvas").bounding_box()
    assert box
    return box["x"], box["y"], box["height"]


def loop(page: Page, x: float, y: float, width: float, height: float, moves: int) -> float:
    """A round stroke, in shares of the sheet's height, with the pen up after its last move; its seconds."""
    left, top, side = place(page)
    start = time.perf_counter()
    for move in range(moves + 1):
        angle = 2 * math.pi * move / moves
        page.mouse.move(
            left + side * (x + width * math.sin(angle)), top + side * (y - height * math.cos(angle))
        )
        if move == 0:
            page.mouse.down()
        elif move < moves:
            page.wait_for_timeout(PAUSE - 3)  # a move takes its time, too
    page.mouse.up()
    return time.perf_counter() - start


def settled(page: Page, patience: float) -> tuple[float, float, list[float]]:
    """When the pen went up, when the label last changed, when each answer came; in ms."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        page.wait_for_timeout(100)
        now, up, label, answers = page.evaluate("[performance.now(), up, label, answers]")
        if now - max(up, label) > patience:
            return up, label, answers
    raise RuntimeError("no answer")


def measure(browser: Browser, url: str, strokes: int, trip: float, drawing: str) -> list[str]:
    """The cells of `HEADER`, of drawing `strokes` digits at a round trip of so many ms."""
    patience = 300 + 2 * trip
    panel = drawing == "panel"
    requests: list[Request] = []
    page = browser.new_context(viewport=WINDOW).new_page()
    page.goto(url)
    page.locator("#pad canvas").wait_for()
    page.wait_for_timeout(2000)
    if page.locator("#inside details.panel").evaluate("details => details.open") != panel:
        page.locator("#inside .panel > summary").click()
    page.evaluate(WATCH)
    distance = {"offline": False, "latency": trip, "downloadThroughput": -1, "uploadThroughput": -1}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", distance)
    loop(page, 0.6, 0.5, 0.2, 0.3, MOVES)  # the first of a page compiles its code
    page.wait_for_timeout(2000)
    page.on("request", lambda request: requests.append(request))
    latencies, rates = [], []
    for turn in range(strokes):
        page.keyboard.press("Escape")
        width = 0.15 + 0.01 * (turn % 10)
        settled(page, patience)
        page.evaluate("() => { window.answers = []; }")
        seconds = loop(page, 0.6, 0.5, width, 0.3, MOVES)
        up, label, answers = settled(page, patience)
        latencies.append(max(label - up, 0))
        rates.append(sum(at < up for at in answers) / seconds)
    page.wait_for_timeout(1000)
    requests = [request for request in requests if not request.url.startswith("data:")]
    asked = [request for request in requests if request.method == "POST"]
    sizes = [request.sizes() for request in asked]
    page.context.close()
    latencies.sort()
    up = max(size["requestHeadersSize"] + size["requestBodySize"] for size in sizes)
    down = max(size["responseHeadersSize"] + size["responseBodySize"] for size in sizes)
    last = latencies[math.ceil(0.95 * len(latencies)) - 1]
    return [
        f"{statistics.median(latencies):,.0f} / {last:,.0f} ms",
        f"{statistics.median(rates):.0f}",
        f"{len(requests) / len(asked):.2f}",
        f"{up / 1000:.1f} / {down / 1000:.1f} kB",
    ]


def open_and_draw(browser: Browser, url: str) -> float:
    """Seconds from opening the page to a first stroke that is answered."""
    page = browser.new_context(viewport=WINDOW).new_page()
    start = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.locator("#pad canvas").wait_for()
    left, top, side = place(page)
    page.mouse.move(left + 0.6 * side, top + 0.2 * side)
    page.mouse.down()
    page.mouse.move(left + 0.6 * side, top + 0.8 * side)
    page.mouse.up()
    page.wait_for_function("document.querySelector('#label h2')?.innerText === '1'")
    seconds = time.perf_counter() - start
    page.context.close()
    return seconds


def open_and_type(browser: Browser, url: str) -> float:
    """The same for a page with one text box."""
    page = browser.new_context(viewport=WINDOW).new_page()
    start = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.locator("#text textarea").wait_for()
    page.locator("#text textarea").fill("1")
    page.wait_for_function("document.querySelector('#label textarea')?.value === '1'")
    seconds = time.perf_counter() - start
    page.context.close()
    return seconds


def opening(browser: Browser, app: str, bare: str, rounds: int) -> float:
    """The time until the first answer, as a multiple of a bare page's."""
    open_and_draw(browser, app), open_and_type(browser, bare)
    return statistics.median(
        open_and_draw(browser, app) / open_and_type(browser, bare) for _ in range(rounds)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strokes", type=int, default=40, help="at each distance")
    parser.add_argument("--openings", type=int, default=11, help="of each page")
    parser.add_argument("--round-trips", type=float, nargs="*", default=[0, 100, 200], help="milliseconds")
    options = parser.parse_args()
    rows = []
    with serving("app.py") as app, serving("-c", BARE) as bare, sync_playwright() as playwright:
        browser = chromium(playwright)
        for trip in options.round_trips:
            for name in DRAWINGS:
                found = measure(browser, app.url, options.strokes, trip, name)
                rows.append([f"{trip:.0f} ms, {name}", *found])
                print(rows[-1], flush=True)
        ratio = opening(browser, app.url, bare.url, options.openings)
        browser.close()
    until = (
        f"From opening the page to a first answered stroke: {ratio:.2f} × a bare Gradio page's first answer."
    )
    save("far_pad", f"{table(HEADER, rows)}\n\n{until}", gradio=version("gradio"))


if __name__ == "__main__":
    main()
