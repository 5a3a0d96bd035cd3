"""Saving, pushing, publishing and fetching networks, by the real `huggingface_hub` against a Hub on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import ROOT
from hub_server import Hub, Run, ok
from huggingface_hub import ModelCard
from PIL import Image

from mnist_mlp import load
from mnist_mlp.network import WEIGHTS
from mnist_mlp.training.card import model_card
from mnist_mlp.training.mnist import Digits

# Code for the fixture `hub_user`.
PUSH = 'print(load(sys.argv[1]).push_to_hub("owner/digits"))'
SAME = """
import numpy as np
net = MLP.from_pretrained("owner/digits")
assert all(np.array_equal(net.weights[k], v) for k, v in load(sys.argv[1]).weights.items())
assert net.config == load(sys.argv[1]).config and net.reader.to_json() == load(sys.argv[1]).reader.to_json()
print(net.activation)
"""
PUBLISH = """
from pathlib import Path
from mnist_mlp.training.publish import publish
print(publish(Path(sys.argv[1]), "owner/digits", pictures=Path(sys.argv[2]) if sys.argv[2:] else None))
"""
SERVE = """
import logging
logging.basicConfig()
from mnist_mlp.server import networks
from mnist_mlp.server.networks import notice, serving
networks.HUB_TIMEOUT = 2  # the same clock, sooner
for network in ("relu", "sigmoid"):
    net = serving(network)
    print(net.activation, net is load(network), net.config.get("from"))
print(notice())
"""
SHIPPED = "relu True None\nsigmoid True None"
FILES = ("model.safetensors", "config.json", "reader.json")
# Of no network: the card has to show the figures that it is given.
METRICS = {
    "relu": {"epochs": 7, "sure": 0.37, "scribbles_kept": 0.125},
    "sigmoid": {"validation_accuracy": 0.8766},
}
TEST = {"relu": {"test_errors": 4321, "test_accuracy": 0.5679, "test_ece": 0.0123}}


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A folder of networks as train.py leaves it."""
    folder = tmp_path / "trained"
    for network in ("relu", "sigmoid"):
        load(network).save_pretrained(folder / network)
        (folder / network / "README.md").unlink()
    (folder / "metrics.json").write_text(json.dumps(METRICS))
    (folder / "test.json").write_text(json.dumps(TEST))
    return folder


@pytest.mark.parametrize("network", ["relu", "sigmoid"])
def test_what_is_pushed_comes_back(hub: Hub, hub_user: Run, network: str) -> None:
    assert ok(hub_user(PUSH, network)).startswith(hub.address)
    files = hub.repos["owner/digits"][-1]
    assert sorted(files) == sorted(["README.md", *FILES])
    for name in FILES:  # what the repository here holds is what the Hub holds
        assert files[name] == (WEIGHTS / network / name).read_bytes()
    assert ok(hub_user(SAME, network)) == network


def test_the_same_network_is_saved_as_the_same_bytes(tmp_path: Path) -> None:
    code = "import sys; from mnist_mlp import load; load().save_pretrained(sys.argv[1])"
    for hash_seed in "12":
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed}
        subprocess.run([sys.executable, "-c", code, str(tmp_path / hash_seed)], env=environment, check=True)
    one, other = (tmp_path / hash_seed / "model.safetensors" for hash_seed in "12")
    assert one.read_bytes() == other.read_bytes()


# Publishing


def test_a_repository_has_both_networks_the_figures_and_a_card(
    hub: Hub, hub_user: Run, trained: Path
) -> None:
    (trained.parent / "docs" / "relu").mkdir(parents=True)
    (trained.parent / "docs" / "relu" / "mistakes.png").write_bytes(b"\x89PNG a picture")
    ok(hub_user(PUBLISH, str(trained), str(trained.parent / "docs")))
    empty, files = hub.repos["owner/digits"]  # and one commit with everything
    assert not empty
    of_both = {f"{network}/{name}" for network in ("relu", "sigmoid") for name in FILES}
    assert set(files) == {
        "README.md",
        "metrics.json",
        "test.json",
        "docs/relu/mistakes.png",
        *FILES,
        *of_both,
    }
    for name in of_both:
        assert files[name] == (trained / name).read_bytes()
    for name in FILES:
        assert files[name] == files[f"relu/{name}"]
    read = 'print(MLP.from_pretrained("owner/digits", subfolder=sys.argv[1]).activation)'
    assert [ok(hub_user(read, folder)) for folder in ("", "relu", "sigmoid")] == ["relu", "relu", "sigmoid"]
    assert b"![Mistakes, ReLU](docs/relu/mistakes.png)" in files["README.md"]


