"""Many visitors at once: the app beside functions that do nothing, which Gradio serves.

    python benchmarks/serve.py

32 clients ask in turn the pad's function, `/predict` and three functions, each with a digit of its own, whose
answer is known. Two return their argument: one of a plain Gradio app, with as many calls at once, the other with
the app's settings. The third has the app's settings, too, and returns a label and an image, as `/predict` does:
the same work for Gradio. Then the pad's function is asked while 16 callers send photos of 12 megapixels
to `/predict`. At last the app gives 20,000 answers, and 1,000 pages are opened and left.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import io
import itertools
import json
import os
import statistics
import sys
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.helpers import Server, data_url, save, serving
from mnist_mlp import read
from mnist_mlp.picture import read_data_url
from mnist_mlp.server.label_value import NO_NUMBER_NAME
from mnist_mlp.server.limits import CALLS_AT_ONCE, MAX_SESSIONS
from mnist_mlp.training.data import load_mnist

CLIENTS = 32
PHOTOGRAPHERS = 16
PARTS = ["rate", "photos", "memory"]
DRAWINGS = 200  # of the pad, while photos are sent and without
PATIENCE = 60  # seconds for one answer

PLAIN = f"""
import gradio as gr
demo = gr.Interface(lambda picture: picture, gr.Textbox(), gr.Textbox(), api_name="predict")
demo.queue(default_concurrency_limit={CALLS_AT_ONCE})
demo.launch()
"""
IDENTITY = """
import gradio as gr
from mnist_mlp.server.middleware import BLOCKS, LAUNCH, queue
with gr.Blocks(**BLOCKS) as demo:
    gr.Interface(lambda picture: picture, gr.Textbox(), gr.Textbox(), live=True, api_name="predict",
                 flagging_mode="never", clear_btn=None)
queue(demo)
demo.launch(run_history=False, ssr_mode=False, **LAUNCH)
"""
LABELLED = """
import gradio as gr
import numpy as np
from mnist_mlp.server.middleware import BLOCKS, LAUNCH, queue
label = {str(digit): 0.1 for digit in range(10)}
image = np.random.default_rng(0).integers(256, size=(28, 28), dtype=np.uint8)
with gr.Blocks(**BLOCKS) as demo:
    gr.Interface(lambda picture: (label, image), gr.Textbox(), [gr.Label(num_top_classes=3), gr.Image()],
                 live=True, api_name="predict", flagging_mode="never", clear_btn=None)
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
    for image in load_mnist().x_train[:CLIENTS]:
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

    def join(self, function: int, data: list[Any]) -> None:
        joining = {"data": data, "fn_index": function, "session_hash": self.session}
        self.request("POST", "/gradio_api/queue/join", joining).read()

    def told(self) -> http.client.HTTPResponse:
        return self.request("GET", f"/gradio_api/queue/data?session_hash={self.session}")

    def queued(self, function: int, data: list[Any]) -> list[Any]:
        """Call an endpoint through the queue, as gradio_client does."""
        self.join(function, data)
        for event in self.told().read().decode().split("\n\n"):
            message = json.loads(event.removeprefix("data: ") or "{}")
            if message.get("msg") == "process_completed" and message["success"]:
                return message["output"]["data"]
        raise RuntimeError("no answer")

    def upload(self, content: bytes) -> str:
        part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n%s\r\n--x--\r\n'
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        self.http.request("POST", "/gradio_api/upload", part % content, kind)
        return json.load(self.http.getresponse())[0]


Ask = Callable[[Client, Task], bool]
"""Asks for one answer; says whether it is the right one."""


def is_right(label: dict[str, Any], task: Task) -> bool:
    confidences = {one["label"]: one["confidence"] for one in label["confidences"]}
    readings = {text or NO_NUMBER_NAME: p for text, p in task.readings.items()}
    near = all(abs(readings[text] - confidence) < 1e-5 for text, confidence in confidences.items())
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


def labelled(server: Server) -> Ask:
    function = endpoint(server)
    return lambda client, task: len(client.queued(function, [task.picture])[0]["confidences"]) == 3


