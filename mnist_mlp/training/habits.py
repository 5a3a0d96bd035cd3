"""What people draw and MNIST rarely has: bars, flags, feet, curls, closed fours, open eights.

`HABITS` is the table: which strokes are added to a digit, and what of it is erased before. A picture of them is
`docs/habits.png`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from mnist_mlp.training.strokes import DIRECTIONS

NOWHERE = 99.0  # pixels: farther away than any pixel of an image
REMNANT = 0.12  # share of the digits beside which a bit of a neighbour's stroke or of a printed line is left

# Places on a digit. "over": above the mean, as high as the top. "end": where the stroke before ends.
PLACES = {"top": 0, "bottom": 1, "half": 2, "mean": 3, "over": 4, "end": 5}
PLACES |= {
    "right": 6,
    "left": 6 + 8,
    "upper left": 6 + 10,
    "upper right": 6 + 14,
}  # outermost, of 16 directions


class Stroke(NamedTuple):
    """A straight stroke that may be added. Lengths are in shares of the digit's height; y points down."""

    share: float = 0.0
    """Probability that it is drawn; of one that begins at "end", where the stroke before is."""
    start: str = "top"
    x: tuple[float, float] = (0.0, 0.0)
    """How far it goes to the right, between these."""
    y: tuple[float, float] = (0.0, 0.0)
    back: float = 0.0
    """1 where it goes as far the other way, too."""
    spread: float = 0.0
    """Standard deviation of where it begins."""
    to: str = ""
    """The place that x and y count from, where that is not its start."""


class Erased(NamedTuple):
    """What is erased: above a height, between two columns."""

    column: str = "top"
    left: float = NOWHERE
    right: float = -NOWHERE
    row: str = "top"
    above: float = 0.0


class Habit(NamedTuple):
    """One way to draw a digit; `weight` is its share among those of the digit."""

    digit: int
    weight: float
    first: Stroke = Stroke()
    second: Stroke = Stroke()
    erased: Erased = Erased()


TILT = (-0.08, 0.08)
ROOF = Stroke(0.40, "over", (0.25, 0.6), TILT, spread=0.07)
FOOT = Stroke(0.40, "bottom", (0.1, 0.33), TILT, back=1, spread=0.04)
HABITS = (
    Habit(
        0, 0.65, Stroke(0.5, "mean", (0.1, 0.55), (-0.7, -0.1), back=1, spread=0.06)
    ),  # a bar, mostly steep
    Habit(0, 0.35, Stroke(0.5, "mean", (-0.6, 0.6), (-0.6, 0.6), back=1, spread=0.06)),
    Habit(1, 1.00, Stroke(0.6, "top", (-0.6, -0.06), (0.05, 0.65), spread=0.03), FOOT),  # a flag and a foot
    Habit(2, 1.00, Stroke(0.2, "upper left", (0.05, 0.25), (0.05, 0.25))),  # a curled start
    Habit(3, 1.00),
    Habit(  # a longer arm; a closed head
        4,
        0.88,
        Stroke(0.4, "right", (0.1, 0.45), TILT, spread=0.02),
        Stroke(0.35, "upper left", spread=0.03, to="upper right"),
    ),
    Habit(  # its upper half as a triangle, in one stroke with its bar
        4,
        0.12,
        Stroke(1.0, "left", (-0.1, 0.3), (-0.05, 0.1), to="over"),
        erased=Erased("left", -NOWHERE, NOWHERE, "left", -0.06),
    ),
    Habit(5, 0.67, ROOF),
    Habit(5, 0.33, ROOF._replace(share=1), erased=Erased("upper left", 0.12, NOWHERE, "top", 0.2)),
    Habit(  # a curled top
        6, 1.00, Stroke(0.25, "top", (0.08, 0.3), (-0.02, 0.15)), Stroke(1, "end", (-0.1, 0.12), (0.05, 0.2))
    ),
    Habit(  # a curl at its foot
        7,
        0.35,
        Stroke(0.55, "bottom", (0.08, 0.35), (-0.05, 0.08)),
        Stroke(0.9, "end", (0, 0.15), (-0.2, -0.03)),
    ),
    Habit(  # a bar; a serif
        7,
        0.65,
        Stroke(0.55, "half", (0.12, 0.5), TILT, back=1, spread=0.06),
        Stroke(0.5, "upper left", TILT, (0.08, 0.3)),
    ),
    Habit(8, 0.85),
    Habit(8, 0.15, erased=Erased("top", -0.1, 0.1, "top", 0.15)),  # open at the top
    Habit(9, 0.35, FOOT, Stroke(1, "end", (0, 0.1), (-0.2, 0))),
    Habit(
        9,
        0.65,
        Stroke(0.4, "bottom", (-0.45, -0.1), (-0.1, 0.12)),
        Stroke(1, "end", (-0.2, -0.03), (-0.3, 0)),
    ),
    Habit(10, 1.00),  # no digit
)
_SHARES = np.zeros((11, len(HABITS)), np.float32)
for _number, _habit in enumerate(HABITS):
    _SHARES[_habit.digit, _number] = _habit.weight


