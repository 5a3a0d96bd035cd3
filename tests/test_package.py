"""The wheel: what is in it, and what works where it alone is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from helpers import ROOT, checkout
from PIL import Image

from mnist_mlp.network import WEIGHTS

SHOWN = "mnist_mlp/page/examples/7.png"  # a 7 of MNIST's test set


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the files that belong to the repository."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    checkout(source)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(target), "."]
    subprocess.run(build, cwd=source, check=True)
    (built,) = target.glob("mnist_mlp-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of a new environment that has the wheel and what it requires."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    commands = folder / ("Scripts" if os.name == "nt" else "bin")
    pip = [sys.executable, "-m", "pip", "--python", str(commands / "python")]
    subprocess.run([*pip, "install", "--quiet", "--no-compile", str(wheel)], check=True)
    return commands


def run(command: list[str], folder: Path) -> str:
    """What a command prints, run outside the checkout and without its path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder with the picture that the model card's snippet reads."""
    digit = np.asarray(Image.open(ROOT / SHOWN))
    Image.fromarray(255 - digit).resize((280, 280)).save(tmp_path / "digit.png")
    return tmp_path


def test_the_wheel_holds_the_reader_and_nothing_else(wheel: Path) -> None:
    """The page, its server and the training need what the wheel does not require."""
    names = set(zipfile.ZipFile(wheel).namelist())
    packed = {name for name in names if ".dist-info/" not in name}
    listed = subprocess.run(["git", "ls-files", "mnist_mlp"], cwd=ROOT, capture_output=True, text=True)
    checkouts_only = tuple(f"mnist_mlp/{folder}/" for folder in ("page", "server", "training"))
    assert packed == {name for name in listed.stdout.split() if not name.startswith(checkouts_only)}
    assert [name for name in names if name.endswith("/LICENSE")]


def test_it_needs_neither_gradio_nor_tensorflow(installed: Path, tmp_path: Path) -> None:
    code = (
        "import importlib.util as u; print([m for m in ('gradio', 'tensorflow', 'keras') if u.find_spec(m)])"
    )
    assert run([str(installed / "python"), "-c", code], tmp_path) == "[]"


def test_the_model_cards_snippet_runs(installed: Path, elsewhere: Path) -> None:
    card = (WEIGHTS / "README.md").read_text(encoding="utf-8")
    snippet = card.split("```python\n")[1].split("```")[0]
    text, confidence = run([str(installed / "python"), "-c", snippet], elsewhere).split()
    assert text == "7"
    assert 0 < float(confidence) <= 1


def test_the_command_runs(installed: Path, elsewhere: Path) -> None:
    assert shutil.which("mnist-mlp", path=str(installed))
    (row,) = run([str(installed / "mnist-mlp"), "digit.png"], elsewhere).splitlines()
    assert row.split("\t")[:2] == ["digit.png", "7"]
