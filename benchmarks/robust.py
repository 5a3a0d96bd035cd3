"""How much worse the same digits are read in other colours, sizes and formats, turned, and in a photo.

    python benchmarks/robust.py

The digits are images of MNIST's training set that are held out for validation, enlarged to smooth strokes
and drawn on a sheet in a place and size of their own. Each row reads the very same drawings as the first
one; but the last two read scikit-learn's digits.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter
from skimage.morphology import skeletonize
from sklearn.datasets import load_digits
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.helpers import save, table
from mnist_mlp import load, to_mnist
from mnist_mlp.mlp import NAMES
from mnist_mlp.picture import read_picture
from mnist_mlp.training.mnist import load_train

DIGITS = 2000
SEED = 1
SHEET = 280
PHOTO = 480


class Drawing(NamedTuple):
    """Where and how large a digit stands on its sheet, in shares of the sheet's side."""

    pixels: np.ndarray
    """28×28 uint8, ink high"""
    size: float
    x: float
    y: float


def ink(drawing: Drawing, side: int, turn: float = 0.0) -> np.ndarray:
    """The digit as strokes on a sheet of side × side: float32 in 0..1."""
    height, width = drawing.pixels.shape
    scale = drawing.size * side / max(height, width)
    room = (round(width * scale), round(height * scale))
    large = Image.fromarray(drawing.pixels).resize(room, Image.Resampling.BICUBIC)
    # MNIST's pixels enlarged are a blur; a pen's edge is one or two of the sheet's pixels wide.
    large = large.filter(ImageFilter.GaussianBlur(0.35 * scale))
    edge = np.clip((np.asarray(large, np.float32) - 127) * max(scale, 2) / 300 + 0.5, 0, 1)
    sheet = Image.new("F", (side, side))
    corner = (round(drawing.x * (side - room[0])), round(drawing.y * (side - room[1])))
    sheet.paste(Image.fromarray(edge), corner)
    return np.asarray(sheet.rotate(turn, Image.Resampling.BILINEAR))


def paint(ink: np.ndarray, pen: tuple[float, ...], ground: tuple[float, ...]) -> np.ndarray:
    """(H, W, channels) uint8"""
    colours = np.asarray(ground) + ink[..., None] * (np.asarray(pen) - np.asarray(ground))
    return (colours + 0.5).astype(np.uint8)


def plain(drawing: Drawing, rng: np.random.Generator, side: int = SHEET, turn: float = 0.0) -> np.ndarray:
    return paint(ink(drawing, side, turn), (0,), (255,))[..., 0]


def white_on_black(drawing: Drawing, rng: np.random.Generator) -> np.ndarray:
    return 255 - plain(drawing, rng)


def coloured(drawing: Drawing, rng: np.random.Generator) -> np.ndarray:
    while True:
        pen, ground = rng.integers(0, 256, (2, 3))
        if np.abs(pen - ground).max() >= 100:  # a person would see it, too
            return paint(ink(drawing, SHEET), tuple(pen), tuple(ground))


def transparent(drawing: Drawing, rng: np.random.Generator) -> np.ndarray:
    pen = tuple(rng.integers(0, 256, 3))
    return paint(ink(drawing, SHEET), (*pen, 255), (*pen, 0))


def jpeg(canvas: np.ndarray | Image.Image, quality: int = 80) -> np.ndarray:
    file = io.BytesIO()
    image = canvas if isinstance(canvas, Image.Image) else Image.fromarray(np.ascontiguousarray(canvas))
    image.save(file, "JPEG", quality=quality)
    return read_picture(file.getvalue())


def tight(canvas: np.ndarray, ink: np.ndarray, margin: int = 0) -> np.ndarray:
    """The canvas, cut to its ink."""
    rows, columns = np.flatnonzero((ink > 0.5).any(1)), np.flatnonzero((ink > 0.5).any(0))
    top, left = max(rows[0] - margin, 0), max(columns[0] - margin, 0)
    return canvas[top : rows[-1] + 1 + margin, left : columns[-1] + 1 + margin]


def cut_tight(drawing: Drawing, rng: np.random.Generator) -> np.ndarray:
    return tight(plain(drawing, rng), ink(drawing, SHEET))


def twelve_pixels(drawing: Drawing, rng: np.random.Generator) -> np.ndarray:
    image = Image.fromarray(cut_tight(drawing, rng))
    scale = 12 / max(image.size)
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    return np.asarray(image.resize(size, Image.Resampling.BOX))


def hair(ink: np.ndarray) -> np.ndarray:
    """The strokes' middle lines, two pixels wide."""
    line = np.pad(skeletonize(ink > 0.5), ((1, 0), (1, 0))).astype(np.float32)
    return np.maximum.reduce([line[1:, 1:], line[:-1, 1:], line[1:, :-1], line[:-1, :-1]])


