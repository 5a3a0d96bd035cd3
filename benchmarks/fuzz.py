"""Whether every canvas has an answer, within a second: bars, dots, noise, text, scrawls and more.

python benchmarks/fuzz.py
python benchmarks/fuzz.py --canvases 500 --seed 2
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from joblib import Parallel, delayed
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.helpers import save, table
from mnist_mlp import load, read
from mnist_mlp.picture import PictureError

SLOW = 1.0  # seconds
AT_ONCE = 100  # canvases that one process is given


def bars(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    period = int(rng.integers(1, 60))
    along = np.arange(width if rng.random() < 0.5 else height) // period % 2 * 255
    return np.tile(along, (height, 1)) if len(along) == width else np.tile(along[:, None], (1, width))


def stripes(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    angle, period = rng.uniform(0, np.pi), rng.uniform(2, 60)
    return 127.5 + 127.5 * np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)


def dots(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    sheet = np.full((height, width), 255)
    count = int(10 ** rng.uniform(0, 4))
    sheet[rng.integers(0, height, count), rng.integers(0, width, count)] = 0
    return sheet


def noise(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    levels = int(rng.integers(2, 256))
    return rng.integers(0, levels, (height, width)) * 255 // (levels - 1)


def text(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    sheet = Image.new("L", (width, height), 255)
    size = int(rng.integers(6, 120))
    letters = "The quick brown fox 0123456789 jumps, 1.234,56 = 42!"
    for y in range(0, height, size):
        ImageDraw.Draw(sheet).text(
            (0, y), letters[rng.integers(len(letters)) :] * 3, 0, ImageFont.load_default(size)
        )
    return np.asarray(sheet)


def crosses(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    sheet = Image.new("L", (width, height), 255)
    draw = ImageDraw.Draw(sheet)
    for _ in range(rng.integers(1, 40)):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        reach, pen = int(rng.integers(1, 200)), int(rng.integers(1, 12))
        draw.line((x - reach, y, x + reach, y), 0, pen)
        draw.line((x, y - reach, x, y + reach), 0, pen)
    return np.asarray(sheet)


def ramps(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return (x * rng.uniform(0, 3) + y * rng.uniform(0, 3)) % 256


def paper(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    sheet = rng.uniform(90, 230) + rng.normal(0, rng.uniform(0, 12), (height, width))
    sheet += (x + y) * rng.uniform(-0.2, 0.2)
    sheet[:: int(rng.integers(4, 60))] -= rng.uniform(0, 90)
    if rng.random() < 0.5:
        sheet[:, :: int(rng.integers(4, 60))] -= rng.uniform(0, 90)
    return sheet


def scrawls(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    sheet = Image.new("L", (width, height), 255)
    for _ in range(rng.integers(1, 30)):
        steps = rng.integers(2, 60)
        points = np.cumsum(rng.normal(0, rng.uniform(2, 40), (steps, 2)), 0) + rng.uniform(0, (width, height))
        ImageDraw.Draw(sheet).line([tuple(p) for p in points.tolist()], 0, int(rng.integers(1, 20)))
    return np.asarray(sheet)


KINDS = (bars, stripes, dots, noise, text, crosses, ramps, paper, scrawls)


def canvas(seed: int, number: int) -> np.ndarray:
    """A uint8 canvas of one of the kinds, (H, W) or (H, W, 4), from 1 to 500 pixels a side."""
    rng = np.random.default_rng([seed, number])
    kind = KINDS[number % len(KINDS)]
    height, width = (
        int(np.exp(rng.uniform(0, np.log(500)))) if rng.random() < 0.4 else int(rng.integers(1, 501))
        for _ in "hw"
    )
    sheet = np.clip(kind(rng, height, width), 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        sheet = 255 - sheet
    if rng.random() < 0.2:  # as ink on a transparent ground
        sheet = np.dstack([np.zeros((height, width, 3), np.uint8), 255 - sheet])
    return sheet


def tried(seed: int, numbers: range) -> list[tuple[float, int, str]]:
    """For each canvas the seconds of its answer, its number, and what was raised, if anything."""
    load()  # in a process that is new, this takes longer than an answer
    found = []
    for number in numbers:
        sheet, fault, start = canvas(seed, number), "", time.perf_counter()
        try:
            read(sheet)
        except PictureError:  # more digits than are read
            pass
        except Exception as error:  # what this looks for
            fault = f"{type(error).__name__}: {error}"[:120]
        found.append((time.perf_counter() - start, number, fault))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--canvases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    parts = [range(i, min(i + AT_ONCE, options.canvases)) for i in range(0, options.canvases, AT_ONCE)]
    results = Parallel(n_jobs=-1)(delayed(tried)(options.seed, part) for part in parts)
    every = sorted((each for found in results for each in found), reverse=True)
    faults = {number: fault for _, number, fault in every if fault}
    seconds = [taken for taken, *_ in every]
    slow = sum(taken > SLOW for taken in seconds)
    rows = [
        ("canvases", f"{len(every):,}"),
        ("without an answer", str(len(faults))),
        ("over a second", str(slow)),
        ("the slowest / median", f"{seconds[0]:.2f} / {seconds[len(every) // 2]:.3f} s"),
    ]
    save("fuzz", table(["", "this app"], rows))
    print(dict(list(faults.items())[:20]))
    sys.exit(1 if faults or slow else 0)


if __name__ == "__main__":
    main()
