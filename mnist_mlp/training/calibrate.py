"""From trained weights to a network as it is shipped: its confidence calibrated, its thresholds chosen."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from mnist_mlp.mlp import MLP
from mnist_mlp.network import LAYERS, digit_score, softmax

REFUSED = 0.02  # share of the validation digits whose `digit_score` is below the threshold
UNSURE = 0.005  # share of them whose confidence is below the other


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
    """The network with the temperature in its last layer and the thresholds in its configuration.

    Args:
        validation: pixels (n, 784) float32 in 0..1 and digits (n,).
        facts: what else the configuration says.
    """
    x, y = validation
    config = {"activation": activation, "layers": list(LAYERS), **facts}
    t = temperature(MLP(weights, config).forward(x).logits, y)
    net = MLP(rounded(divided(weights, t)), config | {"temperature": round(t, 4)})
    steps = net.forward(x)
    net.config["no_digit_below"] = round(float(np.quantile(digit_score(steps.logits), REFUSED)), 2)
    net.config["not_sure_below"] = round(float(np.quantile(steps.probabilities.max(1), UNSURE)), 2)
    return net
