"""A network's figures and pictures: errors, calibration, confusion, mistakes, learning curves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from mnist_mlp.mlp import MLP
from mnist_mlp.training.mnist import Digits
from mnist_mlp.training.non_digits import SHARES, non_digits
from mnist_mlp.training.redraw import examples

BINS = 15
DRAWINGS_OF_EACH = 1_000  # of each kind of non-digits
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


def on_test_images(net: MLP, test: Digits) -> dict[str, Any]:
    """The network's figures on the test images."""
    steps = net.forward(test.images / np.float32(255))
    p, none = steps.probabilities, net.no_digit(steps.logits)
    errors = int((p.argmax(1) != test.labels).sum())
    return {
        "test_errors": errors,
        "test_accuracy": round(1 - errors / len(test.labels), 4),
        "test_ece": round(calibration_error(p, test.labels), 4),
        "digits_refused": _share(none > p.max(1) * (1 - none)),
    }


def on_validation_images(net: MLP, validation: Digits) -> dict[str, Any]:
    """The network's figures on validation images, and on non-digits.

    These are letters of a typeface that was not learnt from, new scribbles, and pairs of validation images.
    """
    p = net.predict_proba(validation.images / np.float32(255))
    errors = int((p.argmax(1) != validation.labels).sum())
    figures: dict[str, Any] = {
        "validation_errors": errors,
        "validation_images": len(validation.labels),
        "validation_accuracy": round(1 - errors / len(validation.labels), 4),
        "sure": net.reader.sure,
    }
    for kind, name in MEASURED.items():
        drawings = non_digits(kind, DRAWINGS_OF_EACH, validation, MEASURE_SEED) / np.float32(255)
        figures[f"{name}_kept"] = _share(net.no_digit(net.forward(drawings).logits) < 0.5)
    return figures


def _share(which: np.ndarray) -> float:
    return round(float(which.mean()), 4)


def save_figures(figures: dict[str, Figure], folder: Path) -> None:
    """Write NAME.png of each into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png", dpi=110, bbox_inches="tight", metadata={"Software": None})


def save_habits(digits: Digits, path: Path) -> None:
    """Write one sheet, a PNG: a digit of each kind, and below it what redrawing makes of it."""
    chosen = [int(np.flatnonzero(digits.labels == digit)[0]) for digit in range(10)]
    _save_rows([digits.images[chosen], *examples(digits.images[chosen], REDRAWN)], path)


def save_non_digits(digits: Digits, path: Path) -> None:
    """Write one sheet, a PNG: what is learnt from as no digit, a row for each kind of `non_digits.SHARES`."""
    _save_rows([non_digits(kind, 16, digits, seed=0) for kind in SHARES], path)


def _save_rows(rows: list[np.ndarray], path: Path) -> None:
    sheet = Image.fromarray(255 - np.vstack([np.hstack(list(row)) for row in rows]))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.resize((2 * sheet.width, 2 * sheet.height), Image.Resampling.NEAREST).save(path)


def curves(name: str, history: list[dict[str, float]], validation_images: int) -> Figure:
    """Learning curves of a network, of the first part's history."""
    figure = Figure(figsize=(8, 3))
    left, right = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    left.plot(epochs, [row[f"{name}_loss"] for row in history], label="redrawn digits")
    left.plot(epochs, [row[f"{name}_validation_loss"] for row in history], label="validation")
    left.set(yscale="log", xlabel="epoch", ylabel="cross-entropy")
    left.legend(frameon=False)
    errors = [100 * row[f"{name}_validation_errors"] / validation_images for row in history]
    right.plot(epochs, errors, color="C1")
    right.set(yscale="log", xlabel="epoch", ylabel="validation errors, %")
    figure.tight_layout()
    return figure


def confusion(p: np.ndarray, digits: np.ndarray) -> Figure:
    """The confusion matrix of probabilities (n, 10) and the true digits (n,)."""
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


def mistakes(p: np.ndarray, test: Digits) -> Figure:
    """The mistakes in which the network was surest."""
    digits = test.labels
    wrong = np.flatnonzero(p.argmax(1) != digits)
    wrong = wrong[np.argsort(p[wrong, digits[wrong]])][:WORST]
    figure = Figure(figsize=(8, 5.6))
    for axes, i in zip(figure.subplots(5, 8).flat, wrong):
        axes.imshow(test.images[i], cmap="gray_r")
        axes.set_title(f"{digits[i]}, not {p[i].argmax()}: {p[i].max():.0%}", fontsize=8)
    for axes in figure.axes:
        axes.axis("off")
    figure.tight_layout()
    return figure


def first_layer(net: MLP) -> Figure:
    """The weights into each unit of the first hidden layer."""
    figure = Figure(figsize=(8, 4.2))
    limit = float(np.abs(net.w1).max()) / 2
    for axes, unit in zip(figure.subplots(8, 16).flat, net.w1.T):
        axes.imshow(unit.reshape(28, 28), cmap="PuOr", vmin=-limit, vmax=limit)
        axes.axis("off")
    figure.subplots_adjust(wspace=0.08, hspace=0.08)
    return figure


def reliability(p: np.ndarray, digits: np.ndarray) -> Figure:
    """How often digits are right that were predicted with each confidence."""
    share, right, sure = (np.array(column) for column in zip(*_bins(p, digits)))
    figure = Figure(figsize=(3.6, 3.6))
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.8")
    axes.scatter(sure, right, s=20 + 300 * share, color="C0", alpha=0.8)
    axes.set(xlabel="confidence", ylabel="share that is right", xlim=(0, 1.03), ylim=(0, 1.03))
    return figure
