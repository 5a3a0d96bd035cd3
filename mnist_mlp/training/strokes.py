"""Each digit's strokes: the distance of every point from their outline and middle line, and their ends.

From these a digit can be drawn with another pen or with one stroke more. Lengths are in MNIST's pixels,
points relative to `canvas.CENTRE`, y pointing down.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from joblib import Parallel, cpu_count, delayed
from PIL import Image
from scipy.ndimage import distance_transform_edt
from skimage.morphology import skeletonize

from mnist_mlp.canvas import CENTRE

FINE = 3  # strokes are measured on pictures enlarged three times
GRID_SIDE = 56  # points of the grid of distances along one axis: two a pixel
STEPS_PER_PIXEL = 32  # of a distance
EDGE = 110  # of 255; pixels inside a stroke are darker
DIRECTIONS = 16  # of the outermost points, from +x towards +y


class Strokes(NamedTuple):
    fields: np.ndarray
    """(n, 3, 56·56) uint8: the picture; the distance from the outline, 128 on it and less inside; the
    distance from the middle line. Distances in 1/32 pixel."""
    outermost: np.ndarray
    """(n, 16, 2) float32: the outermost points of the middle line."""
    ends: np.ndarray
    """(n, 4, 2) float32: the middle line's top, its bottom, its middle at half its height, its mean."""
    width: np.ndarray
    """(n,) float32: of the pen."""


def measure_strokes(images: np.ndarray) -> Strokes:
    """The strokes of (n, 28, 28) uint8 images, on all cores."""
    parts = np.array_split(images, max(cpu_count() * 8, 1))
    measured = Parallel(n_jobs=-1)(delayed(_measure_all)(part) for part in parts if len(part))
    return Strokes(*(np.concatenate(arrays) for arrays in zip(*measured)))


def _measure_all(images: np.ndarray) -> Strokes:
    return Strokes(*(np.stack(values) for values in zip(*map(_measure, images))))


def _measure(image: np.ndarray) -> Strokes:
    picture = Image.fromarray(image)
    large = np.asarray(picture.resize((28 * FINE, 28 * FINE), Image.Resampling.BICUBIC))
    inside = large > min(EDGE, large.max() - 1)
    middle = skeletonize(inside)
    outline = (distance_transform_edt(~inside) - distance_transform_edt(inside)) / FINE
    fields = [
        np.asarray(picture.resize((GRID_SIDE, GRID_SIDE), Image.Resampling.BICUBIC)),
        _steps(outline, origin=128),
        _steps(distance_transform_edt(~middle) / FINE, origin=0),
    ]
    line = _points(middle)
    top, bottom = line[line[:, 1].argmin()], line[line[:, 1].argmax()]
    half = (top[1] + bottom[1]) / 2
    at_half = line[np.abs(line[:, 1] - half) <= np.abs(line[:, 1] - half).min() + 0.5]
    ends = [top, bottom, [at_half[:, 0].mean(), half], line.mean(0)]
    return Strokes(
        np.stack(fields).reshape(3, -1),
        _outermost(line).astype(np.float32),
        np.array(ends, np.float32),
        np.array(np.count_nonzero(inside) / FINE / len(line), np.float32),
    )


def _steps(distance: np.ndarray, origin: int) -> np.ndarray:
    small = Image.fromarray(distance.astype(np.float32)).resize(
        (GRID_SIDE, GRID_SIDE), Image.Resampling.BILINEAR
    )
    return np.clip(origin + STEPS_PER_PIXEL * np.asarray(small), 0, 255).round().astype(np.uint8)


def _points(mask: np.ndarray) -> np.ndarray:
    y, x = np.nonzero(mask)
    return (np.stack([x, y], 1) + 0.5) / FINE - CENTRE


def _outermost(points: np.ndarray) -> np.ndarray:
    angle = np.arange(DIRECTIONS) * 2 * np.pi / DIRECTIONS
    return points[(points @ np.stack([np.cos(angle), np.sin(angle)])).argmax(0)]
