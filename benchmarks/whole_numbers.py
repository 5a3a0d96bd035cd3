"""How many whole numbers are read right, by length, and how long one takes.

    python benchmarks/whole_numbers.py

The numbers are made of MNIST's digits that are held out for validation, side by side, apart and touching. Writes
results/whole_numbers.json, and docs/numbers_wrong.png with five that were read wrong.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is loaded

import numpy as np
from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.helpers import save, table
from mnist_mlp import read
from mnist_mlp.mlp import NAMES
from mnist_mlp.training.mnist import load_train
from mnist_mlp.training.numbers import APART, TOUCHING, Number, make

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "numbers_wrong.png"
LENGTHS = range(1, 9)
SHOWN = 5


def numbers(count: int, length: int, touching: bool) -> list[Number]:
    images, labels = load_train()[1]
    rng = np.random.default_rng([length, touching])
    chosen = rng.integers(0, len(images), (count, length))
    return [make(images[some], labels[some], rng, TOUCHING if touching else APART) for some in chosen]


def picture(wrong: list[tuple[np.ndarray, str, str]]) -> Image.Image:
    """The first few, under each other, each with its number and what was read."""
    height = 100
    sheet = Image.new("L", (720, height * len(wrong) + 8), 255)
    for row, (canvas, text, got) in enumerate(wrong):
        image = Image.fromarray(canvas)
        image.thumbnail((560, height - 8))
        sheet.paste(image, (8, row * height + 4))
        message = f"{text}, read as {got or 'none'}"
        ImageDraw.Draw(sheet).text((580, row * height + 44), message, 0, font_size=14)
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100, help="numbers of each length and kind")
    parser.add_argument("--network", choices=["relu", "sigmoid"], default="relu")
    options = parser.parse_args()
    cells: dict[int, list[str]] = {length: [str(length)] for length in LENGTHS}
    wrong, confidences, every = [], [], []
    for touching in (False, True):
        for length in LENGTHS:
            right, times = [], []
            for number in numbers(options.count, length, touching):
                start = time.perf_counter()
                reading = read(number.canvas, options.network)
                times.append(time.perf_counter() - start)
                right.append(reading.text == number.text)
                confidences.append(reading.confidence)
                if not right[-1] and length in (3, 4, 5):
                    wrong.append((number.canvas, number.text, reading.text))
            every += right
            cells[length] += [f"{np.mean(right):.0%}", f"{1000 * statistics.median(times):.1f}"]
            print(length, touching, cells[length][-2:], flush=True)
    which = np.minimum((15 * np.array(confidences)).astype(int), 14)
    bins = [which == b for b in range(15) if (which == b).any()]
    ece = sum(abs(np.mean(np.array(confidences)[b]) - np.mean(np.array(every)[b])) * b.mean() for b in bins)
    shown = table(["digits", "right, apart", "ms, apart", "right, touching", "ms, touching"], cells.values())
    made = f"{options.count} numbers of each kind, made of MNIST's digits that are held out for validation"
    shown += f"\n\n{made}; the {NAMES[options.network]} network. "
    shown += f"Expected calibration error of the confidence: {ece:.1%}."
    save("whole_numbers", shown)
    picture(wrong[:: max(1, len(wrong) // SHOWN)][:SHOWN]).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
