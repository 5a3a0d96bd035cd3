"""Deletion curves: how the logit falls when the ink with the most evidence is deleted first.

    python benchmarks/deletion.py

The inked pixels of each picture are blanked step by step, in the order of their evidence for the digit that
the network reads, and in a random order to compare with (Samek et al., "Evaluating the visualization of what
a deep neural network has learned", 2017). On the same pictures: by how much evidence + bias misses a logit.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.helpers import RESULTS, save
from mnist_mlp import MLP, load
from mnist_mlp.explain import QUADRATURE, contributions
from mnist_mlp.training.data import load_mnist

PICTURES = 1000
SHARES = np.linspace(0, 1, 21)
SEED = 1
BATCH = 20  # the gradients at all nodes then fit into a processor's cache


def deletion(net: MLP, pictures: np.ndarray, seed: int = SEED) -> dict[str, dict[str, list[float]]]:
    """How the logit of the digit read first falls with the share of ink deleted, on average.

    Args:
        pictures: (n, 784) float32 in 0..1.

    Returns:
        For each order: the mean logit, and the share of pictures still read as before, at each of SHARES.
    """
    random = np.random.default_rng(seed)
    digits = net.predict_proba(pictures).argmax(1)
    curves: dict[str, dict[str, list[np.ndarray]]] = {
        order: {"logit": [], "read as before": []} for order in ("most evidence", "random ink")
    }
    for x, digit, all_evidence in zip(pictures, digits, evidence_of(net, pictures)):
        ink = np.flatnonzero(x)
        orders = (ink[np.argsort(-all_evidence[digit, ink])], random.permutation(ink))
        for curve, pixels in zip(curves.values(), orders):
            remaining = np.tile(x, (len(SHARES), 1))
            for step, count in zip(remaining, np.rint(SHARES * len(ink)).astype(int)):
                step[pixels[:count]] = 0
            logits = net.forward(remaining).logits
            curve["logit"].append(logits[:, digit])
            curve["read as before"].append(logits.argmax(1) == digit)
    return {
        order: {what: np.mean(of, 0).tolist() for what, of in curve.items()}
        for order, curve in curves.items()
    }


def evidence_of(net: MLP, pictures: np.ndarray) -> Iterator[np.ndarray]:
    """Each picture's evidence for the ten digits, (10, 784)."""
    for start in range(0, len(pictures), BATCH):
        some = pictures[start : start + BATCH]
        yield from contributions(net, some, net.forward(some)).pixels


def completeness(net: MLP, pictures: np.ndarray) -> float:
    """The furthest that evidence + bias is from a logit, as a share of that picture's range of logits."""
    worst = 0.0
    for start in range(0, len(pictures), BATCH):
        some = pictures[start : start + BATCH]
        steps = net.forward(some)
        found = contributions(net, some, steps)
        missed = np.abs(found.pixels.sum(-1) + found.bias - steps.logits).max(1)
        worst = max(worst, float((missed / np.ptp(steps.logits, axis=1)).max()))
    return worst


def draw(results: dict[str, dict[str, dict[str, list[float]]]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, len(results), figsize=(8, 3), sharey=True, layout="constrained")
    for panel, (name, curves) in zip(panels, results.items()):
        for (order, curve), colour in zip(curves.items(), ("#0067b2", "#8a8580")):
            panel.plot(SHARES * 100, curve["logit"], color=colour, linewidth=2)
            above = {"xytext": (0, 8), "textcoords": "offset points", "color": colour}
            panel.annotate(order, (50, curve["logit"][len(SHARES) // 2]), **above)
        panel.set_title({"relu": "ReLU", "sigmoid": "sigmoid"}[name], loc="left", fontsize=11)
        panel.set_xlabel("ink deleted, %")
        panel.spines[["top", "right"]].set_visible(False)
        panel.set_xlim(0, 100)
    panels[0].set_ylabel("logit of the digit read at first")
    figure.savefig(path, dpi=150)


def main() -> None:
    pictures = load_mnist().x_test[:PICTURES].reshape(-1, 784) / np.float32(255)
    networks: dict[str, Any] = {}
    for name in ("relu", "sigmoid"):
        net = load(name)
        networks[name] = {"missed": completeness(net, pictures), "curves": deletion(net, pictures)}
        missed = networks[name]["missed"]
        print(f"{name}: evidence + bias misses the logit by at most {missed:.1e} of the logits' range")
        print("  ink deleted, %            " + "".join(f"{100 * share:8.0f}" for share in SHARES[:11:2]))
        for order, curve in networks[name]["curves"].items():
            for what, values in curve.items():
                print(f"  {order + ', ' + what:30}" + "".join(f"{value:8.2f}" for value in values[:11:2]))
    about = {"pictures": PICTURES, "seed": SEED, "nodes": QUADRATURE, "shares": SHARES.tolist()}
    save("deletion", {**about, "networks": networks})
    draw({name: of["curves"] for name, of in networks.items()}, RESULTS / "deletion.png")


if __name__ == "__main__":
    main()
