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
import re
from typing import TYPE_CHECKING, Any, NamedTuple

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
    digit = None if digit is None else check_digit(digit)
    found = explanation(net, x)
    if digit is None:
        digit = int(found["logits"].argmax())
    return Explanation(found["evidence"][digit], float(found["bias"][digit]), float(found["logits"][digit]))


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


def explanation(net: Network, x: np.ndarray) -> dict[str, np.ndarray]:
    """All about one picture, by the names of the formulas above: float32 arrays.

    "x" (28, 28); "z1", "h1" (128,); "z2", "h2" (256,); "logits", "probabilities" (10,): the forward pass. For each
    digit, "evidence" (10, 28, 28), the contribution of each pixel to its logit, and "bias" (10,): logits =
    evidence.sum((1, 2)) + bias. "h1_contributions" (10, 128) is what passes through each unit of the first hidden
    layer; "h2_contributions" (10, 256) is h2 · W3: logits = h2_contributions.sum(1) + b3.

    Raises:
        TypeError, ValueError: x is not one picture, (784,) or (28, 28), floats in 0..1.
    """
    steps = net.forward(x)
    x = check_picture(x, steps)
    if net.activation == "relu":
        dz2, dz1 = backward(net, steps)
        bias = dz1 @ net.b1 + dz2 @ net.b2 + net.b3
        through = dz1 * steps.h1
    else:
        _, dz1 = backward(net, net.forward(np.multiply.outer(NODES, x)))
        dz1 = np.tensordot(NODE_WEIGHTS, dz1, 1)  # W1 is constant, so the mean of dx follows from dz1's
        bias = net.forward(np.zeros_like(x)).logits
        through = dz1 * (steps.z1 - net.b1)
    return {
        "x": x.reshape(28, 28),
        **steps._asdict(),
        "evidence": (x * (dz1 @ net.w1.T)).reshape(10, 28, 28),
        "bias": bias,
        "h1_contributions": through,
        "h2_contributions": net.w3.T * steps.h2,
    }


UNITS = {"h1": 128, "h2": 256, "logits": 10}


def parse_unit(unit: str) -> tuple[str, int]:
    """ "h1[103]" → ("h1", 103).

    Raises:
        ValueError: no such unit.
    """
    match = re.fullmatch(r"(h1|h2|logits)\[(\d{1,3})\]", unit)
    if not match or int(match[2]) >= UNITS[match[1]]:
        raise ValueError(f"a unit is h1[0…127], h2[0…255] or logits[0…9]; got {unit!r:.40}")
    return match[1], int(match[2])


def unit_sum(net: Network, x: np.ndarray, unit: str) -> dict[str, Any]:
    """One unit: sum = Σ inputs · weights + bias; its output is what the activation makes of the sum.

    Raises:
        TypeError, ValueError: x is no picture, or there is no such unit.
    """
    layer, index = parse_unit(unit)
    steps = net.forward(x)
    inputs = {"h1": check_picture(x, steps), "h2": steps.h1, "logits": steps.h2}[layer]
    number = {"h1": 1, "h2": 2, "logits": 3}[layer]
    return {
        "name": unit,
        "inputs": inputs,
        "weights": net.weights[f"w{number}"][:, index],
        "bias": float(net.weights[f"b{number}"][index]),
        "sum": float({"h1": steps.z1, "h2": steps.z2, "logits": steps.logits}[layer][index]),
        "output": float(getattr(steps, layer)[index]),
    }
