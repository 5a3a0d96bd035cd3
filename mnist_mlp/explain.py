"""Why a network answers as it does: the backward pass, and the evidence that each pixel gives.

The forward pass, in `network.py`, is for a row x of 784 pixels

    z1 = x·W1 + b1      h1 = f(z1)
    z2 = h1·W2 + b2     h2 = f(z2)
    logits = h2·W3 + b3

and the chain rule walks it backwards. All ten logits are asked at once, so each step is a matrix with a
row for every digit:

    dh2 = W3ᵀ           dz2 = dh2 · f'(z2)
    dh1 = dz2·W2ᵀ       dz1 = dh1 · f'(z1)
    dx  = dz1·W1ᵀ

Row d of dx says how fast logit d grows with each pixel.

With ReLU, f' is 0 or 1, and the network is linear for as long as no unit switches. At the x given,

    logit = Σ x · dx + bias      bias = dz1·b1 + dz2·b2 + b3

is exact: x · dx is each pixel's evidence, and dx the effective weight. With the sigmoid, dx changes all the
way; there we take its mean from the blank image to x, and the bias is the blank image's logit. This is
integrated gradients: Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep Networks", 2017.
"""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from mnist_mlp.network import Forward, Network

# f' written with h = f(z), which the forward pass has at hand
DERIVATIVES = {"relu": lambda h: (h > 0).astype(np.float32), "sigmoid": lambda h: h * (1 - h)}

# Gauss and Legendre's places between 0 and 1, and their weights. The gradient is so smooth on the way that
# with 32 of them evidence + bias misses a logit by millionths; 256 evenly spaced ones miss it by 2 in 10,000.
STEPS = 32
PLACES, PARTS = ((a * 0.5).astype(np.float32) for a in np.polynomial.legendre.leggauss(STEPS))
PLACES += 0.5


class Explanation(NamedTuple):
    """Why one logit is what it is: logit = evidence.sum() + bias."""

    evidence: np.ndarray
    """(28, 28) float32: what each pixel adds to the logit or takes from it; 0 where there is no ink."""
    bias: float
    """What the logit is without evidence."""
    logit: float


class Evidence(NamedTuple):
    """The same for all ten digits, and what the hidden units say to each. Float32; leading axes as x."""

    pixels: np.ndarray
    """(..., 10, 784): logits = pixels.sum(-1) + bias."""
    bias: np.ndarray
    """(..., 10)"""
    units1: np.ndarray
    """(..., 10, 128): what each unit of the first layer adds, by way of the second, to each logit."""
    units2: np.ndarray
    """(..., 10, 256): what each unit of the second layer adds: logits = units2.sum(-1) + b3."""


class Workings(NamedTuple):
    """One answer of a network, with all that led to it."""

    network: str
    x: np.ndarray
    steps: Forward
    evidence: Evidence


def workings(net: Network, x: np.ndarray) -> Workings:
    """The forward pass and the evidence for one picture: (784,) or (28, 28) float32 in 0..1."""
    x = x.reshape(784)
    steps = net.forward(x)
    return Workings(net.activation, x, steps, find_evidence(net, x, steps))


def explain(net: Network, x: np.ndarray, digit: int | None = None) -> Explanation:
    """Why a network gives one picture its logit: see `MLP.explain`."""
    if digit is not None and (isinstance(digit, bool) or not isinstance(digit, numbers.Integral)):
        raise TypeError(f"a digit is an integer from 0 to 9, or None; got {digit!r}")
    if digit is not None and not 0 <= digit <= 9:
        raise ValueError(f"a digit is an integer from 0 to 9, or None; got {digit!r}")
    steps = net.forward(x)
    if steps.logits.ndim != 1:
        raise ValueError(f"one picture is (784,) or (28, 28); got {x.shape}")
    evidence = find_evidence(net, x.reshape(784).astype(np.float32), steps)
    digit = int(steps.logits.argmax()) if digit is None else digit
    pixels = evidence.pixels[digit].reshape(28, 28)
    return Explanation(pixels, float(evidence.bias[digit]), float(steps.logits[digit]))


def backward(net: Network, steps: Forward) -> tuple[np.ndarray, np.ndarray]:
    """The gradients of all ten logits: dz2 (..., 10, 256) and dz1 (..., 10, 128), float32.

    dx, the gradient by pixel, is one product further: `dz1 @ net.w1.T`, (..., 10, 784).

    Args:
        steps: what `net.forward(x)` returned.
    """
    derivative = DERIVATIVES[net.activation]
    dh2 = net.w3.T
    dz2 = dh2 * derivative(steps.h2)[..., None, :]
    dh1 = dz2 @ net.w2.T
    dz1 = dh1 * derivative(steps.h1)[..., None, :]
    return dz2, dz1


def find_evidence(net: Network, x: np.ndarray, steps: Forward) -> Evidence:
    """The evidence of pictures for all ten digits.

    Args:
        x: (..., 784) float32 in 0..1.
        steps: what `net.forward(x)` returned.
    """
    if net.activation == "relu":
        dz2, dz1 = backward(net, steps)
        bias = dz1 @ net.b1 + dz2 @ net.b2 + net.b3
        units1 = dz1 * steps.h1[..., None, :]
    else:
        _, dz1 = backward(net, net.forward(np.multiply.outer(PLACES, x)))
        dz1 = np.tensordot(PARTS, dz1, 1)  # the mean on the way, and so for dx, as W1 is the same all along
        bias = net.forward(np.zeros_like(x)).logits
        units1 = dz1 * (steps.z1 - net.b1)[..., None, :]
    dx = dz1 @ net.w1.T
    return Evidence(x[..., None, :] * dx, bias, units1, net.w3.T * steps.h2[..., None, :])
