"""A network's figures and pictures: errors, calibration, confusion, mistakes, learning curves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from scipy.stats import rankdata

from mnist_mlp.mlp import MLP
from mnist_mlp.network import digit_score
from mnist_mlp.reader import no_digit
from mnist_mlp.training.non_digits import SHARES, non_digits
from mnist_mlp.training.redraw import examples

BINS = 15
DRAWINGS_OF_EACH = 1_000  # of each kind
# Kinds of non-digits that a network is measured on, and what its figures call them.
MEASURED = {"held-out typeface": "letters", "scribbles": "scribbles", "pairs": "pairs"}
MEASURE_SEED = 1_000_003  # another than that of the non-digits which are learnt from
REDRAWN = 12  # rows of the sheet of habits
WORST = 40  # mistakes shown

matplotlib.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})


def calibration_error(probabilities: np.ndarray, digits: np.ndarray) -> float:
    """Expected calibration error over 15 bins of confidence (Guo, Pleiss, Sun and Weinberger 2017).

    Args:
        probabilities: (n, 10); digits: (n,), the truth.
    """
    return float(sum(share * abs(right - sure) for share, right, sure in _bins(probabilities, digits)))


def _bins(probabilities: np.ndarray, digits: np.ndarray) -> list[tuple[float, float, float]]:
    sure = probabilities.max(1)
    right = probabilities.argmax(1) == digits
    which = np.minimum((sure * BINS).astype(int), BINS - 1)
    return [
        (float((which == b).mean()), float(right[which == b].mean()), float(sure[which == b].mean()))
        for b in range(BINS)
        if (which == b).any()
    ]


def auroc(digits: np.ndarray, others: np.ndarray) -> float:
    """The area under the ROC curve: how often a digit scores higher than a non-digit."""
    ranks = rankdata(np.concatenate([digits, others]))[: len(digits)]
    return float((ranks.sum() - len(digits) * (len(digits) + 1) / 2) / (len(digits) * len(others)))


def on_test_images(net: MLP, x: np.ndarray, digits: np.ndarray) -> dict[str, Any]:
    """The network's figures on the test images x (n, 784) float32 and their digits (n,)."""
    steps = net.forward(x)
    p, none = steps.probabilities, no_digit(steps.logits, net)
    errors = int((p.argmax(1) != digits).sum())
    return {
        "test_errors": errors,
        "test_accuracy": round(1 - errors / len(digits), 4),
        "test_ece": round(calibration_error(p, digits), 4),
        "digits_refused": _share(none > p.max(1) * (1 - none)),
        "digits_called_unsure": _share((p.max(1) < net.reader.sure) | (none > net.reader.doubt)),
    }


def on_validation_images(net: MLP, x: np.ndarray, digits: np.ndarray) -> dict[str, Any]:
    """The network's figures on validation images x (n, 784) float32, their digits (n,), and on non-digits.

    These are letters of a typeface that was not learnt from, new scribbles, and pairs of x.
    """
    steps = net.forward(x)
    p, score = steps.probabilities, digit_score(steps.logits)
    figures: dict[str, Any] = {
        "validation_errors": int((p.argmax(1) != digits).sum()),
        "validation_images": len(digits),
        "validation_accuracy": round(float((p.argmax(1) == digits).mean()), 4),
    }
    images = np.rint(255 * x).astype(np.uint8).reshape(-1, 28, 28)
    others = {}
    for kind, name in MEASURED.items():
        drawings = non_digits(kind, DRAWINGS_OF_EACH, images, digits, MEASURE_SEED) / np.float32(255)
        others[name] = net.forward(drawings).logits
    others["non_digits"] = np.concatenate(list(others.values()))
    for name, logits in others.items():
        figures[f"auroc_{name}"] = round(auroc(score, digit_score(logits)), 4)
        figures[f"{name}_kept"] = _share(no_digit(logits, net) < 0.5)
    return figures


def _share(which: np.ndarray) -> float:
    return round(float(which.mean()), 4)