def test_nothing_is_published_that_would_not_load(hub: Hub, hub_user: Run, trained: Path) -> None:
    (trained / "sigmoid" / "model.safetensors").write_bytes(b"half a fi")
    done = hub_user(PUBLISH, str(trained))
    assert done.returncode == 1 and "model.safetensors" in done.stderr and not hub.repos


def test_the_published_cards_snippet_runs(hub: Hub, hub_user: Run, trained: Path, mnist: Digits) -> None:
    """On a digit as a person would have it: dark on light, larger than MNIST's, in a file."""
    sure = load().predict_proba(mnist.images[:100] / np.float32(255)).max(1).argmax()
    Image.fromarray(255 - mnist.images[sure]).resize((280, 280)).save(trained.parent / "digit.png")
    ok(hub_user(PUBLISH, str(trained)))
    card = hub.repos["owner/digits"][-1]["README.md"].decode()
    text, confidence = ok(hub_user(card.split("```python\n")[1].split("```")[0])).split()
    assert int(text) == mnist.labels[sure] and 0 < float(confidence) <= 1


def test_the_card_shows_the_figures_it_is_given(trained: Path) -> None:
    card = model_card(trained, "owner/digits")
    data: Any = ModelCard(card).data
    assert data.model_name == "digits" and data.license == "apache-2.0"
    figures = {(result.metric_name, result.metric_value) for result in data.eval_results}
    assert figures == {("accuracy, ReLU network", 0.5679), ("ece, ReLU network", 0.0123)}
    for shown in ("4,321", "56.79%", "87.66%", "1.23%", "0.37", "12.5%", "–"):
        assert shown in card
    for part in ("What for", "Limits", "Data", "Licence", "CC BY-SA 3.0", 'from_pretrained("owner/digits")'):
        assert part in card


# What the app serves


def from_the_hub(hub: Hub) -> None:
    """Makes the published networks differ from the shipped ones."""
    repo = hub.repos["owner/digits"]
    files = {
        name: json.dumps({**json.loads(content), "from": "hub"}).encode() if "config" in name else content
        for name, content in repo[-1].items()
    }
    repo.append(files)


def test_the_app_serves_the_repository_or_the_folder_that_is_named(
    hub: Hub, hub_user: Run, trained: Path
) -> None:
    assert ok(hub_user(SERVE)) == SHIPPED
    assert ok(hub_user(SERVE, MNIST_MLP_REPO=str(trained))) == "relu False None\nsigmoid False None"
    ok(hub_user(PUBLISH, str(trained)))
    from_the_hub(hub)
    assert ok(hub_user(SERVE, MNIST_MLP_REPO="owner/digits")) == "relu False hub\nsigmoid False hub"


def test_the_app_serves_a_repository_with_one_network(hub: Hub, hub_user: Run) -> None:
    ok(hub_user(PUSH, "sigmoid"))
    from_the_hub(hub)
    served = ok(hub_user(SERVE, MNIST_MLP_REPO="owner/digits"))
    assert served.startswith(
        "relu True None\nsigmoid False hub\nThe ReLU network of owner/digits is not available"
    )


@pytest.mark.parametrize("fault", ["no such repository", "no Hub", "broken file", "silent"])
def test_without_the_hub_the_shipped_networks_answer(
    hub: Hub, hub_user: Run, trained: Path, fault: str
) -> None:
    ok(hub_user(PUBLISH, str(trained)))
    from_the_hub(hub)
    # As after an earlier start, there is a copy in the cache: it is not taken for what the Hub has today.
    ok(hub_user(SERVE, MNIST_MLP_REPO="owner/digits"))
    environment = {"MNIST_MLP_REPO": "owner/digits"}
    if fault == "no such repository":
        environment["MNIST_MLP_REPO"] = "owner/other"
    elif fault == "no Hub":
        environment["HF_ENDPOINT"] = "http://127.0.0.1:9"
    elif fault == "silent":
        hub.silent = True
    else:
        files = hub.repos["owner/digits"][-1].items()
        torn = {name: each[:1000] if name.endswith(".safetensors") else each for name, each in files}
        hub.repos["owner/digits"].append(torn)
    done = hub_user(SERVE, **environment)
    assert ok(done).startswith(SHIPPED + "\nThe ReLU and sigmoid network of owner/")
    assert "the shipped" in done.stderr  # in the log, with the reason


def test_importing_the_app_asks_the_hub_nothing_and_starts_nothing(hub: Hub, hub_user: Run) -> None:
    hub.silent = True
    code = "import threading; before = threading.active_count(); import app; print(threading.active_count() - before)"
    start = time.monotonic()
    assert ok(hub_user(code, MNIST_MLP_REPO="owner/digits")).splitlines()[-1] == "0"
    assert time.monotonic() - start < 60 and not hub.requests
