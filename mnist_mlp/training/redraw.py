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
from joblib import Parallel, cpu_count, delayed

from mnist_mlp.canvas import BOX, CENTRE
from mnist_mlp.training.habits import NOWHERE, Added, Random, add_habits
from mnist_mlp.training.strokes import GRID_SIDE, STEPS_PER_PIXEL, Strokes, measure_strokes

# Lengths are in pixels of the 28x28 image unless said otherwise.
TURN, SHEAR, STRETCH = 0.11, 0.16, 0.11  # standard deviations: radians, slope, logarithm
BEND, WOBBLE = 1.04, 0.44  # standard deviation of the displacement, on a coarse and on a fine grid
WAVES = (4, 0.7), (7, 0.6)  # of each grid: lines along a side, and a line's reach in grid distances
MANNERS = (0.5, 0.2, 0.3)  # shares: MNIST's own ink, that ink thicker or thinner, drawn with a round pen
CALM = 0.6  # affine distortion of those drawn with a pen, relative to the others
BOLDER = 0.45  # standard deviation of the change in thickness, half on each side
PEN = (0.8, 3.9)  # width
NARROW, NARROWER = 0.3, (0.05, 0.35)  # share of the fours that are narrow, and the logarithm of by how much
SIZE = 0.01  # standard deviation of the size's logarithm
OFF_CENTRE = (0.5, 0.2)  # largest shift, for own ink and others: MNIST's digits lie on whole pixels
SHARPER = 1.3  # contrast that interpolation takes from own ink
CONTRAST = (0.75, 1.25)
SCAN = 0.08  # probability of a low resolution
SCANS = (8.5, 10, 12, 16)  # its pixels along a side of the 28x28 image

BATCH = 500  # images that are redrawn at once
PIXELS = np.arange(28, dtype=np.float32) + np.float32(0.5 - CENTRE)  # pixel centres along either axis
FRAME = np.float32(1.3) * PIXELS  # a wider grid, on which a digit's extent and centre are found

Redraw = Callable[[int, int], tuple[np.ndarray, np.ndarray]]
"""From a number that determines them, and how many: images (n, 784) uint8 and their labels (n,) uint8."""


class Manner(NamedTuple):
    """How each of n digits is drawn, (n,) bool each: one of the three."""

    own: tf.Tensor
    """With MNIST's own ink."""
    bolder: tf.Tensor
    """With that ink, thicker or thinner."""
    pen: tf.Tensor
    """With a round pen, along the skeleton."""


Place = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""From columns x and rows y of the new images, (n, 28) each, to positions in their sources, (n, 2, 784)."""


def _distortion(random: Random, digit: tf.Tensor, calm: tf.Tensor) -> Place:
    """A matrix with the determinant 1, then a displacement; `calm` (n, 1) reduces the matrix."""
    turn, slope, stretch = (random.normal(spread) * calm for spread in (TURN, SHEAR, STRETCH))
    narrow = (random.uniform() < NARROW) & (digit == 4)[:, None]
    stretch += tf.where(narrow, random.uniform(*NARROWER), 0.0)
    cos, sin, wide = tf.cos(turn), tf.sin(turn), tf.exp(stretch)
    (a, b), (c, d) = (cos * wide, (cos * slope - sin) * wide), (sin / wide, (sin * slope + cos) / wide)
    matrix = tf.reshape(tf.concat([a, b, c, d], 1), [-1, 2, 2])
    waves = [random.normal(spread, 2, lines, lines) for spread, (lines, _) in zip((BEND, WOBBLE), WAVES)]

    def place(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        across, down = tf.tile(x, [1, 28])[:, None], tf.repeat(y, 28, 1)[:, None]
        at = matrix[..., :1] * across + matrix[..., 1:] * down
        for wave, kind in zip(waves, WAVES):
            shift = _bumps(y, *kind)[:, None] @ wave @ tf.linalg.matrix_transpose(_bumps(x, *kind))[:, None]
            at += tf.reshape(shift, [-1, 2, 784])
        return at

    return place


def _bumps(at: tf.Tensor, lines: int, reach: float) -> tf.Tensor:
    """The weights of a grid's lines at positions along one axis: (n, 28) to (n, 28, lines)."""
    from_line = at[..., None] - np.linspace(-12, 12, lines, dtype=np.float32)
    bump = tf.exp(-((from_line / (reach * 24 / (lines - 1))) ** 2) / 2)
    return bump / np.float32(np.sqrt(reach * np.sqrt(np.pi)))  # the squares add up to about 1


