"""The Hub, over HTTP: the real `huggingface_hub` in its own process and a server that speaks its protocol."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hub_server import Hub, running
from huggingface_hub import ModelCard

from mnist_mlp import MLP, load
from mnist_mlp.network import WEIGHTS
from mnist_mlp.server.networks import model_card

ROOT = Path(__file__).parents[1]
METRICS = {  # figures of no network: the card has to show what it is given
    "relu": {
        "test_errors": 4321,
        "test_accuracy": 0.5679,
        "test_ece": 0.0123,
        "epochs": 7,
        "not_sure_below": 0.37,
    },
    "sigmoid": {"test_errors": 1234, "test_accuracy": 0.8766},
    "robustness": {},
}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running() as hub:
        yield hub


Client = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def client(hub: Hub, tmp_path: Path) -> Client:
    """Runs Python code as a user of the Hub would."""

    def run(
        code: str, *arguments: str, token: str = "hf_owner", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        settings = {
            "HF_ENDPOINT": hub.address,
            "HF_HOME": str(tmp_path / "hf"),
            "HF_TOKEN": token,
            "HF_HUB_DISABLE_XET": "1",  # LFS, which every Hub speaks
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DOWNLOAD_TIMEOUT": "2",
        }
        return subprocess.run(
            [sys.executable, "-c", "import sys\nfrom mnist_mlp import MLP, load\n" + code, *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT), **settings, **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


def ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def refused(done: subprocess.CompletedProcess[str], error: str) -> None:
    assert done.returncode == 1
    assert error in done.stderr.strip().split("\n\n")[-1] or error in done.stderr


PUSH = 'print(load(sys.argv[1]).push_to_hub("owner/digits"))'
SAME = """
import numpy as np
net = MLP.from_pretrained("owner/digits")
assert all(np.array_equal(net.weights[k], v) for k, v in load(sys.argv[1]).weights.items())
assert net.config == load(sys.argv[1]).config
print(net.activation)
"""


@pytest.mark.parametrize("network", ["relu", "sigmoid"])
def test_there_and_back(hub: Hub, client: Client, network: str) -> None:
    assert ok(client(PUSH, network)).startswith(hub.address)
    files = hub.repos["models/owner/digits"].at("main")[1]
    assert sorted(files) == ["README.md", "config.json", "model.safetensors"]
    # What the repository here holds is what the Hub holds.
    assert json.loads(files["config.json"]) == json.loads((WEIGHTS / network / "config.json").read_text())
    assert any("lfs/objects/batch" in request for request in hub.requests)
    assert ok(client(SAME, network)) == network


def test_reading_with_xet_installed_from_a_hub_without_it(hub: Hub, client: Client) -> None:
    """hf_xet comes with huggingface_hub. Read by it is only what the Hub says is in its storage."""
    assert importlib.util.find_spec("hf_xet")
    ok(client(PUSH, "relu"))
    assert ok(client(SAME, "relu", HF_HUB_DISABLE_XET="0")) == "relu"
    assert any("GET /cdn/" in request for request in hub.requests)


def test_writing_with_xet_asks_the_hub_for_its_storage(hub: Hub, client: Client) -> None:
    """huggingface_hub knows no way back from Xet. Of a Hub without it, it says what it asked for in vain."""
    refused(client(PUSH, "relu", HF_HUB_DISABLE_XET="0"), "xet-write-token")
    assert not hub.repos["models/owner/digits"].at("main")[1]  # nothing half


def test_every_step_went_over_http(hub: Hub, client: Client) -> None:
    ok(client(PUSH, "relu"))
    steps = ("create", "validate-yaml", "preupload", "objects/batch", "PUT /lfs", "verify", "commit")
    assert all(any(step in request for request in hub.requests) for step in steps), hub.requests


def test_pushing_the_same_again_makes_no_new_commit(hub: Hub, client: Client) -> None:
    ok(client(PUSH, "relu"))
    before = dict(hub.repos["models/owner/digits"].commits)
    ok(client(PUSH, "relu"))
    assert hub.repos["models/owner/digits"].commits.keys() == before.keys()


def test_revisions(hub: Hub, client: Client) -> None:
    ok(client(PUSH, "relu"))
    ok(
        client("""
from huggingface_hub import HfApi
HfApi().create_tag("owner/digits", tag="v1")
HfApi().create_branch("owner/digits", branch="trial")
load("sigmoid").push_to_hub("owner/digits", branch="trial")
for revision in ("main", "v1", "trial"):
    print(MLP.from_pretrained("owner/digits", revision=revision).activation)