class Load(NamedTuple):
    """How many answers there were a second, the server's processor time for one in milliseconds, and how many
    were wanted, lost and wrong or someone else's."""

    rate: float
    cpu: float
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

    start, used = time.perf_counter(), processor_time(server)
    with ThreadPoolExecutor(CLIENTS) as pool:
        faults = list(pool.map(client, tasks))
    rate = answers / (time.perf_counter() - start)
    cpu = 1000 * (processor_time(server) - used) / answers
    return Load(rate, cpu, answers, sum(lost for lost, _ in faults), sum(wrong for _, wrong in faults))


def in_turns(
    app: Server,
    plain: Server,
    other: Server,
    label_and_image: Server,
    tasks: list[Task],
    rounds: int,
    answers: int,
) -> dict[str, list[Load]]:
    asks = {
        "pad": (app, pad(app)),
        "predict": (app, predict(app)),
        "plain identity": (plain, identity(plain)),
        "identity": (other, identity(other)),
        "label and image": (label_and_image, labelled(label_and_image)),
    }
    for server, ask in asks.values():  # the first answers pay for what comes once
        load(server, ask, tasks, answers)
    loads: dict[str, list[Load]] = {name: [] for name in asks}
    for number in range(rounds):
        for name, (server, ask) in asks.items():
            loads[name].append(load(server, ask, tasks, answers))
        told = ", ".join(
            f"{name} {each[-1].rate:.1f} ({each[-1].cpu:.1f} ms)" for name, each in loads.items()
        )
        print(f"round {number + 1}: {told} answers a second (processor time of one)", flush=True)
    return loads


def rates(loads: dict[str, list[Load]]) -> dict[str, dict[str, float]]:
    """Answers a second and processor time; the rates as multiples of the identity functions' in the round."""
    found = {
        "answers_a_second": {
            name: statistics.median(load.rate for load in each) for name, each in loads.items()
        },
        "processor_ms": {name: statistics.median(load.cpu for load in each) for name, each in loads.items()},
    }
    for other in ("identity", "plain identity", "label and image"):
        ratios = {
            ask: statistics.median(ours.rate / theirs.rate for ours, theirs in zip(loads[ask], loads[other]))
            for ask in ("pad", "predict")
        }
        found[f"of_{other}".replace(" ", "_")] = ratios
        print(", ".join(f"{ask} {ratio:.2f}" for ask, ratio in ratios.items()), f"× {other}", flush=True)
    return found


def abandon(server: Server, tasks: list[Task], pages: int) -> None:
    """Open pages as a browser does, upload a file, draw, and leave; every second one before its answer."""
    ask, function = pad(server), endpoint(server)

    def page(number: int) -> None:
        task = tasks[number % CLIENTS]
        opened, alive = Client(server), Client(server)
        for path in ("/", "/theme.css"):
            opened.request("GET", path).read()
        alive.request("GET", f"/gradio_api/heartbeat/{opened.session}").readline()
        opened.upload(task.picture.encode() + opened.session.encode())
        ask(opened, task)
        opened.join(function, [task.picture, "relu"])
        if number % 2:
            opened.told().readline()
        opened.http.close()
        alive.http.close()

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(page, range(pages)))


