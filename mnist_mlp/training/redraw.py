"""Data augmentation: digits redrawn with distortions, other pens, and strokes that people add.

A random affine map and an elastic displacement give, for each pixel of the new image, a position in the
source. There the fields that `strokes.measure` made are looked up: the grey level, or the distance from the
outline or from the skeleton, from which ink of any pen width is drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from mnist_mlp.canvas import BOX, CENTRE
from mnist_mlp.training.habits import NOWHERE, Added, Random, habits
from mnist_mlp.training.strokes import DIRECTIONS, GRID_SIDE, STEPS_PER_PIXEL, Strokes, measure_strokes

# Lengths are in pixels of the 28x28 image unless said otherwise.
TURN, SHEAR, STRETCH = 0.11, 0.16, 0.11  # standard deviations: radians, slope, logarithm
BEND, WOBBLE = 1.04, 0.44  # standard deviation of the displacement, on a coarse and on a fine grid
WAVES = (4, 0.7), (7, 0.6)  # of each grid: lines along a side, and a line's reach in grid distances
MANNERS = (0.5, 0.2, 0.3)  # shares: MNIST's own ink, that ink thicker or thinner, drawn with a round pen
CALM = 0.6  # affine distortion of those drawn with a pen, relative to the others
BOLDER = 0.45  # standard deviation of the change in thickness, half on each side
PEN = (0.8, 3.9)  # width
SIZE = 0.01  # standard deviation of the size's logarithm
OFF_CENTRE = (0.5, 0.2)  # largest shift, for own ink and others: MNIST's digits lie on whole pixels
SHARPER = 1.3  # contrast that interpolation takes from own ink
CONTRAST = (0.75, 1.25)
CLIPPED = 0.06  # probability that a cut took a little of a digit's left or right
SCAN = 0.08  # probability of a low resolution
SCANS = (8.5, 10, 12, 16)  # its pixels along a side of the 28x28 image

Draw = Callable[..., tuple[tf.Tensor, tf.Tensor]]  # from a batch's number and size to images and labels

NON_DIGIT = 10  # label
PIXELS = np.arange(28, dtype=np.float32) + np.float32(0.5 - CENTRE)  # pixel centres along either axis
FRAME = np.float32(1.3) * PIXELS  # a wider grid, on which a digit's extent and centre are found


def _bumps(at: tf.Tensor, lines: int, reach: float) -> tf.Tensor:
    """The weights of a grid's lines at positions along one axis: (n, 28) to (n, 28, lines)."""
    from_line = at[..., None] - np.linspace(-12, 12, lines, dtype=np.float32)
    bump = tf.exp(-((from_line / (reach * 24 / (lines - 1))) ** 2) / 2)
    return bump / np.float32(np.sqrt(reach * np.sqrt(np.pi)))  # the squares add up to about 1


class Manner(NamedTuple):
    """How each of n digits is drawn, (n,) bool each: one of the three."""

    own: tf.Tensor
    """With MNIST's own ink."""
    bolder: tf.Tensor
    """With that ink, thicker or thinner."""
    pen: tf.Tensor
    """With a round pen, along the skeleton."""