def thin(drawing: Drawing, rng: np.random.Generator) -> np.ndarray:
    return paint(hair(ink(drawing, 400)), (0,), (255,))[..., 0]


class Scene(NamedTuple):
    """What a photo shows, beside its light."""

    ink: np.ndarray
    """(side, side), the pen's"""
    printed: np.ndarray | float = 0.0
    """as ink"""
    sharp: bool = False
    """a shadow whose edge is"""


def photo_of(scene: Scene, rng: np.random.Generator) -> Image.Image:
    """A pen on paper: uneven light, a shadow with an edge, a lens not quite sharp, grain."""
    side = len(scene.ink)
    pen = rng.choice([[25, 25, 30], [25, 40, 130], [40, 40, 45], [150, 30, 40]])
    paper = rng.uniform(205, 250) * np.array([1, rng.uniform(0.96, 1), rng.uniform(0.86, 0.99)])
    print_ = rng.choice([[90, 120, 190], [120, 120, 125], [60, 60, 60]])
    strength = rng.uniform(0.75, 1)  # a ballpoint does not cover
    shown = paper + np.reshape(scene.printed, (*np.shape(scene.printed), 1)) * (print_ - paper)
    shown = shown + strength * scene.ink[..., None] * (pen - shown)
    across = np.linspace(-0.5, 0.5, side, dtype=np.float32)
    x, y = np.meshgrid(across, across)

    def along(angle: float) -> np.ndarray:
        return x * np.cos(angle) + y * np.sin(angle)

    light = 1 - rng.uniform(0.15, 0.5) * (along(rng.uniform(0, 2 * np.pi)) + 0.5)
    towards = along(rng.uniform(0, 2 * np.pi)) - rng.uniform(-0.3, 0.3)
    soft = 0.002 if scene.sharp else rng.uniform(0.01, 0.05)
    light *= 1 - rng.uniform(0.2, 0.45) / (1 + np.exp(-np.clip(towards / soft, -50, 50)))
    picture = Image.fromarray(np.clip(shown * light[..., None], 0, 255).astype(np.uint8))
    picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.8, 2)))
    grainy = np.asarray(picture) + rng.normal(0, rng.uniform(3, 9), (side, side, 3))
    return Image.fromarray(np.clip(grainy, 0, 255).astype(np.uint8))


def photo(drawing: Drawing, rng: np.random.Generator, sharp: bool = False) -> np.ndarray:
    return jpeg(photo_of(Scene(ink(drawing, PHOTO), sharp=sharp), rng))


def hair_photo(drawing: Drawing, rng: np.random.Generator) -> np.ndarray:
    return jpeg(photo_of(Scene(hair(ink(drawing, PHOTO))), rng))


def rules(rng: np.random.Generator) -> np.ndarray:
    """Printed lines from edge to edge: float32 in 0..1."""
    printed = np.zeros((PHOTO, PHOTO), np.float32)
    apart, wide = int(rng.integers(40, 90)), int(rng.integers(1, 4))
    for row in range(int(rng.integers(0, apart)), PHOTO, apart):
        printed[row : row + wide] = 1
    return printed


def on_ruled_paper(drawing: Drawing, rng: np.random.Generator) -> np.ndarray:
    return jpeg(photo_of(Scene(ink(drawing, PHOTO), 0.6 * rules(rng)), rng))


def on_squared_paper(drawing: Drawing, rng: np.random.Generator) -> np.ndarray:
    state = rng.bit_generator.state
    down = rules(rng)
    rng.bit_generator.state = state  # squares: as far apart along as down
    return jpeg(photo_of(Scene(ink(drawing, PHOTO), 0.5 * np.maximum(down, rules(rng).T)), rng))


def in_a_box(drawing: Drawing, rng: np.random.Generator) -> np.ndarray:
    strokes = ink(drawing._replace(size=0.5 * drawing.size, x=0.5, y=0.5), PHOTO)
    rows, columns = np.flatnonzero(strokes.any(1)), np.flatnonzero(strokes.any(0))
    room = rng.integers(12, 60, 4)
    top, bottom = rows[0] - room[0], rows[-1] + room[1]
    left, right = columns[0] - room[2], columns[-1] + room[3]
    wide = int(rng.integers(2, 6))
    printed = np.zeros_like(strokes)
    printed[top : bottom + wide, left : right + wide] = 1
    printed[top + wide : bottom, left + wide : right] = 0
    return jpeg(photo_of(Scene(strokes, printed), rng))


def at_the_edge(drawing: Drawing, rng: np.random.Generator) -> np.ndarray:
    """The photo ends where the digit does, on one side."""
    strokes = ink(drawing._replace(size=0.6 * drawing.size), PHOTO)
    turns = int(rng.integers(4))
    picture = np.rot90(np.asarray(photo_of(Scene(strokes), rng)), turns)
    columns = np.flatnonzero((np.rot90(strokes, turns) > 0.5).any(0))
    return jpeg(np.rot90(picture[:, columns[0] :], -turns))


