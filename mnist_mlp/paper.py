"""What a photo or a scan shows beside the ink: uneven light, grain, and printed lines."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from mnist_mlp.pen import stroke_width

PHOTO = 224  # pixels to which a photo's longer side is reduced
COARSE = 7  # the ground is estimated on pixels so much larger
WINDOW = 15  # of them: about half of the photo, in which a stroke is in the minority
MIN_CONTRAST = 0.12  # of the ground's light: below it, what differs from the ground is noise
HAIR = 9  # pixels of the photo: a stroke that is thinner may be lost where the photo is reduced
FOUND = 2.5  # pixels of the reduced photo: ink of at least that width was not
HAIRS_LENGTH = 0.08  # of the photo's longer side: shorter hairs are grain
GAP = 7  # pixels that a printed line may be interrupted
EDGE = 0.1  # of a box's shorter side: its lines lie nearer to its edges
FOLLOWS = 0.97  # share of a box's ink that lies there; of a zero's, less
MOST_FRAMES = 50  # of a photo's parts, the tallest, that are taken for a box: grain falls into thousands
LONG = 1.2  # of a line's height: a horizontal stroke that is longer was printed


def contrast_to_ground(light: np.ndarray) -> np.ndarray:
    """How much each pixel of a photo, (H, W) uint8, differs from the ground around it.

    Returns:
        float32 in 0..1, (H, W) or smaller.
    """
    image = Image.fromarray(light)
    if max(light.shape) > PHOTO:
        image.thumbnail((PHOTO, PHOTO), Image.Resampling.BOX)  # which takes the grain out, too
        image = image.filter(ImageFilter.MedianFilter(3))
    light = np.asarray(image, np.float32)
    # A median over a window much wider than a stroke is the ground's, in the shadow and out of it.
    coarse = image.copy()
    coarse.thumbnail((PHOTO // COARSE, PHOTO // COARSE), Image.Resampling.BOX)
    # Padded by reflection: "edge" would multiply the ink there.
    coarse = Image.fromarray(np.pad(np.asarray(coarse), WINDOW // 2, mode="reflect"))
    around = np.asarray(coarse.filter(ImageFilter.MedianFilter(WINDOW)))
    inner = slice(WINDOW // 2, -(WINDOW // 2))
    ground = np.asarray(
        Image.fromarray(around[inner, inner]).resize(image.size, Image.Resampling.BILINEAR), np.float32
    )
    darker = np.clip(ground - light, 0, None) / np.maximum(ground, 32)
    lighter = np.clip(light - ground, 0, None) / np.maximum(255 - ground, 32)
    # Ink is what differs most; its strokes are too few for a mean to tell.
    return darker if np.quantile(ground - light, 0.97) >= np.quantile(light - ground, 0.97) else lighter


def photographed(light: np.ndarray) -> np.ndarray:
    """Ink in a photo, (H, W) uint8: float32 in 0..1, (H, W) or smaller."""
    ink = _strokes(light)
    if max(light.shape) > PHOTO and stroke_width(ink) < FOUND:
        hairs = _hairs(light)
        if hairs.any():
            return hairs
    return ink


def _hairs(light: np.ndarray) -> np.ndarray:
    """Ink of a hair-thin pen in a photo, (H, W) uint8: float32 in 0..1, (H, W)."""
    from scipy.ndimage import find_objects, label, maximum_filter, minimum_filter

    # A closing fills what is thin and dark, an opening what is thin and light; a shadow's edge is neither.
    smooth = np.asarray(Image.fromarray(light).filter(ImageFilter.GaussianBlur(0.7)))
    closed = minimum_filter(maximum_filter(smooth, HAIR), HAIR).astype(np.float32)
    opened = maximum_filter(minimum_filter(smooth, HAIR), HAIR).astype(np.float32)
    darker, lighter = closed - smooth, smooth - opened
    if np.quantile(darker, 0.999) >= np.quantile(lighter, 0.999):
        contrast = darker / np.maximum(closed, 32)
    else:
        contrast = lighter / np.maximum(255 - opened, 32)
    grain = np.quantile(contrast, 0.9)  # hairs cover fewer pixels than a tenth
    faint = max(2.5 * float(grain), MIN_CONTRAST / 2)
    dark = contrast > faint
    parts, count = label(dark, np.ones((3, 3)))
    if not count:
        return np.zeros(light.shape, np.float32)
    sides = np.array([max(part.stop - part.start for part in box) for box in find_objects(parts)])
    if sides.max() < HAIRS_LENGTH * max(light.shape):
        return np.zeros(light.shape, np.float32)
    keep = np.concatenate([[False], sides >= 0.15 * sides.max()])
    return without_rules(np.where(keep[parts], np.float32(1), np.float32(0)))


def _strokes(light: np.ndarray) -> np.ndarray:
    """Ink of any other pen in a photo."""
    contrast = np.clip(contrast_to_ground(light), 0, 1)
    levels = (255 * contrast).astype(np.uint8)
    middle = otsu(levels) / 255
    if middle < MIN_CONTRAST:
        return np.zeros(contrast.shape, np.float32)
    ink = np.clip((contrast - 0.7 * middle) / (0.6 * middle), 0, 1)
    return without_rules(without_frame(ink))


def otsu(levels: np.ndarray) -> int:
    """The level between ground and ink that leaves the least variance on both sides (Otsu 1979)."""
    share = np.bincount(levels.reshape(-1), minlength=256) / levels.size
    below, mean = np.cumsum(share), np.cumsum(share * np.arange(256))
    between = (mean[-1] * below - mean) ** 2 / np.maximum(below * (1 - below), 1e-9)
    return int(between.argmax())


def without_frame(ink: np.ndarray) -> np.ndarray:
    """Ink without a form's box around it: a part that follows its own bounding box, with writing inside."""
    from scipy.ndimage import find_objects, label

    parts, _ = label(ink > 0.3, np.ones((3, 3)))
    boxes = find_objects(parts)
    heights = np.array([box[0].stop - box[0].start for box in boxes])
    for number in 1 + np.argsort(-heights, kind="stable")[:MOST_FRAMES]:
        box = boxes[number - 1]
        part = parts[box] == number
        edge = max(round(EDGE * min(part.shape)), 1)
        inner = np.s_[edge:-edge, edge:-edge]
        inside = np.setdiff1d(np.unique(parts[box][inner]), [0, number])
        framed = part.sum() - part[inner].sum() >= FOLLOWS * part.sum()
        if framed and len(inside) and heights[inside - 1].max() >= 0.3 * heights[number - 1]:
            return np.where(parts == number, 0, ink).astype(np.float32)
    return ink


def without_rules(ink: np.ndarray) -> np.ndarray:
    """Ink without printed horizontal lines; strokes that cross them stay."""
    from scipy.ndimage import binary_closing, binary_opening, maximum_filter1d

    height, width = ink.shape
    long = round(max(LONG * height, 0.4 * width))
    if long > width:
        long = round(0.9 * width)
    dark = ink > 0.3
    joined = np.pad(maximum_filter1d(dark, 3, axis=0), ((0, 0), (GAP, GAP)))
    joined = binary_closing(joined, np.ones((1, GAP)))[:, GAP:-GAP]
    line = binary_opening(joined, np.ones((1, long)))
    if not line.any():
        return ink
    line &= dark
    thickness = int(
        np.median(np.diff(np.flatnonzero(np.diff(np.pad(line.T, ((0, 0), (1, 1)))).reshape(-1)))[::2])
    )
    tall = binary_opening(dark, np.ones((thickness + 3, 1)))
    return np.where(line & ~tall, 0, ink).astype(np.float32)
