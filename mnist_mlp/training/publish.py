"""Publishing: what `train.py` saved, as a repository on the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi

from mnist_mlp.mlp import MLP, NAMES
from mnist_mlp.reader import READER_FILE
from mnist_mlp.training.card import model_card


def publish(
    folder: Path,
    repo_id: str,
    *,
    pictures: Path | None = None,
    token: str | None = None,
    private: bool | None = None,
) -> str:
    """Put what `train.py` saved into a repository, in one commit.

    The repository holds relu/ and sigmoid/ with a network each, metrics.json and test.json, as the folder does; at its
    top, where `MLP.from_pretrained(repo_id)` looks, the ReLU network again; docs/ with the pictures; and a
    model card.

    Args:
        folder: relu/ and sigmoid/, or one of them, and metrics.json.
        repo_id: "user/name", made if there is none.
        pictures: a folder with relu/ and sigmoid/, whose PNG files the model card shows.
        token: as in `huggingface_hub.HfApi`; by default that of `hf auth login` or `HF_TOKEN`.
        private: whether a new repository is private.

    Returns:
        The address of the commit.

    Raises:
        ValueError, FileNotFoundError: the folder does not hold that.
        huggingface_hub.errors.HfHubHTTPError: the Hub refused.
    """
    names = [name for name in NAMES if (folder / name).is_dir()]
    for name in names:
        MLP.from_pretrained(folder / name)  # nothing is published that does not load again
    files = {path.name: path.read_bytes() for path in _files(folder, ".json")}
    for name in names:
        for path in _files(folder / name, ".safetensors", ".json"):
            files[f"{name}/{path.name}"] = path.read_bytes()
        for path in _files(pictures / name, ".png") if pictures else []:
            files[f"docs/{name}/{path.name}"] = path.read_bytes()
    if "relu" in names:
        files |= {name: files[f"relu/{name}"] for name in ("model.safetensors", "config.json", READER_FILE)}
    api = HfApi(token=token)
    repo_id = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
    card = model_card(folder, repo_id, [name for name in files if name.endswith(".png")])
    files["README.md"] = card.encode()
    operations = [CommitOperationAdd(name, content) for name, content in sorted(files.items())]
    return api.create_commit(repo_id, operations, commit_message="Publish the networks").commit_url


def _files(folder: Path, *endings: str) -> list[Path]:
    # A name that begins with a dot is a checkpoint's, or a part that a killed process left.
    return sorted(path for path in folder.glob("[!.]*") if path.suffix in endings)
