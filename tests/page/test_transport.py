"""The pad's requests and answers in real Chromium: distance, slow and failing servers, several copies."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import ONE, ROOT, SEVEN, ZERO, Server, draw, free_port, on_canvas, open_app, serving, wait_until
from playwright.sync_api import Page, Request, Response, Route, expect
from test_pad import BAR, expect_answer_for_the_drawing, expect_text, ink, is_answer

from mnist_mlp import read
from mnist_mlp.picture import read_data_url

ANSWERS = "**/component_server/"

# Notes, at each frame, what preview and panel show.
WATCH = """() => {
  window.seen = { preview: [], panel: [] };
  const note = (list, text) => list.at(-1) !== text && list.push(text);
  const look = () => {
    note(seen.preview, [...document.querySelectorAll("#preview img")].map((image) => image.src).join());
    const rows = [...document.querySelectorAll("#inside [role=radio]")];
    note(seen.panel, rows.map((row) => row.getAttribute("aria-label")).join());
    requestAnimationFrame(look);
  };
  look();
}"""


@pytest.fixture
def far(running_app: Server) -> Iterator[str]:
    """The app's address behind a relay that delays at random, by up to 300 ms there and back."""
    port = free_port()
    script = ROOT / "benchmarks" / "relay.py"
    target = running_app.url.rsplit(":", 1)[1]
    process = subprocess.Popen([sys.executable, str(script), str(port), target, "--jitter", "150"])
    wait_until(lambda: _accepts(port))
    yield f"http://127.0.0.1:{port}"
    process.kill()
    process.wait()


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_page_never_shows_an_older_answer_than_it_has_shown(page: Page, far: str) -> None:
    open_app(page, far)
    held: list[Route] = []

    def hold_one(route: Route) -> None:
        if not held and len(asked) == 6 and is_answer(route.request):
            held.append(route)
        else:
            route.continue_()

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if is_answer(request) else None)
    page.route(ANSWERS, hold_one)
    page.evaluate(WATCH)
    answered: list[Response] = []
    page.on("response", lambda response: answered.append(response) if is_answer(response) else None)
    draw(page, ZERO, pause=30)
    draw(page, BAR, up=False, pause=200)
    held[0].continue_()  # the answer to an early drawing comes late
    page.mouse.move(*on_canvas(page, 0.6, 0.7), steps=10)
    page.mouse.up()
    expect_answer_for_the_drawing(page)
    page.wait_for_timeout(700)
    expect_answer_for_the_drawing(page)
    order = {_pictures(response): place for place, response in enumerate(_in_order(answered))}
    shown = [order[pictures] for pictures in page.evaluate("seen.preview") if pictures]
    assert len(shown) > 5 and shown == sorted(shown) and shown[-1] == max(order.values())
    panels = page.evaluate("seen.panel")
    assert len(panels) > 5 and len(set(panels)) == len(panels)


def _in_order(responses: list[Response]) -> list[Response]:
    return sorted(responses, key=lambda response: response.request.timing["startTime"])


def _pictures(response: Response) -> str:
    preview = response.json()["preview"]
    return ",".join(digit["picture"] for digit in preview["digits"]) if preview else ""


def test_a_silent_server_gets_four_requests_and_the_page_recovers(page: Page, app: str) -> None:
    open_app(page, app)
    draw(page, ONE)
    expect_answer_for_the_drawing(page)
    place = page.locator("#pad .below").bounding_box()
    held: list[Route] = []
    silent = True

    def answer(route: Route) -> None:
        if silent and is_answer(route.request):
            held.append(route)
        else:
            route.continue_()

    page.route(ANSWERS, answer)
    for height in (0.3, 0.5, 0.7):
        before = ink(page)
        draw(page, [(0.3, height), (0.7, height)], pause=100)
        page.wait_for_timeout(300)
        assert ink(page) > before  # drawing goes on
    notice = page.locator("#pad .notice")
    expect(notice).to_contain_text("takes its time")
    assert page.locator("#pad .below").bounding_box() == place  # the notice moves nothing
    assert len(held) == 4
    silent = False
    for route in held:
        route.continue_()
    expect(notice).to_be_empty(timeout=15000)
    expect_answer_for_the_drawing(page)