""")
    )
    repo = hub.repos["models/owner/digits"]
    read = 'print(MLP.from_pretrained("owner/digits", revision=sys.argv[1]).activation)'
    for revision, network in {
        "main": "relu",
        "v1": "relu",
        "trial": "sigmoid",
        repo.refs["v1"]: "relu",
    }.items():
        assert ok(client(read, revision)) == network
    refused(client(read, "v2"), "Revision Not Found")


def test_a_wrong_token(hub: Hub, client: Client) -> None:
    refused(client(PUSH, "relu", token="hf_forged"), "Invalid credentials")
    assert not hub.repos
    refused(client(PUSH, "relu", token="hf_reader"), "You cannot create this repository")
    ok(client(PUSH, "relu"))
    refused(client('MLP.from_pretrained("owner/digits", token="hf_forged")'), "Invalid credentials")


def test_a_private_repository(hub: Hub, client: Client) -> None:
    ok(client('load().push_to_hub("owner/mine", private=True)'))
    read = 'print(MLP.from_pretrained("owner/mine", token=sys.argv[1]).activation)'
    refused(client(read, "hf_reader", token="hf_reader"), "Repository Not Found")
    assert ok(client(read, "hf_owner", token="hf_reader")) == "relu"


def test_a_missing_repository(client: Client) -> None:
    refused(client('MLP.from_pretrained("owner/nothing")'), "Repository Not Found")


def test_a_download_that_breaks_halfway_is_taken_up_again(hub: Hub, client: Client) -> None:
    ok(client(PUSH, "relu"))
    hub.breaks["/cdn/"] = 1
    assert ok(client(SAME, "relu")) == "relu"
    assert sum("GET /cdn/" in request for request in hub.requests) == 2


def test_a_download_that_never_comes_through_leaves_nothing_half(
    hub: Hub, client: Client, tmp_path: Path
) -> None:
    ok(client(PUSH, "relu"))
    hub.breaks["/cdn/"] = 1000
    done = client(SAME, "relu")
    assert done.returncode == 1
    assert not list((tmp_path / "hf").rglob("snapshots/*/*.safetensors"))
    hub.breaks.clear()
    assert ok(client(SAME, "relu")) == "relu"


@pytest.mark.parametrize(
    ("file", "content", "fault"),
    [
        ("config.json", b"[]", "JSON object"),
        ("config.json", b"{", "config.json"),
        ("config.json", b'{"activation": "tanh", "layers": [784, 128, 256, 10]}', "tanh"),
        ("model.safetensors", b"not tensors", "model.safetensors"),
        ("model.safetensors", None, "model.safetensors"),
        ("config.json", None, "config.json"),
    ],
)
def test_a_repository_that_holds_something_else(
    hub: Hub, client: Client, file: str, content: bytes | None, fault: str
) -> None:
    ok(client(PUSH, "relu"))
    files = dict(hub.repos["models/owner/digits"].at("main")[1])
    if content is None:
        del files[file]
    else:
        files[file] = content
    hub.repos["models/owner/digits"].commit("main", files)
    done = client('try: MLP.from_pretrained("owner/digits")\nexcept ValueError as fault: print(fault)')
    assert file in ok(done)
    assert fault in ok(done)


# What train.py publishes


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A folder as train.py leaves it."""
    folder = tmp_path / "weights"
    for network in ("relu", "sigmoid"):
        load(network).save_pretrained(folder / network)
        (folder / network / "README.md").unlink()
    (folder / "relu" / "mistakes.png").write_bytes(b"\x89PNG a picture")
    (folder / "metrics.json").write_text(json.dumps(METRICS))
    (folder / ".config.json.123.part").write_text("left by a process that was killed")
    (folder / ".checkpoint-both").mkdir()
    (folder / ".checkpoint-both" / "state.json").write_text("{}")
    return folder


PUBLISH = """
from pathlib import Path
from mnist_mlp.server.networks import publish
print(publish(Path(sys.argv[1]), "owner/digits"))
"""


def test_publish(hub: Hub, client: Client, trained: Path) -> None:
    ok(client(PUBLISH, str(trained)))
    repo = hub.repos["models/owner/digits"]
    assert len(repo.commits) == 2  # the empty one, and one with everything
    files = repo.at("main")[1]
    for name in (
        "relu/model.safetensors",
        "relu/config.json",
        "sigmoid/model.safetensors",
        "relu/mistakes.png",
    ):
        assert files[name] == (trained / name).read_bytes()
    assert files["model.safetensors"] == files["relu/model.safetensors"]
    assert set(files) == {
        *("README.md", "metrics.json", "model.safetensors", "config.json", "relu/mistakes.png"),
        *(
            f"{network}/{name}"
            for network in ("relu", "sigmoid")
            for name in ("model.safetensors", "config.json")
        ),
    }
    read = 'print(MLP.from_pretrained("owner/digits", subfolder=sys.argv[1]).activation)'
    assert [ok(client(read, subfolder)) for subfolder in ("", "relu", "sigmoid")] == [
        "relu",
        "relu",
        "sigmoid",
    ]
    assert b"![Mistakes, ReLU](relu/mistakes.png)" in files["README.md"]


def test_nothing_is_published_that_would_not_load(hub: Hub, client: Client, trained: Path) -> None:
    (trained / "sigmoid" / "model.safetensors").write_bytes(b"half a fi")
    refused(client(PUBLISH, str(trained)), "model.safetensors")
    assert not hub.repos


def snippet(card: str) -> str:
    return card.split("```python\n")[1].split("```")[0]


