"""Ink of a hair-thin pen → ink of MNIST's pen: reduced to 28×28, a hair would be grey."""

from __future__ import annotations

import numpy as np

from mnist_mlp.box import box_of

THIN = 0.03  # of the tallest part's longer side: a pen that is thinner is a hair
WIDTH = 0.08  # of it: MNIST's pen
COVERED = 0.1  # of the squared side: what covers more is not drawn with a hair
DARK = 0.3  # ink that belongs to a stroke; a hair covers few pixels wholly


def thicken(ink: np.ndarray) -> np.ndarray:
    """Ink, (H, W) float32 in 0..1, of a hair-thin pen as MNIST's pen draws it; other ink as it is."""
    dark = ink > DARK
    box = box_of(dark)
    if box is None:
        return ink
    longer = max(box.width, box.height)
    # As nearly all ink: the rest takes ten times as long.
    if ink.sum() > COVERED * longer**2 or stroke_width(ink) >= THIN * box.height:
        return ink
    # Imported where it is needed: that takes a quarter of a second.
    from scipy.ndimage import distance_transform_edt, find_objects, label

    boxes = find_objects(label(dark, np.ones((3, 3)))[0])
    side = max(part.stop - part.start for box in boxes for part in box)
    if stroke_width(ink) >= THIN * side:
        return ink
    grown = WIDTH * side / 2 + 0.5 - distance_transform_edt(~dark)
    return np.clip(grown, 0, 1).astype(np.float32)


def stroke_width(ink: np.ndarray) -> float:
    """The mean width of the strokes, in pixels: twice the area, by the length of the outline."""
    outline = np.abs(np.diff(ink, axis=0)).sum() + np.abs(np.diff(ink, axis=1)).sum()
    return float(2 * ink.sum() / max(outline * np.pi / 4, 1e-6))
