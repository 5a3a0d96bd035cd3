"""From trained weights to a network as it is shipped: its confidence calibrated, its threshold chosen."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from scipy.optimize import minimize, minimize_scalar

from mnist_mlp.mlp import MLP
from mnist_mlp.network import LAYERS, softmax
from mnist_mlp.reader import look, no_number_terms, read_lines
from mnist_mlp.training.data import Mnist
from mnist_mlp.training.non_digits import DRAWN
from mnist_mlp.training.numbers import make, untidy, written

# Canvases to fit P(no number) on
DRAWINGS_LEARNT = {
    "digits": 1500,
    "numbers": 2000,
    "typefaces": 600,
    "hands": 1200,
    "invented": 200,
    "scribbles": 300,
}
PART = 100  # of them that one stream of random numbers decides
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


def divided(weights: dict[str, np.ndarray], t: float) -> dict[str, np.ndarray]:
    """The weights of the network whose logits are divided by t."""
    return weights | {name: (weights[name] / t).astype(np.float32) for name in ("w3", "b3")}


def rounded(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Weights that float16 holds exactly, in float32: half the size wherever they are sent or kept."""
    return {name: tensor.astype(np.float16).astype(np.float32) for name, tensor in weights.items()}


def calibrated(
    activation: str,
    weights: dict[str, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    facts: dict[str, Any],
) -> MLP:
    """The network with the temperature in its last layer.

    Args:
        validation: pixels (n, 784) float32 in 0..1 and digits (n,).
        facts: what else the configuration says.
    """
    x, y = validation
    config = {"activation": activation, "layers": list(LAYERS), **facts}
    t = temperature(MLP(weights, config).forward(x).logits, y)
    return MLP(rounded(divided(weights, t)), config | {"temperature": round(t, 4)})


class Example(NamedTuple):
    """A canvas of a known text, "" for no number, as a reader sees it before P(no number)."""

    terms: np.ndarray
    """(NO_NUMBER_TERMS,)"""
    text: str
    read: str
    confidence: float
    """Of `read`, if it is a number at all."""


def with_reader(
    net: MLP, digit: np.ndarray, mark: np.ndarray, validation: Mnist, seed: int, part: int = PART
) -> MLP:
    """The network with what reads numbers in its configuration: "reader".

    P(no number) is a logistic regression on digits and numbers made of validation images, and on drawings that
    are none. The threshold "sure" is the lowest P(text | a number) from which on `SURELY_RIGHT` of the numbers are
    right, and "doubt" the P(no number) that `DOUBTED` of the digits and numbers exceed.

    Args:
        digit, mark: (FEATURES,), of the arcs.
        validation: its x_train and y_train are the validation images.
        part: examples that one stream of random numbers decides; fewer of them for a quick look.
    """
    reader: dict[str, Any] = {"digit": _short(digit), "mark": _short(mark)}
    net = MLP(net.weights, net.config | {"reader": reader})
    jobs = [
        (kind, [seed, i, part])
        for i, (kind, n) in enumerate(DRAWINGS_LEARNT.items())
        for part in range(n // PART)
    ]
    found = Parallel(n_jobs=-1)(delayed(_examples)(kind, rng, net, validation, part) for kind, rng in jobs)
    examples = [example for some in found for example in some]
    reader["none"] = _short(_logistic(examples))
    none = 1 / (1 + np.exp(-np.stack([e.terms for e in examples]) @ reader["none"]))
    number = np.array([len(e.text) > 1 for e in examples])
    confidence = np.array([e.confidence for e in examples])[number]
    right = np.array([e.read == e.text for e in examples])[number]
    order = np.argsort(-confidence)
    share = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    reader["sure"] = round(float(confidence[order[np.flatnonzero(share >= SURELY_RIGHT).max(initial=0)]]), 2)
    a_number = np.array([bool(e.text) for e in examples])
    reader["doubt"] = round(float(np.quantile(none[a_number], 1 - DOUBTED)), 3)
    return MLP(net.weights, net.config | {"reader": reader})


def _short(values: np.ndarray) -> list[float]:
    return [round(float(value), 4) for value in values]


def _examples(kind: str, seed: list[int], net: MLP, validation: Mnist, part: int) -> list[Example]:
    rng, found = np.random.default_rng(seed), []
    for _ in range(part):
        if kind in DRAWN:
            canvas, text = DRAWN[kind](rng), ""
        else:
            some = rng.integers(len(validation.y_train), size=rng.integers(2, 6) if kind == "numbers" else 1)
            made = make(validation.x_train[some], validation.y_train[some], rng, untidy(rng))
            canvas, text = (
                written(made, rng) if kind == "numbers" and rng.random() < 0.5 else made.canvas,
                made.text,
            )
        seen = look(canvas)
        logits = net.forward(seen.placed.pixels.reshape(LAYERS[0])).logits
        lines = [] if seen.placed.lack else read_lines(seen, logits, net)
        if lines:
            p = float(np.exp(sum(line.ways[0].log_probability for line in lines)))
            terms = no_number_terms(lines)
            found.append(Example(terms, text, "\n".join(line.ways[0].text for line in lines), p))
    return found


def _logistic(examples: list[Example]) -> np.ndarray:
    """The weights of the terms; `NONE` of all that is drawn is none, however many there are here."""
    terms, none = np.stack([e.terms for e in examples]), np.array([not e.text for e in examples])
    weight = np.where(none, NONE / none.sum(), (1 - NONE) / (~none).sum())

    def loss(w: np.ndarray) -> float:
        return float(weight @ np.logaddexp(0, np.where(none, -1, 1) * (terms @ w)) + RIDGE * (w[1:] @ w[1:]))

    return minimize(loss, np.zeros(terms.shape[1])).x