def test_a_failing_server_is_asked_again_less_and_less_often(page: Page, app: str) -> None:
    open_app(page, app)
    draw(page, ONE)
    expect_answer_for_the_drawing(page)
    failed: list[Route] = []

    def fail(route: Route) -> None:
        failed.append(route)
        route.abort() if len(failed) % 2 else route.fulfill(status=500, json={"detail": "out of order"})

    page.route(ANSWERS, fail)
    draw(page, BAR, pause=100)
    draw(page, [(0.3, 0.3), (0.6, 0.7)])
    notice = page.locator("#pad .notice")
    expect(notice).to_contain_text("could not answer")
    page.wait_for_timeout(3000)
    assert len(failed) < 10
    page.unroute(ANSWERS)  # from here on, nobody touches the page
    expect(notice).to_be_empty(timeout=20000)
    expect_answer_for_the_drawing(page)


def test_a_server_that_is_started_again_finds_the_drawing_and_answers_it(
    page: Page, start_app: Callable[..., Server]
) -> None:
    app = start_app()
    open_app(page, app.url)
    draw(page, ONE)
    expect_text(page, "1")
    draw(page, [(0.7, 0.2), (0.7, 0.6)], up=False)  # it goes while the pen moves
    app.process.kill()
    app.process.wait(timeout=20)
    page.mouse.move(*on_canvas(page, 0.7, 0.8), steps=8)
    page.mouse.up()
    page.wait_for_timeout(2500)
    drawn = ink(page)
    again = start_app(port=int(app.url.rsplit(":", 1)[1]))
    expect(page.locator("#pad .notice")).to_be_empty(timeout=40000)
    expect_text(page, "11")  # by itself
    expect_answer_for_the_drawing(page)
    assert ink(page) == drawn
    page.keyboard.press("Escape")
    draw(page, ZERO)
    expect_text(page, "0")
    again.process.kill()


# ---- Several copies behind a load balancer

NGINX = """
daemon off; user root; pid nginx.pid; error_log error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  upstream copies {{ server 127.0.0.1:{one}; server 127.0.0.1:{two}; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://copies; proxy_http_version 1.1; proxy_buffering off;
      proxy_set_header Host $http_host; proxy_set_header Connection "";
      add_header X-Copy $upstream_addr;
    }}
  }}
}}
"""


@pytest.fixture
def copies(tmp_path: Path) -> Iterator[tuple[str, list[Server]]]:
    """nginx, handing each request to the next of two copies of the app."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not nginx:
        assert not os.environ.get("CI"), "nginx is missing: apt-get install nginx"
        pytest.skip("no nginx: apt-get install nginx")
    folders = [tmp_path / "one", tmp_path / "two", tmp_path / "nginx"]
    for folder in folders:
        folder.mkdir()
    with serving(folders[0]) as one, serving(folders[1]) as two:
        port = free_port()
        ports = {name: server.url.rsplit(":", 1)[1] for name, server in (("one", one), ("two", two))}
        (folders[2] / "nginx.conf").write_text(NGINX.format(port=port, **ports))
        process = subprocess.Popen([nginx, "-p", str(folders[2]), "-c", "nginx.conf", "-e", "error.log"])
        wait_until(lambda: _accepts(port))
        yield f"http://127.0.0.1:{port}", [one, two]
        process.terminate()
        process.wait()


def test_any_copy_answers_and_one_may_stop_in_the_middle_of_a_stroke(
    page: Page, copies: tuple[str, list[Server]]
) -> None:
    url, servers = copies
    asked: list[Request] = []
    answered: dict[Request, Response] = {}

    def note(response: Response) -> None:
        if is_answer(response):
            answered[response.request] = response

    open_app(page, url)
    page.on("request", lambda request: asked.append(request) if is_answer(request) else None)
    page.on("response", note)
    while len(asked) < 300:
        for stroke in (ZERO, SEVEN, ONE):
            page.keyboard.press("Escape")
            draw(page, stroke, pause=40)
        expect_answer_for_the_drawing(page)
    assert len(answered) == len(asked)
    for request, response in list(answered.items())[::10]:
        assert response.status == 200
        assert response.json()["label"]["label"] == _truth(request)
    served = {response.headers["x-copy"] for response in answered.values()}
    assert len(served) == 2
    page.keyboard.press("Escape")
    draw(page, ZERO, up=False, pause=20)
    servers[0].process.kill()
    servers[0].process.wait()
    page.mouse.move(*on_canvas(page, 0.5, 0.15), steps=20)
    page.mouse.up()
    expect_answer_for_the_drawing(page)
    page.keyboard.press("Escape")
    draw(page, SEVEN)
    expect_text(page, "7")
    expect(page.locator("#pad .notice")).to_be_empty()
    expect(page.get_by_text("Connection to the server was lost")).to_have_count(0)


def _truth(request: Request) -> str:
    asked: dict[str, Any] = json.loads(request.post_data or "")["data"]
    if not asked["picture"]:
        return "–"
    reading = read(read_data_url(asked["picture"]))
    return reading.text or ("?" if reading.readings else "–")
