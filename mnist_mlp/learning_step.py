"""What a network would learn from one drawing: steps of gradient descent, in NumPy.

For a picture x whose digit should be d, the loss is −log p[d], and the chain rule gives, under the names of
`mnist_mlp.explain`,

    dlogits = p − onehot(d)         dW3 = h2ᵀ · dlogits       db3 = dlogits
    dh2 = dlogits · W3ᵀ             dz2 = dh2 · f'(z2)
                                    dW2 = h1ᵀ · dz2           db2 = dz2
    dh1 = dz2 · W2ᵀ                 dz1 = dh1 · f'(z1)
                                    dW1 = xᵀ · dz1            db1 = dz1

A step moves each weight by −rate times its gradient. What the network pays for it is told by training digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mnist_mlp.explain import DERIVATIVES, check_digit, check_picture
from mnist_mlp.nearest import load_neighbours
from mnist_mlp.network import Network, Weights

RATE = 0.003  # of a step, unless another is asked for
RATES = (0.0003, 0.1)  # the least and the largest
STEPS = (1, 2, 5, 10)  # after which the answer is told
KEPT = 500  # training digits on which the price is measured


def gradients(net: Network, x: np.ndarray, digit: int) -> tuple[float, Weights]:
    """The loss −log p[digit] of one picture, and its gradient by each of the six arrays.

    Args:
        x: (784,) or (28, 28), floats in 0..1.

    Raises:
        TypeError, ValueError: another picture, or no such digit.
    """
    digit = check_digit(digit)
    steps = net.forward(x)
    x = check_picture(x, steps)
    derivative = DERIVATIVES[net.activation]
    dlogits = steps.probabilities - np.eye(10, dtype=np.float32)[digit]
    dz2 = (dlogits @ net.w3.T) * derivative(steps.h2)
    dz1 = (dz2 @ net.w2.T) * derivative(steps.h1)
    loss = -float(np.log(np.maximum(steps.probabilities[digit], 1e-30)))
    return loss, {
        "w1": np.outer(x, dz1),
        "b1": dz1,
        "w2": np.outer(steps.h1, dz2),
        "b2": dz2,
        "w3": np.outer(steps.h2, dlogits),
        "b3": dlogits,
    }


def learn_from(net: Network, x: np.ndarray, digit: Any, rate: Any = RATE) -> dict[str, Any]:
    """What a network would learn from one picture that should have been read as a digit.

    "digit", "rate"; "loss" −log p; "dlogits" (10,) its gradient at the logits; "dW1", "dW2", "dW3" and "db1", "db2",
    "db3", the gradients at the weights; "steps": 0, 1, 2, 5, 10, "losses" and "probabilities" (5, 10) before and
    after so many steps; "kept", how many training digits were asked before and after all steps, and "lost", how many of
    those that were read rightly are read wrongly afterwards.

    Raises:
        TypeError, ValueError: another picture, or no such digit or rate.
    """
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not RATES[0] <= rate <= RATES[1]:
        raise ValueError(f"a rate is a number from {RATES[0]} to {RATES[1]}; got {rate!r:.80}")
    learnt = Network({name: array.copy() for name, array in net.weights.items()}, net.config)
    loss, first = gradients(net, x, digit)
    losses, probabilities = [loss], [net.predict_proba(x).reshape(10)]
    for step in range(1, STEPS[-1] + 1):
        _, gradient = gradients(learnt, x, digit)
        for name, array in learnt.weights.items():
            array -= np.float32(rate) * gradient[name]
        if step in STEPS:
            probabilities.append(learnt.predict_proba(x).reshape(10))
            losses.append(-float(np.log(np.maximum(probabilities[-1][digit], 1e-30))))
    return {
        "digit": digit,
        "rate": rate,
        "loss": loss,
        "dlogits": first["b3"],
        **{f"d{name.upper() if name[0] == 'w' else name}": array for name, array in first.items()},
        "steps": (0, *STEPS),
        "losses": losses,
        "probabilities": np.stack(probabilities),
        **_price(net, learnt),
    }


def _price(before: Network, after: Network) -> dict[str, int]:
    among = load_neighbours()
    if among is None:
        return {"kept": 0, "lost": 0}
    some = slice(None, None, max(len(among.labels) // KEPT, 1))
    x, labels = among.images[some] / np.float32(255), among.labels[some]
    right = before.predict_proba(x).argmax(1) == labels
    return {"kept": len(labels), "lost": int((right & (after.predict_proba(x).argmax(1) != labels)).sum())}
