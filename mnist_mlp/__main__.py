"""`python -m mnist_mlp digits/*.png` prints the digit in each picture."""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

# A worker for each core: shared out among threads, too, the network's products wait for each other.
# To be said before NumPy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from tqdm import tqdm

from mnist_mlp.classify import classify

BATCH = 100  # pictures: what a worker gets at a time, and how often the bar moves
FEW = 200  # pictures: fewer are read before a second process has started

Row = dict[str, Any]


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status: 1 if a picture could not be read, else 0."""
    options = parser().parse_args(arguments)
    write = {"text": _text, "csv": _csv, "json": _json}[options.format]
    bad = 0
    with tqdm(total=len(options.pictures), unit=" pictures", disable=None, leave=False) as bar:
        if options.format == "csv":
            csv.writer(sys.stdout).writerow(["path", "digit", "confidence"])
        for batch in read(options.pictures, options.network, options.workers):
            for row in batch:
                if row["error"]:
                    bad += 1
                    bar.write(f"{row['path']}: {row['error']}", file=sys.stderr)
                else:
                    write(row)
            bar.update(len(batch))
    return 1 if bad else 0


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="python -m mnist_mlp",
        description="Print the handwritten digit in each picture, and how sure the network is of it.",
        epilog="A picture without a digit gets none. One that cannot be read is named on standard error and "
        "left out; the exit status is then 1.",
    )
    result.add_argument(
        "pictures", nargs="+", metavar="PICTURE", help="a file: PNG, JPEG, WebP, GIF, BMP or TIFF"
    )
    result.add_argument(
        "--format", choices=["text", "csv", "json"], default="text", help="json: a line for each"
    )
    result.add_argument("--network", choices=["relu", "sigmoid"], default="relu")
    result.add_argument(
        "--workers", type=int, default=os.cpu_count(), metavar="N", help="processes (default: %(default)s)"
    )
    return result


def read(paths: list[str], network: str = "relu", workers: int | None = None) -> Iterator[list[Row]]:
    """The rows of the pictures, in order, a batch at a time: path, digit or None, confidence, error."""
    batches = [paths[start : start + BATCH] for start in range(0, len(paths), BATCH)]
    if len(paths) < FEW or workers == 1:
        yield from (_rows(batch, network) for batch in batches)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(_rows, batches, [network] * len(batches))


def _rows(paths: list[str], network: str) -> list[Row]:
    answer = classify({"image": paths}, network=network)
    return [
        {
            "path": path,
            "digit": int(digit) if digit >= 0 else None,
            "confidence": float(confidence),
            "error": error,
        }
        for path, digit, confidence, error in zip(
            paths, answer["digit"], answer["confidence"], answer["error"], strict=True
        )
    ]


def _text(row: Row) -> None:
    digit = "-" if row["digit"] is None else row["digit"]
    print(f"{row['path']}\t{digit}\t{row['confidence']:.4f}")


def _csv(row: Row) -> None:
    csv.writer(sys.stdout).writerow([row["path"], row["digit"], f"{row['confidence']:.6f}"])


def _json(row: Row) -> None:
    print(json.dumps({key: row[key] for key in ("path", "digit", "confidence")}))


def run() -> None:
    """The command `mnist-mlp`: `main` with the exit status that a shell expects."""
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)


if __name__ == "__main__":
    run()
