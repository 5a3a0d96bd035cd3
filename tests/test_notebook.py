"""The notebook, executed from top to bottom outside Colab."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "mnist_mlp_colab.ipynb"

# As a visitor would, once the page is there: a call, and what the networks were read from.
CALL = """
from gradio_client import Client, handle_file

example = sorted(Path("mnist_mlp/examples").glob("*.png"))[0]
label, *_ = Client(demo.local_url, verbose=False).predict(handle_file(example), api_name="/predict")
print(json.dumps({"label": label["label"], "epochs": serving("relu").config["epochs"]}))
"""


def test_it_is_committed_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert all(not cell.outputs for cell in notebook.cells if cell.cell_type == "code")
    assert "colab-badge.svg" in notebook.cells[0].source
    assert f"main/{NOTEBOOK.name}" in notebook.cells[0].source


def test_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell as it stands, for one epoch instead of three."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    paths = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for path in filter(None, paths.split("\0")):
        if (ROOT / path).is_file() and not path.startswith("tests/"):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, tmp_path / path)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    (training,) = [cell for cell in notebook.cells if "EPOCHS = 3" in cell.source]
    training.source = training.source.replace("EPOCHS = 3", "EPOCHS = 1")
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
    assert answer == {"label": answer["label"], "epochs": 1}
    assert answer["label"] in set("0123456789")
    (launch,) = [cell for cell in notebook.cells if "demo.launch" in cell.source]
    assert "<iframe" in str(launch.outputs)
