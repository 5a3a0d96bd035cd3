"""A canvas → its ink: how much of each pixel a pen has covered."""

from __future__ import annotations

import functools

import numpy as np
from PIL import Image

from mnist_mlp.box import Box, box_of
from mnist_mlp.paper import DARKEST, find_paper, otsu, photographed
from mnist_mlp.pen import thicken

MIN_CONTRAST = 32  # of 255: below it, what differs from the ground is noise
NOISE = 0.15  # of the full contrast: what is fainter is not ink
EVEN = 12  # of 255: a border that varies more belongs to a photo, or has ink on it
FLAT = 0.1  # share of a drawing's pixels, at least, that have one level; grain leaves a photo fewer
DRAWN = 0.3  # share of a drawing's pixels, at least, that are its even ground, which a table's is not
CLEAR = 0.35  # share of a picture cut tight: what covers less is ink, what covers more may be a fat pen's
SMALL = 48  # pixels: a picture whose longer side has fewer is enlarged
ENLARGED = 64  # pixels, at least, of its longer side then
FILLED = 0.95  # share of its box that an opaque picture covers; strokes cover less


def find_ink(canvas: np.ndarray) -> np.ndarray:
    """How much ink is at each pixel: float32 in 0..1, (H, W); a photo is reduced, a small picture enlarged.

    The ink of a hair-thin pen is thickened to MNIST's.

    Args:
        canvas: uint8, (H, W), (H, W, 3) or (H, W, 4), of any size; ink of any colour on a light,
            dark or transparent ground.

    Raises:
        TypeError: not an array, or not of uint8.
        ValueError: another shape, or no pixels.
    """
    if not isinstance(canvas, np.ndarray) or canvas.dtype != np.uint8:
        got = canvas.dtype if isinstance(canvas, np.ndarray) else type(canvas).__name__
        raise TypeError(f"a canvas is a NumPy array of uint8; got {got}")
    if canvas.ndim == 2:
        canvas = canvas[..., None]
    if canvas.ndim != 3 or canvas.shape[2] not in (1, 3, 4) or 0 in canvas.shape:
        raise ValueError(f"a canvas is (H, W), (H, W, 3) or (H, W, 4); got {canvas.shape}")
    return thicken(_ink_as_it_is(canvas))


def _ink_as_it_is(canvas: np.ndarray) -> np.ndarray:
    colours = [canvas[..., channel] for channel in range(canvas.shape[2])]
    if len(colours) == 4:
        alpha = colours.pop()
        if _quantile(_border(alpha), 0.5) < 128:
            box = _picture_within(colours, alpha > 127)
            if box is None:  # a transparent ground has no colour to differ from: what is opaque is the ink
                return _stretch(alpha)
            return _around(_ink_as_it_is(canvas[box.within()][..., :3]), box, alpha.shape)
    ground = [_quantile(_border(colour), 0.5) for colour in colours]
    contrast = _colour_distance(colours, ground)
    border = _border(contrast)
    even = _quantile(border, 0.75) <= EVEN and np.count_nonzero(border == 0) >= FLAT * border.size
    if even and max(ground) > DARKEST:
        return _stretch(contrast)
    light = _grey(canvas[..., :3])
    flat = np.bincount(light.reshape(-1)).max() / light.size
    if flat < DRAWN and find_paper(light) is not None:
        return photographed(light)
    if even:
        return _stretch(contrast)
    if flat >= FLAT:
        return _cut_tight(max(colours, key=np.ptp))
    return photographed(light)


def _picture_within(colours: list[np.ndarray], opaque: np.ndarray) -> Box | None:
    """Where an opaque picture lies on a transparent canvas; None where there are strokes."""
    box = box_of(opaque)
    if box is None:
        return None
    picture = box.within()
    contrast = max(int(np.ptp(colour[picture])) for colour in colours)
    return box if opaque[picture].mean() >= FILLED and contrast >= MIN_CONTRAST else None


