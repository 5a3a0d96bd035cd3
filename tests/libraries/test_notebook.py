"""The notebook, executed from top to bottom outside Colab."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import nbformat
import pytest
from helpers import ROOT, checkout
from nbclient import NotebookClient

from mnist_mlp import load

NOTEBOOK = ROOT / "mnist_mlp_colab.ipynb"

# As a visitor would, once the page is there: a call, and what the networks were read from.
CALL = """
from gradio_client import Client, handle_file

example = handle_file("mnist_mlp/page/examples/7.png")
label, *_ = Client(demo.local_url, verbose=False).predict(example, api_name="/predict")
print(json.dumps({"label": label["label"], "epochs": serving("relu").config["epochs"]}))
"""


def test_it_is_committed_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert all(not cell.outputs for cell in notebook.cells if cell.cell_type == "code")


def test_where_the_code_lives_is_said_in_one_line_at_its_top() -> None:
    first, *others = [
        cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"
    ]
    assert first.startswith("CODE = ") and len(first.splitlines()) == 1
    assert not [source for source in others if "huggingface.co" in source or "user/" in source]


def test_it_runs_as_it_is_in_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell but training, which `training/test_training.py` runs: the shipped networks are copied."""
    checkout(tmp_path)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    (training,) = [cell for cell in notebook.cells if "python train.py" in cell.source]
    training.source = "import shutil\nshutil.copytree('mnist_mlp/weights', 'trained/weights')"
    notebook.cells.append(nbformat.v4.new_code_cell(CALL))
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.delenv("MNIST_MLP_REPO", raising=False)
    NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    printed = "".join(
        output.get("text", "") for output in notebook.cells[-1].outputs if output.output_type == "stream"
    )
    answer = json.loads(printed.strip().splitlines()[-1])
    assert answer == {"label": "7", "epochs": load("relu").config["epochs"]}
    (launch,) = [cell for cell in notebook.cells if "demo.launch" in cell.source]
    assert "<iframe" in str(launch.outputs)
