"""What a photo or a scan shows beside the ink: uneven light, grain, and printed lines."""

from __future__ import annotations

import numpy as np

from mnist_mlp.pen import stroke_width

SMOOTH = 0.002  # of the longer side, standard deviation: of the blur that takes grain out
WIDEST_STROKE = 0.2  # of the photo's longer side
WINDOW = 4  # stroke widths: the ground is looked for so far around each pixel
SMALLEST_WINDOW = 15  # pixels
FAINTEST = 0.05  # of the ground's light: a contrast that is lower is grain
PRINTED = 0.8  # of the photo's width or height: a part that reaches so far was printed
STRIP = 0.4  # of the width: writing alone may reach from top to bottom of a photo that is less high
CERTAIN = 1.3  # times the threshold: a part of the ink that is nowhere so dark is grain, or a pattern
FAR = 0.5  # of the tallest part's height: what comes in from a border and stays so far away is not written
GAP = 7  # pixels that a printed line may be interrupted
BOX_EDGE = 0.1  # of a box's shorter side: its lines lie nearer to its edges
FOLLOWS = 0.97  # share of a box's ink that lies there; of a zero's, less
MOST_FRAMES = 50  # of a photo's parts, the tallest, that are taken for a box: grain falls into thousands
ABOVE = 3  # pixels of ink above or below a printed line, at least, where a stroke crosses it
LONG = 1.2  # of a line's height: a horizontal stroke that is longer was printed


# Paper on a darker table
DARKEST = 130  # of 255: a ground that is lighter is taken for the paper
EVEN = 1.3  # times its median: most of a table's border is no lighter
BRIGHTER = 1.4  # times as light as the table, at least
COARSE = 100  # pixels of the longer side on which paper is looked for
WIDEST_INK = 9  # of these pixels: what is no wider is light strokes
EDGE = 2  # of these pixels: the paper's edge, whose shadow is no ink
LEAST = 0.1  # share of the photo that it covers


def photographed(light: np.ndarray) -> np.ndarray:
    """Ink in a photo, (H, W) uint8: float32 in 0..1, (H, W)."""
    paper = find_paper(light)
    if paper is None:
        return _on_paper(light)
    from scipy.ndimage import distance_transform_edt, maximum_filter

    # Around the paper, what lies beside its edge goes on.
    ground = maximum_filter(np.where(paper, light, 0), _odd(WIDEST_INK / COARSE * max(light.shape)))
    rows, columns = distance_transform_edt(~paper, return_distances=False, return_indices=True)
    ink = _on_paper(np.where(paper, light, ground[rows, columns]).astype(np.uint8))
    return np.where(paper, ink, 0).astype(np.float32)


def find_paper(light: np.ndarray) -> np.ndarray | None:
    """Where a sheet of paper lies on a darker table, (H, W) bool, less its edge; None where a photo shows no table."""
    border = np.concatenate((light[0], light[-1], light[:, 0], light[:, -1]))
    table = float(np.median(border))
    if table > DARKEST or np.quantile(border, 0.85) > EVEN * table + 10:
        return None
    from scipy.ndimage import binary_fill_holes, binary_opening, label, minimum_filter, zoom

    small = zoom(light.astype(np.float32), min(COARSE / max(light.shape), 1.0), order=1)
    bright = binary_opening(
        binary_fill_holes(small > BRIGHTER * table + 10), np.ones((WIDEST_INK, WIDEST_INK))
    )
    parts, count = label(bright)
    if not count:
        return None
    largest = parts == 1 + np.bincount(parts.reshape(-1))[1:].argmax()
    if largest.mean() < LEAST:
        return None
    inner = minimum_filter(largest, 2 * EDGE + 1, mode="constant")
    paper = zoom(inner.astype(np.float32), np.array(light.shape) / inner.shape, order=1) > 0.5
    return paper if paper.any() else None


def _on_paper(light: np.ndarray) -> np.ndarray:
    # First with a window for the widest pen; then with one that fits the pen, which follows the light more closely.
    window = _odd(WIDEST_STROKE * max(light.shape))
    ink = _ink_on_paper(contrast_to_ground(light, window))
    fitting = _odd(WINDOW * stroke_width(ink)) if ink.any() else SMALLEST_WINDOW
    if fitting < window:
        ink = _ink_on_paper(contrast_to_ground(light, fitting))
    return without_rules(without_frame(without_borders(ink)))


def _odd(length: float) -> int:
    return max(SMALLEST_WINDOW, int(length)) | 1


