"""The snippets of the README and of docs/, run as they stand in a checkout, against the running app."""

from __future__ import annotations

import ast
import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import ROOT
from PIL import Image

from mnist_mlp import load, read, to_mnist

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [
    block
    for page in PAGES
    for block in re.findall(r"```(\w+)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
]
ADDRESS = "http://127.0.0.1:7860"
EXAMPLES = sorted((ROOT / "mnist_mlp" / "page" / "examples").glob("?.png"))
SEVEN = np.asarray(Image.open(ROOT / "mnist_mlp/page/examples/7.png"))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder in which the package lies as in a checkout, and to which a snippet may write."""
    (tmp_path / "mnist_mlp").symlink_to(ROOT / "mnist_mlp")
    return tmp_path


def snippet(language: str, *words: str) -> str:
    (found,) = [text for kind, text in BLOCKS if kind == language and all(word in text for word in words)]
    return found


def run(code: str, folder: Path, app: str = ADDRESS) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", code.replace(ADDRESS, app)],
        cwd=folder,
        env={**os.environ, "HF_HOME": str(folder / "hf")},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if not line.startswith("Loaded as API")]


def test_reading_without_a_server(checkout: Path) -> None:
    (line,) = run(snippet("python", "reading = read(read_picture("), checkout)
    text, confidence = line.split()
    assert text == "7"
    assert float(confidence) == pytest.approx(read(SEVEN).confidence, abs=1e-6)


def test_the_forward_pass_and_the_explanation(checkout: Path) -> None:
    total, logit = map(float, run(snippet("python", "net.forward(x)"), checkout)[0].split(" = "))
    assert total == pytest.approx(logit, abs=1e-3)
    assert logit == pytest.approx(float(load().forward(to_mnist(SEVEN)).logits[9]), abs=1e-4)


def test_a_call_over_the_network(app: str, checkout: Path) -> None:
    text, confidence = run(snippet("python", "/predict", "client.predict("), checkout, app)[0].split()
    assert text == "7"
    assert float(confidence) == pytest.approx(read(SEVEN).confidence, abs=1e-4)


def test_many_calls_over_the_network(app: str, checkout: Path) -> None:
    lines = run(snippet("python", "client.submit"), checkout, app)
    assert lines == [f"{path.name} {path.stem}" for path in EXAMPLES]


def test_an_explanation_over_the_network(app: str, checkout: Path) -> None:
    logit, bias, evidence = run(snippet("python", "/explain"), checkout, app)[0].split(maxsplit=2)
    total = np.array(ast.literal_eval(evidence)).sum() + float(bias)
    assert total == pytest.approx(float(logit), abs=1e-2)
    assert float(logit) == pytest.approx(float(load().forward(to_mnist(SEVEN)).logits[9]), abs=1e-3)


def test_the_command_line(checkout: Path) -> None:
    # In the tests' environment the package is not installed, so the command has its other name.
    commands = snippet("sh", "mnist-mlp --format csv").replace(
        "mnist-mlp ", f"{sys.executable} -m mnist_mlp "
    )
    bare, as_csv = commands.replace("*.png", "?.png").strip().splitlines()
    shown = subprocess.run(["sh", "-c", bare], cwd=checkout, check=True, capture_output=True, text=True)
    rows = [line.split("\t")[:2] for line in shown.stdout.splitlines()]
    assert rows == [[f"mnist_mlp/page/examples/{path.name}", path.stem] for path in EXAMPLES]
    subprocess.run(["sh", "-c", as_csv], cwd=checkout, check=True)
    with (checkout / "digits.csv").open() as file:
        assert [row["digit"] for row in csv.DictReader(file)] == [path.stem for path in EXAMPLES]


def test_no_snippet_needs_what_does_not_exist() -> None:
    """A placeholder is explained in its own line."""
    for _, text in BLOCKS:
        for line in text.splitlines():
            if re.search(r"user/|<user>", line):
                assert "#" in line or line.startswith("hf upload"), line
        for path in re.findall(r'"(mnist_mlp/[^"*?]+)"', text):
            assert (ROOT / path).exists(), path
