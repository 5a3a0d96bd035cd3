"""From trained weights to a network as it is shipped: its confidence calibrated, its reader's thresholds fitted."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from scipy.optimize import minimize, minimize_scalar

from mnist_mlp.mlp import MLP
from mnist_mlp.network import Weights, softmax
from mnist_mlp.reader import NEW_READER, TERMS, Reader, ReaderWeights, no_number_terms
from mnist_mlp.training.mnist import Digits
from mnist_mlp.training.non_digits import DRAW
from mnist_mlp.training.numbers import make, untidy, written

# Drawings to fit P(no number) on
DRAWINGS = {
    "digits": 1500,
    "numbers": 2000,
    "typefaces": 600,
    "hands": 1200,
    "invented": 200,
    "scribbles": 300,
}
A_STREAM = 100  # drawings made from one random stream, so that workers can share the job
NONE = 0.06  # share of what is drawn that is no number
RIDGE = 1e-5
DOUBTED = 0.045  # share of the validation digits and numbers read with a hint, since they may be none
SURELY_RIGHT = 0.95  # share of the validation numbers that are right among those read without a hint


def temperature(logits: np.ndarray, digits: np.ndarray) -> float:
    """What to divide (n, 10) logits by for the least cross-entropy (Guo, Pleiss, Sun and Weinberger 2017)."""

    def cross_entropy(log_t: float) -> float:
        p = softmax(logits.astype(np.float64) / np.exp(log_t))
        return float(-np.log(p[np.arange(len(digits)), digits] + 1e-12).mean())

    return float(np.exp(minimize_scalar(cross_entropy, bounds=(-2, 2), method="bounded").x))


def divided(weights: Weights, t: float) -> Weights:
    """The weights of the network whose logits are divided by t."""
    return weights | {name: (weights[name] / t).astype(np.float32) for name in ("w3", "b3")}


def rounded(weights: Weights) -> Weights:
    """Weights that float16 holds exactly, in float32: half the size wherever they are sent or kept."""
    return {name: tensor.astype(np.float16).astype(np.float32) for name, tensor in weights.items()}


class Example(NamedTuple):
    """A canvas of a known text, "" for no number, as a reader sees it before P(no number)."""

    terms: np.ndarray
    """(len(TERMS),)"""
    text: str
    read: str
    confidence: float
    """P(`read` | a number)."""


def with_thresholds(
    weights: Weights,
    features: np.ndarray,
    config: dict[str, Any],
    validation: Digits,
    seed: int,
    count: float = 1.0,
) -> MLP:
    """The network as it is shipped, with its reader.

    P(no number) is a logistic regression on digits and numbers made of validation images, and on drawings that
    are none. The threshold "sure" is the lowest P(text | a number) from which on `SURELY_RIGHT` of the numbers are
    right, and "doubt" the P(no number) that `DOUBTED` of the digits and numbers exceed.

    Args:
        features: (2, len(FEATURES)), the weights of a digit's and of a mark's.
        config: of the network.
        count: share of `DRAWINGS` to fit on; less for a quick look.
    """
    digit, mark = features.astype(np.float64)
    reader = NEW_READER._replace(digit=digit, mark=mark)
    net = MLP(rounded(weights), config, reader)
    jobs = [
        (kind, [seed, i, stream], max(min(A_STREAM, round(count * n)), 5))
        for i, (kind, n) in enumerate(DRAWINGS.items())
        for stream in range(max(round(count * n / A_STREAM), 1))
    ]
    found = Parallel(n_jobs=-1)(
        delayed(examples)(kind, n, stream, net, validation) for kind, stream, n in jobs
    )
    return MLP(net.weights, config, _fitted(reader, [example for some in found for example in some]))


def _fitted(reader: ReaderWeights, examples: list[Example]) -> ReaderWeights:
    terms, a_number = np.stack([e.terms for e in examples]), np.array([bool(e.text) for e in examples])
    weights = logistic(terms, ~a_number)
    none = 1 / (1 + np.exp(-terms @ weights))
    several = np.array([len(e.text) > 1 for e in examples])
    confidence = np.array([e.confidence for e in examples])[several]
    right = np.array([e.read == e.text for e in examples])[several]
    order = np.argsort(-confidence)
    share = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    sure = confidence[order[np.flatnonzero(share >= SURELY_RIGHT).max(initial=0)]]
    doubt = np.quantile(none[a_number], 1 - DOUBTED)
    reader = reader._replace(none=weights, sure=round(float(sure), 2), doubt=round(float(doubt), 3))
    return ReaderWeights.from_json(reader.to_json())  # as it will be read


def examples(kind: str, n: int, seed: list[int], net: Reader, validation: Digits) -> list[Example]:
    """n drawings of a kind, as a reader sees them; those without a line to read are left out."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(n):
        if kind in DRAW:
            canvas, text = DRAW[kind](rng), ""
        else:
            some = rng.integers(len(validation.labels), size=rng.integers(2, 6) if kind == "numbers" else 1)
            number = make(validation.images[some], validation.labels[some], rng, untidy(rng))
            beside = kind == "numbers" and rng.random() < 0.5
            canvas, text = written(number, rng) if beside else number.canvas, number.text
        _, lines = net.read_lines(canvas)
        if lines:
            p = float(np.exp(sum(line.ways[0].log_probability for line in lines)))
            read = "\n".join(line.ways[0].text for line in lines)
            found.append(Example(no_number_terms(lines), text, read, p))
    return found


def logistic(terms: np.ndarray, none: np.ndarray) -> np.ndarray:
    """The weights of terms (n, len(TERMS)); `NONE` of all that is drawn is none, however many there are here."""
    weight = np.where(none, NONE / none.sum(), (1 - NONE) / (~none).sum())

    def loss(w: np.ndarray) -> float:
        return float(weight @ np.logaddexp(0, np.where(none, -1, 1) * (terms @ w)) + RIDGE * (w[1:] @ w[1:]))

    return minimize(loss, np.zeros(len(TERMS))).x