def _around(ink: np.ndarray, box: Box, shape: tuple[int, ...]) -> np.ndarray:
    """Ink of a picture within a box of a canvas, continued to that of the canvas."""
    down, along = ink.shape[0] / box.height, ink.shape[1] / box.width  # a small picture was enlarged
    before_after = ((box.top, shape[0] - box.bottom), (box.left, shape[1] - box.right))
    return np.pad(
        ink, [[round(side * by) for side in sides] for sides, by in zip(before_after, (down, along))]
    )


def _cut_tight(light: np.ndarray) -> np.ndarray:
    """Ink that reaches the picture's edges, on an even ground: the border does not tell which is which."""
    low, high = int(light.min()), int(light.max())
    bright = light > otsu(light)
    if _is_ink(bright, ~bright):
        return _stretch(light - np.uint8(low))
    return _stretch(np.uint8(high) - light)


def _is_ink(mask: np.ndarray, other: np.ndarray) -> bool:
    """Whether the mask is ink, and the other ground: ink misses an edge, or else parts the ground."""
    share = mask.mean()
    if not CLEAR < share < 1 - CLEAR:
        return bool(share < 0.5)
    from scipy.ndimage import label  # imported where it is needed: that takes a quarter of a second

    def edges(of: np.ndarray) -> list[set[int]]:
        return [set(edge[edge > 0].tolist()) for edge in (of[0], of[-1], of[:, 0], of[:, -1])]

    parts = [edges(label(each, np.ones((3, 3)))[0]) for each in (mask, other)]
    for test in (lambda sides: not all(sides), lambda sides: bool(set.intersection(*sides))):
        mine, others = map(test, parts)
        if mine != others:
            return mine
    return bool(share < 0.5)


def _grey(colours: np.ndarray) -> np.ndarray:
    if colours.shape[2] == 1:
        return colours[..., 0]
    return np.asarray(Image.fromarray(np.ascontiguousarray(colours)).convert("L"))


def _border(channel: np.ndarray) -> np.ndarray:
    return np.concatenate((channel[0], channel[-1], channel[:, 0], channel[:, -1]))


def _quantile(values: np.ndarray, q: float) -> np.uint8:
    # np.quantile is slower, and its result is no uint8.
    return np.sort(values)[int(q * len(values))]


def _colour_distance(colours: list[np.ndarray], ground: list[np.uint8]) -> np.ndarray:
    """How far each pixel's colour is from the ground's, in the channel where it is farthest."""
    distances = []
    for channel, level in zip(colours, ground):
        # NumPy is fastest on two contiguous arrays of bytes.
        colour = np.ascontiguousarray(channel)
        sheet = np.full_like(colour, level)
        distances.append(np.maximum(colour, sheet) - np.minimum(colour, sheet))
    return functools.reduce(np.maximum, distances)


def _stretch(contrast: np.ndarray) -> np.ndarray:
    if max(contrast.shape) < SMALL:
        contrast = _enlarge(contrast)
    highest = int(contrast.max())
    if highest < MIN_CONTRAST:
        return np.zeros(contrast.shape, np.float32)
    return _ink_of_contrast(highest).take(contrast, mode="clip")  # which is three times as fast as indexing


def _enlarge(contrast: np.ndarray) -> np.ndarray:
    """A small picture's contrast, enlarged smoothly: placed pixel by pixel, its strokes would be blurred."""
    times = -(-ENLARGED // max(contrast.shape))
    padded = Image.fromarray(np.pad(contrast, 3))  # what is around the picture is ground
    large = padded.resize((padded.width * times, padded.height * times), Image.Resampling.LANCZOS)
    return np.ascontiguousarray(np.asarray(large)[3 * times : -3 * times, 3 * times : -3 * times])


@functools.cache
def _ink_of_contrast(highest: int) -> np.ndarray:
    """The ink that each contrast stands for: (256,) float32 in 0..1."""
    levels = np.arange(256, dtype=np.float32) / np.float32(highest)
    return np.clip((levels - NOISE) / (1 - 2 * NOISE), 0, 1)
