"""A small change of a picture that makes the network read it as another digit.

Wanted is a picture y in [0, 1]^784 near to x (L2) whose logit of the digit is the largest:

    margin_k(y) = logit_digit(y) − logit_k(y) ≥ MARGIN      for the nine other digits k

DeepFool (Moosavi-Dezfooli, Fawzi and Frossard, "DeepFool: a simple and accurate method to fool deep neural
networks", 2016), for one digit and within the box: the margin that is missed most is linearised, the change that
would just meet it is added, and so on; then the straight line back to x is searched for where the digit begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_mlp.explain import backward, check_digit, check_picture

if TYPE_CHECKING:
    from mnist_mlp.network import Network

MARGIN = 1e-4  # of logits: another implementation rounds otherwise, and must read the same digit
OVERSHOOT = 1.02  # DeepFool's
STEPS = 60  # at most
BISECTIONS = 12
SHARES = (1.0, 0.3)  # of each step that is taken: short steps follow a curved boundary better
GREYS = (0.5, 0.0)  # pictures to start from where no gradient leads on from x


def smallest_change(net: Network, x: np.ndarray, digit: int) -> np.ndarray:
    """The nearest picture found that is read as a digit: see `MLP.smallest_change`."""
    digit = check_digit(digit)
    x = check_picture(x, net.forward(x)).astype(np.float64)
    reached = [_reach(net, x, x, digit, share) for share in SHARES]
    if all(y is None for y in reached):
        reached = [_reach(net, np.full_like(x, grey), x, digit, 1.0) for grey in GREYS]
    found = [_nearest_between(net, x, y, digit) for y in reached if y is not None]
    if not found:
        raise ValueError(f"no change of this picture was found that is read as {digit}")
    return min(found, key=lambda y: float(np.linalg.norm(y - x))).reshape(28, 28)


def _margins(net: Network, y: np.ndarray, digit: int) -> np.ndarray:
    """By how much the digit's logit is ahead of each logit, less MARGIN, (10,); infinite ahead of itself."""
    logits = net.forward(y.astype(np.float32)).logits.astype(np.float64)
    margins = logits[digit] - logits - MARGIN
    margins[digit] = np.inf
    return margins


def _reach(net: Network, start: np.ndarray, x: np.ndarray, digit: int, share: float) -> np.ndarray | None:
    """A picture that is read as the digit, or None; gradients lead there from `start`."""
    y = start
    for _ in range(STEPS):
        margins = _margins(net, y, digit)
        worst = int(margins.argmin())
        if margins[worst] >= 0:
            return y
        _, dz1 = backward(net, net.forward(y.astype(np.float32)))
        gradient = (dz1[digit] - dz1[worst]).astype(np.float64) @ net.w1.T
        free = np.where(gradient > 0, y < 1, y > 0) * gradient  # where the box lets it go on
        step = max(-margins[worst] * share, MARGIN) / max(free @ free, 1e-12)
        y = np.clip(y + OVERSHOOT * step * free, 0, 1)
    return None


def _nearest_between(net: Network, x: np.ndarray, y: np.ndarray, digit: int) -> np.ndarray:
    """The picture nearest to x on the straight line from y that is still read as the digit, as float32."""
    low, high = (0.0, 1.0) if _margins(net, x, digit).min() < 0 else (0.0, 0.0)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if _margins(net, x + middle * (y - x), digit).min() >= 0 else (middle, high)
    return (x + high * (y - x)).astype(np.float32)


CHANGED = 0.5 / 255  # a pixel that differs by less is shown in the same grey


def change_to(net: Network, x: np.ndarray, digit: Any) -> dict[str, Any]:
    """The smallest change found that is read as a digit, and how large it is.

    "digit"; "pixels" (28, 28) float32; "l2", its distance; "pixels_changed", how many; "grey_levels", by how much on
    average, of 255; "probabilities" (10,) float32 of the result.
    """
    changed = smallest_change(net, x, digit)
    difference = np.abs(changed - x.reshape(28, 28))
    altered = difference >= CHANGED
    return {
        "digit": digit,
        "pixels": changed,
        "l2": float(np.linalg.norm(difference)),
        "pixels_changed": int(altered.sum()),
        "grey_levels": float(255 * difference[altered].mean()) if altered.any() else 0.0,
        "probabilities": net.predict_proba(changed),
    }
