"""Whether every canvas has an answer, within a second and 200 MB: bars, dots, noise, text, scrawls and more.

    python benchmarks/fuzz.py                 # 20,000 canvases, half of them of a seed that changes
    python benchmarks/fuzz.py --canvases 500

A canvas of the fixed seed is always the same; the seed that changes is printed and saved.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from joblib import Parallel, delayed
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.helpers import save
from mnist_mlp import read
from mnist_mlp.picture import PictureError

FIXED_SEED = 1
SLOW = 1.0  # seconds
MEMORY_OF = 8  # the slowest canvases, whose memory is measured


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


KINDS: dict[str, Callable[[np.random.Generator, int, int], np.ndarray]] = {
    each.__name__: each for each in (bars, stripes, dots, noise, text, crosses, ramps, paper, scrawls)
}


def canvas(seed: int, number: int) -> tuple[str, np.ndarray]:
    """A kind's name and a uint8 canvas of it, (H, W) or (H, W, 4), from 1 to 500 pixels a side."""
    rng = np.random.default_rng([seed, number])
    name = list(KINDS)[number % len(KINDS)]
    height, width = (
        int(np.exp(rng.uniform(0, np.log(500)))) if rng.random() < 0.4 else int(rng.integers(1, 501))
        for _ in "hw"
    )
    sheet = np.clip(KINDS[name](rng, height, width), 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        sheet = 255 - sheet
    if rng.random() < 0.2:  # as ink on a transparent ground
        sheet = np.dstack([np.zeros((height, width, 3), np.uint8), 255 - sheet])
    return name, sheet


def tried(seed: int, numbers: range) -> list[tuple[float, str, int, str]]:
    """For each canvas the seconds of its answer, its kind, its number, and what was raised, if anything."""
    found = []
    for number in numbers:
        name, sheet = canvas(seed, number)
        fault, start = "", time.perf_counter()
        try:
            read(sheet)
        except PictureError:
            pass
        except Exception as error:  # what this looks for
            fault = f"{type(error).__name__}: {error}"[:120]
        found.append((time.perf_counter() - start, name, number, fault))
    return found


def memory(seed: int, number: int) -> float:
    """The most memory that an answer takes, in MB."""
    _, sheet = canvas(seed, number)
    tracemalloc.start()
    with contextlib.suppress(Exception):
        read(sheet)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--canvases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the half that changes")
    options = parser.parse_args()
    half, part = options.canvases // 2, 100
    read(canvas(FIXED_SEED, 0)[1])  # loads the network
    jobs = [
        (seed, range(i, min(i + part, half)))
        for seed in (FIXED_SEED, options.seed)
        for i in range(0, half, part)
    ]
    results = Parallel(n_jobs=-1)(delayed(tried)(*job) for job in jobs)
    every = [
        (seconds, kind, seed, number, fault)
        for (seed, _), found in zip(jobs, results)
        for seconds, kind, number, fault in found
    ]
    every.sort(reverse=True)
    faults = Counter(fault for *_, fault in every if fault)
    report = {
        "canvases": len(every),
        "seeds": [FIXED_SEED, options.seed],
        "faults": dict(faults),
        "slower_than_1_s": sum(seconds > SLOW for seconds, *_ in every),
        "slowest_seconds": round(every[0][0], 3),
        "median_seconds": round(every[len(every) // 2][0], 4),
        "most_megabytes": round(max(memory(seed, number) for _, _, seed, number, _ in every[:MEMORY_OF]), 1),
        "slowest": [
            {"seconds": round(s, 3), "kind": kind, "seed": seed, "number": n}
            for s, kind, seed, n, _ in every[:64]
        ],
    }
    save("fuzz", report)
    for key in ("canvases", "seeds", "faults", "slower_than_1_s", "slowest_seconds", "most_megabytes"):
        print(key, report[key])
    for fault in faults:
        print(fault, [(seed, number) for *_, seed, number, f in every if f == fault][:5])
    sys.exit(1 if faults or report["slower_than_1_s"] else 0)


if __name__ == "__main__":
    main()
