"""What the README and the requirements promise, held to one another and to the code."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import yaml
from huggingface_hub import RepoCard
from PIL import Image

from mnist_mlp.training.data import Mnist

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
HEADER = yaml.safe_load(README.split("---")[1])
# https://huggingface.co/docs/hub/spaces-config-reference
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


def requirements(name: str) -> dict[str, str]:
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    wanted = (re.fullmatch(r"([\w-]+)(?:\[\w+\])?(.*)", line) for line in lines if line and line[0] != "-")
    return {found[1].lower(): found[2] for found in wanted if found}


def test_the_header_is_a_space_s() -> None:
    assert RepoCard(README).data.to_dict()["title"] == HEADER["title"]
    assert HEADER["sdk"] == "gradio"
    assert {HEADER["colorFrom"], HEADER["colorTo"]} <= COLOURS
    assert (ROOT / HEADER["app_file"]).is_file()
    assert len(HEADER["short_description"]) <= 60
    assert HEADER["license"] == "apache-2.0"
    assert not HEADER["emoji"].isascii()
    assert {"models", "datasets", "tags", "python_version"} <= HEADER.keys()


def test_one_gradio_everywhere() -> None:
    pinned = requirements("requirements.txt")["gradio"]
    assert pinned == f"=={HEADER['sdk_version']}"
    assert importlib.metadata.version("gradio") == HEADER["sdk_version"]


def test_the_space_has_no_tensorflow() -> None:
    assert not {name for name in requirements("requirements.txt") if "tensorflow" in name or "keras" in name}
    # What training alone needs is not loaded either: it would cost every start a second.
    unwanted = ["tensorflow", "keras", "scipy", "skimage", "matplotlib", "joblib"]
    code = f"import sys, app; print([m for m in {unwanted} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[-2] == "[]"


def test_the_readme_begins_with_what_a_newcomer_needs() -> None:
    body = README.split("---", 2)[2]
    assert body.index("![") < body.index("requirements.txt") < body.index("-m pytest") < body.index("# ")
    assert [(ROOT / path).is_file() for path in re.findall(r"\]\((?!http)([^)#]+)\)", body)].count(False) == 0


def test_every_figure_is_its_file_s() -> None:
    check = [sys.executable, "benchmarks/readme.py", "--check"]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_module_imports_one_further_down_the_line() -> None:
    line = ["files", "picture", "canvas", "explain", "mlp", "hub", "answer", "pad", "inside"]
    for i, name in enumerate(line):
        code = (ROOT / "mnist_mlp" / f"{name}.py").read_text(encoding="utf-8")
        imported = set(re.findall(r"^from mnist_mlp\.(\w+) import", code, re.MULTILINE))
        assert not imported & set(line[i + 1 :]), f"{name} imports {imported & set(line[i + 1 :])}"


def test_the_examples_are_digits_of_mnist_s_test_set(mnist: Mnist) -> None:
    for path in (ROOT / "mnist_mlp" / "examples").glob("*.png"):
        same = (mnist.x_test == np.asarray(Image.open(path))).all((1, 2))
        assert mnist.y_test[same].tolist() == [int(path.stem)]
