"""The network as it joins the Hugging Face Hub, and the short forms: `load` and `read`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from huggingface_hub import ModelHubMixin, snapshot_download
from safetensors.numpy import save_file

from mnist_mlp.counterfactual import smallest_change
from mnist_mlp.explain import Explanation, explain
from mnist_mlp.network import ACTIVATIONS, WEIGHTS
from mnist_mlp.reader import READER_FILE, Reader, Reading

NAMES = {"relu": "ReLU", "sigmoid": "sigmoid"}  # as people read them

# The model card of one network; `training.card` has that of both.
CARD = """---
{{ card_data }}
---

# A small network that reads handwritten digits

784-128-256-10, trained on MNIST by the command in `config.json`.

```python
from mnist_mlp import MLP
from mnist_mlp.picture import read_picture

net = MLP.from_pretrained("user/name")  # this repository's id, or a folder with its files
print(net.read(read_picture("digit.png")).text)  # your picture, of any size and colour
```
"""


class MLP(
    Reader,
    ModelHubMixin,
    model_card_template=CARD,
    library_name="mnist-mlp",
    license="apache-2.0",
    pipeline_tag="image-classification",
    tags=["mnist", "numpy"],
):
    """A `Reader` that explains itself, and can be saved, pushed to the Hub and fetched from it.

    `from_pretrained` takes "subfolder", too: where in a repository the network is, such as "sigmoid" in one that
    `train.py` published.
    """

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
        """A picture near to x (L2) that the network reads as a digit: `mnist_mlp.counterfactual` says how.

        Args:
            x: one picture, (784,) or (28, 28), floats in 0..1.
            digit: 0 to 9.

        Returns:
            (28, 28) float32 in 0..1; x itself where it is read as the digit.

        Raises:
            TypeError, ValueError: another picture, no such digit, or no change was found.
        """
        return smallest_change(self, x, digit)

    def _save_pretrained(self, save_directory: Path) -> None:
        # One entry of metadata: safetensors writes several in an order that changes from run to run.
        save_file(self.weights, save_directory / "model.safetensors", {"activation": self.activation})
        for name, content in (("config.json", self.config), (READER_FILE, self.reader.to_json())):
            (save_directory / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def _from_pretrained(
        cls,
        *,
        model_id: str,
        revision: str | None,
        cache_dir: str | Path | None,
        force_download: bool,
        local_files_only: bool,
        token: str | bool | None,
        **kwargs: Any,
    ) -> MLP:
        subfolder, folder = kwargs.get("subfolder", ""), Path(model_id)
        if not folder.is_dir():
            inside = f"{subfolder}/" if subfolder else ""
            files = ("model.safetensors", "config.json", READER_FILE)
            folder = Path(
                snapshot_download(
                    model_id,
                    allow_patterns=[f"{inside}{file}" for file in files],
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
    """A network shipped with the package: "relu" or "sigmoid". Needs no connection.

    Raises:
        ValueError: no such name.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"the networks are {sorted(ACTIVATIONS)}; got {name!r}")
    return MLP.from_folder(WEIGHTS / name)


def read(canvas: np.ndarray, network: str | Reader = "relu") -> Reading:
    """Read the number that is drawn on a canvas: `Reader.read` of a network, or of the shipped one of that name."""
    return (load(network) if isinstance(network, str) else network).read(canvas)
