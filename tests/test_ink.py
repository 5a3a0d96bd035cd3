"""`find_ink` against ink that Pillow drew at known places: tight cuts, hair-thin pens, paper."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_mlp import to_mnist
from mnist_mlp.ink import find_ink

SIDE = 400
PATH = [(110, 90), (290, 90), (180, 330)]


def drawn(width: int, path: list[tuple[int, int]] = PATH) -> np.ndarray:
    """(400, 400) uint8, ink 255: a line with round ends."""
    image = Image.new("L", (SIDE, SIDE))
    pen = ImageDraw.Draw(image)
    pen.line(path, 255, width, "curve")
    for x, y in path:
        pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), 255)
    return np.asarray(image)


def photo(ink: np.ndarray, printed: np.ndarray | float = 0.0, shadow: bool = False) -> np.ndarray:
    """Dark ink and grey print on paper, in light that falls off to one side, with grain."""
    rng = np.random.default_rng(1)
    paper = 235 - 120 * np.maximum(np.asarray(printed, np.float64), 0)
    light = np.linspace(1, 0.7, SIDE)[None] * np.ones((SIDE, 1))
    if shadow:
        light[:, 150:] *= 0.7
    scene = np.where(ink > 0, 40, paper) * light
    return np.clip(scene + rng.normal(0, 4, (SIDE, SIDE)), 0, 255).astype(np.uint8)


def overlap(found: np.ndarray, ink: np.ndarray) -> float:
    """Intersection over union, at the canvas's size."""
    large = np.asarray(Image.fromarray(found).resize(ink.shape[::-1], Image.Resampling.BILINEAR)) > 0.5
    return float((large & (ink > 0)).sum() / (large | (ink > 0)).sum())


def tight(canvas: np.ndarray, ink: np.ndarray) -> np.ndarray:
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    return canvas[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


@pytest.mark.parametrize("white_on_black", [False, True])
def test_a_drawing_cut_tight(white_on_black: bool) -> None:
    ink = drawn(30)
    canvas = ink if white_on_black else 255 - ink
    assert overlap(find_ink(tight(canvas, ink)), tight(ink, ink)) > 0.98


@pytest.mark.parametrize("margin", [(0, 60), (70, 0), (30, 30)])
def test_a_photo_in_the_editor_with_transparent_margins(margin: tuple[int, int]) -> None:
    ink = drawn(30)
    shown = photo(ink, shadow=True)
    opaque = np.stack([shown, shown, shown, np.full_like(shown, 255)], 2)
    sides = ((margin[0],) * 2, (margin[1],) * 2)
    assert overlap(find_ink(np.pad(opaque, (*sides, (0, 0)))), np.pad(ink, sides)) > 0.8


@pytest.mark.parametrize("turns", range(4))
def test_a_digit_at_the_edge_of_a_photo(turns: int) -> None:
    ink = drawn(30)
    canvas, ink = (np.ascontiguousarray(np.rot90(each[:, 100:], turns)) for each in (photo(ink), ink))
    assert overlap(find_ink(canvas), ink) > 0.8


def test_a_shadows_edge_is_not_ink() -> None:
    ink = drawn(30)
    assert overlap(find_ink(photo(ink, shadow=True)), ink) > 0.8


def test_paper_without_writing_has_no_ink() -> None:
    for shadow in (False, True):
        assert not find_ink(photo(np.zeros((SIDE, SIDE), np.uint8), shadow=shadow)).any()


def test_a_ruled_line_vanishes_and_the_stroke_stays() -> None:
    ink, printed = drawn(30), np.zeros((SIDE, SIDE))
    printed[355:358] = printed[215:218] = 1
    found = find_ink(photo(ink, printed))
    assert overlap(found, ink) > 0.8
    large = np.asarray(Image.fromarray(found).resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    assert large[350:362].mean() < 0.02


def test_a_forms_box_vanishes_and_the_stroke_stays() -> None:
    ink, box = drawn(30), Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(box).rectangle((60, 40, 345, 375), outline=1, width=4)
    assert overlap(find_ink(photo(ink, np.asarray(box))), ink) > 0.8


def test_a_zero_is_no_box() -> None:
    image = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(image).ellipse((120, 60, 280, 340), outline=255, width=28)
    ink = np.asarray(image)
    assert overlap(find_ink(photo(ink)), ink) > 0.8


@pytest.mark.parametrize("photographed", [False, True])
@pytest.mark.parametrize("width", [2, 3])
def test_a_hair_is_found_and_drawn_as_mnists_pen(width: int, photographed: bool) -> None:
    hair = drawn(width)
    canvas = photo(hair) if photographed else 255 - hair
    assert overlap(find_ink(canvas), drawn(20)) > 0.7  # 8 % of the digit's height
    assert to_mnist(canvas).max() > 0.9


@pytest.mark.parametrize("width", [12, 20, 40])
def test_other_pens_are_as_they_are(width: int) -> None:
    assert overlap(find_ink(255 - drawn(width)), drawn(width)) > 0.98


@pytest.mark.parametrize("side", [12, 16, 24])
def test_a_small_picture_is_placed_as_a_large_one(side: int) -> None:
    """Cut tight, and reduced to the share of each pixel that ink covers."""
    ink = tight(drawn(34), drawn(34))
    scale = side / max(ink.shape)
    size = (round(ink.shape[1] * scale), round(ink.shape[0] * scale))
    small = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BOX))
    for canvas in (small, 255 - small):
        assert np.abs(to_mnist(canvas) - to_mnist(ink)).mean() < 0.03