def redraw(strokes: Strokes, digit: tf.Tensor, index: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Redraw n of the source images, placed as `to_mnist` places them: (n, 784) float32 in 0..1.

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
    place_of = _distortion(random, digit, tf.where(way.pen, CALM, 1.0)[:, None])
    added = add_habits(random, digit, tf.gather(strokes.ends, index), tf.gather(strokes.outermost, index))
    added = added._replace(
        there=added.there & ~own[:, None], erased=tf.where(own[:, None], -NOWHERE, added.erased)
    )
    half_pen = tf.where(bolder, tf.gather(strokes.width, index) / 2, 0.0)[:, None]
    width = tf.where(way.pen[:, None], PEN[0] + (PEN[1] - PEN[0]) * random.uniform() ** 1.3, 0.0)
    edge = width / 2 + tf.where(bolder[:, None], random.normal(BOLDER), 0.0)  # distance at which the ink ends

    # MNIST's recipe for size and centre, measured on the wider grid.
    frame = tf.tile(FRAME[None], [random.n, 1])
    place = place_of(frame, frame)
    value = _bilinear(strokes.fields, index * 3 + tf.where(way.pen, 2, 1), place)
    apart = _distance(place, value, way, added, half_pen)
    # The ink's extent, from points near its edge: farther off, the distortion makes distances inexact.
    near = tf.where(tf.abs(apart - edge) < 1, apart, NOWHERE)
    axes = np.tile(FRAME, 28), np.repeat(FRAME, 28)
    longer = tf.reduce_max([tf.reduce_max(at - near, 1) - tf.reduce_min(at + near, 1) for at in axes], 0)
    scale = (BOX - 2 * edge) / tf.maximum(longer, 6.0)[:, None] * tf.exp(random.normal(SIZE))
    ink = tf.clip_by_value(0.5 + edge - apart * scale, 0.0, 1.0)
    ink /= tf.maximum(tf.reduce_sum(ink, 1, keepdims=True), 1e-3)  # a faint drawing may have none
    off = tf.where(own[:, None], *OFF_CENTRE)
    x, y = (
        tf.reduce_sum(ink * at, 1, keepdims=True) + (PIXELS + off * random.uniform(-1.0, 1.0)) / scale
        for at in axes
    )

    # Look up the source at every pixel of the placed image.
    place = place_of(x, y)
    value = _bilinear(strokes.fields, index * 3 + tf.where(own, 0, tf.where(bolder, 1, 2)), place)
    by_distance = edge - _distance(place, value, way, added, half_pen) * scale
    within = tf.where(own[:, None], SHARPER * (value / 255 - 0.5), by_distance)
    pixels = tf.clip_by_value(0.5 + within * random.uniform(*CONTRAST), 0.0, 1.0)
    return tf.where(random.uniform() < SCAN, _scan(pixels, random), pixels)


def _distance(
    place: tf.Tensor, value: tf.Tensor, way: Manner, added: Added, half_pen: tf.Tensor
) -> tf.Tensor:
    """(n, 784): from the skeleton for those drawn with a pen, else from the outline, negative inside.

    Args:
        place, value: (n, 2, 784) positions, and the field there.
        half_pen: (n, 1), of added strokes, where distances are from the outline.
    """
    # The distance is unknown outside the source image and where its byte is saturated.
    known = (value < 250) & (tf.reduce_max(tf.abs(place + (CENTRE - 14)), 1) < 13.5)
    zero = tf.where(way.pen, 0.0, 128.0)[:, None]
    apart = tf.where(known, (value - zero) / STEPS_PER_PIXEL, NOWHERE)
    left, right, lower = tf.split(added.erased, 3, 1)
    x, y = place[:, 0], place[:, 1]
    apart = tf.where((x > left) & (x < right) & (y < lower), NOWHERE, apart)
    for i in range(2):
        stroke = _from_segment(place, added.strokes[:, i, 0], added.strokes[:, i, 1]) - half_pen
        apart = tf.minimum(apart, tf.where(added.there[:, i, None], stroke, NOWHERE))
    return apart


def _from_segment(place: tf.Tensor, start: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
    """Distance of positions (n, 2, 784) from the line between two points (n, 2): (n, 784)."""
    way, place = (end - start)[..., None], place - start[..., None]
    squared = tf.maximum(tf.reduce_sum(way**2, 1, keepdims=True), 1e-3)
    along = tf.clip_by_value(tf.reduce_sum(place * way, 1, keepdims=True) / squared, 0.0, 1.0)
    return tf.sqrt(tf.reduce_sum((place - along * way) ** 2, 1) + 1e-6)


def _scan(pixels: tf.Tensor, random: Random) -> tf.Tensor:
    """Images (n, 784) at a lower resolution, enlarged again."""
    which = tf.cast(random.uniform(0.0, float(len(SCANS)))[:, 0], tf.int32)
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


_compiled = tf.function(redraw, jit_compile=True)


def tensors(strokes: Strokes) -> Strokes:
    """The strokes as `redraw` takes them."""
    return Strokes(*map(tf.constant, strokes))._replace(fields=tf.constant(strokes.fields.reshape(-1)))


def redrawing(images: np.ndarray, labels: np.ndarray, seed: int) -> Redraw:
    """The function that redraws images by chance.

    Args:
        images: (m, 28, 28) uint8, digits and non-digits.
        labels: (m,) uint8, 0..10.
    """
    strokes = tensors(measure_strokes(images))

    def batch(number: int) -> tuple[np.ndarray, np.ndarray]:
        index = np.random.default_rng([seed, number]).integers(len(labels), size=BATCH, dtype=np.int32)
        drawn = _compiled(
            strokes, labels[index].astype(np.int32), index, tf.constant(number + seed * 1_000_003)
        )
        return np.rint(255 * drawn.numpy()).astype(np.uint8), labels[index]

    def some(number: int, n: int) -> tuple[np.ndarray, np.ndarray]:
        batches = -(-n // BATCH)
        numbers = range(number * batches, (number + 1) * batches)
        found = Parallel(n_jobs=cpu_count(), prefer="threads")(delayed(batch)(i) for i in numbers)
        pixels, shown = (np.concatenate(arrays) for arrays in zip(*found))
        return pixels[:n], shown[:n]

    return some


def examples(digits: np.ndarray, times: int) -> np.ndarray:
    """What redrawing makes of digits 0 to 9, (10, 28, 28) uint8: (times, 10, 28, 28) uint8."""
    strokes, kinds = tensors(measure_strokes(digits)), tf.range(len(digits))
    redrawn = [redraw(strokes, kinds, kinds, tf.constant(seed)).numpy() for seed in range(times)]
    return np.rint(255 * np.stack(redrawn)).astype(np.uint8).reshape(times, -1, 28, 28)
