"""Data augmentation: digits redrawn with distortions, other pens, and strokes that people add.

A random affine map and an elastic displacement give, for each pixel of the new image, a position in the
source. There the fields that `strokes.measure` made are looked up: the grey level, or the distance from the
outline or from the skeleton, from which ink of any pen width is drawn.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from mnist_mlp.canvas import BOX, CENTRE
from mnist_mlp.training.strokes import DIRECTIONS, GRID_SIDE, STEPS_PER_PIXEL, Strokes

# Lengths are in pixels of the 28x28 image unless said otherwise.
TURN, SHEAR, STRETCH = 0.11, 0.16, 0.11  # standard deviations: radians, slope, logarithm
BEND, WOBBLE = 1.04, 0.44  # standard deviation of the displacement, on a coarse and on a fine grid
WAVES = (4, 0.7), (7, 0.6)  # of each grid: lines along a side, and a line's reach in grid distances
WAYS = (0.5, 0.2, 0.3)  # shares: MNIST's own ink, that ink thicker or thinner, drawn with a round pen
CALM = 0.6  # affine distortion of those drawn with a pen, relative to the others
BOLDER = 0.45  # standard deviation of the change in thickness, half on each side
PEN = (0.8, 3.9)  # width
SIZE = 0.01  # standard deviation of the size's logarithm
OFF_CENTRE = (0.5, 0.2)  # largest shift, for own ink and others: MNIST's digits lie on whole pixels
SHARPER = 1.3  # contrast that interpolation takes from own ink
CONTRAST = (0.75, 1.25)
# Probability of the first and the second stroke of `_habits` for each digit; the eleventh is no digit.
FIRST = (0.50, 0.60, 0.20, 0.0, 0.40, 0.40, 0.25, 0.55, 0.0, 0.40, 0.0)
SECOND = (0.0, 0.40, 0.0, 0.0, 0.20, 0.0, 0.60, 0.50, 0.0, 0.60, 0.0)
# Probability that a four's upper half or a five's bar is drawn anew, or that an eight is open at the top.
ERASED = (0.0, 0.0, 0.0, 0.0, 0.12, 0.33, 0.0, 0.0, 0.15, 0.0, 0.0)
REMNANT = 0.12  # probability that a bit of a neighbour's stroke or of a printed line is left at a digit
CLIPPED = 0.06  # probability that a cut took a little of a digit's left or right
SCAN = 0.08  # probability of a low resolution
SCANS = (8.5, 10, 12, 16)  # its pixels along a side of the 28x28 image

Draw = Callable[..., tuple[tf.Tensor, tf.Tensor]]  # from a batch's number and size to images and labels
Line = tuple[tf.Tensor, tf.Tensor]  # from and to, (n, 2) each

NO_DIGIT = 10  # label
PIXELS = np.arange(28, dtype=np.float32) + np.float32(0.5 - CENTRE)  # pixel centres along either axis
FRAME = np.float32(1.3) * PIXELS  # a wider grid, on which a digit's extent and centre are found
NOWHERE = 99.0  # farther away than any pixel


class Random:
    """Random numbers for n images. Each call is a stream of its own; the seed determines them all."""

    def __init__(self, seed: tf.Tensor, n: tf.Tensor):
        self.seed, self.n, self.stream = seed, n, 0

    def _next(self) -> tf.Tensor:
        self.stream += 1
        return tf.stack([self.seed, self.stream])

    def uniform(self, low: float = 0.0, high: float = 1.0) -> tf.Tensor:
        return tf.random.stateless_uniform([self.n, 1], self._next(), low, high)

    def normal(self, spread: float, *shape: int) -> tf.Tensor:
        return tf.random.stateless_normal([self.n, *(shape or (1,))], self._next(), 0.0, spread)


def _bumps(at: tf.Tensor, lines: int, reach: float) -> tf.Tensor:
    """The weights of a grid's lines at positions along one axis: (n, 28) to (n, 28, lines)."""
    from_line = at[..., None] - np.linspace(-12, 12, lines, dtype=np.float32)
    bump = tf.exp(-((from_line / (reach * 24 / (lines - 1))) ** 2) / 2)
    return bump / np.float32(np.sqrt(reach * np.sqrt(np.pi)))  # the squares add up to about 1


