"""Many visitors at once: the app beside a function that hands back what it was given, served the same way.

    python benchmarks/serve.py

First 32 clients call both apps in turns, each with a digit of its own, whose answer is known; then the app
alone gives 10,000 answers, and 1,000 pages are opened and left. Everything stays on this machine.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import http.client
import io
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from mnist_mlp.page.answer import answer
from mnist_mlp.picture import read_data_url
from mnist_mlp.server.limits import MAX_CACHE, MAX_SESSIONS
from mnist_mlp.training.data import load_mnist

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "serve.json"
CLIENTS = 32
ROUNDS = 5
ROUND = 640  # answers of each app in a round
PATIENCE = 30  # seconds for one answer

IDENTITY = """
import gradio as gr
from mnist_mlp.server.middleware import BLOCKS, LAUNCH, line_up
with gr.Blocks(**BLOCKS) as demo:
    gr.Interface(lambda picture: picture, gr.Textbox(), gr.Textbox(), live=True, api_name="predict",
                 flagging_mode="never", clear_btn=None)
line_up(demo)
demo.launch(run_history=False, ssr_mode=False, **LAUNCH)
"""


class Task(NamedTuple):
    """What one client asks, and the answer that is right."""

    picture: str
    confidences: dict[str, float]


class Server(NamedTuple):
    """An app, running."""

    port: int
    process: psutil.Process
    cache: Path
    ours: bool

    def memory(self) -> float:
        return self.process.memory_info().rss / 1e6

    def cached(self) -> int:
        return sum(path.stat().st_size for path in self.cache.rglob("*") if path.is_file())


class Client:
    """What a page and gradio_client are to the app: a connection and a session.

    http.client, as the app should be busier than those who ask it.
    """

    def __init__(self, server: Server):
        self.http = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        self.session = uuid.uuid4().hex

    def request(self, method: str, path: str, content: Any = None) -> http.client.HTTPResponse:
        body = None if content is None else json.dumps(content)
        self.http.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        response = self.http.getresponse()
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {response.read()[:200]!r}")
        return response

    def join(self, data: list[Any], function: int) -> None:
        joining = {"data": data, "fn_index": function, "session_hash": self.session}
        self.request("POST", "/gradio_api/queue/join", joining).read()

    def told(self) -> http.client.HTTPResponse:
        return self.request("GET", f"/gradio_api/queue/data?session_hash={self.session}")

    def ask(self, data: list[Any], function: int) -> list[Any]:
        self.join(data, function)
        for event in self.told().read().decode().split("\n\n"):
            message = json.loads(event.removeprefix("data: ") or "{}")
            if message.get("msg") == "process_completed" and message["success"]:
                return message["output"]["data"]
        raise RuntimeError("no answer")


@contextlib.contextmanager
def serving(*command: str, ours: bool) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "GRADIO_ANALYTICS_ENABLED": "False",
            "GRADIO_SERVER_NAME": "127.0.0.1",
            "GRADIO_SERVER_PORT": str(port),
            "GRADIO_TEMP_DIR": folder,
        }
        process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
        )
        try:
            server = Server(port, psutil.Process(process.pid), Path(folder), ours)
            deadline = time.monotonic() + 60
            while True:
                with contextlib.suppress(OSError):
                    Client(server).request("GET", "/")
                    break
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{command} does not serve")
                time.sleep(0.1)
            yield server
        finally:
            process.kill()
            process.wait()


def tasks() -> list[Task]:
    """A digit for each client, no two with the same answer."""
    found = []
    for image in load_mnist().x_test[:CLIENTS]:
        sheet = Image.fromarray(255 - image).resize((224, 224), Image.Resampling.BICUBIC)
        edged = sheet.point(lambda ink: min(max((ink - 96) * 4, 0), 255))  # a pen's edges, as on the pad
        file = io.BytesIO()
        edged.save(file, "PNG")
        picture = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
        label = answer(read_data_url(picture)).label
        assert label is not None
        found.append(Task(picture, label))
    assert len({str(task.confidences) for task in found}) == CLIENTS
    return found


def right(task: Task, said: list[Any], ours: bool) -> bool:
    if not ours:
        return said[0] == task.picture
    confidences = {part["label"]: part["confidence"] for part in said[0]["confidences"]}
    return all(abs(task.confidences[digit] - confidence) < 1e-6 for digit, confidence in confidences.items())


def function_of(server: Server) -> int:
    config = json.load(Client(server).request("GET", "/config"))
    return next(event["id"] for event in config["dependencies"] if event["api_name"] == "predict")


class Load(NamedTuple):
    """How many answers there were a second, and how many were wanted, lost and someone else's."""

    rate: float
    wanted: int
    lost: int
    crossed: int