def contrast_to_ground(light: np.ndarray, window: int) -> np.ndarray:
    """How much each pixel of a photo, (H, W) uint8, differs from the ground around it: float32 in 0..1.

    The ground of dark ink is the morphological closing, that of light ink the opening: both keep a shadow's edge.
    Which of the two it is, the outlines tell: those of ink lie where the light changes.
    """
    from scipy.ndimage import gaussian_filter, maximum_filter, minimum_filter  # takes a quarter of a second

    light = gaussian_filter(light.astype(np.float32), SMOOTH * max(light.shape))
    closed = minimum_filter(maximum_filter(light, window), window)
    opened = maximum_filter(minimum_filter(light, window), window)
    change = maximum_filter(light, 3) - minimum_filter(light, 3)

    def without_grain(contrast: np.ndarray) -> np.ndarray:
        return np.clip(contrast - np.median(contrast), 0, 1)  # most pixels are ground

    def outline(contrast: np.ndarray) -> float:
        mask = contrast > otsu(_levels(contrast)) / 255
        edge = mask ^ minimum_filter(mask, 3)
        return float(change[edge].mean()) if edge.any() else 0.0

    darker = without_grain((closed - light) / np.maximum(closed, 32))
    lighter = without_grain((light - opened) / np.maximum(255 - opened, 32))
    return darker if outline(darker) >= outline(lighter) else lighter


def _levels(contrast: np.ndarray) -> np.ndarray:
    return (255 * contrast).astype(np.uint8)


def _ink_on_paper(contrast: np.ndarray) -> np.ndarray:
    """The ink of a contrast in 0..1: what is darker than a threshold, and printed lines are not."""
    from scipy.ndimage import label

    threshold = otsu(_levels(contrast)) / 255
    if threshold < FAINTEST:
        return np.zeros(contrast.shape, np.float32)
    dark = contrast > 0.7 * threshold
    soft = 0.3
    if _reaches(dark):  # ruled paper, whose lines are lighter than a pen's
        darker = otsu(_levels(contrast[dark])) / 255
        if not _reaches(contrast > 0.9 * darker):
            threshold, soft = darker, 0.2
    ink = np.clip((contrast / threshold - 1) / (2 * soft) + 0.5, 0, 1)
    parts, count = label(ink > 0, np.ones((3, 3)))
    keep = np.zeros(count + 1, bool)
    keep[parts[contrast > CERTAIN * threshold]] = True
    keep[0] = False
    return np.where(keep[parts], ink, 0).astype(np.float32)


def without_borders(ink: np.ndarray) -> np.ndarray:
    """Ink without what reaches in from the photo's borders, far from all that does not: shadows, printed lines."""
    from scipy.ndimage import find_objects, label

    parts, count = label(ink > 0.3, np.ones((3, 3)))
    if not count:
        return ink
    boxes = np.array([[at for side in box for at in (side.start, side.stop)] for box in find_objects(parts)])
    top, bottom, left, right = boxes.T
    inside = (top > 0) & (left > 0) & (bottom < ink.shape[0]) & (right < ink.shape[1])
    if not inside.any() or inside.all():
        return ink
    tallest = (bottom - top)[inside].max()
    near = inside & (bottom - top >= 0.3 * tallest)  # no grain
    above, below = top[near].min() - bottom, top - bottom[near].max()
    before, behind = left[near].min() - right, left - right[near].max()
    far = np.maximum.reduce([above, below, before, behind]) > FAR * tallest
    dropped = np.concatenate([[False], ~inside & far & ((bottom - top) < 3 * tallest)])
    return np.where(dropped[parts], 0, ink).astype(np.float32)


def _reaches(dark: np.ndarray) -> bool:
    """Whether a part reaches through most of the photo, as only printed lines do; in a strip, from side to side."""
    from scipy.ndimage import find_objects, label

    height, width = dark.shape
    boxes = find_objects(label(dark, np.ones((3, 3)))[0])
    down = max(PRINTED * height, STRIP * width)
    return any(
        rows.stop - rows.start >= down or columns.stop - columns.start >= PRINTED * width
        for rows, columns in boxes
    )


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
        edge = max(round(BOX_EDGE * min(part.shape)), 1)
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
    line = binary_opening(joined, np.ones((1, long))) & dark
    if not line.any():
        return ink
    # How thick it is: the median over the columns of each.
    thickness = int(np.median(line.sum(0)[line.any(0)]))
    tall = binary_opening(dark, np.ones((thickness + ABOVE, 1)))
    return np.where(line & ~tall, 0, ink).astype(np.float32)
