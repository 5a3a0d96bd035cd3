"""What `/explain` gives callers of one digit: all that the panel shows, as JSON with a schema."""

# No `from __future__ import annotations`: Gradio makes the schemas from the types.

import re
from typing import TypedDict

import numpy as np

from mnist_mlp.counterfactual import smallest_change
from mnist_mlp.explain import contributions
from mnist_mlp.mlp import load
from mnist_mlp.nearest import load_neighbours, nearest
from mnist_mlp.network import Network
from mnist_mlp.reader import LineSum, Reading
from mnist_mlp.server.networks import serving
from mnist_mlp.snapshots import Snapshots, load_snapshots

UNITS = {"h1": 128, "h2": 256, "logits": 10}
CHANGED = 0.5 / 255  # a pixel that differs by less is shown in the same grey


class UnitSum(TypedDict):
    """One unit: sum = Σ inputs · weights + bias; its output is what the activation makes of the sum."""

    name: str
    inputs: list[float]
    weights: list[float]
    bias: float
    sum: float
    output: float


class Change(TypedDict):
    """The smallest change found that is read as another digit, and what the network makes of it."""

    digit: int
    pixels: list[list[float]]
    l2: float
    pixels_changed: int
    grey_levels: float
    probabilities: list[float]


class Snapshot(TypedDict):
    """The network after an epoch of its training: its probabilities for this picture."""

    epoch: int
    validation_errors: int
    validation_images: int
    probabilities: list[float]


class Neighbour(TypedDict):
    """A training digit whose second hidden layer is near: the cosine, and which of MNIST's 60,000 it is."""

    label: int
    cosine: float
    index: int


class ReadingTerm(TypedDict):
    """One arc of the likeliest way through the lattice: log P(label | arc), and what its size and place add."""

    label: str
    network: float
    features: float


class ReadingLine(TypedDict):
    """Why a line is read so: P(text) = exp(of_text - of_all), sums over the ways that give it, and over all."""

    text: str
    terms: list[ReadingTerm]
    of_text: float
    of_all: float


class Explained(TypedDict):
    """Why a network gives a picture a logit: logit = sum of evidence + bias."""

    network: str
    epoch: int | None
    predicted: int
    second: int
    digit: int
    logit: float
    bias: float
    evidence: list[list[float]]
    pixels: list[list[float]]
    h1: list[float]
    h2: list[float]
    h1_contributions: list[float]
    h2_contributions: list[float]
    logits: list[float]
    probabilities: list[float]
    unit: UnitSum | None
    change: Change | None
    snapshots: list[Snapshot]
    nearest: list[Neighbour]
    text: str
    confidence: float
    lattice: list[ReadingLine]


def explained(
    name: str,
    reading: Reading,
    index: int,
    digit: int | None = None,
    unit: str | None = None,
    epoch: int | None = None,
    change_to: int | None = None,
) -> Explained:
    """All about one digit, as the panel shows it.

    Args:
        name: "relu" or "sigmoid".
        reading: what was read.
        index: which of its digits.
        digit: whose logit, 0 to 9; None for the predicted digit's.
        unit: whose sum, "h1[0]" to "h1[127]", "h2[0]" to "h2[255]", "logits[0]" to "logits[9]"; or None.
        epoch: an epoch with a snapshot, for the network as it was then; None for the shipped one.
        change_to: the digit for the smallest change; None for none.

    Raises:
        ValueError: no such unit or epoch.
    """
    x = reading.digits[index].pixels.reshape(784)
    snapshots = serving_snapshots(name)
    net: Network = serving(name) if epoch is None else _at(snapshots, epoch)
    forward = net.forward(x)
    found = contributions(net, x, forward)
    second, predicted = (int(i) for i in np.argsort(forward.logits)[-2:])
    digit = predicted if digit is None else digit
    return {
        "network": name,
        "epoch": epoch,
        "predicted": predicted,
        "second": second,
        "digit": digit,
        "logit": float(forward.logits[digit]),
        "bias": float(found.bias[digit]),
        "evidence": found.pixels[digit].reshape(28, 28).tolist(),
        "pixels": x.reshape(28, 28).tolist(),
        "h1": forward.h1.tolist(),
        "h2": forward.h2.tolist(),
        "h1_contributions": found.units1[digit].tolist(),
        "h2_contributions": found.units2[digit].tolist(),
        "logits": forward.logits.tolist(),
        "probabilities": forward.probabilities.tolist(),
        "unit": None if unit is None else unit_sum(net, x, unit),
        "change": None if change_to is None else change(net, x, change_to),
        "snapshots": [] if snapshots is None else over_epochs(snapshots, x),
        "nearest": neighbours(net, x),
        "text": reading.text,
        "confidence": reading.confidence,
        "lattice": [line_sum(line) for line in reading.sums],
    }