def _habits(random: Random, digit: tf.Tensor, ends: tf.Tensor, outermost: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """What people draw and MNIST rarely has: bars, flags, feet, curls, closed fours, open eights.

    Returns two strokes (n, 2, from/to, 2), whether each is drawn (n, 2), and the left, right and lower end
    (n, 3) of an area that is erased before. Lengths below are relative to the digit's height.
    """
    top, bottom, half, mean = (ends[:, i] for i in range(4))
    right, left = outermost[:, 0], outermost[:, DIRECTIONS // 2]
    corner = outermost[:, 10 * DIRECTIONS // 16]  # the top left one
    height = (bottom - top)[:, 1:]

    def at(start: tf.Tensor, x: tf.Tensor | float, y: tf.Tensor | float) -> tf.Tensor:
        return start + tf.concat([x + 0 * height, y + 0 * height], 1) * height

    def near(start: tf.Tensor, spread: float) -> tf.Tensor:
        return start + random.normal(spread, 2) * height

    a_flag = random.uniform(0.3, 1.2)
    level = random.uniform() < 0.35  # a zero's bar lies at any angle, but mostly it is steep
    a = tf.where(level, random.uniform(0.0, 3.14), random.uniform(0.3, 1.2))
    flag, length = near(top, 0.03), random.uniform(0.15, 0.75)
    foot, reach = near(bottom, 0.04), random.uniform(0.1, 0.33)
    other_reach = reach * random.uniform(0.6, 1.4)  # a foot to one side makes a two
    slash, along = near(mean, 0.06), random.uniform(0.3, 0.8)
    bar, across = near(half, 0.06), random.uniform(0.12, 0.5)
    hook = at(bottom, -random.uniform(0.1, 0.45), random.uniform(-0.1, 0.12))
    above = tf.concat([mean[:, :1], top[:, 1:]], 1)
    roof = at(above, random.uniform(-0.15, 0.1), -random.uniform(0.0, 0.2))
    arm = near(right, 0.02)
    tilt = random.uniform(-0.08, 0.08)
    curl = at(bottom, random.uniform(0.08, 0.35), random.uniform(-0.05, 0.08))
    curled_top = at(top, random.uniform(0.08, 0.3), random.uniform(-0.02, 0.15))
    curled_start = at(corner, random.uniform(0.05, 0.25), random.uniform(0.05, 0.25))
    diagonal = at(above, random.uniform(-0.1, 0.3), random.uniform(-0.05, 0.1))
    one_way = random.uniform() < 0.35  # of two habits that exclude each other
    flat = at(foot, -reach, -tilt), at(foot, other_reach, tilt)

    def either(first: Line, second: Line) -> Line:
        return tuple(tf.where(one_way, *points) for points in zip(first, second))

    first = {
        0: (
            at(slash, -tf.sin(a) * along, tf.cos(a) * along),
            at(slash, tf.sin(a) * along, -tf.cos(a) * along),
        ),
        1: (flag, at(flag, -tf.sin(a_flag) * length, tf.cos(a_flag) * length)),
        2: (corner, curled_start),
        4: (arm, at(arm, random.uniform(0.1, 0.45), tilt)),
        5: (roof, at(roof, random.uniform(0.25, 0.6), tilt)),
        6: (top, curled_top),
        7: either((bottom, curl), (at(bar, -across, -tilt), at(bar, across, tilt))),
        9: either(flat, (bottom, hook)),
    }
    second = {
        1: flat,
        4: (near(corner, 0.03), near(outermost[:, 14 * DIRECTIONS // 16], 0.03)),
        6: (curled_top, at(curled_top, random.uniform(-0.1, 0.12), random.uniform(0.05, 0.2))),
        7: either(
            (curl, at(curl, random.uniform(0.0, 0.15), -random.uniform(0.03, 0.2))),
            (corner, at(corner, tilt, random.uniform(0.08, 0.3))),
        ),
        9: either(
            (flat[1], at(flat[1], random.uniform(0.0, 0.1), -random.uniform(0.0, 0.2))),
            (hook, at(hook, -random.uniform(0.03, 0.2), -random.uniform(0.0, 0.3))),
        ),
    }

    def chosen(strokes: dict[int, tuple[tf.Tensor, tf.Tensor]], otherwise: tf.Tensor) -> tf.Tensor:
        stroke = tf.stack([otherwise, otherwise], 1)
        for which, points in strokes.items():
            stroke = tf.where((digit == which)[:, None, None], tf.stack(points, 1), stroke)
        return stroke

    u, v = random.uniform()[:, 0], random.uniform()[:, 0]
    # A curl goes on where the stroke before it has ended.
    goes_on = (digit == 9) | (digit == 6) | ((digit == 7) & one_way[:, 0])
    v = tf.where(goes_on, u, v)
    drawn = tf.stack([u < tf.gather(FIRST, digit), v < tf.gather(SECOND, digit)], 1)
    # A four's arm is prolonged where it is what reaches furthest, not its head.
    low = (right[:, 1] > half[:, 1] - 0.1 * height[:, 0]) | (digit != 4)
    drawn &= tf.stack([low, tf.ones_like(low)], 1)
    first, second = chosen(first, top), chosen(second, bottom)

    erased = random.uniform()[:, 0] < tf.gather(ERASED, digit)
    anew = erased & (digit == 4)  # a triangle drawn in one stroke with the crossbar
    first = tf.where(anew[:, None, None], tf.stack([left, diagonal], 1), first)
    drawn = tf.stack([drawn[:, 0] | (erased & (digit != 8)), drawn[:, 1] & ~anew], 1)
    gap = random.uniform(0.04, 0.16) * height
    edges = {
        4: (-NOWHERE, NOWHERE, left[:, 1:] - 0.06 * height),
        5: (corner[:, :1] + 0.12 * height, NOWHERE, top[:, 1:] + 0.2 * height),
        8: (top[:, :1] - gap, top[:, :1] + gap, top[:, 1:] + 0.15 * height),
    }
    area = tf.concat([-NOWHERE + 0 * height, NOWHERE + 0 * height, -NOWHERE + 0 * height], 1)
    for which, ends_of in edges.items():
        here = tf.concat([end + 0 * height for end in ends_of], 1)
        area = tf.where((erased & (digit == which))[:, None], here, area)

    # A remnant of a neighbour's stroke or of a printed line, as where a digit is cut out of a number.
    which = tf.cast(random.uniform(0.0, DIRECTIONS)[:, 0], tf.int32)
    start = tf.gather(outermost, which, batch_dims=1)
    outwards = tf.sign(start[:, :1] - mean[:, :1])
    remnant = tf.stack(
        [start, at(start, outwards * random.uniform(0.05, 0.2), random.uniform(-0.12, 0.12))], 1
    )
    kept = (random.uniform()[:, 0] < REMNANT) & (digit < 10) & ~drawn[:, 1]
    second, drawn = tf.where(kept[:, None, None], remnant, second), drawn | tf.stack([kept & False, kept], 1)
    return tf.stack([first, second], 1), drawn, area


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
    own, bolder = u < WAYS[0], (u >= WAYS[0]) & (u < WAYS[0] + WAYS[1])
    pen = ~own & ~bolder
    calm = tf.where(pen, CALM, 1.0)[:, None]

    # From a position in the new image to one in the source: a matrix, then a displacement.
    turn, slope, stretch = (
        random.normal(TURN) * calm,
        random.normal(SHEAR) * calm,
        random.normal(STRETCH) * calm,
    )
    cos, sin, wide = tf.cos(turn), tf.sin(turn), tf.exp(stretch)
    (a, b), (c, d) = (cos * wide, (cos * slope - sin) * wide), (sin / wide, (sin * slope + cos) / wide)
    matrix = tf.reshape(tf.concat([a, b, c, d], 1), [-1, 2, 2])  # its determinant is 1
    waves = [random.normal(spread, 2, lines, lines) for spread, (lines, _) in zip((BEND, WOBBLE), WAVES)]

    def look_up(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """Source positions for columns x and rows y of the new image, both (n, 28): (n, 2, 784)."""
        place = (
            matrix[..., :1] * tf.tile(x, [1, 28])[:, None] + matrix[..., 1:] * tf.repeat(y, 28, 1)[:, None]
        )
        for wave, kind in zip(waves, WAVES):
            shift = _bumps(y, *kind)[:, None] @ wave @ tf.linalg.matrix_transpose(_bumps(x, *kind))[:, None]
            place += tf.reshape(shift, [-1, 2, 784])
        return place

    ends, outermost = tf.gather(strokes.ends, index), tf.gather(strokes.outermost, index)
    added, drawn, area = _habits(random, digit, ends, outermost)
    drawn &= ~own[:, None]
    first_erased, last_erased, lowest_erased = tf.split(tf.where(own[:, None], -NOWHERE, area), 3, 1)
    left, right = outermost[:, 8 * DIRECTIONS // 16, :1], outermost[:, 0, :1]
    lost = tf.where(random.uniform() < CLIPPED, random.uniform(0.02, 0.15), -9.0) * (right - left)
    lost = tf.where(((digit == 1) | own)[:, None], -NOWHERE, lost)
    from_left = random.uniform() < 0.5
    first_column = left + tf.where(from_left, lost, -NOWHERE)
    last_column = right - tf.where(from_left, -NOWHERE, lost)
    half_pen = tf.where(bolder, tf.gather(strokes.width, index) / 2, 0.0)[:, None]

    def distance(place: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
        """(n, 784): from the skeleton for those drawn with a pen, else from the outline, negative inside."""
        # The distance is unknown outside the source image and where its byte is saturated.
        known = (value < 250) & (tf.reduce_max(tf.abs(place + (CENTRE - 14)), 1) < 13.5)
        apart = tf.where(known, (value - tf.where(pen, 0.0, 128.0)[:, None]) / STEPS_PER_PIXEL, NOWHERE)
        erased = (place[:, 0] > first_erased) & (place[:, 0] < last_erased) & (place[:, 1] < lowest_erased)
        apart = tf.where(erased, NOWHERE, apart)
        apart = tf.where((place[:, 0] < first_column) | (place[:, 0] > last_column), NOWHERE, apart)
        for i in range(2):
            stroke = _distance(place, added[:, i, 0], added[:, i, 1]) - half_pen
            apart = tf.minimum(apart, tf.where(drawn[:, i, None], stroke, NOWHERE))
        return apart

    # Size and centre by MNIST's recipe, found on the wider grid.
    frame = tf.tile(FRAME[None], [random.n, 1])
    place = look_up(frame, frame)
    apart = distance(place, _bilinear(strokes.fields, index * 3 + tf.where(pen, 2, 1), place))
    width = tf.where(pen[:, None], PEN[0] + (PEN[1] - PEN[0]) * random.uniform() ** 1.3, 0.0)
    edge = width / 2 + tf.where(bolder[:, None], random.normal(BOLDER), 0.0)  # distance at which the ink ends
    # The ink's extent, from points near its edge: farther off, the distortion makes distances inexact.
    near = tf.where(tf.abs(apart - edge) < 1, apart, NOWHERE)
    x, y = np.tile(FRAME, 28), np.repeat(FRAME, 28)
    longer = tf.reduce_max([tf.reduce_max(at - near, 1) - tf.reduce_min(at + near, 1) for at in (x, y)], 0)
    scale = (BOX - 2 * edge) / tf.maximum(longer, 6.0)[:, None] * tf.exp(random.normal(SIZE))
    ink = tf.clip_by_value(0.5 + edge - apart * scale, 0.0, 1.0)
    ink /= tf.reduce_sum(ink, 1, keepdims=True)
    off = tf.where(own[:, None], *OFF_CENTRE)
    x, y = (
        tf.reduce_sum(ink * at, 1, keepdims=True) + (PIXELS + off * random.uniform(-1, 1)) / scale
        for at in (x, y)
    )

    # Look up the source at every pixel of the placed image.
    place = look_up(x, y)
    value = _bilinear(strokes.fields, index * 3 + tf.where(own, 0, tf.where(bolder, 1, 2)), place)
    within = tf.where(own[:, None], SHARPER * (value / 255 - 0.5), edge - distance(place, value) * scale)
    pixels = tf.clip_by_value(0.5 + within * random.uniform(*CONTRAST), 0.0, 1.0)
    scanned = random.uniform() < SCAN
    return tf.where(scanned, _scan(pixels, random), pixels)


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


def drawing(strokes: Strokes, labels: np.ndarray, seed: int) -> Draw:
    """The function that draws a batch: from its number and size to (n, 784) pixels and (n,) labels."""
    tensors = Strokes(*map(tf.constant, strokes))._replace(fields=tf.constant(strokes.fields.reshape(-1)))
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