class Distortion(NamedTuple):
    """From positions in new images to positions in their sources: a matrix, then a displacement."""

    matrix: tf.Tensor
    """(n, 2, 2)"""
    waves: tuple[tf.Tensor, ...]
    """(n, 2, lines, lines) each"""

    def look_up(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """Source positions for columns x and rows y of the new images, both (n, 28): (n, 2, 784)."""
        across, down = tf.tile(x, [1, 28])[:, None], tf.repeat(y, 28, 1)[:, None]
        place = self.matrix[..., :1] * across + self.matrix[..., 1:] * down
        for wave, kind in zip(self.waves, WAVES):
            shift = _bumps(y, *kind)[:, None] @ wave @ tf.linalg.matrix_transpose(_bumps(x, *kind))[:, None]
            place += tf.reshape(shift, [-1, 2, 784])
        return place


def _distorted(random: Random, calm: tf.Tensor) -> Distortion:
    turn, slope, stretch = (random.normal(spread) * calm for spread in (TURN, SHEAR, STRETCH))
    cos, sin, wide = tf.cos(turn), tf.sin(turn), tf.exp(stretch)
    (a, b), (c, d) = (cos * wide, (cos * slope - sin) * wide), (sin / wide, (sin * slope + cos) / wide)
    matrix = tf.reshape(tf.concat([a, b, c, d], 1), [-1, 2, 2])  # its determinant is 1
    waves = tuple(random.normal(spread, 2, lines, lines) for spread, (lines, _) in zip((BEND, WOBBLE), WAVES))
    return Distortion(matrix, waves)


class Shape(NamedTuple):
    """What is drawn of n digits: their strokes, those that are added, and what is left out."""

    way: Manner
    added: Added
    columns: tf.Tensor
    """(n, 2): before the first and after the second nothing is drawn."""
    half_pen: tf.Tensor
    """(n, 1): of added strokes, where distances are from the outline."""

    def distance(self, place: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
        """(n, 784): from the skeleton for those drawn with a pen, else from the outline, negative inside."""
        # The distance is unknown outside the source image and where its byte is saturated.
        known = (value < 250) & (tf.reduce_max(tf.abs(place + (CENTRE - 14)), 1) < 13.5)
        zero = tf.where(self.way.pen, 0.0, 128.0)[:, None]
        apart = tf.where(known, (value - zero) / STEPS_PER_PIXEL, NOWHERE)
        x, y = place[:, 0], place[:, 1]
        left, right, lower = tf.split(self.added.area, 3, 1)
        apart = tf.where((x > left) & (x < right) & (y < lower), NOWHERE, apart)
        apart = tf.where((x < self.columns[:, :1]) | (x > self.columns[:, 1:]), NOWHERE, apart)
        for i in range(2):
            stroke = _distance(place, self.added.strokes[:, i, 0], self.added.strokes[:, i, 1])
            stroke = tf.where(self.added.drawn[:, i, None], stroke - self.half_pen, NOWHERE)
            apart = tf.minimum(apart, stroke)
        return apart


def _shape(strokes: Strokes, digit: tf.Tensor, index: tf.Tensor, way: Manner, random: Random) -> Shape:
    outermost = tf.gather(strokes.outermost, index)
    added = habits(random, digit, tf.gather(strokes.ends, index), outermost)
    own = way.own[:, None]
    added = added._replace(drawn=added.drawn & ~own, area=tf.where(own, -NOWHERE, added.area))
    left, right = outermost[:, 8 * DIRECTIONS // 16, :1], outermost[:, 0, :1]
    lost = tf.where(random.uniform() < CLIPPED, random.uniform(0.02, 0.15), -9.0) * (right - left)
    lost = tf.where((digit == 1)[:, None] | own, -NOWHERE, lost)
    from_left = random.uniform() < 0.5
    first, last = left + tf.where(from_left, lost, -NOWHERE), right - tf.where(from_left, -NOWHERE, lost)
    half_pen = tf.where(way.bolder, tf.gather(strokes.width, index) / 2, 0.0)[:, None]
    return Shape(way, added, tf.concat([first, last], 1), half_pen)


def redraw(strokes: Strokes, digit: tf.Tensor, index: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Redraw n of the source images, placed as `to_mnist` places them: (n, 784) in 0..1.

    Args:
        strokes: of all source images, as tensors, `fields` flat.
        digit: (n,) int32, the labels of the n images.
        index: (n,) int32, their indices in `strokes`.
        seed: of all random numbers.
    """
    random = Random(seed, tf.shape(index)[0])
    u = random.uniform()[:, 0]
    own, bolder = u < MANNERS[0], (u >= MANNERS[0]) & (u < MANNERS[0] + MANNERS[1])
    way = Manner(own, bolder, ~own & ~bolder)
    distortion = _distorted(random, tf.where(way.pen, CALM, 1.0)[:, None])
    shape = _shape(strokes, digit, index, way, random)
    width = tf.where(way.pen[:, None], PEN[0] + (PEN[1] - PEN[0]) * random.uniform() ** 1.3, 0.0)
    edge = width / 2 + tf.where(bolder[:, None], random.normal(BOLDER), 0.0)  # distance at which the ink ends
    x, y, scale = _placed(strokes, index, distortion, shape, edge, random)

    # Look up the source at every pixel of the placed image.
    place = distortion.look_up(x, y)
    value = _bilinear(strokes.fields, index * 3 + tf.where(own, 0, tf.where(bolder, 1, 2)), place)
    within = tf.where(
        own[:, None], SHARPER * (value / 255 - 0.5), edge - shape.distance(place, value) * scale
    )
    pixels = tf.clip_by_value(0.5 + within * random.uniform(*CONTRAST), 0.0, 1.0)
    return tf.where(random.uniform() < SCAN, _scan(pixels, random), pixels)


def _placed(
    strokes: Strokes, index: tf.Tensor, distortion: Distortion, shape: Shape, edge: tf.Tensor, random: Random
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Columns and rows (n, 28) of the new images, and their scale (n, 1), by MNIST's recipe for size and centre.

    Both are found on the wider grid.
    """
    frame = tf.tile(FRAME[None], [random.n, 1])
    place = distortion.look_up(frame, frame)
    value = _bilinear(strokes.fields, index * 3 + tf.where(shape.way.pen, 2, 1), place)
    apart = shape.distance(place, value)
    # The ink's extent, from points near its edge: farther off, the distortion makes distances inexact.
    near = tf.where(tf.abs(apart - edge) < 1, apart, NOWHERE)
    axes = np.tile(FRAME, 28), np.repeat(FRAME, 28)
    longer = tf.reduce_max([tf.reduce_max(at - near, 1) - tf.reduce_min(at + near, 1) for at in axes], 0)
    scale = (BOX - 2 * edge) / tf.maximum(longer, 6.0)[:, None] * tf.exp(random.normal(SIZE))
    ink = tf.clip_by_value(0.5 + edge - apart * scale, 0.0, 1.0)
    ink /= tf.maximum(tf.reduce_sum(ink, 1, keepdims=True), 1e-3)  # a faint drawing may have none
    off = tf.where(shape.way.own[:, None], *OFF_CENTRE)
    x, y = (
        tf.reduce_sum(ink * at, 1, keepdims=True) + (PIXELS + off * random.uniform(-1, 1)) / scale
        for at in axes
    )
    return x, y, scale


def _scan(pixels: tf.Tensor, random: Random) -> tf.Tensor:
    """Images (n, 784) at a lower resolution, enlarged again."""
    which = tf.cast(random.uniform(0.0, len(SCANS))[:, 0], tf.int32)
    reduce = tf.gather(np.stack([_reduction(cells) for cells in SCANS]), which)
    coarse = reduce @ tf.reshape(pixels, [-1, 28, 28]) @ tf.linalg.matrix_transpose(reduce)
    darkest = tf.reduce_max(coarse, [1, 2], keepdims=True)
    return tf.reshape(tf.clip_by_value(coarse / tf.maximum(darkest, 0.3), 0.0, 1.0), [-1, 784])


def _reduction(cells: float) -> np.ndarray:
    """(28, 28) matrix that averages 28 pixels into so many cells, and interpolates linearly between them."""
    size = 28 / cells
    edges = np.arange(29)
    middles = (np.arange(np.ceil(cells)) + 0.5) * size
    inside = np.clip(edges, middles[:, None] - size / 2, middles[:, None] + size / 2)
    reduced = np.diff(inside, axis=1) / size
    nearness = np.clip(1 - np.abs(edges[:-1, None] + 0.5 - middles) / size, 0, None)
    return ((nearness / nearness.sum(1, keepdims=True)) @ reduced).astype(np.float32)


def _bilinear(fields: tf.Tensor, which: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
    """The fields `which` (n,) at positions (n, 2, 784), interpolated: (n, 784)."""
    at = tf.clip_by_value((place + CENTRE) * (GRID_SIDE / 28) - 0.5, 0.0, GRID_SIDE - 1.01)
    corner = tf.cast(at, tf.int32)
    x, y = tf.unstack(at - tf.cast(corner, tf.float32), axis=1)
    start = which[:, None] * GRID_SIDE**2 + corner[:, 1] * GRID_SIDE + corner[:, 0]
    a, b, c, d = (tf.cast(tf.gather(fields, start + i), tf.float32) for i in (0, 1, GRID_SIDE, GRID_SIDE + 1))
    upper, lower = a + (b - a) * x, c + (d - c) * x
    return upper + (lower - upper) * y


def _distance(place: tf.Tensor, start: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
    """Distance of positions (n, 2, 784) from the line between two points (n, 2): (n, 784)."""
    way, place = (end - start)[..., None], place - start[..., None]
    squared = tf.maximum(tf.reduce_sum(way**2, 1, keepdims=True), 1e-3)
    along = tf.clip_by_value(tf.reduce_sum(place * way, 1, keepdims=True) / squared, 0.0, 1.0)
    return tf.sqrt(tf.reduce_sum((place - along * way) ** 2, 1) + 1e-6)


_redraw = tf.function(redraw, jit_compile=True)


def _tensors(strokes: Strokes) -> Strokes:
    return Strokes(*map(tf.constant, strokes))._replace(fields=tf.constant(strokes.fields.reshape(-1)))


def drawing(strokes: Strokes, labels: np.ndarray, seed: int) -> Draw:
    """The function that draws a batch: from its number and size to (n, 784) pixels and (n,) labels."""
    tensors = _tensors(strokes)
    label = tf.constant(labels, tf.int32)

    def draw(number: tf.Tensor, n: int) -> tuple[tf.Tensor, tf.Tensor]:
        number = tf.cast(number, tf.int32)
        index = tf.random.stateless_uniform([n], [number, seed], 0, len(labels), tf.int32)
        shown = tf.gather(label, index)
        return _redraw(tensors, shown, index, number + seed * 1_000_003), shown

    return draw


def drawn(draw: Draw, n: int, batch: int = 500) -> tuple[np.ndarray, np.ndarray]:
    """n images of a `drawing` as bytes, (n, 784) uint8, and their labels, (n,) uint8."""
    pixels, labels = zip(*(draw(tf.constant(i), batch) for i in range(-(-n // batch))))
    as_bytes = [np.rint(255 * some.numpy()).astype(np.uint8) for some in pixels]
    return np.concatenate(as_bytes)[:n], np.concatenate(labels)[:n].astype(np.uint8)


def examples(digits: np.ndarray, times: int) -> np.ndarray:
    """What redrawing makes of digits 0 to 9, (10, 28, 28) uint8: (times, 10, 28, 28) uint8."""
    tensors, kinds = _tensors(measure_strokes(digits)), tf.range(len(digits))
    redrawn = [redraw(tensors, kinds, kinds, tf.constant(seed)).numpy() for seed in range(times)]
    return np.rint(255 * np.stack(redrawn)).astype(np.uint8).reshape(times, -1, 28, 28)
