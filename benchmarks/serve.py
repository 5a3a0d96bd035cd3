"""Many visitors at once: the app beside a function that hands back what it was given, served the same way.

    python benchmarks/serve.py

First 32 clients call both apps in turns, each with a digit of its own, whose answer is known; then the app
alone gives 10,000 answers, and 1,000 pages are opened and left. Everything stays on this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import io
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import psutil
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from mnist_mlp.answer import answer
from mnist_mlp.data import load_mnist
from mnist_mlp.limits import MAX_CACHE
from mnist_mlp.picture import read_data_url

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "serve.json"
CLIENTS = 32
ROUNDS = 5
ROUND = 640  # answers of each app in a round
PATIENCE = 30  # seconds for one answer

IDENTITY = """
import gradio as gr
from mnist_mlp.guard import BLOCKS, LAUNCH, QUEUE
with gr.Blocks(**BLOCKS) as demo:
    gr.Interface(lambda picture: picture, gr.Textbox(), gr.Textbox(), live=True, api_name="predict",
                 flagging_mode="never", clear_btn=None)
demo.queue(**QUEUE).launch(run_history=False, ssr_mode=False, **LAUNCH)
"""


class Task(NamedTuple):
    """What one client asks, and the answer that is right."""

    picture: str
    confidences: dict[str, float]


class Server(NamedTuple):
    url: str
    process: psutil.Process
    cache: Path

    def memory(self) -> int:
        return self.process.memory_info().rss

    def cached(self) -> int:
        return sum(path.stat().st_size for path in self.cache.rglob("*") if path.is_file())


@contextlib.contextmanager
def serving(*command: str) -> Iterator[Server]:
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
            server = Server(f"http://127.0.0.1:{port}", psutil.Process(process.pid), Path(folder))
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and process.poll() is None:
                with contextlib.suppress(httpx.TransportError):
                    httpx.get(server.url)
                    break
                time.sleep(0.1)
            yield server
        finally:
            process.kill()
            process.wait()


def tasks() -> list[Task]:
    """A digit for each client, no two with the same answer."""
    found = []
    for image in load_mnist().x_test[:CLIENTS]:
        sheet = np.pad(255 - image, 4, constant_values=255).repeat(6, 0).repeat(6, 1)
        file = io.BytesIO()
        Image.fromarray(sheet).save(file, "PNG")
        picture = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
        label = answer(read_data_url(picture)).label
        assert label is not None
        found.append(Task(picture, label))
    assert len({str(task.confidences) for task in found}) == CLIENTS
    return found


async def ask(http: httpx.AsyncClient, data: list[Any]) -> list[Any]:
    """One answer, in the two requests that every client of Gradio makes."""
    joined = await http.post("/gradio_api/call/predict", json={"data": data})
    joined.raise_for_status()
    said = (await http.get(f"/gradio_api/call/predict/{joined.json()['event_id']}")).text
    last = said.strip().rsplit("\n\n", 1)[-1]
    if "event: complete" not in last:
        raise RuntimeError(f"no answer: {said}")
    return json.loads(last.split("data: ", 1)[1])


def right(task: Task, said: list[Any], ours: bool) -> bool:
    if not ours:
        return said[0] == task.picture
    confidences = {part["label"]: part["confidence"] for part in said[0]["confidences"]}
    return all(abs(task.confidences[digit] - confidence) < 1e-6 for digit, confidence in confidences.items())


async def load(server: Server, tasks: list[Task], answers: int, ours: bool) -> tuple[float, dict[str, int]]:
    """Answers a second, and how many were wanted, lost and someone else's."""
    count = {"wanted": answers, "lost": 0, "crossed": 0}
    left = iter(range(answers))

    async def client(task: Task) -> None:
        async with httpx.AsyncClient(base_url=server.url, timeout=PATIENCE) as http:
            for _ in left:
                try:
                    said = await ask(http, [task.picture, "relu"] if ours else [task.picture])
                except (httpx.HTTPError, RuntimeError):
                    count["lost"] += 1
                else:
                    count["crossed"] += not right(task, said, ours)

    start = time.perf_counter()
    await asyncio.gather(*map(client, tasks))
    return answers / (time.perf_counter() - start), count


