"""The networks that the app serves, from a Hub on loopback; each app in a process of its own."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hub_server import PUBLISH, PUSH, Hub, Run, ok

SERVE = """
import logging
logging.basicConfig()
from mnist_mlp.server import networks
from mnist_mlp.server.networks import notice, serving
networks.HUB_TIMEOUT = 2  # the same clock, sooner
for network in ("relu", "sigmoid"):
    net = serving(network)
    print(net.activation, net is load(network), net.config.get("mark"))
print(notice())
"""
SHIPPED = "relu True None\nsigmoid True None"


def marked(hub: Hub) -> None:
    """Makes the published networks differ from the shipped ones."""
    repo = hub.repos["models/owner/digits"]
    files = {
        name: json.dumps({**json.loads(content), "mark": "hub"}).encode()
        if name.endswith("config.json")
        else content
        for name, content in repo.at("main")[1].items()
    }
    repo.commit("main", files)


def test_the_app_serves_the_repository_that_is_named(hub: Hub, hub_user: Run, trained: Path) -> None:
    assert ok(hub_user(SERVE)) == SHIPPED
    ok(hub_user(PUBLISH, str(trained)))
    marked(hub)
    assert ok(hub_user(SERVE, MNIST_MLP_REPO="owner/digits")) == "relu False hub\nsigmoid False hub"


def test_the_app_serves_a_repository_with_one_network(hub: Hub, hub_user: Run) -> None:
    ok(hub_user(PUSH, "sigmoid"))
    marked(hub)
    served = ok(hub_user(SERVE, MNIST_MLP_REPO="owner/digits"))
    assert served.startswith(
        "relu True None\nsigmoid False hub\nThe ReLU network of owner/digits is not available"
    )


def test_the_app_serves_a_folder(hub_user: Run, trained: Path) -> None:
    assert ok(hub_user(SERVE, MNIST_MLP_REPO=str(trained))) == "relu False None\nsigmoid False None"


@pytest.mark.parametrize(
    "fault", ["no such repository", "no Hub", "wrong token", "broken file", "breaks", "silent"]
)
def test_without_the_hub_the_shipped_networks_answer(
    hub: Hub, hub_user: Run, trained: Path, tmp_path: Path, fault: str
) -> None:
    ok(hub_user(PUBLISH, str(trained)))
    marked(hub)
    # As after an earlier start, there is a copy in the cache: it is not taken for what the Hub has today.
    ok(hub_user(SERVE, MNIST_MLP_REPO="owner/digits"))
    environment = {"MNIST_MLP_REPO": "owner/digits"}
    token = "hf_owner"
    if fault == "no such repository":
        environment["MNIST_MLP_REPO"] = "owner/other"
    elif fault == "no Hub":
        environment["HF_ENDPOINT"] = "http://127.0.0.1:9"
    elif fault == "wrong token":
        token = "hf_forged"
    elif fault == "silent":
        hub.silent.add("/api/models")
    else:
        repo = hub.repos["models/owner/digits"]
        files = {
            name: content[:1000] if name.endswith(".safetensors") else content
            for name, content in repo.at("main")[1].items()
        }
        repo.commit("main", files)
        if fault == "breaks":
            hub.breaks["/cdn/"] = 1000
    start = time.monotonic()
    done = hub_user(SERVE, token=token, **environment)
    assert ok(done).startswith(SHIPPED + "\nThe ReLU and sigmoid network of owner/")
    assert "the shipped" in done.stderr  # in the log, with the reason
    assert time.monotonic() - start < 60


NOTICE = """
import app
print([part.value for part in app.demo.blocks.values() if getattr(part, "elem_id", None) == "notice"])
"""


def test_the_page_says_where_its_networks_come_from_if_not_from_the_hub(hub_user: Run) -> None:
    assert ok(hub_user(NOTICE)) == "[]"
    told = ok(hub_user(NOTICE, MNIST_MLP_REPO="owner/nothing"))
    assert "The ReLU and sigmoid network of owner/nothing is not available" in told
