"""The limits that hold for all callers together, in apps that really run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import gradio as gr
import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from helpers import Server, data_url, launched, png, wait_until

from mnist_mlp.server import middleware
from mnist_mlp.server.limits import CACHE_AGE, CACHE_EVERY
from mnist_mlp.server.middleware import Quota


def one(side: int) -> bytes:
    """A 1, on a square sheet."""
    canvas = np.full((side, side), 255, np.uint8)
    canvas[side // 5 : -side // 5, side // 2 : side // 2 + side // 14] = 0
    return png(canvas)


# The app with places for two calls that wait, in which a call with a picture takes as long as a file is there

BUSY = """
import runpy, sys, time
from pathlib import Path
from mnist_mlp.server import limits
limits.MAX_WAITING, limits.CALLERS["concurrency_limit"] = 2, 1
from mnist_mlp.server import api
reading_of = api._reading_of
def slowly(picture, net):
    while Path(sys.argv[1]).exists():
        time.sleep(0.05)
    return reading_of(picture, net)
api._reading_of = slowly
runpy.run_path("app.py", run_name="__main__")
"""


class Busy:
    """An app whose answers to callers are held back until it is released."""

    def __init__(self, app: Server, holding: Path):
        self.app, self.holding, self.picture = app, holding, holding.with_name("one.png")
        self.picture.write_bytes(one(400))
        self.url = data_url(one(400))
        self.http = httpx.Client(base_url=app.url, timeout=60)

    def join(self, endpoint: str = "predict") -> httpx.Response:
        data = [self.url, "relu"] if endpoint == "predict" else [self.url, "relu", *[None] * 6]
        return self.http.post(f"/gradio_api/call/{endpoint}", json={"data": data})

    def waiting(self) -> int:
        return int(self.http.get("/gradio_api/queue/status").json()["queue_size"])

    def fill(self) -> list[str]:
        """Calls until no place is left; their ids."""
        self.holding.touch()
        calls = []
        for waiting in (0, 1, 2):  # the first one is not waiting but at work
            calls.append(self.join().json()["event_id"])
            wait_until(lambda waiting=waiting: self.waiting() == waiting)  # type: ignore[misc]
        return calls

    def answers(self, calls: list[str]) -> list[str]:
        said = [self.http.get(f"/gradio_api/call/predict/{call}").text for call in calls]
        return [json.loads(text.rsplit("data: ", 1)[1])[0]["label"] for text in said]


@pytest.fixture(scope="module")
def running(start_app: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Busy:
    holding = tmp_path_factory.mktemp("busy") / "hold"
    return Busy(start_app("-c", BUSY, str(holding)), holding)


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
    assert "Traceback" not in busy.app.log.read_text()


def test_all_endpoints_share_one_limit(busy: Busy) -> None:
    busy.holding.touch()
    busy.join("predict")
    wait_until(lambda: busy.waiting() == 0)
    busy.join("explain")  # another function waits for the same place
    time.sleep(0.5)
    assert busy.waiting() == 1


# The cache folder


def test_uploads_are_counted_for_as_long_as_their_files_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "MAX_CACHE", 1000)
    monkeypatch.setattr(middleware, "MAX_UPLOADS", 10)
    now = 1000.0
    monkeypatch.setattr(middleware.time, "monotonic", lambda: now)
    quota = Quota()
    assert not quota.has_room(1001)
    assert quota.has_room(1000) and not quota.has_room(1)
    now += CACHE_AGE + CACHE_EVERY + 1
    assert [quota.has_room(100) for _ in range(12)] == [True] * 10 + [False] * 2
    quota = Quota()
    assert [quota.has_room(1) for _ in range(12)] == [True] * 10 + [False] * 2


def test_nothing_is_left_of_eight_calls(
    monkeypatch: pytest.MonkeyPatch, start_app: Callable[..., Server]
) -> None:
    quick = "import mnist_mlp.server.limits as l; l.CACHE_AGE, l.CACHE_EVERY = 5, 1; import runpy; "
    server = start_app("-c", quick + "runpy.run_path('app.py', run_name='__main__')")
    client = Client(server.url, verbose=False)
    paths = []
    for number in range(8):
        path = server.log.with_name(f"{number}.png")
        path.write_bytes(one(100 + number))
        label, preview = client.predict(handle_file(str(path)), "relu", api_name="/predict")
        assert label["label"] == "1"
        paths.append(preview)
    assert all(Path(path).stat().st_size for path in paths)
    wait_until(lambda: not any(path for path in server.cache.iterdir() if path.name != "vibe_edit_history"))


def test_a_full_cache_refuses_uploads_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "MAX_UPLOADS", 0)
    with gr.Blocks() as demo:
        gr.Interface(str, "text", "text", api_name="echo")
    middleware.queue(demo)
    with launched(demo, **middleware.LAUNCH) as url:
        refused = httpx.post(f"{url}/gradio_api/upload", files={"files": ("x.png", b"x")})
        assert refused.status_code == 503 and "try again later" in refused.json()["detail"]
        assert httpx.post(f"{url}/gradio_api/call/echo", json={"data": ["x"]}).status_code == 200


def test_only_a_missing_component_is_a_404(start_app: Callable[..., Server]) -> None:
    def broken(text: str) -> str:
        raise KeyError("a secret")

    with gr.Blocks() as demo:
        html = gr.HTML(server_functions=[broken])
    middleware.queue(demo)
    with launched(demo, **middleware.LAUNCH) as url:
        body = {"data": "x", "component_id": html._id, "fn_name": "broken", "session_hash": "s"}
        ours = httpx.post(f"{url}/gradio_api/component_server", json=body)
        assert ours.status_code == 500 and "secret" not in ours.text
        missing = httpx.post(f"{url}/gradio_api/component_server", json={**body, "component_id": 999})
        assert missing.status_code == 404


def test_the_removal_of_old_files_outlives_any_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[int] = []

    def faulty(demo: object, age: float) -> None:
        turns.append(1)
        if len(turns) > 3:
            raise SystemExit
        raise RuntimeError("Set changed size during iteration")

    monkeypatch.setattr(middleware, "CACHE_EVERY", 0)
    monkeypatch.setattr(middleware, "remove_old_files", faulty)
    with pytest.raises(SystemExit):
        middleware._keep_tidy(gr.Blocks())
    assert len(turns) == 4
