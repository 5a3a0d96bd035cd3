"""How small `net.smallest_change` is, beside Foolbox's DeepFool, and how long it takes.

    python benchmarks/smallest_change.py

Both change the same of MNIST's validation digits, DeepFool to whichever digit is nearest by its own account,
`smallest_change` to the same one. One thread.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import foolbox
import keras
import numpy as np
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.helpers import save, table
from mnist_mlp import MLP, load
from mnist_mlp.mlp import NAMES
from mnist_mlp.training.mnist import load_train

PICTURES = 1000
BATCH = 100
ROWS = {
    "read as asked, by NumPy / by Keras": "{read_as_asked:.1%} / {read_as_asked_by_keras:.1%}",
    "distance (L2), median": "{l2_median:.2f}",
    "ratio to the distance of Foolbox's DeepFool, median": "{ratio_median:.2f}",
    "the largest ratio": "{ratio_largest:.2f}",
    "time, median / p95": "{ms_median:.0f} / {ms_p95:.0f} ms",
}


def twin(net: MLP) -> keras.Model:
    """The same network in Keras, from pixels to logits."""
    layers = [(128, net.activation), (256, net.activation), (10, None)]
    model = keras.Sequential([keras.Input((784,)), *(keras.layers.Dense(*layer) for layer in layers)])
    model.set_weights([net.w1, net.b1, net.w2, net.b2, net.w3, net.b3])
    return model


def deepfool(model: keras.Model, pictures: np.ndarray) -> np.ndarray:
    """What Foolbox's L2 DeepFool makes of pictures, (n, 784)."""
    attack, fooled = foolbox.attacks.L2DeepFoolAttack(), []
    for some in np.split(pictures, range(BATCH, len(pictures), BATCH)):
        read = model(some).numpy().argmax(1)
        wrapped = foolbox.TensorFlowModel(model, bounds=(0, 1))
        fooled.append(attack(wrapped, tf.constant(some), tf.constant(read), epsilons=None)[1].numpy())
    return np.concatenate(fooled)


def compare(net: MLP, pictures: np.ndarray) -> dict[str, Any]:
    """Ratios of the distances, and milliseconds for one change."""
    model = twin(net)
    theirs = deepfool(model, pictures)
    digits = model(theirs).numpy().argmax(1)
    ours, times = [], []
    for x, digit in zip(pictures, digits):
        start = time.perf_counter()
        ours.append(net.smallest_change(x, int(digit)).ravel())
        times.append(1000 * (time.perf_counter() - start))
    changed = np.array(ours)
    distances = np.linalg.norm(changed - pictures, axis=1)
    ratios = distances / np.linalg.norm(theirs - pictures, axis=1)
    return {
        "read_as_asked": float((net.predict_proba(changed).argmax(1) == digits).mean()),
        "read_as_asked_by_keras": float((model(changed).numpy().argmax(1) == digits).mean()),
        "l2_median": float(np.median(distances)),
        "ratio_median": float(np.median(ratios)),
        "ratio_largest": float(ratios.max()),
        "ms_median": float(np.median(times)),
        "ms_p95": float(np.quantile(times, 0.95)),
    }


def main() -> None:
    pictures = load_train()[1].images[:PICTURES].reshape(-1, 784) / np.float32(255)
    found = {name: compare(load(name), pictures) for name in NAMES}
    rows = [[title, *(form.format(**found[name]) for name in NAMES)] for title, form in ROWS.items()]
    header = [f"{PICTURES:,} of MNIST's validation digits", *NAMES.values()]
    save("smallest_change", table(header, rows), foolbox=foolbox.__version__)


if __name__ == "__main__":
    main()
