"""Saving, pushing and fetching a network, by the real `huggingface_hub` against a Hub on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers import ROOT
from hub_server import PUSH, SAME, Hub, Run, ok

from mnist_mlp import MLP, load
from mnist_mlp.network import WEIGHTS

REFUSED = """
for number in range(int(sys.argv[1])):
    try:
        MLP.from_pretrained("owner/digits", revision=f"damage-{number}")
    except ValueError as fault:
        print(fault)
"""


@pytest.mark.parametrize("network", ["relu", "sigmoid"])
def test_what_is_pushed_comes_back(hub: Hub, hub_user: Run, network: str) -> None:
    assert ok(hub_user(PUSH, network)).startswith(hub.address)
    files = hub.repos["models/owner/digits"].at("main")[1]
    assert sorted(files) == ["README.md", "config.json", "model.safetensors"]
    # What the repository here holds is what the Hub holds.
    assert json.loads(files["config.json"]) == json.loads((WEIGHTS / network / "config.json").read_text())
    assert ok(hub_user(SAME, network)) == network


def test_a_repository_that_holds_something_else_is_refused(hub: Hub, hub_user: Run) -> None:
    ok(hub_user(PUSH, "relu"))
    repo = hub.repos["models/owner/digits"]
    whole = repo.at("main")[1]
    damages: list[tuple[str, bytes | None, str]] = [
        ("config.json", b"[]", "JSON object"),
        ("config.json", b'{"activation": "tanh", "layers": [784, 128, 256, 10]}', "tanh"),
        ("config.json", None, "No such file"),
        ("model.safetensors", b"not tensors", "eader"),
        ("model.safetensors", None, "No such file"),
    ]
    for number, (file, content, _) in enumerate(damages):
        others = {name: kept for name, kept in whole.items() if name != file}
        repo.commit(f"damage-{number}", others if content is None else {**others, file: content})
    said = ok(hub_user(REFUSED, str(len(damages)))).splitlines()
    for (file, _, fault), line in zip(damages, said, strict=True):
        assert file in line and fault in line


SAVE = """
import sys
from mnist_mlp import MLP, load
relu = load("relu")
double = MLP({name: 2 * tensor for name, tensor in relu.weights.items()}, {**relu.config, "mark": "double"})
print("ready", flush=True)
while True:
    for net in (relu, double):
        net.save_pretrained(sys.argv[1])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_each_file_is_whole_after_a_kill_while_saving(tmp_path: Path) -> None:
    """Two networks are saved in turn over one another."""
    relu, rng = load("relu"), np.random.default_rng(0)
    relu.save_pretrained(tmp_path)
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", SAVE, str(tmp_path)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout and process.stdout.readline() == "ready\n"
        time.sleep(rng.uniform(0, 0.1))
        process.kill()
        process.wait()
        process.stdout.close()
        read = MLP.from_pretrained(tmp_path)
        assert read.config in (relu.config, {**relu.config, "mark": "double"})
        scale = read.b1[0] / relu.b1[0]
        assert scale in (1, 2)
        for name, tensor in relu.weights.items():
            assert np.array_equal(read.weights[name], scale * tensor)


def test_the_same_network_is_saved_as_the_same_bytes(tmp_path: Path) -> None:
    code = "import sys; from mnist_mlp import load; load().save_pretrained(sys.argv[1])"
    for hash_seed in "12":
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed}
        subprocess.run([sys.executable, "-c", code, str(tmp_path / hash_seed)], env=environment, check=True)
    one, other = (tmp_path / hash_seed / "model.safetensors" for hash_seed in "12")
    assert one.read_bytes() == other.read_bytes()


def test_saving_keeps_a_card_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    load().save_pretrained(tmp_path)
    assert (tmp_path / "README.md").read_text() == "mine"
    assert MLP.from_pretrained(tmp_path).config == load().config


def test_a_configuration_given_to_save_is_what_is_saved(tmp_path: Path) -> None:
    net = load()
    net.save_pretrained(tmp_path, config={**net.config, "mark": "mine"})
    assert MLP.from_pretrained(tmp_path).config == {**net.config, "mark": "mine"}
    with pytest.raises(ValueError, match="activation"):
        net.save_pretrained(tmp_path, config={"activation": "tanh"})
    with pytest.raises(TypeError, match="privat"):
        net.save_pretrained(tmp_path, privat=True)
