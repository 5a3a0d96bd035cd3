"""Publishing and the model card, against a Hub on loopback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from hub_server import METRICS, PUBLISH, Hub, Run, ok, refused
from huggingface_hub import ModelCard
from PIL import Image

from mnist_mlp import load
from mnist_mlp.training.card import model_card
from mnist_mlp.training.data import Mnist


def test_a_repository_has_both_networks_the_figures_and_a_card(
    hub: Hub, hub_user: Run, trained: Path
) -> None:
    (trained.parent / "docs" / "relu").mkdir(parents=True)
    (trained.parent / "docs" / "relu" / "mistakes.png").write_bytes(b"\x89PNG a picture")
    ok(hub_user(PUBLISH, str(trained), str(trained.parent / "docs")))
    repo = hub.repos["models/owner/digits"]
    assert len(repo.commits) == 2  # the empty one, and one with everything
    files = repo.at("main")[1]
    for name in ("relu/model.safetensors", "relu/config.json", "sigmoid/model.safetensors", "metrics.json"):
        assert files[name] == (trained / name).read_bytes()
    assert files["model.safetensors"] == files["relu/model.safetensors"]
    assert set(files) == {
        *("README.md", "metrics.json", "model.safetensors", "config.json", "docs/relu/mistakes.png"),
        *(
            f"{network}/{name}"
            for network in ("relu", "sigmoid")
            for name in ("model.safetensors", "config.json")
        ),
    }
    read = 'print(MLP.from_pretrained("owner/digits", subfolder=sys.argv[1]).activation)'
    assert [ok(hub_user(read, subfolder)) for subfolder in ("", "relu", "sigmoid")] == [
        "relu",
        "relu",
        "sigmoid",
    ]
    assert b"![Mistakes, ReLU](docs/relu/mistakes.png)" in files["README.md"]


def test_nothing_is_published_that_would_not_load(hub: Hub, hub_user: Run, trained: Path) -> None:
    (trained / "sigmoid" / "model.safetensors").write_bytes(b"half a fi")
    refused(hub_user(PUBLISH, str(trained)), "model.safetensors")
    assert not hub.repos


def snippet(card: str) -> str:
    return card.split("```python\n")[1].split("```")[0]


def test_the_published_cards_snippet_runs(hub: Hub, hub_user: Run, trained: Path, mnist: Mnist) -> None:
    """On a digit as a person would have it: dark on light, larger than MNIST's, in a file."""
    nets = [load(network) for network in ("relu", "sigmoid")]
    x, y = mnist.x_test[:100], mnist.y_test[:100]
    right = np.flatnonzero(
        [all(net.predict_proba(x[i] / np.float32(255)).argmax() == y[i] for net in nets) for i in range(100)]
    )
    digit = right[0]
    Image.fromarray(255 - x[digit]).resize((280, 280)).save(trained.parent / "digit.png")
    ok(hub_user(PUBLISH, str(trained)))
    card = hub.repos["models/owner/digits"].at("main")[1]["README.md"].decode()
    read, confidence = ok(hub_user(snippet(card))).split()
    assert int(read) == y[digit]
    assert 0 < float(confidence) <= 1


def test_the_card_shows_the_figures_it_is_given() -> None:
    card = model_card(METRICS, "owner/digits")
    data: Any = ModelCard(card).data
    assert data.model_name == "digits"
    figures = {(result.metric_name, result.metric_value) for result in data.eval_results}
    assert figures == {
        ("accuracy, ReLU network", 0.5679),
        ("ece, ReLU network", 0.0123),
        ("accuracy, sigmoid network", 0.8766),
    }
    assert data.license == "apache-2.0"
    for shown in ("4,321", "1,234", "56.79%", "87.66%", "1.23%", "0.37", "–"):
        assert shown in card
    for part in ("What for", "Limits", "Data", "Licence", "CC BY-SA 3.0", 'from_pretrained("owner/digits")'):
        assert part in card


def test_the_card_of_one_network_shows_that_alone() -> None:
    card = model_card({"sigmoid": METRICS["sigmoid"]})
    assert "1,234" in card and "4,321" not in card and "| | sigmoid |" in card
