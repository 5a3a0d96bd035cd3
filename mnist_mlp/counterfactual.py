"""The smallest change of a picture that makes the network read it as another digit.

Wanted is the picture y in [0, 1]^784 nearest to x (L2) whose logit of the digit is the largest:

    margin_k(y) = logit_digit(y) − logit_k(y) ≥ MARGIN      for the nine other digits k

The margins are linearised, margin(y) ≈ margin(at) + G·(y − at), and the nearest y for which these lines and
the box hold is a small quadratic program, solved exactly. Two phases repeat it:

1. from where the picture stands, until it is read as the digit: DeepFool (Moosavi-Dezfooli, Fawzi and
   Frossard, "DeepFool: a simple and accurate method to fool deep neural networks", 2016), for one digit
   and within the box;
2. from x, with the margins linearised at the best picture so far, as long as it comes nearer to x
   (sequential quadratic programming, with a search along the way).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mnist_mlp.explain import backward, check_digit, check_picture

if TYPE_CHECKING:
    from mnist_mlp.network import Network

MARGIN = 1e-4  # of logits: another implementation rounds otherwise, and must read the same digit
OVERSHOOT = 1.02  # DeepFool's
REACHING, REFINING = 40, 32  # steps of either phase at most
FULL_STEP = -0.3  # margin above which a step is taken whole
BISECTIONS = 8
SECOND_START = 1.15  # a second start is refined too, if it is at most so many times as far as the nearest
STEP_SIZES = np.array([1, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05], np.float32)  # tried in a refining step
SCALES = np.array([0.94, 0.97, 0.985, 0.995, 1.005, 1.02, 1.1], np.float32)  # of a change, tried with each


def smallest_change(net: Network, x: np.ndarray, digit: int) -> np.ndarray:
    """The nearest picture found that is read as a digit: see `MLP.smallest_change`."""
    digit = check_digit(digit)
    x = check_picture(x, net.forward(x))
    reached = [_deepfool(net, x, digit), _reach(net, x, digit, 1), _reach(net, x, digit, 0.5)]
    if all(y is None for y in reached):  # no gradient leads on from here
        reached = [_reach(net, np.full_like(x, grey), digit, 1) for grey in (0.5, 0)]
    found = [_to_border(net, x, y, digit) for y in reached if y is not None]
    if not found:
        raise ValueError(f"no change of this picture was found that is read as {digit}")

    def distance(y: np.ndarray) -> float:
        return float(np.linalg.norm(y - x))

    nearest, *others = sorted(found, key=distance)
    second = [y for y in others[:1] if distance(y) < SECOND_START * distance(nearest)]
    refined = [_refined(net, x, y, digit) for y in (nearest, *second)]
    return min(refined, key=distance).reshape(28, 28)


def _margins(net: Network, pictures: np.ndarray, digit: int) -> np.ndarray:
    """By how much the digit's logit is ahead of the nine others', less MARGIN: (..., 784) → (..., 9)."""
    logits = net.forward(pictures).logits
    return logits[..., digit, None] - np.delete(logits, digit, -1) - MARGIN


def _linearise(net: Network, at: np.ndarray, digit: int) -> tuple[np.ndarray, np.ndarray]:
    """The margins (9,) of a picture and their gradients (9, 784), float64."""
    steps = net.forward(at)
    _, dz1 = backward(net, steps)
    logits = steps.logits.astype(np.float64)
    dz1 = dz1[digit] - np.delete(dz1, digit, 0)
    return logits[digit] - np.delete(logits, digit) - MARGIN, (dz1 @ net.w1.T).astype(np.float64)


def _deepfool(net: Network, x: np.ndarray, digit: int) -> np.ndarray | None:
    """Phase 1 as published, one margin a step: a picture that is read as the digit, or None."""
    y, change = x, np.zeros(784)
    for _ in range(REACHING):
        margins, gradients = _linearise(net, y, digit)
        worst = int(margins.argmin())
        if margins[worst] >= 0:
            return y
        gradient = gradients[worst]
        change -= margins[worst] / max(gradient @ gradient, 1e-12) * gradient
        y = np.clip(x + OVERSHOOT * change, 0, 1).astype(np.float32)
    return None


def _reach(net: Network, x: np.ndarray, digit: int, step_size: float) -> np.ndarray | None:
    """Phase 1 with all margins and the box: a picture that is read as the digit, or None.

    Args:
        step_size: share of each step that is taken; short steps follow a curved boundary better.
    """
    for _ in range(REACHING):
        margins, gradients = _linearise(net, x, digit)
        if margins.min() >= 0:
            return x
        share = step_size if margins.min() < FULL_STEP else 1
        x = np.clip(x + OVERSHOOT * share * (_nearest(x, x, margins, gradients) - x), 0, 1).astype(np.float32)
    return None


def _refined(net: Network, x: np.ndarray, found: np.ndarray, digit: int) -> np.ndarray:
    """Phase 2."""
    for _ in range(REFINING):
        nearer = _refine(net, x, found, digit)
        if nearer is None:
            return found
        found = nearer
    return found


def _refine(net: Network, x: np.ndarray, found: np.ndarray, digit: int) -> np.ndarray | None:
    """One step of phase 2: a picture read as the digit that is nearer to x, or None."""
    aim = _nearest(x, found, *_linearise(net, found, digit))
    changes = found - x + STEP_SIZES[:, None] * (aim - found)
    tried = np.clip(x + SCALES[:, None, None] * changes, 0, 1).astype(np.float32)
    read = _margins(net, tried, digit).min(-1) >= 0
    distances = np.where(read, np.linalg.norm(tried - x, axis=-1), np.inf)
    best = np.unravel_index(distances.argmin(), distances.shape)
    now = np.linalg.norm(found - x)
    if not distances[best] < now * (1 - 1e-4):
        return None
    return _to_border(net, x, tried[best], digit)


def _to_border(net: Network, x: np.ndarray, found: np.ndarray, digit: int) -> np.ndarray:
    """The picture on the straight line from `found` to x that is just still read as the digit."""
    change = found - x
    low, high = 0.0, 1.0  # shares of the change: with too little of it, and with enough
    below, above = (float(_margins(net, y, digit).min()) for y in (x, found))
    if below >= 0:
        return x
    for _ in range(BISECTIONS):  # regula falsi, kept away from both ends
        share = np.clip(-below / max(above - below, 1e-9), 0.1, 0.9)
        middle = low + share * (high - low)
        between = x + np.float32(middle) * change
        margin = float(_margins(net, between, digit).min())
        if margin < 0:
            low, below = middle, margin
        else:
            high, above, found = middle, margin, between
    return found


def _nearest(x: np.ndarray, at: np.ndarray, margins: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """The y in the box that is nearest to x with margins + gradients · (y − at) ≥ 0.

    Its dual has one multiplier for each margin, and y = clip(x + multipliers · gradients, 0, 1): it is
    solved by projected Newton steps.
    """
    offset = margins - gradients @ at
    multipliers = np.zeros(len(margins))

    def solve(multipliers: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        y = np.clip(x + multipliers @ gradients, 0, 1)
        slack = gradients @ y + offset
        return y, slack, float(multipliers @ slack - 0.5 * (y - x) @ (y - x))

    y, slack, value = solve(multipliers)
    for _ in range(30):
        moving = (multipliers > 0) | (slack < 0)
        if not moving.any() or np.abs(slack[moving]).max() < 1e-6:
            break
        unclipped = x + multipliers @ gradients
        free = gradients[moving][:, (unclipped >= 0) & (unclipped <= 1)]
        hessian = free @ free.T + 1e-9 * np.eye(len(free))
        step = np.zeros(len(margins))
        step[moving] = np.linalg.solve(hessian, -slack[moving])
        for share in (1.0, 0.5, 0.25, 0.1, 0.02):
            tried = np.maximum(multipliers + share * step, 0)
            y_tried, slack_tried, value_tried = solve(tried)
            if value_tried < value:
                break
        else:
            break
        multipliers, y, slack, value = tried, y_tried, slack_tried, value_tried
    return y