def load(server: Server, tasks: list[Task], answers: int) -> Load:
    """All clients ask at once, each its own and one after the other, until all answers are given."""
    function, left, lock = function_of(server), iter(range(answers)), threading.Lock()

    def client(task: Task) -> tuple[int, int]:
        lost = crossed = 0
        asking = Client(server)
        while True:
            with lock:
                if next(left, None) is None:
                    return lost, crossed
            try:
                said = asking.ask([task.picture, "relu"] if server.ours else [task.picture], function)
                crossed += not right(task, said, server.ours)
            except (OSError, http.client.HTTPException, RuntimeError):
                lost += 1
                asking = Client(server)

    start = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        faults = list(pool.map(client, tasks))
    rate = answers / (time.perf_counter() - start)
    return Load(rate, answers, sum(lost for lost, _ in faults), sum(crossed for _, crossed in faults))


def abandon(server: Server, tasks: list[Task], pages: int) -> None:
    """Open pages as a browser does, upload a file, draw, and leave; every second one before its answer."""
    function = function_of(server)

    def page(number: int) -> None:
        picture = tasks[number % CLIENTS].picture
        opened, alive = Client(server), Client(server)
        for path in ("/", "/theme.css"):
            opened.request("GET", path).read()
        alive.request("GET", f"/gradio_api/heartbeat/{opened.session}").readline()
        upload(opened, base64.b64decode(picture.partition(",")[2]) + opened.session.encode())
        opened.join([picture, "relu"], function)
        if number % 2:
            opened.told().readline()
        opened.http.close()
        alive.http.close()

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(page, range(pages)))


def upload(client: Client, content: bytes) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="digit.png"\r\n\r\n%s\r\n--x--\r\n'
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    client.http.request("POST", "/gradio_api/upload", part % content, kind)
    assert client.http.getresponse().read()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="(default: %(default)s)")
    parser.add_argument("--answers", type=int, default=10_000, help="(default: %(default)s)")
    parser.add_argument("--pages", type=int, default=1_000, help="(default: %(default)s)")
    options = parser.parse_args()
    wanted = tasks()
    with serving("app.py", ours=True) as app:
        with serving("-c", IDENTITY, ours=False) as identity:
            loads = in_turns(app, identity, wanted, options.rounds)
        rates = {name: statistics.median(load.rate for load in each) for name, each in loads.items()}
        ratio = statistics.median(a.rate / b.rate for a, b in zip(*loads.values()))
        print(f"ratio {ratio:.2f}   (asked: at least 0.9)", flush=True)
        memory, cache, all_answered = long_run(app, wanted, options.answers, options.pages)
    everything = [*loads["ours"], *loads["identity"], *all_answered]
    total = {key: sum(getattr(each, key) for each in everything) for key in ("wanted", "lost", "crossed")}
    print(f"{total['wanted']:,} answers wanted, {total['lost']} lost, {total['crossed']} crossed")
    report = {
        "command": "python benchmarks/serve.py",
        "cores": os.cpu_count(),
        "clients": CLIENTS,
        "answers_a_second": rates,
        "of_identity": ratio,
        "answers": total,
        "loaded_answers": options.answers,
        "abandoned_pages": options.pages,
        "memory": memory,
        "cache": cache,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def in_turns(app: Server, identity: Server, tasks: list[Task], rounds: int) -> dict[str, list[Load]]:
    servers = {"ours": app, "identity": identity}
    for server in servers.values():  # the first answers pay for what comes once
        load(server, tasks, ROUND)
    loads: dict[str, list[Load]] = {name: [] for name in servers}
    for number in range(rounds):
        for name, server in servers.items():
            loads[name].append(load(server, tasks, ROUND))
        said = ", ".join(f"{name} {each[-1].rate:.1f}" for name, each in loads.items())
        print(f"round {number + 1}: {said} answers a second to {CLIENTS} clients", flush=True)
    return loads


def long_run(
    app: Server, tasks: list[Task], answers: int, pages: int
) -> tuple[dict[str, float], dict[str, int], list[Load]]:
    """What many answers and abandoned pages leave behind: in memory, and in the cache folder."""
    abandon(app, tasks, 2 * MAX_SESSIONS)  # as many as are remembered at most: that is no growth
    before, cached = settled(app), app.cached()
    print(f"memory {before:.1f} MB", flush=True)
    loads = [load(app, tasks, answers // 10) for _ in range(10)]
    after_answers = settled(app)
    print(f"after {answers:,} answers {after_answers:.1f} MB", flush=True)
    abandon(app, tasks, pages)
    after_pages = settled(app)
    growth = after_pages / before - 1
    print(f"after {pages:,} pages {after_pages:.1f} MB: {growth:+.1%}   (asked: within 5 %)", flush=True)
    loads.append(load(app, tasks, CLIENTS))  # it still answers
    memory = {
        "before_megabytes": before,
        "after_answers_megabytes": after_answers,
        "after_pages_megabytes": after_pages,
        "growth": growth,
    }
    cache = {"before_bytes": cached, "after_bytes": app.cached(), "bound_bytes": MAX_CACHE}
    print(f"cache {cache['before_bytes']:,} bytes, then {cache['after_bytes']:,} of {MAX_CACHE:,}")
    return memory, cache, loads


def settled(app: Server) -> float:
    time.sleep(2)
    return app.memory()


if __name__ == "__main__":
    main()