def line_sum(line: LineSum) -> ReadingLine:
    """Why a line is read as it is: the terms of its likeliest way, and both sums."""
    terms: list[ReadingTerm] = [
        {"label": term.label, "network": term.network, "features": term.features} for term in line.terms
    ]
    return {"text": line.text, "terms": terms, "of_text": line.of_text, "of_all": line.of_all}


def serving_snapshots(name: str) -> Snapshots | None:
    """Those of the network that answers; None where it comes from the Hub, or the package has none."""
    return load_snapshots(name) if serving(name) is load(name) else None


def unit_sum(net: Network, x: np.ndarray, unit: str) -> UnitSum:
    """The sum of a unit: see `explained`."""
    layer, index = parse_unit(unit)
    forward = net.forward(x)
    inputs, number = {"h1": (x, 1), "h2": (forward.h1, 2), "logits": (forward.h2, 3)}[layer]
    sums = {"h1": forward.z1, "h2": forward.z2, "logits": forward.logits}[layer]
    return {
        "name": unit,
        "inputs": inputs.tolist(),
        "weights": net.weights[f"w{number}"][:, index].tolist(),
        "bias": float(net.weights[f"b{number}"][index]),
        "sum": float(sums[index]),
        "output": float(getattr(forward, layer)[index]),
    }


def parse_unit(unit: str) -> tuple[str, int]:
    """ "h1[103]" → ("h1", 103).

    Raises:
        ValueError: no such unit.
    """
    match = re.fullmatch(r"(h1|h2|logits)\[(\d{1,3})\]", unit)
    if not match or int(match[2]) >= UNITS[match[1]]:
        raise ValueError(f"a unit is h1[0…127], h2[0…255] or logits[0…9]; got {unit!r:.40}")
    return match[1], int(match[2])


def change(net: Network, x: np.ndarray, digit: int) -> Change:
    """The smallest change that is read as the digit, and how large it is."""
    x = x.reshape(28, 28)
    changed = smallest_change(net, x, digit)
    difference = np.abs(changed - x)
    altered = difference >= CHANGED
    return {
        "digit": digit,
        "pixels": changed.tolist(),
        "l2": float(np.linalg.norm(difference)),
        "pixels_changed": int(altered.sum()),
        "grey_levels": float(255 * difference[altered].mean()) if altered.any() else 0.0,
        "probabilities": net.predict_proba(changed).tolist(),
    }


def over_epochs(snapshots: Snapshots, x: np.ndarray) -> list[Snapshot]:
    """What the network made of the picture after each epoch."""
    return [
        {
            "epoch": epoch,
            "validation_errors": errors,
            "validation_images": snapshots.validation_images,
            "probabilities": probabilities.tolist(),
        }
        for epoch, errors, probabilities in zip(
            snapshots.epochs, snapshots.validation_errors, snapshots.predict_proba(x)
        )
    ]


def neighbours(net: Network, x: np.ndarray) -> list[Neighbour]:
    """The ten nearest training digits; none where the package has no training digits."""
    among = load_neighbours()
    if among is None:
        return []
    found = nearest(net, x, among)
    return [
        {"label": int(label), "cosine": float(cosine), "index": int(index)}
        for label, cosine, index in zip(found.labels, found.similarities, found.indices)
    ]


def _at(snapshots: Snapshots | None, epoch: int) -> Network:
    if snapshots is None:
        raise ValueError("this network has no snapshots of its training: leave the epoch out")
    if epoch not in snapshots.epochs:
        raise ValueError(f"the epochs are {list(snapshots.epochs)}; got {epoch}")
    return snapshots.networks[snapshots.epochs.index(epoch)]
