"""The network, in NumPy: 784-128-256-10, sigmoid or ReLU, read from safetensors."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from huggingface_hub import ModelHubMixin, snapshot_download
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from mnist_mlp.explain import Explanation, explain
from mnist_mlp.files import write_together

LAYERS = (784, 128, 256, 10)
WEIGHTS = Path(__file__).parent / "weights"
SHAPES = {
    name: shape
    for i, (fan_in, fan_out) in enumerate(zip(LAYERS, LAYERS[1:]), 1)
    for name, shape in ((f"w{i}", (fan_in, fan_out)), (f"b{i}", (fan_out,)))
}


def relu(z: np.ndarray) -> np.ndarray:
    """max(0, z)"""
    return np.maximum(z, 0)


def sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-z)), written with tanh, which cannot overflow."""
    return 0.5 * np.tanh(0.5 * z) + 0.5


def softmax(logits: np.ndarray) -> np.ndarray:
    """exp(logits) / sum(exp(logits)) over the last axis, shifted so that nothing overflows."""
    e = np.exp(logits - logits.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


ACTIVATIONS = {"relu": relu, "sigmoid": sigmoid}


class Forward(NamedTuple):
    """Every step of one forward pass, in order. All float32; the leading axes are those of x."""

    z1: np.ndarray
    h1: np.ndarray
    z2: np.ndarray
    h2: np.ndarray
    logits: np.ndarray
    probabilities: np.ndarray


# What a network's folder says of it, where `train.py` has not written a model card.
CARD = """---
{{ card_data }}
---

# A small network that reads handwritten digits

784-128-256-10, trained on MNIST; `config.json` says how. Pixels in, probabilities of the ten digits out:

```python
from mnist_mlp import MLP, to_mnist

net = MLP.from_pretrained("user/name")
net.predict_proba(to_mnist(canvas))
```
"""


class MLP(
    ModelHubMixin,
    model_card_template=CARD,
    library_name="mnist-mlp",
    license="apache-2.0",
    pipeline_tag="image-classification",
    tags=["mnist", "numpy"],
):
    """A trained 784-128-256-10 network.

    Args:
        weights: float32 arrays w1 (784, 128), b1 (128,), w2 (128, 256), b2 (256,), w3 (256, 10)
            and b3 (10,).
        config: what `config.json` holds; "activation" is "relu" or "sigmoid", "layers" the sizes.

    Raises:
        ValueError: tensors or configuration that are not such a network's.
    """

    def __init__(self, weights: dict[str, np.ndarray], config: dict[str, Any]):
        _check_config(config)
        _check_weights(weights)
        self.weights, self.config = weights, config
        self.w1, self.b1, self.w2, self.b2, self.w3, self.b3 = (weights[name] for name in SHAPES)
        self.activation: str = config["activation"]

    def forward(self, x: np.ndarray) -> Forward:
        """Every step from pixels to probabilities.

        Args:
            x: floats in 0..1, (..., 784) or (..., 28, 28).

        Raises:
            TypeError, ValueError: anything else.
        """
        x = _check_input(x)
        activate = ACTIVATIONS[self.activation]
        z1 = x @ self.w1 + self.b1
        h1 = activate(z1)
        z2 = h1 @ self.w2 + self.b2
        h2 = activate(z2)
        logits = h2 @ self.w3 + self.b3
        return Forward(z1, h1, z2, h2, logits, softmax(logits))

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Probabilities of the ten digits: (..., 10) float32, rows that sum to 1; x as in `forward`."""
        return self.forward(x).probabilities

    def explain(self, x: np.ndarray, digit: int | None = None) -> Explanation:
        """Which ink argues for a digit, and which against: evidence (28, 28), bias and logit.

        For the ReLU network it is exact, for the sigmoid network it is integrated gradients from a blank image;
        for both, evidence.sum() + bias is the logit. The module `mnist_mlp.explain` has the formulas.

        Args:
            x: one picture, (784,) or (28, 28), floats in 0..1.
            digit: 0 to 9; None for the one that the network predicts.

        Raises:
            TypeError, ValueError: another picture, or no such digit.
        """
        return explain(self, x, digit)

    def save_pretrained(
        self,
        save_directory: str | Path,
        *,
        repo_id: str | None = None,
        push_to_hub: bool = False,
        model_card_kwargs: dict[str, Any] | None = None,
        **hub: Any,
    ) -> str | None:
        """Save model.safetensors, config.json and, where there is none, a README.md.

        Whatever ends the process meanwhile, each file is the earlier one or the new one.

        Args:
            save_directory: the folder, made if there is none.
            repo_id, push_to_hub, model_card_kwargs, hub: as in `huggingface_hub.ModelHubMixin`.

        Returns:
            The address of the commit, if it was pushed.

        Raises:
            OSError: the folder could not be written.
        """
        folder = Path(save_directory)
        folder.mkdir(parents=True, exist_ok=True)
        # The mixin's own takes config.json away before it writes: not from under those who read it.
        with TemporaryDirectory() as apart:
            super().save_pretrained(apart, model_card_kwargs=model_card_kwargs)
            files = {folder / file.name: file.read_bytes() for file in Path(apart).iterdir()}
        if (folder / "README.md").exists():
            del files[folder / "README.md"]
        write_together(files)
        if not push_to_hub:
            return None
        return self.push_to_hub(repo_id or folder.name, model_card_kwargs=model_card_kwargs, **hub)

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
        return cls._from_folder(folder / subfolder)

    @classmethod
    def _from_folder(cls, folder: Path) -> MLP:
        for path in (folder / "model.safetensors", folder / "config.json"):
            try:
                if path.suffix == ".json":
                    config = json.loads(path.read_text(encoding="utf-8"))
                    _check_config(config)
                else:
                    weights = load_file(path)
                    _check_weights(weights)
            except (OSError, ValueError, SafetensorError) as fault:
                raise ValueError(f"{path}: {fault}") from fault
        return cls(weights, config)


@cache
def load(name: str = "relu") -> MLP:
    """A network shipped with the package: "relu" or "sigmoid". Needs no connection."""
    if name not in ACTIVATIONS:
        raise ValueError(f"the networks are {sorted(ACTIVATIONS)}; got {name!r}")
    return MLP._from_folder(WEIGHTS / name)


def _check_config(config: Any) -> None:
    if not isinstance(config, dict):
        raise ValueError(f"the configuration is a JSON object; got {type(config).__name__}")
    if config.get("activation") not in ACTIVATIONS:
        raise ValueError(f'"activation" is one of {sorted(ACTIVATIONS)}; got {config.get("activation")!r}')
    if config.get("layers") != list(LAYERS):
        raise ValueError(f'"layers" is {list(LAYERS)}; got {config.get("layers")!r}')


def _check_weights(weights: dict[str, np.ndarray]) -> None:
    if weights.keys() != SHAPES.keys():
        raise ValueError(f"the tensors are {sorted(SHAPES)}; got {sorted(weights)}")
    for name, shape in SHAPES.items():
        tensor = weights[name]
        if tensor.shape != shape or tensor.dtype != np.float32:
            raise ValueError(f"{name} is float32 {shape}; got {tensor.dtype} {tensor.shape}")
        if not np.isfinite(tensor).all():
            raise ValueError(f"{name} holds NaN or infinity")


def _check_input(x: np.ndarray) -> np.ndarray:
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        got = x.dtype if isinstance(x, np.ndarray) else type(x).__name__
        raise TypeError(f"pixels are a NumPy array of floats; got {got}")
    if x.shape[-2:] == (28, 28):
        x = x.reshape(*x.shape[:-2], 784)
    if x.shape[-1:] != (784,):
        raise ValueError(f"pixels are (..., 784) or (..., 28, 28); got {x.shape}")
    if x.size and not (x.min() >= 0 and x.max() <= 1):
        raise ValueError(f"pixels are in 0..1; got {x.min()}..{x.max()}")
    return x.astype(np.float32, copy=False)