class Random:
    """Random numbers for n images. Each call is a stream of its own; the seed determines them all."""

    def __init__(self, seed: tf.Tensor, n: tf.Tensor):
        self.seed, self.n, self.stream = seed, n, 0

    def _next(self) -> tf.Tensor:
        self.stream += 1
        return tf.stack([self.seed, self.stream])

    def uniform(self, low: float | tf.Tensor = 0.0, high: float | tf.Tensor = 1.0) -> tf.Tensor:
        """(n, 1), between two numbers or (n, 1) each."""
        return low + (high - low) * tf.random.stateless_uniform([self.n, 1], self._next())

    def normal(self, spread: float | tf.Tensor, *shape: int) -> tf.Tensor:
        """(n, 1), or (n, *shape)."""
        return spread * tf.random.stateless_normal([self.n, *(shape or (1,))], self._next())

    def chance(self, share: float | tf.Tensor) -> tf.Tensor:
        """(n,) bool."""
        return self.uniform()[:, 0] < share


class Added(NamedTuple):
    """The strokes that are added to n digits, and what is erased before. In pixels."""

    strokes: tf.Tensor
    """(n, 2, 2, 2): of either stroke start and end, x and y."""
    there: tf.Tensor
    """(n, 2) bool: whether either is drawn."""
    erased: tf.Tensor
    """(n, 3): left, right and lower end."""


def add_habits(random: Random, digit: tf.Tensor, ends: tf.Tensor, outermost: tf.Tensor) -> Added:
    """Draw a habit for each digit.

    Args:
        digit: (n,) int32, 0..10.
        ends, outermost: (n, 4, 2) and (n, 16, 2), as `strokes.Strokes` has them.
    """
    top, bottom, _, mean = tf.unstack(ends, axis=1)
    over = tf.stack([mean[:, 0], top[:, 1]], 1)
    height = (bottom - top)[:, 1:]
    which = tf.argmax(tf.cumsum(tf.gather(_SHARES, digit), axis=1) > random.uniform(), axis=1)
    strokes: list[tf.Tensor] = []
    there: list[tf.Tensor] = []
    for i, name in enumerate(("first", "second")):
        before = strokes[0][:, 1] if strokes else top
        places = tf.concat([ends, over[:, None], before[:, None], outermost], 1)
        drawn = [getattr(habit, name) for habit in HABITS]

        def of(values: Sequence[float], which: tf.Tensor = which) -> tf.Tensor:
            """A column of the table, for each digit: (n, 1)."""
            array = np.array(values)
            return tf.gather(array.astype(np.int32 if array.dtype.kind == "i" else np.float32), which)[
                :, None
            ]

        def place(names: list[str], places: tf.Tensor = places) -> tf.Tensor:
            return tf.gather(places, of([PLACES[name] for name in names])[:, 0], batch_dims=1)

        spread = of([s.spread for s in drawn])
        start, to = (
            place(names) + random.normal(spread, 2) * height
            for names in ([s.start for s in drawn], [s.to or s.start for s in drawn])
        )
        elsewhere = of([float(bool(s.to)) for s in drawn]) > 0
        to = tf.where(elsewhere, to, start)
        way = [
            random.uniform(*(of([getattr(s, axis)[end] for s in drawn]) for end in (0, 1)))
            for axis in ("x", "y")
        ]
        way = tf.concat(way, 1) * height
        start -= of([s.back for s in drawn]) * way
        strokes.append(tf.stack([start, to + way], 1))
        goes_on = of([float(s.start == "end") for s in drawn])[:, 0] > 0
        share = of([s.share for s in drawn])[:, 0]
        there.append(random.chance(share) & (~goes_on | (there[0] if i else True)))
    area = [habit.erased for habit in HABITS]
    column, row = place([a.column for a in area])[:, :1], place([a.row for a in area])[:, 1:]
    left, right, above = (of([getattr(a, side) for a in area]) for side in ("left", "right", "above"))
    erased = tf.concat([column + left * height, column + right * height, row + above * height], 1)
    added = Added(tf.stack(strokes, 1), tf.stack(there, 1), erased)
    return _with_remnant(random, digit, mean, height, outermost, added)


def _with_remnant(
    random: Random, digit: tf.Tensor, mean: tf.Tensor, height: tf.Tensor, outermost: tf.Tensor, added: Added
) -> Added:
    """With a remnant of a neighbour's stroke or of a printed line, as where a digit is cut out of a number."""
    which = tf.cast(random.uniform(0.0, float(DIRECTIONS))[:, 0], tf.int32)
    start = tf.gather(outermost, which, batch_dims=1)
    outwards = tf.sign(start[:, :1] - mean[:, :1])
    way = tf.concat([outwards * random.uniform(0.05, 0.2), random.uniform(-0.12, 0.12)], 1) * height
    kept = random.chance(REMNANT) & (digit < 10) & ~added.there[:, 1]
    second = tf.where(kept[:, None, None], tf.stack([start, start + way], 1), added.strokes[:, 1])
    there = tf.stack([added.there[:, 0], added.there[:, 1] | kept], 1)
    return Added(tf.stack([added.strokes[:, 0], second], 1), there, added.erased)
