"""The limits that hold for all visitors together, in apps that really run."""

from __future__ import annotations

import asyncio
import http.client
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import numpy as np
import pytest
from gradio.routes import App
from gradio_client import Client, handle_file
from helpers import Server, data_url, launched, png, serving, wait_until
from PIL import Image
from playwright.sync_api import Page, expect

from mnist_mlp.picture import SMALL_PIXELS, SMALL_URL, is_small
from mnist_mlp.server import middleware as guard


def one(side: int) -> bytes:
    """A 1, on a square sheet."""
    canvas = np.full((side, side), 255, np.uint8)
    canvas[side // 5 : -side // 5, side // 2 : side // 2 + side // 14] = 0
    return png(canvas)


# Busy: the app with places for two calls that wait, and one that takes as long as a file is there

BUSY = """
import runpy, sys, time
from pathlib import Path
from mnist_mlp import canvas, limits
limits.MAX_WAITING, limits.AT_ONCE = 2, 1
find_ink = canvas.find_ink
def slowly(picture):
    while max(picture.shape) > 300 and Path(sys.argv[1]).exists():
        time.sleep(0.05)
    return find_ink(picture)
canvas.find_ink = slowly
runpy.run_path("app.py", run_name="__main__")
"""


class Busy:
    """An app whose answers to a large picture are held back until it is released."""

    def __init__(self, app: Server, folder: Path):
        self.app, self.holding, self.picture = app, folder / "hold", folder / "large.png"
        self.picture.write_bytes(one(400))
        self.large = data_url(one(400))

    def join(self) -> httpx.Response:
        return httpx.post(f"{self.app.url}/gradio_api/call/predict", json={"data": [self.large, "relu"]})

    def waiting(self) -> int:
        return int(httpx.get(f"{self.app.url}/gradio_api/queue/status").json()["queue_size"])

    def fill(self) -> list[str]:
        """Calls until no place is left; their ids."""
        self.holding.touch()
        calls = []
        for waiting in (0, 1, 2):  # the first one is not waiting but at work
            calls.append(self.join().json()["event_id"])
            wait_until(lambda waiting=waiting: self.waiting() == waiting)  # type: ignore[misc]
        return calls

    def answers(self, calls: list[str]) -> list[str]:
        said = [
            httpx.get(f"{self.app.url}/gradio_api/call/predict/{call}", timeout=30).text for call in calls
        ]
        return [json.loads(text.rsplit("data: ", 1)[1])[0]["label"] for text in said]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Busy]:
    folder = tmp_path_factory.mktemp("busy")
    with serving(folder, "-c", BUSY, str(folder / "hold")) as app:
        yield Busy(app, folder)


@pytest.fixture
def busy(running: Busy) -> Iterator[Busy]:
    yield running
    running.holding.unlink(missing_ok=True)
    wait_until(lambda: running.waiting() == 0)


def test_a_full_queue_says_that_it_is_full(busy: Busy) -> None:
    calls = busy.fill()
    refused = busy.join()
    assert refused.status_code == 503
    assert refused.json() == {"detail": "Queue is full. Max size is 2 and size is 2."}
    busy.holding.unlink()
    assert busy.answers(calls) == ["1", "1", "1"]  # nobody who waited was lost
    assert busy.answers([busy.join().json()["event_id"]]) == ["1"]
    assert "Traceback" not in busy.app.log.read_text()


def test_gradio_client_says_so_too(busy: Busy) -> None:
    client = Client(busy.app.url, verbose=False)
    busy.fill()
    with pytest.raises(Exception, match="Queue is full! Please try again"):
        client.predict(handle_file(busy.picture), api_name="/predict")
    busy.holding.unlink()
    wait_until(lambda: busy.waiting() == 0)
    assert client.predict(handle_file(busy.picture), api_name="/predict")[0]["label"] == "1"


def test_the_page_says_that_it_is_busy(busy: Busy, page: Page) -> None:
    page.goto(busy.app.url)
    pad = page.locator("#pad canvas")
    expect(pad).to_be_visible(timeout=30_000)
    box = pad.bounding_box()
    assert box

    def draw(start: float) -> None:
        page.mouse.move(box["x"] + box["width"] * start, box["y"] + box["height"] * 0.2)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.8, steps=8)
        page.mouse.up()

    busy.fill()
    draw(0.5)
    expect(page.get_by_text("This application is currently busy").first).to_be_visible(timeout=10_000)
    busy.holding.unlink()
    wait_until(lambda: busy.waiting() == 0)
    draw(0.48)
    expect(page.locator("#label")).to_contain_text("%", timeout=10_000)


def test_nobody_passes_the_queue_by(busy: Busy) -> None:
    for path in ("run", "api"):
        past = httpx.post(f"{busy.app.url}/gradio_api/{path}/predict", json={"data": [busy.large, "relu"]})
        assert past.status_code == 404 and "join the queue" in past.json()["detail"]


