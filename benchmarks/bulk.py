"""How fast `python -m mnist_mlp` reads many pictures, beside how fast Pillow decodes them.

    python benchmarks/bulk.py

Both are whole commands, started anew, over the same files, in turn: MNIST's training digits as they are, as
canvases of a pad, and in colour and JPEG as a phone's photos are. Writes results/bulk.json.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.helpers import save
from mnist_mlp.training.mnist import load_train

ROOT = Path(__file__).parents[1]
KINDS = {
    "28×28 PNG, grey": (28, "L", "png", 10_000),
    "280×280 PNG, grey": (280, "L", "png", 10_000),
    "1000×1000 JPEG, colour": (1000, "RGB", "jpg", 1_000),
}
PATHS = "import sys; paths = sys.stdin.read().splitlines()\n"
DECODE = PATHS + "import numpy as np; from PIL import Image\nfor path in paths: np.asarray(Image.open(path))"
CLASSIFY = PATHS + "from mnist_mlp.__main__ import main; sys.exit(main(paths))"


def make(folder: Path, side: int, mode: str, ending: str, count: int) -> list[str]:
    paths = []
    for i, digit in enumerate(load_train()[0].images[:count]):
        picture = Image.fromarray(255 - digit)
        if side > 28:
            canvas = Image.new("L", (side, side), 255)
            inner = round(side * 0.7)
            canvas.paste(picture.resize((inner, inner), Image.Resampling.BICUBIC), (side // 8, side // 7))
            picture = canvas
        paths.append(str(folder / f"{i:05}.{ending}"))
        picture.convert(mode).save(paths[-1])
    return paths


def seconds(code: str, paths: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", code],
        input="\n".join(paths),
        text=True,
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--count", type=int, default=10_000, help="at most so many pictures of a kind")
    options = parser.parse_args()
    rows = []
    for kind, (side, mode, ending, most) in KINDS.items():
        with tempfile.TemporaryDirectory() as folder:
            paths = make(Path(folder), side, mode, ending, min(most, options.count))
            times = [(seconds(DECODE, paths), seconds(CLASSIFY, paths)) for _ in range(options.runs)]
        decode, classify = (len(paths) / statistics.median(each) for each in zip(*times))
        ratio = statistics.median(pillow / ours for pillow, ours in times)
        row = {"pictures": kind, "count": len(paths), "decoded_per_second": round(decode)}
        rows.append({**row, "classified_per_second": round(classify), "ratio": round(ratio, 2)})
        print(rows[-1], flush=True)
    save("bulk", {"asked_ratio": 0.5, "rows": rows})


if __name__ == "__main__":
    main()