def test_the_cards_snippet_runs(hub: Hub, client: Client, trained: Path, mnist: object) -> None:
    """On a digit as a person would have it: dark on light, larger than MNIST's, in a file."""
    from PIL import Image

    nets = [load(network) for network in ("relu", "sigmoid")]
    x, y = mnist.x_test[:100], mnist.y_test[:100]  # type: ignore[attr-defined]
    right = np.flatnonzero(
        [all(net.predict_proba(x[i] / np.float32(255)).argmax() == y[i] for net in nets) for i in range(100)]
    )
    digit = right[0]
    Image.fromarray(255 - x[digit]).resize((280, 280)).save(trained.parent / "digit.png")
    ok(client(PUBLISH, str(trained)))
    card = hub.repos["models/owner/digits"].at("main")[1]["README.md"].decode()
    read, confidence = ok(client(snippet(card))).split()
    assert int(read) == y[digit]
    assert 0 < float(confidence) <= 1


def test_the_card_has_the_figures_and_nothing_else() -> None:
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


def test_the_card_of_one_network() -> None:
    card = model_card({"sigmoid": METRICS["sigmoid"]})
    assert "1,234" in card and "4,321" not in card and "| | sigmoid |" in card


# What the app serves


SERVE = """
import logging
logging.basicConfig()
from mnist_mlp import hub
from mnist_mlp.server.networks import notice, serving
hub.PATIENCE = 2  # the same clock, sooner
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


def test_the_app_serves_the_repository_that_is_named(hub: Hub, client: Client, trained: Path) -> None:
    assert ok(client(SERVE)) == SHIPPED
    ok(client(PUBLISH, str(trained)))
    marked(hub)
    assert ok(client(SERVE, MNIST_MLP_REPO="owner/digits")) == "relu False hub\nsigmoid False hub"


def test_the_app_serves_a_repository_with_one_network(hub: Hub, client: Client) -> None:
    ok(client(PUSH, "sigmoid"))
    marked(hub)
    served = ok(client(SERVE, MNIST_MLP_REPO="owner/digits"))
    assert served.startswith(
        "relu True None\nsigmoid False hub\nThe ReLU network of owner/digits could not be had"
    )


def test_the_app_serves_a_folder(client: Client, trained: Path) -> None:
    assert ok(client(SERVE, MNIST_MLP_REPO=str(trained))) == "relu False None\nsigmoid False None"


@pytest.mark.parametrize(
    "fault", ["no such repository", "no Hub", "wrong token", "broken file", "breaks", "silent"]
)
def test_without_the_hub_the_shipped_networks_answer(
    hub: Hub, client: Client, trained: Path, tmp_path: Path, fault: str
) -> None:
    ok(client(PUBLISH, str(trained)))
    marked(hub)
    # As after an earlier start, there is a copy in the cache: it is not taken for what the Hub has today.
    ok(client(SERVE, MNIST_MLP_REPO="owner/digits"))
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
    done = client(SERVE, token=token, **environment)
    assert ok(done).startswith(SHIPPED + "\nThe ReLU and sigmoid network of owner/")
    assert "the shipped" in done.stderr  # in the log, with the reason
    assert time.monotonic() - start < 60


# Saving


def doubled() -> MLP:
    net = load("relu")
    return MLP({name: 2 * tensor for name, tensor in net.weights.items()}, {**net.config, "mark": "doubled"})


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_killed_while_saving(tmp_path: Path) -> None:
    """Two networks are saved in turn over one another; whenever that ends, each file is whole."""
    code = """
import sys
sys.path.insert(0, sys.argv[2])
from test_hub import doubled, load
nets = [load("relu"), doubled()]
print("ready", flush=True)
while True:
    for net in nets:
        net.save_pretrained(sys.argv[1])
"""
    rng = np.random.default_rng(0)
    load("relu").save_pretrained(tmp_path)
    for _ in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), str(Path(__file__).parent)],
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
        assert read.config in (load("relu").config, doubled().config)
        assert any(
            all(np.array_equal(read.weights[name], tensor) for name, tensor in net.weights.items())
            for net in (load("relu"), doubled())
        )


def test_the_same_network_is_saved_as_the_same_bytes(tmp_path: Path) -> None:
    code = "import sys; from mnist_mlp import load; load().save_pretrained(sys.argv[1])"
    for run in range(4):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", code, str(tmp_path / str(run))], env=environment, check=True)
    assert len({(tmp_path / str(run) / "model.safetensors").read_bytes() for run in range(4)}) == 1


def test_saving_keeps_a_card_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    load().save_pretrained(tmp_path)
    assert (tmp_path / "README.md").read_text() == "mine"
    assert MLP.from_pretrained(tmp_path).config == load().config


NOTICE = """
import app
print([part.value for part in app.demo.blocks.values() if getattr(part, "elem_id", None) == "notice"])
"""


def test_the_page_says_where_its_networks_come_from_if_not_from_the_hub(client: Client) -> None:
    assert ok(client(NOTICE)) == "[]"
    told = ok(client(NOTICE, MNIST_MLP_REPO="owner/nothing"))
    assert "The ReLU and sigmoid network of owner/nothing could not be had" in told
