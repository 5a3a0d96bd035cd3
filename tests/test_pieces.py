"""Cuts and arcs against numbers whose digits are known, and their limits whatever is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_mlp.ink import find_ink
from mnist_mlp.pieces import MOST_ARCS, MOST_LINES, WIDEST, arcs, cut, find_lines, ink_of
from mnist_mlp.training.mnist import Digits
from mnist_mlp.training.numbers import APART, TOUCHING, make


def number(mnist: Digits, seed: int, touching: bool = False, digits: int = 3):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    some = rng.integers(0, 2500, digits)
    return make(mnist.images[some], mnist.labels[some], rng, TOUCHING if touching else APART)


@pytest.mark.parametrize("seed", range(8))
def test_the_pieces_together_are_the_line(mnist: Digits, seed: int) -> None:
    (line,) = find_lines(find_ink(number(mnist, seed, touching=seed % 2 == 0).canvas))
    pieces = cut(line.ink)
    alone = arcs(pieces)
    alone = alone.some(alone.end == alone.start + 1)
    assert sorted(alone.start.tolist()) == list(range(len(pieces.at) - 1))  # each piece is an arc
    whole = np.zeros_like(line.ink)
    for i, window in enumerate(ink_of(pieces, alone)):
        left = int(alone.left[i])
        part = whole[:, left : left + alone.width]
        np.maximum(part, window[:, : part.shape[1]], out=part)
    assert np.array_equal(whole, line.ink)


@pytest.mark.parametrize("seed", range(12))
def test_every_digit_that_stands_apart_is_an_arc(mnist: Digits, seed: int) -> None:
    """One of the arcs has nearly all of the digit's own ink, and hardly any of its neighbours'."""
    made = number(mnist, seed)
    (line,) = find_lines(find_ink(made.canvas))
    pieces = cut(line.ink)
    candidates = arcs(pieces)
    height, width = line.ink.shape
    own = []
    for ink in made.ink:
        part = ink[line.top : line.top + round(height * line.scale)]
        part = np.ascontiguousarray(part[:, line.left : line.left + round(width * line.scale)])
        own.append(np.asarray(Image.fromarray(part).resize((width, height), Image.Resampling.BOX)))
    held = np.stack([ink_of(pieces._replace(ink=ink), candidates).sum((1, 2)) for ink in own], 1)
    for i, ink in enumerate(own):
        wrong = ink.sum() - held[:, i] + held.sum(1) - held[:, i]
        assert wrong.min() < 0.05 * ink.sum()


@pytest.mark.parametrize(
    ("texts", "lines"), [(["12"], 1), (["12", "34"], 2), (["1", "2", "3"], 3), (["12", "-", "34"], 2)]
)
def test_lines_from_top_to_bottom(mnist: Digits, texts: list[str], lines: int) -> None:
    sheet = np.zeros((60 * len(texts), 120), np.float32)
    for row, text in enumerate(texts):
        for column, character in enumerate(text):
            y, x = 60 * row + 10, 40 * column + 10
            if character == "-":
                sheet[y + 20 : y + 24, x : x + 20] = 1
            else:
                digit = mnist.images[np.flatnonzero(mnist.labels == int(character))[0]]
                sheet[y : y + 28, x : x + 28] = digit / 255
    found = find_lines(sheet)
    assert len(found) == lines
    assert [line.top for line in found] == sorted(line.top for line in found)


def hostile() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    dots, hatching, text = (Image.new("L", (500, 500)) for _ in range(3))
    for x, y in rng.integers(0, 500, (10_000, 2)):
        ImageDraw.Draw(dots).ellipse((x - 1, y - 1, x + 1, y + 1), 255)
    for i in range(-500, 1000, 9):
        ImageDraw.Draw(hatching).line((i, 0, i + 500, 500), 255, 2)
        ImageDraw.Draw(hatching).line((i, 500, i + 500, 0), 255, 2)
    for row in range(0, 490, 14):
        ImageDraw.Draw(text).text(
            (4, row), "The quick brown fox jumps over 1,234 lazy dogs, and more of it", 255
        )
    specks = (rng.random((500, 500)) < 0.02) * 255
    bars = np.tile([255, 255, 0, 0], (500, 125))
    pictures = {"dots": dots, "hatching": hatching, "text": text, "specks": specks, "bars": bars}
    return {name: np.asarray(picture, np.float32) / 255 for name, picture in pictures.items()}


@pytest.mark.parametrize("picture", hostile().values(), ids=hostile().keys())
def test_whatever_is_drawn_the_candidates_are_few(picture: np.ndarray) -> None:
    lines = find_lines(picture)
    assert len(lines) <= MOST_LINES
    total = 0
    for line in lines:
        pieces = cut(line.ink, MOST_ARCS // len(lines))
        candidates = arcs(pieces)
        assert candidates.width <= 3 * max(line.ink.shape[0], 1)
        middle = pieces.at.mean(1)
        wide = middle[candidates.end] - middle[candidates.start] > WIDEST * len(line.ink)
        assert (candidates.end - candidates.start)[wide].max(initial=1) == 1
        total += len(candidates.start)
    assert total <= MOST_ARCS
