"""Many visitors at once: the app beside a function that does nothing, which Gradio serves.

    python benchmarks/serve.py

32 clients ask in turn the pad's function, `/predict` and two functions that return their argument, each with a digit
of its own, whose answer is known: one function of a plain Gradio app, one with the app's settings.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import sys
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.helpers import Server, data_url, save, serving, table
from mnist_mlp import read
from mnist_mlp.picture import read_data_url
from mnist_mlp.server.label_value import NO_NUMBER_NAME
from mnist_mlp.server.limits import CALLERS
from mnist_mlp.training.mnist import load_train

CLIENTS = 32
PATIENCE = 60  # seconds for one answer
NAMED = {
    "pad": "the pad",
    "predict": "`/predict`",
    "plain": "an identity function in a plain Gradio app",
    "same settings": "an identity function with the app's settings",
}

INTERFACE = "gr.Interface(lambda picture: picture, gr.Textbox(), gr.Textbox(), api_name='predict')"
PLAIN = f"""
import gradio as gr
demo = {INTERFACE}
demo.queue(default_concurrency_limit={CALLERS["concurrency_limit"]})
demo.launch()
"""
SAME_SETTINGS = f"""
import gradio as gr
from mnist_mlp.server.middleware import BLOCKS, LAUNCH, queue
with gr.Blocks(**BLOCKS) as demo:
    {INTERFACE}
queue(demo)
demo.launch(run_history=False, ssr_mode=False, **LAUNCH)
"""


class Task(NamedTuple):
    """What one client asks, and the answer that is right."""

    picture: str
    text: str
    readings: dict[str, float]


def tasks() -> list[Task]:
    """A digit for each client, no two with the same answer, as the pad would send it."""
    found = []
    for image in load_train()[0].images[:CLIENTS]:
        sheet = Image.fromarray(255 - image).resize((224, 224), Image.Resampling.BICUBIC)
        picture = data_url(sheet.point(lambda ink: min(max((ink - 96) * 4, 0), 255)))
        reading = read(read_data_url(picture))
        found.append(Task(picture, reading.text or "?", reading.readings))
    assert len({str(task.readings) for task in found}) == CLIENTS
    return found


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

    def config(self) -> dict[str, Any]:
        return json.load(self.request("GET", "/config"))

    def component(self, component: int, function: str, data: Any) -> Any:
        """Call a component's function, as the pad does."""
        asked = {"data": data, "component_id": component, "fn_name": function, "session_hash": self.session}
        return json.load(self.request("POST", "/gradio_api/component_server", asked))

    def queued(self, function: int, data: list[Any]) -> list[Any]:
        """Call an endpoint through the queue, as gradio_client does."""
        joining = {"data": data, "fn_index": function, "session_hash": self.session}
        self.request("POST", "/gradio_api/queue/join", joining).read()
        stream = self.request("GET", f"/gradio_api/queue/data?session_hash={self.session}")
        for event in stream.read().decode().split("\n\n"):
            message = json.loads(event.removeprefix("data: ") or "{}")
            if message.get("msg") == "process_completed" and message["success"]:
                return message["output"]["data"]
        raise RuntimeError("no answer")


Ask = Callable[[Client, Task], bool]
"""Asks for one answer; says whether it is the right one."""


def is_right(label: dict[str, Any], task: Task) -> bool:
    readings = {text or NO_NUMBER_NAME: p for text, p in task.readings.items()}
    near = all(abs(readings[one["label"]] - one["confidence"]) < 1e-5 for one in label["confidences"])
    return near and label["label"] == task.text


def pad(server: Server) -> Ask:
    components = Client(server).config()["components"]
    number = next(each["id"] for each in components if "answer" in (each["props"].get("server_fns") or []))

    def ask(client: Client, task: Task) -> bool:
        asked = {"picture": task.picture, "network": "relu", "index": None, "explain": False}
        while (answer := client.component(number, "answer", asked)).get("busy"):
            pass  # the page asks again, too
        return is_right(answer["label"], task)

    return ask


def endpoint(server: Server) -> int:
    dependencies = Client(server).config()["dependencies"]
    return next(event["id"] for event in dependencies if event["api_name"] == "predict")


def predict(server: Server) -> Ask:
    function = endpoint(server)
    return lambda client, task: is_right(client.queued(function, [task.picture, "relu"])[0], task)


def identity(server: Server) -> Ask:
    function = endpoint(server)
    return lambda client, task: client.queued(function, [task.picture])[0] == task.picture


class Load(NamedTuple):
    """Answers a second, and how many were wanted, lost, and wrong or someone else's."""

    rate: float
    wanted: int
    lost: int
    wrong: int


def load(server: Server, ask: Ask, tasks: list[Task], answers: int) -> Load:
    """All clients ask at once, each its own and one after the other, until all answers are given."""
    left, lock = iter(range(answers)), threading.Lock()

    def client(task: Task) -> tuple[int, int]:
        lost = wrong = 0
        asking = Client(server)
        while True:
            with lock:
                if next(left, None) is None:
                    return lost, wrong
            try:
                wrong += not ask(asking, task)
            except (OSError, http.client.HTTPException, RuntimeError):
                lost += 1
                asking = Client(server)

    start = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        faults = list(pool.map(client, tasks))
    rate = answers / (time.perf_counter() - start)
    return Load(rate, answers, sum(lost for lost, _ in faults), sum(wrong for _, wrong in faults))


def in_turns(
    asks: dict[str, tuple[Server, Ask]], tasks: list[Task], rounds: int, answers: int
) -> dict[str, list[Load]]:
    """The loads of each round; the first, which pays for what comes once, is not counted."""
    loads: dict[str, list[Load]] = {name: [] for name in asks}
    for number in range(rounds + 1):
        for name, (server, ask) in asks.items():
            found = load(server, ask, tasks, answers)
            if number:
                loads[name].append(found)
        print({name: f"{each[-1].rate:.0f}" for name, each in loads.items() if each}, flush=True)
    return loads


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="(default: %(default)s)")
    parser.add_argument("--round", type=int, default=640, help="answers in each (default: %(default)s)")
    options = parser.parse_args()
    wanted = tasks()
    with serving("app.py") as app, serving("-c", PLAIN) as plain, serving("-c", SAME_SETTINGS) as same:
        asks = {"pad": (app, pad(app)), "predict": (app, predict(app))}
        others = {"plain": (plain, identity(plain)), "same settings": (same, identity(same))}
        loads = in_turns({**asks, **others}, wanted, options.rounds, options.round)
    rates = {name: statistics.median(each.rate for each in found) for name, found in loads.items()}
    rows = [
        (f"answers a second to {CLIENTS} clients: {NAMED[name]}", f"{rate:.0f}")
        for name, rate in rates.items()
    ]
    for other in others:
        for name in asks:
            ratio = statistics.median(a.rate / b.rate for a, b in zip(loads[name], loads[other]))
            rows.append((f"{NAMED[name]}, as a multiple of {NAMED[other]}", f"{ratio:.2f}"))
    every = [each for found in loads.values() for each in found]
    given, lost, wrong = (sum(getattr(each, key) for each in every) for key in ("wanted", "lost", "wrong"))
    rows.append(("answers, of which lost / wrong or crossed", f"{given:,}, {lost} / {wrong}"))
    save("serve", table(["", "this app"], rows))


if __name__ == "__main__":
    main()