# One call


def call(function: Callable[..., Any], payload: str, part: gr.components.Component | None = None) -> Any:
    """What a function answers as the server calls it: from an event loop, in a thread named "server"."""
    with gr.Blocks() as demo:
        gr.Interface(function, part or gr.Textbox(), gr.Textbox())
    guard.at_once(demo)
    event = next(each.fn for each in demo.fns.values() if each.fn and each.api_name == function.__name__)
    with ThreadPoolExecutor(1, "server") as server:
        return server.submit(asyncio.run, event(payload)).result()


def test_a_drawing_is_answered_on_the_spot_and_all_else_in_a_thread() -> None:
    def where(picture: str) -> str:
        return threading.current_thread().name

    assert call(where, data_url(one(224))).startswith("server")
    for picture in (data_url(one(400)), "no picture"):
        assert not call(where, picture).startswith("server")


def test_an_answer_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(text: str) -> str:
        time.sleep(3)
        return text

    slow_to_read = gr.Textbox()
    monkeypatch.setattr(slow_to_read, "preprocess", slow)
    monkeypatch.setattr(guard, "MAX_SECONDS", 0.2)
    for function, part in ((slow, gr.Textbox()), (str, slow_to_read)):
        start = time.monotonic()
        with pytest.raises(gr.Error, match=r"No answer within 0\.2 seconds"):
            call(function, "a picture", part)
        assert time.monotonic() - start < 2


def test_what_is_small() -> None:
    assert is_small(data_url(one(224)))
    assert not is_small(data_url(one(226)))
    noise = np.random.default_rng(0).integers(0, 256, (100, 100), dtype=np.uint8)
    assert noise.size < SMALL_PIXELS and len(data_url(png(noise))) > SMALL_URL
    assert not is_small(data_url(png(noise)))
    # A second header, which Pillow goes by.
    twice = one(28)[:8] + one(28)[8:33] + one(4000)[8:33] + one(28)[33:]
    assert Image.open(io.BytesIO(twice)).size == (4000, 4000)
    assert not is_small(data_url(twice))
    for bad in ("", "x", "data:image/png;base64,", data_url(b"GIF89a"), data_url(one(224)[:20])):
        assert not is_small(bad)


def test_a_page_is_built_without_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    monkeypatch.setattr(App, "create_app", made.append)
    with guard.no_server_yet(), gr.Blocks() as demo:
        gr.Interface(str, gr.Textbox(), gr.Textbox())
    assert not made and demo.fns
    with pytest.raises(ValueError), guard.no_server_yet():
        raise ValueError
    App.create_app(demo)
    assert made == [demo]  # from then on, as before


# What is remembered


@pytest.fixture
def served() -> Iterator[gr.Blocks]:
    """A small app behind the guard, in this process, to look into."""
    with gr.Blocks(**guard.BLOCKS) as demo:
        gr.Interface(lambda text: text, gr.Textbox(), gr.Textbox(), api_name="echo")
    guard.at_once(demo)
    guard.line_up(demo)
    with launched(demo, **guard.LAUNCH):
        yield demo


def remembered(demo: gr.Blocks) -> set[str]:
    queue = demo._queue
    kept: list[Any] = [queue.pending_messages_per_session, queue.pending_event_ids_session]
    return {session for each in [*kept, demo.state_holder.session_data] for session in each}


def test_a_closed_page_is_forgotten(served: gr.Blocks) -> None:
    function = next(each._id for each in served.fns.values() if each.api_name == "echo")
    alive = http.client.HTTPConnection("127.0.0.1", served.server_port)
    alive.request("GET", "/gradio_api/heartbeat/visitor")
    heartbeat = alive.getresponse()
    assert b"ALIVE" in heartbeat.readline()
    joining = {"data": ["hello"], "fn_index": function, "session_hash": "visitor"}
    httpx.post(f"{served.local_url}gradio_api/queue/join", json=joining).raise_for_status()
    wait_until(lambda: not served._queue.event_ids_to_events)  # answered, and not asked for
    assert remembered(served) == {"visitor"}
    heartbeat.close()
    alive.close()
    wait_until(lambda: not remembered(served))


def test_callers_without_a_page_are_forgotten_in_turn(served: gr.Blocks) -> None:
    queue = served._queue
    queue.pending_messages_per_session.max_size = queue.pending_event_ids_session.max_size = 5  # type: ignore[attr-defined]
    served.state_holder.capacity = 5
    with httpx.Client(base_url=f"{served.local_url}") as client:
        for number in range(20):
            call = client.post("gradio_api/call/echo", json={"data": [str(number)]}).json()["event_id"]
            assert f'data: ["{number}"]' in client.get(f"gradio_api/call/echo/{call}").text
    assert len(remembered(served)) <= 15
    assert len(queue.event_analytics) == 1 and not queue.cached_event_analytics_summary["functions"]