async def abandon(server: Server, tasks: list[Task], pages: int) -> None:
    """Open pages as a browser does, draw on each, and leave without waiting."""

    async def page(number: int) -> None:
        session = f"left{number}"
        async with httpx.AsyncClient(base_url=server.url, timeout=PATIENCE) as http:
            for path in ("/", "/config", "/theme.css"):
                await http.get(path)
            async with http.stream("GET", f"/gradio_api/heartbeat/{session}") as beats:
                await anext(beats.aiter_bytes())
                data = [tasks[number % CLIENTS].picture, "relu"]
                joining = {"data": data, "fn_index": 0, "session_hash": session}
                await http.post("/gradio_api/queue/join", json=joining)

    for first in range(0, pages, CLIENTS):
        await asyncio.gather(*map(page, range(first, min(first + CLIENTS, pages))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--answers", type=int, default=10_000, help="(default: %(default)s)")
    parser.add_argument("--pages", type=int, default=1_000, help="(default: %(default)s)")
    options = parser.parse_args()
    wanted = tasks()
    rates: dict[str, list[float]] = {"ours": [], "identity": []}
    total = {"wanted": 0, "lost": 0, "crossed": 0}

    def count(more: dict[str, int]) -> None:
        for key, number in more.items():
            total[key] += number

    with serving("app.py") as app:
        with serving("-c", IDENTITY) as identity:
            for server, ours in ((app, True), (identity, False)):  # the first answers pay for what comes once
                asyncio.run(load(server, wanted, ROUND, ours))
            for _ in range(ROUNDS):
                for name, server in (("ours", app), ("identity", identity)):
                    rate, counted = asyncio.run(load(server, wanted, ROUND, server is app))
                    rates[name].append(rate)
                    count(counted)
        ratio = statistics.median(a / b for a, b in zip(rates["ours"], rates["identity"]))
        for name, measured in rates.items():
            print(f"{name:10} {statistics.median(measured):8.1f} answers a second to {CLIENTS} clients")
        print(f"{'ratio':10} {ratio:8.2f}   (asked: at least 0.9)", flush=True)

        before, cached = app.memory(), app.cached()
        _, counted = asyncio.run(load(app, wanted, options.answers, True))
        count(counted)
        after_answers = app.memory()
        asyncio.run(abandon(app, wanted, options.pages))
        time.sleep(2)
        after_pages = app.memory()
        still = asyncio.run(load(app, wanted, CLIENTS, True))[1]
        count(still)
        memory = {
            "before_megabytes": before / 1e6,
            "after_answers_megabytes": after_answers / 1e6,
            "after_pages_megabytes": after_pages / 1e6,
            "growth": after_pages / before - 1,
        }
        cache = {"before_bytes": cached, "after_bytes": app.cached(), "bound_bytes": MAX_CACHE}
    print(f"answers    {total['wanted']:,} wanted, {total['lost']} lost, {total['crossed']} crossed")
    print(
        f"memory     {before / 1e6:.1f} MB, after {options.answers:,} answers {after_answers / 1e6:.1f} MB, ",
        end="",
    )
    print(f"after {options.pages:,} pages {after_pages / 1e6:.1f} MB: {memory['growth']:+.1%}   (asked: 5 %)")
    print(f"cache      {cache['before_bytes']:,} bytes, then {cache['after_bytes']:,} of {MAX_CACHE:,}")
    RESULTS.parent.mkdir(exist_ok=True)
    report = {
        "command": "python benchmarks/serve.py",
        "cores": os.cpu_count(),
        "clients": CLIENTS,
        "answers_a_second": {name: statistics.median(measured) for name, measured in rates.items()},
        "of_identity": ratio,
        "answers": total,
        "loaded_answers": options.answers,
        "abandoned_pages": options.pages,
        "memory": memory,
        "cache": cache,
    }
    RESULTS.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