def save_pictures(
    net: MLP, x: np.ndarray, digits: np.ndarray, history: list[dict[str, float]], folder: Path
) -> None:
    """Write curves, confusion, mistakes, first_layer and reliability, each a PNG, into the folder.

    Without a history, the curves there are left as they are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    p = net.predict_proba(x)
    figures = {
        **({"curves": _curves(net.activation, history)} if history else {}),
        "confusion": _confusion(p, digits),
        "mistakes": _mistakes(p, x, digits),
        "first_layer": _first_layer(net),
        "reliability": _reliability(p, digits),
    }
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png", dpi=110, bbox_inches="tight", metadata={"Software": None})


def save_habits(images: np.ndarray, digits: np.ndarray, path: Path) -> None:
    """Write one sheet, a PNG: a digit of each kind, and below it what redrawing makes of it.

    Args:
        images, digits: (n, 28, 28) and (n,) uint8, MNIST's.
    """
    chosen = [int(np.flatnonzero(digits == digit)[0]) for digit in range(10)]
    redrawn = examples(images[chosen], REDRAWN)
    _save_rows([images[chosen], *redrawn], path)


def save_non_digits(images: np.ndarray, digits: np.ndarray, path: Path) -> None:
    """Write one sheet, a PNG: what is learnt from as no digit, a row for each kind of `non_digits.SHARES`.

    Args:
        images, digits: (n, 28, 28) and (n,) uint8, MNIST's.
    """
    _save_rows([non_digits(kind, 16, images, digits, seed=0) for kind in SHARES], path)


def _save_rows(rows: list[np.ndarray], path: Path) -> None:
    sheet = Image.fromarray(255 - np.vstack([np.hstack(list(row)) for row in rows]))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.resize((2 * sheet.width, 2 * sheet.height), Image.Resampling.NEAREST).save(path)


def _curves(name: str, history: list[dict[str, float]]) -> Figure:
    figure = Figure(figsize=(8, 3))
    left, right = figure.subplots(1, 2)
    epochs = [row["epoch"] + 1 for row in history]
    of = f"{name}_" if f"{name}_loss" in history[0] else ""  # Keras names no output that is the only one
    left.plot(epochs, [row[f"{of}loss"] for row in history], label="redrawn digits")
    left.plot(epochs, [row[f"val_{of}loss"] for row in history], label="validation")
    left.set(yscale="log", xlabel="epoch", ylabel="cross-entropy")
    left.legend(frameon=False)
    right.plot(epochs, [100 * (1 - row[f"val_{of}accuracy"]) for row in history], color="C1")
    right.set(yscale="log", xlabel="epoch", ylabel="validation errors, %")
    figure.tight_layout()
    return figure


def _confusion(p: np.ndarray, digits: np.ndarray) -> Figure:
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (digits, p.argmax(1)), 1)
    figure = Figure(figsize=(4.6, 4.6))
    axes = figure.subplots()
    wrong = counts * (1 - np.eye(10, dtype=int))
    axes.imshow(wrong, cmap="Oranges", vmax=max(wrong.max(), 1) * 1.6)
    for (i, j), count in np.ndenumerate(counts):
        if count:
            axes.text(j, i, count, ha="center", va="center", color="0.6" if i == j else "0.1")
    axes.set(xticks=range(10), yticks=range(10), xlabel="predicted", ylabel="digit")
    return figure


def _mistakes(p: np.ndarray, x: np.ndarray, digits: np.ndarray) -> Figure:
    """Those in which the network was surest of something wrong."""
    wrong = np.flatnonzero(p.argmax(1) != digits)
    wrong = wrong[np.argsort(p[wrong, digits[wrong]])][:WORST]
    figure = Figure(figsize=(8, 5.6))
    for axes, i in zip(figure.subplots(5, 8).flat, wrong):
        axes.imshow(x[i].reshape(28, 28), cmap="gray_r")
        axes.set_title(f"{digits[i]}, not {p[i].argmax()}: {p[i].max():.0%}", fontsize=8)
    for axes in figure.axes:
        axes.axis("off")
    figure.tight_layout()
    return figure


def _first_layer(net: MLP) -> Figure:
    figure = Figure(figsize=(8, 4.2))
    limit = float(np.abs(net.w1).max()) / 2
    for axes, unit in zip(figure.subplots(8, 16).flat, net.w1.T):
        axes.imshow(unit.reshape(28, 28), cmap="PuOr", vmin=-limit, vmax=limit)
        axes.axis("off")
    figure.subplots_adjust(wspace=0.08, hspace=0.08)
    return figure


def _reliability(p: np.ndarray, digits: np.ndarray) -> Figure:
    share, right, sure = (np.array(column) for column in zip(*_bins(p, digits)))
    figure = Figure(figsize=(3.6, 3.6))
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.8")
    axes.scatter(sure, right, s=20 + 300 * share, color="C0", alpha=0.8)
    axes.set(xlabel="confidence", ylabel="share that is right", xlim=(0, 1.03), ylim=(0, 1.03))
    return figure
