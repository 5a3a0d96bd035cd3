"""A network at several moments of its training, in one file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from mnist_mlp.files import write_whole
from mnist_mlp.mlp import MLP
from mnist_mlp.training.calibrate import rounded


def save_snapshots(
    net: MLP,
    earlier: dict[int, dict[str, np.ndarray]],
    validation: tuple[np.ndarray, np.ndarray],
    path: Path,
) -> None:
    """Write snapshots.safetensors: float16 tensors "0/w1", "0/b1" … by the epoch after which they were kept.

    The last are the network's own. The metadata are "activation" and, as JSON, "epochs",
    "validation_errors" (one for each epoch) and "validation_images" (how many).

    Args:
        earlier: the weights after some epochs.
        validation: pixels (n, 784) float32 in 0..1 and digits (n,).
    """
    x, digits = validation
    of_epoch = {**earlier, net.config["epochs"] + net.config["number_epochs"]: net.weights}
    tensors: dict[str, np.ndarray] = {}
    errors = []
    for epoch, weights in sorted(of_epoch.items()):
        weights = rounded(weights)
        tensors |= {f"{epoch}/{name}": tensor.astype(np.float16) for name, tensor in weights.items()}
        p = MLP(weights, net.config).predict_proba(x)
        errors.append(int((p.argmax(1) != digits).sum()))
    metadata = {
        "activation": net.activation,
        "epochs": json.dumps(sorted(of_epoch)),
        "validation_errors": json.dumps(errors),
        "validation_images": json.dumps(len(x)),
    }
    write_whole(path, save(tensors, metadata))
