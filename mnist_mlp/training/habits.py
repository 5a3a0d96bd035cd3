"""What people draw and MNIST rarely has: bars, flags, feet, curls, closed fours, open eights.

Each habit adds at most two strokes to a digit, or erases a part of it first. `docs/habits.png` shows them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from mnist_mlp.training.strokes import DIRECTIONS

# Probability that a digit's first and second stroke are drawn; the eleventh is no digit.
FIRST_STROKE = (0.50, 0.60, 0.20, 0.0, 0.40, 0.40, 0.25, 0.55, 0.0, 0.40, 0.0)
SECOND_STROKE = (0.0, 0.40, 0.0, 0.0, 0.20, 0.0, 0.60, 0.50, 0.0, 0.60, 0.0)
# Probability that a four's upper half or a five's bar is drawn anew, or that an eight is open at the top.
ERASED = (0.0, 0.0, 0.0, 0.0, 0.12, 0.33, 0.0, 0.0, 0.15, 0.0, 0.0)
REMNANT = 0.12  # probability that a bit of a neighbour's stroke or of a printed line is left at a digit

NOWHERE = 99.0  # farther away than any pixel

Segment = tuple[tf.Tensor, tf.Tensor]  # from and to, (n, 2) each


class Random:
    """Random numbers for n images. Each call is a stream of its own; the seed determines them all."""

    def __init__(self, seed: tf.Tensor, n: tf.Tensor):
        self.seed, self.n, self.stream = seed, n, 0

    def _next(self) -> tf.Tensor:
        self.stream += 1
        return tf.stack([self.seed, self.stream])

    def uniform(self, low: float = 0.0, high: float = 1.0) -> tf.Tensor:
        """(n, 1)"""
        return tf.random.stateless_uniform([self.n, 1], self._next(), low, high)

    def normal(self, spread: float, *shape: int) -> tf.Tensor:
        """(n, 1), or (n, *shape)"""
        return tf.random.stateless_normal([self.n, *(shape or (1,))], self._next(), 0.0, spread)

    def chance(self, share: float | tf.Tensor) -> tf.Tensor:
        """(n,) bool"""
        return self.uniform()[:, 0] < share


class Marks(NamedTuple):
    """Places on n digits, (n, 2) each, in pixels; lengths of strokes are relative to the digits' height."""

    random: Random
    top: tf.Tensor
    bottom: tf.Tensor
    half: tf.Tensor
    """In the middle of its height."""
    mean: tf.Tensor
    outermost: tf.Tensor
    """(n, DIRECTIONS, 2)"""

    @property
    def height(self) -> tf.Tensor:
        """(n, 1)"""
        return (self.bottom - self.top)[:, 1:]

    def towards(self, sixteenths: int) -> tf.Tensor:
        """The outermost point in a direction: 0 right, 8 left, 10 up and left, 14 up and right."""
        return self.outermost[:, sixteenths * DIRECTIONS // 16]

    def beside(self, start: tf.Tensor, x: tf.Tensor | float, y: tf.Tensor | float) -> tf.Tensor:
        """The point so far to the right of another, and below it."""
        return start + tf.concat([x + 0 * self.height, y + 0 * self.height], 1) * self.height

    def near(self, start: tf.Tensor, spread: float) -> tf.Tensor:
        return start + self.random.normal(spread, 2) * self.height

    def across(self, middle: tf.Tensor, x: tf.Tensor, y: tf.Tensor) -> Segment:
        return self.beside(middle, -x, -y), self.beside(middle, x, y)


class Habit(NamedTuple):
    """The strokes that may be added to a digit."""

    first: Segment
    second: Segment | None = None
    goes_on: tf.Tensor | bool = False
    """(n,) bool: the second is drawn where the first one is, and begins at its end."""


def _bar_of_a_zero(marks: Marks) -> Habit:
    """It lies at any angle, but mostly it is steep."""
    random = marks.random
    angle = tf.where(random.uniform() < 0.35, random.uniform(0.0, 3.14), random.uniform(0.3, 1.2))
    length = random.uniform(0.3, 0.8)
    middle = marks.near(marks.mean, 0.06)
    return Habit(marks.across(middle, tf.sin(angle) * length, -tf.cos(angle) * length))


def _flat_foot(marks: Marks) -> Segment:
    """It reaches to both sides: to one, it would make a one a two."""
    random = marks.random
    foot, left, tilt = marks.near(marks.bottom, 0.04), random.uniform(0.1, 0.33), random.uniform(-0.08, 0.08)
    right = left * random.uniform(0.6, 1.4)
    return marks.beside(foot, -left, -tilt), marks.beside(foot, right, tilt)


def _flag_and_foot_of_a_one(marks: Marks) -> Habit:
    random = marks.random
    angle, length = random.uniform(0.3, 1.2), random.uniform(0.15, 0.75)
    flag = marks.near(marks.top, 0.03)
    return Habit(
        (flag, marks.beside(flag, -tf.sin(angle) * length, tf.cos(angle) * length)), _flat_foot(marks)
    )


def _curled_start_of_a_two(marks: Marks) -> Habit:
    random, corner = marks.random, marks.towards(10)
    return Habit((corner, marks.beside(corner, random.uniform(0.05, 0.25), random.uniform(0.05, 0.25))))


def _long_arm_and_closed_head_of_a_four(marks: Marks) -> Habit:
    random = marks.random
    arm = marks.near(marks.towards(0), 0.02)
    longer = arm, marks.beside(arm, random.uniform(0.1, 0.45), random.uniform(-0.08, 0.08))
    return Habit(longer, (marks.near(marks.towards(10), 0.03), marks.near(marks.towards(14), 0.03)))


def _above_the_mean(marks: Marks) -> tf.Tensor:
    return tf.concat([marks.mean[:, :1], marks.top[:, 1:]], 1)


def _roof_of_a_five(marks: Marks) -> Habit:
    random = marks.random
    start = marks.beside(_above_the_mean(marks), random.uniform(-0.15, 0.1), -random.uniform(0.0, 0.2))
    return Habit((start, marks.beside(start, random.uniform(0.25, 0.6), random.uniform(-0.08, 0.08))))


def _curled_top_of_a_six(marks: Marks) -> Habit:
    random = marks.random
    curled = marks.beside(marks.top, random.uniform(0.08, 0.3), random.uniform(-0.02, 0.15))
    on = marks.beside(curled, random.uniform(-0.1, 0.12), random.uniform(0.05, 0.2))
    return Habit((marks.top, curled), (curled, on), True)


def _curl_or_bar_and_serif_of_a_seven(marks: Marks) -> Habit:
    random = marks.random
    curl = marks.beside(marks.bottom, random.uniform(0.08, 0.35), random.uniform(-0.05, 0.08))
    on = marks.beside(curl, random.uniform(0.0, 0.15), -random.uniform(0.03, 0.2))
    tilt = random.uniform(-0.08, 0.08)
    bar = marks.across(marks.near(marks.half, 0.06), random.uniform(0.12, 0.5), tilt)
    corner = marks.towards(10)
    serif = corner, marks.beside(corner, tilt, random.uniform(0.08, 0.3))
    return _either(random, Habit((marks.bottom, curl), (curl, on), True), Habit(bar, serif, False))


def _foot_or_hook_of_a_nine(marks: Marks) -> Habit:
    random = marks.random
    flat = _flat_foot(marks)
    upturned = flat[1], marks.beside(flat[1], random.uniform(0.0, 0.1), -random.uniform(0.0, 0.2))
    hook = marks.beside(marks.bottom, -random.uniform(0.1, 0.45), random.uniform(-0.1, 0.12))
    on = hook, marks.beside(hook, -random.uniform(0.03, 0.2), -random.uniform(0.0, 0.3))
    return _either(random, Habit(flat, upturned, True), Habit((marks.bottom, hook), on, True))


def _either(random: Random, one: Habit, other: Habit) -> Habit:
    """One of two habits that exclude each other; the first for 35 % of the digits."""
    first = random.uniform() < 0.35

    def chosen(points: Segment, others: Segment) -> Segment:
        return tf.where(first, points[0], others[0]), tf.where(first, points[1], others[1])

    assert one.second and other.second
    goes_on = tf.where(first[:, 0], one.goes_on, other.goes_on)
    return Habit(chosen(one.first, other.first), chosen(one.second, other.second), goes_on)


HABITS: dict[int, Callable[[Marks], Habit]] = {
    0: _bar_of_a_zero,
    1: _flag_and_foot_of_a_one,
    2: _curled_start_of_a_two,
    4: _long_arm_and_closed_head_of_a_four,
    5: _roof_of_a_five,
    6: _curled_top_of_a_six,
    7: _curl_or_bar_and_serif_of_a_seven,
    9: _foot_or_hook_of_a_nine,
}


class Added(NamedTuple):
    """What is added to n digits, and what is erased before."""

    strokes: tf.Tensor
    """(n, 2, from/to, 2)"""
    drawn: tf.Tensor
    """(n, 2) bool: whether each of the two is."""
    area: tf.Tensor
    """(n, 3): left, right and lower end of what is erased."""


def habits(random: Random, digit: tf.Tensor, ends: tf.Tensor, outermost: tf.Tensor) -> Added:
    """Strokes that people add to digits, and parts that they leave out.

    Args:
        digit: (n,) int32, 0..10.
        ends, outermost: as `strokes.Strokes` has them, of each.
    """
    marks = Marks(random, ends[:, 0], ends[:, 1], ends[:, 2], ends[:, 3], outermost)
    strokes, goes_on = _strokes(marks, digit)
    u, v = random.uniform()[:, 0], random.uniform()[:, 0]
    drawn = [u < tf.gather(FIRST_STROKE, digit), tf.where(goes_on, u, v) < tf.gather(SECOND_STROKE, digit)]
    # A four's arm is prolonged where it is what reaches furthest, not its head.
    low = marks.towards(0)[:, 1] > marks.half[:, 1] - 0.1 * marks.height[:, 0]
    drawn[0] &= low | (digit != 4)
    added = _anew(marks, digit, Added(strokes, tf.stack(drawn, 1), _nowhere(marks)))
    return _with_remnant(marks, digit, added)


def _strokes(marks: Marks, digit: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """(n, 2, from/to, 2), and whether the second goes on where the first ends, (n,)."""
    first, second = tf.stack([marks.top, marks.top], 1), tf.stack([marks.bottom, marks.bottom], 1)
    goes_on = digit < 0
    for which, habit_of in HABITS.items():
        habit, here = habit_of(marks), digit == which
        first = tf.where(here[:, None, None], tf.stack(habit.first, 1), first)
        if habit.second:
            second = tf.where(here[:, None, None], tf.stack(habit.second, 1), second)
        goes_on |= here & habit.goes_on
    return tf.stack([first, second], 1), goes_on


def _nowhere(marks: Marks) -> tf.Tensor:
    """An area, (n, 3), that holds nothing."""
    return tf.concat(
        [-NOWHERE + 0 * marks.height, NOWHERE + 0 * marks.height, -NOWHERE + 0 * marks.height], 1
    )


def _anew(marks: Marks, digit: tf.Tensor, added: Added) -> Added:
    """A four's upper half as a triangle, in one stroke with its bar; a five's bar; an eight open at the top."""
    random, height = marks.random, marks.height
    erased = random.chance(tf.gather(ERASED, digit))
    left, corner = marks.towards(8), marks.towards(10)
    diagonal = marks.beside(_above_the_mean(marks), random.uniform(-0.1, 0.3), random.uniform(-0.05, 0.1))
    four = erased & (digit == 4)
    first = tf.where(four[:, None, None], tf.stack([left, diagonal], 1), added.strokes[:, 0])
    drawn = [added.drawn[:, 0] | (erased & (digit != 8)), added.drawn[:, 1] & ~four]
    gap = random.uniform(0.04, 0.16) * height
    ends = {
        4: (-NOWHERE, NOWHERE, left[:, 1:] - 0.06 * height),
        5: (corner[:, :1] + 0.12 * height, NOWHERE, marks.top[:, 1:] + 0.2 * height),
        8: (marks.top[:, :1] - gap, marks.top[:, :1] + gap, marks.top[:, 1:] + 0.15 * height),
    }
    area = added.area
    for which, ends_of in ends.items():
        here = tf.concat([end + 0 * height for end in ends_of], 1)
        area = tf.where((erased & (digit == which))[:, None], here, area)
    return Added(tf.stack([first, added.strokes[:, 1]], 1), tf.stack(drawn, 1), area)


def _with_remnant(marks: Marks, digit: tf.Tensor, added: Added) -> Added:
    """With a remnant of a neighbour's stroke or of a printed line, as where a digit is cut out of a number."""
    random = marks.random
    which = tf.cast(random.uniform(0.0, DIRECTIONS)[:, 0], tf.int32)
    start = tf.gather(marks.outermost, which, batch_dims=1)
    outwards = tf.sign(start[:, :1] - marks.mean[:, :1])
    end = marks.beside(start, outwards * random.uniform(0.05, 0.2), random.uniform(-0.12, 0.12))
    kept = random.chance(REMNANT) & (digit < 10) & ~added.drawn[:, 1]
    second = tf.where(kept[:, None, None], tf.stack([start, end], 1), added.strokes[:, 1])
    drawn = tf.stack([added.drawn[:, 0], added.drawn[:, 1] | kept], 1)
    return Added(tf.stack([added.strokes[:, 0], second], 1), drawn, added.area)
