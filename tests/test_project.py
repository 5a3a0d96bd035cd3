"""What the README, the requirements and the package promise, held to one another and to the code."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys

import pytest
import yaml
from helpers import ROOT
from huggingface_hub import RepoCard
from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

README = (ROOT / "README.md").read_text(encoding="utf-8")
HEADER = yaml.safe_load(README.split("---")[1])
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# https://huggingface.co/docs/hub/spaces-config-reference
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


def required(lines: list[str]) -> set[str]:
    lines = [line.split("#")[0].strip() for line in lines]
    return {str(Requirement(line)) for line in lines if line and not line.startswith("-")}


def in_file(name: str) -> set[str]:
    return required((ROOT / name).read_text(encoding="utf-8").splitlines())


def test_the_header_is_a_space_s() -> None:
    assert RepoCard(README).data.to_dict()["title"] == HEADER["title"]
    assert HEADER["sdk"] == "gradio"
    assert {HEADER["colorFrom"], HEADER["colorTo"]} <= COLOURS
    assert (ROOT / HEADER["app_file"]).is_file()
    assert len(HEADER["short_description"]) <= 60
    assert HEADER["license"] == PROJECT["license"].lower()
    assert not HEADER["emoji"].isascii()
    assert {"models", "datasets", "tags", "python_version"} <= HEADER.keys()


def test_one_gradio_everywhere() -> None:
    assert f"gradio[mcp]=={HEADER['sdk_version']}" in in_file("requirements.txt")
    assert importlib.metadata.version("gradio") == HEADER["sdk_version"]


def test_a_space_installs_what_the_package_requires_and_gradio() -> None:
    gradio = {f"gradio[mcp]=={HEADER['sdk_version']}"}
    assert in_file("requirements.txt") == required(PROJECT["dependencies"]) | gradio


def test_the_space_has_no_tensorflow() -> None:
    # What training alone needs is not loaded either: it would cost every start a second.
    unwanted = ["tensorflow", "keras", "skimage", "matplotlib", "joblib"]
    assert not {name for name in unwanted if name in str(in_file("requirements.txt"))}
    code = f"import sys, app; print([m for m in {unwanted} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[-2] == "[]"


def test_every_link_to_a_file_has_one() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for path in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / path).exists(), f"{page.name}: {path}"
            # The Hub leaves out what begins with a dot.
            assert "/." not in f"/{path}".replace("/../", "/")


def test_every_figure_is_its_file_s() -> None:
    check = [sys.executable, "benchmarks/readme.py", "--check"]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


LINE = [
    *("network", "explain", "counterfactual", "nearest", "learning_step", "snapshots"),
    *("picture", "box", "pen", "paper", "ink", "canvas", "pieces", "lattice"),
    *("hints", "reader", "mlp", "classify", "__main__", "training"),
    *("server.limits", "server.networks", "server.label_value", "server.gradio_internals"),
    *("server.api", "server.middleware", "page", "app"),
]


@pytest.mark.parametrize("name", LINE)
def test_no_module_imports_one_further_down_the_line(name: str) -> None:
    """The line in which the code is read: the network, a picture's way to a reading, the page."""
    path = ROOT / ("app.py" if name == "app" else f"mnist_mlp/{name.replace('.', '/')}")
    later = [f"mnist_mlp.{module}" for module in LINE[LINE.index(name) + 1 :]]
    for file in path.rglob("*.py") if path.is_dir() else [path.with_suffix(".py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            imported = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            assert not [module for module in later if f"{imported}.".startswith(f"{module}.")], file


def test_every_module_stands_in_the_line() -> None:
    folder = ROOT / "mnist_mlp"
    found = {
        path.relative_to(folder).with_suffix("").as_posix().replace("/", ".") for path in folder.rglob("*.py")
    }
    whole = ("training", "page")  # as one each
    outside = {name for name in found if not name.startswith(whole) and not name.endswith("__init__")}
    assert outside == set(LINE) - {*whole, "app"}
