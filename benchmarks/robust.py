"""How much worse the same digits are read in other colours, sizes and formats, turned, and in a photo.

    python benchmarks/robust.py

The digits are MNIST's test images, enlarged to smooth strokes and drawn on a sheet in a place and
size of their own. Each row reads the very same drawings as the first one.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[1]))

from mnist_mlp import load, to_mnist
from mnist_mlp.picture import read_picture
from mnist_mlp.training.data import load_mnist

RESULTS = Path(__file__).parent / "results" / "robust.json"
DIGITS = 2000
SEED = 1
SHEET = 280


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


def plain(drawing: Drawing, rng: np.random.Generator) -> np.ndarray:
    return paint(ink(drawing, SHEET), (0,), (255,))[..., 0]


def white_on_black(drawing: Drawing, rng: np.random.Generator) -> np.ndarray:
    return paint(ink(drawing, SHEET), (255,), (0,))[..., 0]


def coloured(drawing: Drawing, rng: np.random.Generator) -> np.ndarray:
    while True:
        pen, ground = rng.integers(0, 256, (2, 3))
        if np.abs(pen - ground).max() >= 100:  # a person would see it, too
            return paint(ink(drawing, SHEET), tuple(pen), tuple(ground))


def transparent(drawing: Drawing, rng: np.random.Generator) -> np.ndarray:
    pen = tuple(rng.integers(0, 256, 3))
    return paint(ink(drawing, SHEET), (*pen, 255), (*pen, 0))


def small(drawing: Drawing, rng: np.random.Generator) -> np.ndarray:
    return paint(ink(drawing, 100), (0,), (255,))[..., 0]


def large(drawing: Drawing, rng: np.random.Generator) -> np.ndarray:
    return paint(ink(drawing, 1000), (0,), (255,))[..., 0]


def jpeg(canvas: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(canvas).save(file, "JPEG", quality=quality)
    return read_picture(file.getvalue())


def as_jpeg(drawing: Drawing, rng: np.random.Generator) -> np.ndarray:
    return jpeg(plain(drawing, rng), 40)


def turned(drawing: Drawing, rng: np.random.Generator) -> np.ndarray:
    return paint(ink(drawing, SHEET, rng.uniform(-10, 10)), (0,), (255,))[..., 0]


def photo(drawing: Drawing, rng: np.random.Generator) -> np.ndarray:
    """A pen on paper: uneven light, a shadow with a soft edge, a lens not quite sharp, grain, JPEG."""
    side = 480
    pen = rng.choice([[25, 25, 30], [25, 40, 130], [40, 40, 45], [150, 30, 40]])
    paper = rng.uniform(205, 250) * np.array([1, rng.uniform(0.96, 1), rng.uniform(0.86, 0.99)])
    strength = rng.uniform(0.75, 1)  # a ballpoint does not cover
    scene = paper + strength * ink(drawing, side)[..., None] * (pen - paper)
    across = np.linspace(-0.5, 0.5, side, dtype=np.float32)
    x, y = np.meshgrid(across, across)

    def along(angle: float) -> np.ndarray:
        return x * np.cos(angle) + y * np.sin(angle)

    light = 1 - rng.uniform(0.15, 0.5) * (along(rng.uniform(0, 2 * np.pi)) + 0.5)
    towards = along(rng.uniform(0, 2 * np.pi)) - rng.uniform(-0.3, 0.3)
    shade = 1 / (1 + np.exp(-np.clip(towards / rng.uniform(0.01, 0.05), -50, 50)))
    light *= 1 - rng.uniform(0.2, 0.45) * shade
    picture = Image.fromarray(np.clip(scene * light[..., None], 0, 255).astype(np.uint8))
    picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.8, 2)))
    grainy = np.asarray(picture) + rng.normal(0, rng.uniform(3, 9), (side, side, 3))
    return jpeg(np.clip(grainy, 0, 255).astype(np.uint8), 80)


ROWS: dict[str, tuple[Callable[[Drawing, np.random.Generator], np.ndarray], float]] = {
    # what is read, and how many points it may cost
    "black on white, 280 × 280": (plain, 0),
    "white on black": (white_on_black, 1),
    "coloured": (coloured, 1),
    "transparent behind": (transparent, 1),
    "100 × 100": (small, 1),
    "1,000 × 1,000": (large, 1),
    "JPEG at quality 40": (as_jpeg, 1),
    "turned by up to 10°": (turned, 1),
    "a photo of a pen on paper": (photo, 3),
}


def drawings(n: int) -> tuple[list[Drawing], np.ndarray]:
    mnist = load_mnist()
    rng = np.random.default_rng(SEED)
    chosen = rng.permutation(len(mnist.x_test))[:n]
    found = []
    for image in mnist.x_test[chosen]:
        rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
        box = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        # A margin, so that the strokes' edges are not cut off where they are smoothed.
        found.append(Drawing(np.pad(box, 3), rng.uniform(0.55, 1), rng.uniform(), rng.uniform()))
    return found, mnist.y_test[chosen]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--digits", type=int, default=DIGITS, help="how many (default: %(default)s)")
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="save the first ten of each row, to look at"
    )
    options = parser.parse_args()
    sheets, labels = drawings(options.digits)
    networks = {name: load(name) for name in ("relu", "sigmoid")}
    rows: list[dict[str, object]] = []
    first: dict[str, float] = {}
    print(f"{f'accuracy of {options.digits:,} digits':28} {'ReLU':>15} {'sigmoid':>15}   allowed")
    for title, (draw, allowed) in ROWS.items():
        rng = np.random.default_rng(SEED)
        canvases = (draw(sheet, rng) for sheet in tqdm(sheets, title, leave=False, disable=None))
        placed = []
        for number, canvas in enumerate(canvases):
            placed.append(to_mnist(canvas))
            if options.keep and number < 10:
                options.keep.mkdir(parents=True, exist_ok=True)
                Image.fromarray(canvas).save(options.keep / f"{title} {labels[number]} {number}.png")
        pixels = np.stack(placed)
        row: dict[str, object] = {"row": title, "allowed_points": allowed}
        row["no_digit_found"] = int((~pixels.any((1, 2))).sum())
        shown = []
        for name, net in networks.items():
            accuracy = float((net.predict_proba(pixels).argmax(1) == labels).mean())
            first.setdefault(name, accuracy)
            row[name] = accuracy
            row[f"{name}_points"] = 100 * (accuracy - first[name])
            shown.append(f"{accuracy:8.2%} {row[f'{name}_points']:+6.2f}")
        rows.append(row)
        print(
            f"{title:28} {' '.join(shown)}   {-allowed:+.0f}"
            + (f"   ({row['no_digit_found']} not found)" * bool(row["no_digit_found"])),
            flush=True,
        )
    RESULTS.parent.mkdir(exist_ok=True)
    report = {"command": "python benchmarks/robust.py", "digits": options.digits, "seed": SEED, "rows": rows}
    RESULTS.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
