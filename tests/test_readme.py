"""The README's snippets, run as they stand against the running app; only addresses are put in."""

from __future__ import annotations

import ast
import csv
import functools
import http.server
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers import ROOT, serving
from PIL import Image

from mnist_mlp import load, to_mnist
from mnist_mlp.training.data import Mnist

BLOCKS = re.findall(r"```(\w+)\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language == "python"]
# The app refuses to fetch from its own machine; the test's pictures are served there.
ALLOWING = """
import runpy
from gradio import processing_utils
processing_utils.PUBLIC_HOSTNAME_WHITELIST.append("127.0.0.1")
runpy.run_path("app.py", run_name="__main__")
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app."""
    with serving(tmp_path_factory.mktemp("readme"), "-c", ALLOWING) as server:
        yield server.url


@pytest.fixture(scope="module")
def folder(mnist: Mnist, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a reader may stand: seven.png, and digits/ with a picture of each digit."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "digits").mkdir()
    for x, y in zip(mnist.x_test[:500], mnist.y_test):
        canvas = np.kron(255 - x, np.ones((5, 5), np.uint8))
        if load().predict_proba(to_mnist(canvas))[y] > 0.9:
            Image.fromarray(canvas).save(folder / "digits" / f"{y}.png")
    assert len(list((folder / "digits").iterdir())) == 10
    (folder / "seven.png").write_bytes((folder / "digits" / "7.png").read_bytes())
    return folder


@pytest.fixture(scope="module")
def web(folder: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def python_with(*words: str) -> str:
    (found,) = [text for text in PYTHON if all(word in text for word in words)]
    return found


def run(code: str, folder: Path, **addresses: str) -> list[str]:
    for written, real in addresses.items():
        assert {"app": "http://127.0.0.1:7860", "web": "https://example.org"}[written] in code
        code = code.replace({"app": "http://127.0.0.1:7860", "web": "https://example.org"}[written], real)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HOME": str(folder / "hf")},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if not line.startswith("Loaded as API")]


def test_a_file(address: str, folder: Path) -> None:
    (line,) = run(python_with('handle_file("seven.png")', "/predict"), folder, app=address)
    digit, confidence = line.split()
    assert digit == "7"
    expected = load().predict_proba(to_mnist(np.asarray(Image.open(folder / "seven.png")))).max()
    assert float(confidence) == pytest.approx(float(expected), abs=1e-5)


def test_a_url(address: str, web: str, folder: Path) -> None:
    assert run(python_with("handle_file", "example.org"), folder, app=address, web=web) == ["7"]


def test_an_explanation(address: str, folder: Path) -> None:
    logit, bias, evidence = run(python_with("/explain"), folder, app=address)[0].split(maxsplit=2)
    total = np.array(ast.literal_eval(evidence)).sum() + float(bias)
    expected = load().forward(to_mnist(np.asarray(Image.open(folder / "seven.png")))).logits[9]
    assert float(logit) == pytest.approx(float(expected), abs=1e-3)
    assert total == pytest.approx(float(logit), abs=1e-2)


def test_many_pictures(address: str, folder: Path) -> None:
    lines = run(python_with("client.submit"), folder, app=address)
    assert lines == [f"{digit}.png {digit}" for digit in range(10)]


def test_without_a_server(folder: Path) -> None:
    (line,) = run(python_with("net = load(", 'read_picture("seven.png")'), folder)
    assert line.startswith("7 0.9")


def test_the_command_line(folder: Path) -> None:
    (commands,) = [text for _, text in BLOCKS if "python -m mnist_mlp digits" in text]
    bare, as_csv = commands.strip().splitlines()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    shown = subprocess.run(
        ["sh", "-c", bare], cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    rows = [line.split("\t") for line in shown.stdout.splitlines()]
    assert [row[:2] for row in rows] == [[f"digits/{digit}.png", str(digit)] for digit in range(10)]
    subprocess.run(["sh", "-c", as_csv], cwd=folder, env=environment, check=True)
    with (folder / "digits.csv").open() as file:
        assert [row["digit"] for row in csv.DictReader(file)] == [str(digit) for digit in range(10)]


def test_datasets(folder: Path) -> None:
    lines = run(python_with("from datasets"), folder)
    assert [line.split()[:2] for line in lines] == [[f"digits/{d}.png", str(d)] for d in range(10)]


def test_ray(folder: Path) -> None:
    start = "import ray; ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)\n"
    run(start + python_with("import ray"), folder)
    rows: list[dict[str, str]] = []
    for path in (folder / "answers").glob("*.csv"):
        with path.open() as file:
            rows += csv.DictReader(file)
    assert {Path(row["path"]).stem: row["digit"] for row in rows} == {str(d): str(d) for d in range(10)}
