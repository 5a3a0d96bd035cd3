"""The backward pass, and each pixel's contribution to a logit.

The forward pass, in `network.py`, is for a row x of 784 pixels

    z1 = x·W1 + b1      h1 = f(z1)
    z2 = h1·W2 + b2     h2 = f(z2)
    logits = h2·W3 + b3

and the chain rule walks it backwards, for all ten logits at once: each step is a matrix with a row for
every digit.

    dh2 = W3ᵀ           dz2 = dh2 · f'(z2)
    dh1 = dz2·W2ᵀ       dz1 = dh1 · f'(z1)
    dx  = dz1·W1ᵀ

Row d of dx is the gradient of logit d.

With ReLU, f' is 0 or 1, and the network is linear as long as no unit switches. At a given x,

    logit = Σ x · dx + bias      bias = dz1·b1 + dz2·b2 + b3

is exact: x · dx is each pixel's contribution. With the sigmoid, the contribution is x times the mean of dx
on the straight line from the blank image to x, and the bias is the blank image's logit. These are
integrated gradients: Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep Networks", 2017.
"""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from mnist_mlp.network import Forward, Network

# f' in terms of h = f(z), which the forward pass has computed
DERIVATIVES = {"relu": lambda h: (h > 0).astype(np.float32), "sigmoid": lambda h: h * (1 - h)}

# Gauss–Legendre nodes and weights on [0, 1]. With 32 of them contributions + bias is the logit to 1e-6 of
# the logits' range; 256 evenly spaced ones miss it by 2e-4.
QUADRATURE = 32
NODES, NODE_WEIGHTS = ((a * 0.5).astype(np.float32) for a in np.polynomial.legendre.leggauss(QUADRATURE))
NODES += 0.5


class Explanation(NamedTuple):
    """Why one logit is what it is: logit = evidence.sum() + bias."""

    evidence: np.ndarray
    """(28, 28) float32: each pixel's contribution to the logit; 0 where there is no ink."""
    bias: float
    """The part of the logit that comes from no pixel."""
    logit: float


class Contributions(NamedTuple):
    """Contributions to all ten logits. All float32; the leading axes are those of x."""

    pixels: np.ndarray
    """(..., 10, 784): logits = pixels.sum(-1) + bias."""
    bias: np.ndarray
    """(..., 10)"""
    units1: np.ndarray
    """(..., 10, 128): what passes through each unit of the first hidden layer."""
    units2: np.ndarray
    """(..., 10, 256): h2 · W3: logits = units2.sum(-1) + b3."""


def check_digit(digit: object) -> int:
    """A digit as an int.

    Raises:
        TypeError: not an integer.
        ValueError: not from 0 to 9.
    """
    if isinstance(digit, bool) or not isinstance(digit, numbers.Integral):
        raise TypeError(f"a digit is an integer from 0 to 9; got {digit!r:.80}")
    if not 0 <= int(digit) <= 9:
        raise ValueError(f"a digit is an integer from 0 to 9; got {digit!r:.80}")
    return int(digit)


def check_picture(x: np.ndarray, steps: Forward) -> np.ndarray:
    """One picture that `net.forward` took, as (784,) float32.

    Raises:
        ValueError: more than one picture.
    """
    if steps.logits.ndim != 1:
        raise ValueError(f"one picture is (784,) or (28, 28); got {x.shape}")
    return x.reshape(784).astype(np.float32)


def explain(net: Network, x: np.ndarray, digit: int | None = None) -> Explanation:
    """Each pixel's contribution to one logit: see `MLP.explain`."""
    steps = net.forward(x)
    x = check_picture(x, steps)
    digit = int(steps.logits.argmax()) if digit is None else check_digit(digit)
    found = contributions(net, x, steps)
    return Explanation(
        found.pixels[digit].reshape(28, 28), float(found.bias[digit]), float(steps.logits[digit])
    )


def backward(net: Network, steps: Forward) -> tuple[np.ndarray, np.ndarray]:
    """The gradients of all ten logits: dz2 (..., 10, 256) and dz1 (..., 10, 128), float32.

    The gradient by pixel is one product further: dx = `dz1 @ net.w1.T`, (..., 10, 784).

    Args:
        steps: what `net.forward(x)` returned.
    """
    derivative = DERIVATIVES[net.activation]
    dh2 = net.w3.T
    dz2 = dh2 * derivative(steps.h2)[..., None, :]
    dh1 = dz2 @ net.w2.T
    dz1 = dh1 * derivative(steps.h1)[..., None, :]
    return dz2, dz1


def contributions(net: Network, x: np.ndarray, steps: Forward) -> Contributions:
    """The contributions of pixels and hidden units to all ten logits.

    Args:
        x: (..., 784) float32 in 0..1.
        steps: what `net.forward(x)` returned.
    """
    if net.activation == "relu":
        dz2, dz1 = backward(net, steps)
        bias = dz1 @ net.b1 + dz2 @ net.b2 + net.b3
        units1 = dz1 * steps.h1[..., None, :]
    else:
        _, dz1 = backward(net, net.forward(np.multiply.outer(NODES, x)))
        dz1 = np.tensordot(NODE_WEIGHTS, dz1, 1)  # W1 is constant, so the mean of dx follows from dz1's
        bias = net.forward(np.zeros_like(x)).logits
        units1 = dz1 * (steps.z1 - net.b1)[..., None, :]
    dx = dz1 @ net.w1.T
    return Contributions(x[..., None, :] * dx, bias, units1, net.w3.T * steps.h2[..., None, :])