def on_a_table(drawing: Drawing, rng: np.random.Generator) -> np.ndarray:
    """Paper, a little turned, on a dark table with grain."""
    paper = (
        photo_of(Scene(ink(drawing, PHOTO)), rng).convert("RGBA").rotate(rng.uniform(-12, 12), expand=True)
    )
    side = round(PHOTO * rng.uniform(1.2, 1.7))
    table = rng.uniform(25, 95) * np.array([1, rng.uniform(0.7, 1), rng.uniform(0.5, 1)])
    scene = Image.fromarray(np.tile(table, (side, side, 1)).clip(0, 255).astype(np.uint8))
    room = side - np.array(paper.size)
    scene.paste(paper, tuple((room * rng.uniform(0.2, 0.8, 2)).astype(int).tolist()), paper)
    grainy = np.asarray(scene.filter(ImageFilter.GaussianBlur(1))) + rng.normal(
        0, rng.uniform(3, 9), (side, side, 3)
    )
    return jpeg(np.clip(grainy, 0, 255).astype(np.uint8))


def photo_cut_tight(drawing: Drawing, rng: np.random.Generator) -> np.ndarray:
    strokes = ink(drawing, PHOTO)
    return jpeg(tight(np.asarray(photo_of(Scene(strokes), rng)), strokes, 2))


ROWS: dict[str, Callable[[Drawing, np.random.Generator], np.ndarray]] = {
    "black on white, 280 × 280": plain,
    "white on black": white_on_black,
    "coloured": coloured,
    "transparent behind": transparent,
    "100 × 100": partial(plain, side=100),
    "1,000 × 1,000": partial(plain, side=1000),
    "JPEG at quality 40": lambda drawing, rng: jpeg(plain(drawing, rng), 40),
    "turned by up to 10°": lambda drawing, rng: plain(drawing, rng, turn=rng.uniform(-10, 10)),
    "cut tight": cut_tight,
    "white on black, cut tight": lambda drawing, rng: 255 - cut_tight(drawing, rng),
    "12 × 12, cut tight": twelve_pixels,
    "a hair-thin pen": thin,
    "a photo of a pen on paper": photo,
    "a photo of a hair-thin pen": hair_photo,
    "a photo of ruled paper": on_ruled_paper,
    "a photo of squared paper": on_squared_paper,
    "a photo of a form's box": in_a_box,
    "a photo with a shadow's edge": partial(photo, sharp=True),
    "a photo with the digit at its edge": at_the_edge,
    "a photo cut tight": photo_cut_tight,
    "a photo of paper on a table": on_a_table,
}


def drawings(n: int) -> tuple[list[Drawing], np.ndarray]:
    digits = load_train()[1]
    rng = np.random.default_rng(SEED)
    chosen = rng.permutation(len(digits.labels))[:n]
    found = []
    for image in digits.images[chosen]:
        rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
        box = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        # A margin, so that the strokes' edges are not cut off where they are smoothed.
        found.append(Drawing(np.pad(box, 3), rng.uniform(0.55, 1), rng.uniform(), rng.uniform()))
    return found, digits.labels[chosen]


def scans(margin: int) -> tuple[list[np.ndarray], np.ndarray]:
    """scikit-learn's 1,797 digits of 8 × 8, cut to their ink."""
    digits = load_digits()
    grey = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    return [np.pad(tight(image, image), margin) for image in grey], digits.target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--digits", type=int, default=DIGITS, help="how many (default: %(default)s)")
    options = parser.parse_args()
    sheets, labels = drawings(options.digits)
    rows: list[list[str]] = []
    first: list[float] = []

    def measure(title: str, canvases: Iterable[np.ndarray], labels: np.ndarray) -> None:
        pixels = np.stack([to_mnist(canvas) for canvas in tqdm(canvases, title, len(labels), leave=False)])
        right = [(load(n).predict_proba(pixels).argmax(1) == labels).mean() for n in NAMES]
        first[:] = first or right
        points = [round(100 * (share - plain), 1) + 0.0 for share, plain in zip(right, first)]  # no -0.0
        rows.append([title, *(f"{share:.1%} ({off:+.1f})" for share, off in zip(right, points))])
        print(rows[-1], flush=True)

    for title, draw in ROWS.items():
        rng = np.random.default_rng(SEED)
        measure(title, (draw(sheet, rng) for sheet in sheets), labels)
    measure("scikit-learn's 8 × 8, cut tight", *scans(0))
    measure("scikit-learn's 8 × 8, a pixel of margin", *scans(1))
    save("robust", table(["accuracy (points against the first row)", *NAMES.values()], rows))


if __name__ == "__main__":
    main()