def long_run(app: Server, tasks: list[Task], answers: int, pages: int) -> tuple[dict[str, Any], list[Load]]:
    """What answers and abandoned pages leave behind: in memory, and in the cache folder."""
    asks = (pad(app), predict(app))
    abandon(app, tasks, 2 * MAX_SESSIONS)  # as many as are kept at most: that is no growth

    def run() -> tuple[float, list[Load]]:
        loads = [load(app, ask, tasks, answers // 20) for ask in asks for _ in range(5)]
        time.sleep(2)
        return memory(app), loads

    half, first = run()
    print(f"memory after {answers // 2:,} answers {half:.1f} MB", flush=True)
    full, second = run()
    print(f"after {answers:,} answers {full:.1f} MB", flush=True)
    abandon(app, tasks, pages)
    time.sleep(2)
    after = memory(app)
    growth = after / half - 1
    print(f"after {pages:,} pages {after:.1f} MB: {growth:+.1%}   (asked: at most +10 %)", flush=True)
    loads = [*first, *second, load(app, asks[0], tasks, CLIENTS)]  # it still answers
    figures = {
        "half_megabytes": half,
        "full_megabytes": full,
        "after_pages_megabytes": after,
        "growth": growth,
    }
    files = cached(app)
    report = {
        "loaded_answers": answers,
        "abandoned_pages": pages,
        "memory": figures,
        "cache": {"bytes": sum(files), "files": len(files)},
    }
    return report, loads


def cached(server: Server) -> list[int]:
    """The sizes of the files in the cache folder, from which the app removes old ones meanwhile."""
    sizes = []
    for folder, _, names in os.walk(server.cache):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                sizes.append(os.path.getsize(os.path.join(folder, name)))
    return sizes


def processor_time(server: Server) -> float:
    times = psutil.Process(server.process.pid).cpu_times()
    return times.user + times.system


def memory(server: Server) -> float:
    return psutil.Process(server.process.pid).memory_info().rss / 1e6


def photo() -> bytes:
    """A JPEG of 12 megapixels with a phone camera's noise: about 4 MB."""
    rng = np.random.default_rng(1)
    paper = np.full((3000, 4000), 200.0)
    paper[800:2200, 1900:2050] = 40
    noisy = (paper[..., None] + rng.normal(0, 6, (3000, 4000, 3))).clip(0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(noisy).save(file, "JPEG", quality=90)
    return file.getvalue()


def beside_photos(app: Server, tasks: list[Task]) -> dict[str, float]:
    """Seconds from a drawing to its label, alone and while callers send photos of 12 megapixels."""
    ask, function, picture = pad(app), endpoint(app), photo()
    drawing = Client(app)
    stop, sent, refused = threading.Event(), itertools.count(), itertools.count()

    def draw() -> list[float]:
        times = []
        for task in itertools.islice(itertools.cycle(tasks), DRAWINGS):
            start = time.perf_counter()
            assert ask(drawing, task)
            times.append(time.perf_counter() - start)
            time.sleep(0.02)
        return times

    def photographer(number: int) -> None:
        client = Client(app)
        while not stop.is_set():
            try:
                path = client.upload(picture + number.to_bytes(2, "big"))
                client.queued(function, [{"path": path, "meta": {"_type": "gradio.FileData"}}, "relu"])
                next(sent)
            except (OSError, http.client.HTTPException, RuntimeError):
                next(refused)
                client = Client(app)

    draw()
    alone = draw()
    with ThreadPoolExecutor(PHOTOGRAPHERS) as pool:
        running = [pool.submit(photographer, number) for number in range(PHOTOGRAPHERS)]
        time.sleep(3)
        busy = draw()
        stop.set()
        for each in running:
            each.result()
    ratio = statistics.median(busy) / statistics.median(alone)
    figures = {
        "photo_bytes": len(picture),
        "photos": next(sent),
        "refused": next(refused),
        "alone_seconds": statistics.median(alone),
        "busy_seconds": statistics.median(busy),
        "busy_p95_seconds": float(np.percentile(busy, 95)),
        "ratio": ratio,
    }
    print(f"a drawing beside {PHOTOGRAPHERS} senders of photos: {ratio:.2f} × alone   (asked: at most 3)")
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=PARTS, help="(default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="(default: %(default)s)")
    parser.add_argument(
        "--round", type=int, default=640, help="answers of each function in a round (default: %(default)s)"
    )
    parser.add_argument("--answers", type=int, default=20_000, help="(default: %(default)s)")
    parser.add_argument("--pages", type=int, default=1_000, help="(default: %(default)s)")
    options = parser.parse_args()
    wanted = tasks()
    report: dict[str, Any] = {"clients": CLIENTS}
    everything: list[Load] = []
    with serving("app.py") as app:
        if "rate" in options.parts:
            with (
                serving("-c", PLAIN) as plain,
                serving("-c", IDENTITY) as other,
                serving("-c", LABELLED) as label_and_image,
            ):
                loads = in_turns(app, plain, other, label_and_image, wanted, options.rounds, options.round)
            report |= rates(loads)
            everything += itertools.chain(*loads.values())
        if "photos" in options.parts:
            report["beside_photos"] = beside_photos(app, wanted)
        if "memory" in options.parts:
            found, loads_of_run = long_run(app, wanted, options.answers, options.pages)
            report |= found
            everything += loads_of_run
    total = {key: sum(getattr(each, key) for each in everything) for key in ("wanted", "lost", "wrong")}
    print(f"{total['wanted']:,} answers wanted, {total['lost']} lost, {total['wrong']} wrong or crossed")
    report["answers"] = total
    if options.parts == PARTS:
        save("serve", report)


if __name__ == "__main__":
    main()
