"""The network as it joins the Hugging Face Hub."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from huggingface_hub import ModelHubMixin, snapshot_download
from safetensors.numpy import save_file

from mnist_mlp.counterfactual import smallest_change
from mnist_mlp.explain import Explanation, explain
from mnist_mlp.files import write_together
from mnist_mlp.network import Network, shipped

NAMES = {"relu": "ReLU", "sigmoid": "sigmoid"}  # as people read them

# The model card of one network; `training.card` has that of both.
CARD = """---
{{ card_data }}
---

# A small network that reads handwritten digits

784-128-256-10, trained on MNIST by the command in `config.json`.

```python
from mnist_mlp import MLP, read
from mnist_mlp.picture import read_picture

net = MLP.from_pretrained("user/name")  # this repository's id, or a folder with its files
print(read(read_picture("digit.png"), net).text)  # your picture, of any size and colour
```
"""


class MLP(
    Network,
    ModelHubMixin,
    model_card_template=CARD,
    library_name="mnist-mlp",
    license="apache-2.0",
    pipeline_tag="image-classification",
    tags=["mnist", "numpy"],
):
    """A `Network` that can be saved, pushed to the Hub and fetched from it."""

    def explain(self, x: np.ndarray, digit: int | None = None) -> Explanation:
        """Each pixel's contribution to one digit's logit: evidence (28, 28), bias and logit.

        Exact for ReLU, integrated gradients from a blank image for the sigmoid; in both,
        evidence.sum() + bias is the logit. `mnist_mlp.explain` has the formulas.

        Args:
            x: one picture, (784,) or (28, 28), floats in 0..1.
            digit: 0 to 9; None for the predicted one.

        Raises:
            TypeError, ValueError: another picture, or no such digit.
        """
        return explain(self, x, digit)

    def smallest_change(self, x: np.ndarray, digit: int) -> np.ndarray:
        """The picture nearest to x (L2) that the network reads as a digit, as near as it finds one.

        DeepFool (Moosavi-Dezfooli, Fawzi and Frossard, 2016) for that digit and within 0..1, then refined:
        `mnist_mlp.counterfactual` has the formulas.

        Args:
            x: one picture, (784,) or (28, 28), floats in 0..1.
            digit: 0 to 9.

        Returns:
            (28, 28) float32 in 0..1; x itself where it is read as the digit.

        Raises:
            TypeError, ValueError: another picture, no such digit, or no change was found.
        """
        return smallest_change(self, x, digit)

    def save_pretrained(
        self,
        save_directory: str | Path,
        *,
        config: Any = None,
        repo_id: str | None = None,
        push_to_hub: bool = False,
        model_card_kwargs: dict[str, Any] | None = None,
        **hub: Any,
    ) -> str | None:
        """Save model.safetensors, config.json and, where there is none, a README.md.

        Each file is replaced atomically.

        Args:
            save_directory: the folder, made if there is none.
            config: what to write into config.json instead of `self.config`.
            repo_id, push_to_hub, model_card_kwargs, hub: as in `huggingface_hub.ModelHubMixin`.

        Returns:
            The address of the commit, if it was pushed.

        Raises:
            ValueError: the configuration is not a network's.
            TypeError: an option that only a push takes, without `push_to_hub`.
            OSError: the folder could not be written.
        """
        network = self if config is None else type(self)(self.weights, config)
        if hub and not push_to_hub:
            raise TypeError(f"save_pretrained takes {', '.join(hub)} with push_to_hub=True only")
        folder = Path(save_directory)
        folder.mkdir(parents=True, exist_ok=True)
        # The mixin deletes config.json before it writes the new one: let it work in another folder.
        with TemporaryDirectory() as apart:
            ModelHubMixin.save_pretrained(network, apart, model_card_kwargs=model_card_kwargs)
            files = {folder / file.name: file.read_bytes() for file in Path(apart).iterdir()}
        if (folder / "README.md").exists():
            del files[folder / "README.md"]
        write_together(files)
        if not push_to_hub:
            return None
        return network.push_to_hub(repo_id or folder.name, model_card_kwargs=model_card_kwargs, **hub)

    def _save_pretrained(self, save_directory: Path) -> None:
        # One entry: safetensors writes several in an order that changes from run to run.
        save_file(self.weights, save_directory / "model.safetensors", {"activation": self.activation})
        (save_directory / "config.json").write_text(
            json.dumps(self.config, indent=2) + "\n", encoding="utf-8"
        )

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        *,
        subfolder: str = "",
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | Path | None = None,
        force_download: bool = False,
        local_files_only: bool = False,
        **unknown: Any,
    ) -> MLP:
        """Read a network from a folder, or from a repository of the Hub.

        Args:
            pretrained_model_name_or_path: a folder, or a repository's id such as "user/name".
            subfolder: where in it the network is: "sigmoid" in a repository that `train.py` published.
            revision, token, cache_dir, force_download, local_files_only: as in
                `huggingface_hub.snapshot_download`.

        Raises:
            ValueError: the files are not a network's; the message names the file and the fault.
            huggingface_hub.errors.HfHubHTTPError, LocalEntryNotFoundError: the repository, the
                revision or the Hub cannot be reached.
        """
        if unknown:
            raise TypeError(f"from_pretrained knows no {', '.join(unknown)}")
        folder = Path(pretrained_model_name_or_path)
        if not folder.is_dir():
            inside = f"{subfolder}/" if subfolder else ""
            folder = Path(
                snapshot_download(
                    str(pretrained_model_name_or_path),
                    allow_patterns=[f"{inside}model.safetensors", f"{inside}config.json"],
                    revision=revision,
                    token=token,
                    cache_dir=cache_dir,
                    force_download=force_download,
                    local_files_only=local_files_only,
                )
            )
        return cls.from_folder(folder / subfolder)


@cache
def load(name: str = "relu") -> MLP:
    """A network shipped with the package: "relu" or "sigmoid". Needs no connection."""
    return MLP.from_folder(shipped(name))
