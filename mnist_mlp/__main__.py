"""`python -m mnist_mlp digits/*.png` prints the number in each picture."""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from threadpoolctl import threadpool_limits
from tqdm import tqdm

from mnist_mlp.classify import read_all
from mnist_mlp.hints import full_hint
from mnist_mlp.network import ACTIVATIONS
from mnist_mlp.picture import MAX_BYTES

BATCH = 100  # pictures for one process at a time
FEW = 200  # pictures; fewer are read before a second process has started

Row = dict[str, Any]


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status: 1 if a picture could not be read, else 0."""
    options = parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="surrogateescape")  # a file's name need not be UTF-8
    write = {"text": _text, "csv": _csv, "json": _json}[options.format]
    bad = 0
    with tqdm(total=len(options.pictures), unit=" pictures", disable=None, leave=False) as bar:
        if options.format == "csv":
            csv.writer(sys.stdout).writerow(
                ["path", "number", "digit", "confidence", "hint", "boxes"][: 5 + options.boxes]
            )
        for batch in read_files(options.pictures, options.network, options.workers):
            for row in batch:
                if row["error"]:
                    bad += 1
                    bar.write(f"{row['path']}: {row['error']}", file=sys.stderr)
                else:
                    write(row, options.boxes)
            bar.update(len(batch))
    return 1 if bad else 0


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="mnist-mlp",
        description="Print the handwritten number in each picture, and how sure the network is of it.",
        epilog="A picture without a digit gets none; lines of digits are separated by spaces. A doubt is said in "
        "a fourth column. A picture that cannot be read is named on standard error and left out; the status is then 1.",
    )
    result.add_argument(
        "pictures",
        nargs="+",
        metavar="PICTURE",
        help="a file: PNG, JPEG, WebP, GIF, BMP or TIFF; - for standard input",
    )
    result.add_argument(
        "--format", choices=["text", "csv", "json"], default="text", help="json: a line for each"
    )
    result.add_argument("--network", choices=list(ACTIVATIONS), default="relu")
    result.add_argument(
        "--boxes",
        action="store_true",
        help="each digit with its box: left, top, right, bottom in pixels of the picture, a large picture's "
        "longer side being reduced to 500",
    )
    result.add_argument(
        "--workers", type=_count, default=os.cpu_count(), metavar="N", help="processes (default: %(default)s)"
    )
    return result


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 up; got {text!r}")
    return int(text)


def read_files(paths: list[str], network: str = "relu", workers: int | None = None) -> Iterator[list[Row]]:
    """The rows of the pictures, in order, a batch at a time.

    A row has "path", "number" (text, "" where there is none), "digit" (None where there is not exactly
    one), "confidence", "hint", "boxes" (each digit, left, top, right, bottom) and "error".
    """
    batches = [paths[start : start + BATCH] for start in range(0, len(paths), BATCH)]
    # One process for each core, and no BLAS threads beside them: with both, it takes three times as long.
    if len(paths) < FEW or workers == 1:
        with threadpool_limits(1):
            yield from (_rows(batch, network) for batch in batches)
        return
    with ProcessPoolExecutor(workers, initializer=threadpool_limits, initargs=(1,)) as pool:
        yield from pool.map(_rows, batches, [network] * len(batches))


def _rows(paths: list[str], network: str) -> list[Row]:
    return [
        {"path": path, "error": str(found)}
        if isinstance(found, Exception)
        else {
            "path": path,
            "number": found.text,
            "digit": int(found.text) if len(found.text) == 1 else None,
            "confidence": found.confidence,
            "hint": full_hint(found.hint, found.marks),
            "boxes": [[digit.digit, *digit.box] for digit in found.digits] if found.text else [],
            "error": "",
        }
        for path, found in zip(paths, read_all({"image": map(_source, paths)}, "image", network), strict=True)
    ]


def _source(path: str) -> str | bytes:
    """What to read: standard input for "-", up to a byte more than is allowed."""
    return sys.stdin.buffer.read(MAX_BYTES + 1) if path == "-" else path


# In a line of text, a name cannot have what ends a cell or a line.
ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _text(row: Row, boxes: bool) -> None:
    cells = [row["path"].translate(ESCAPED), _number(row) or "-", f"{row['confidence']:.4f}", row["hint"]]
    print("\t".join(cells if row["hint"] else cells[:3]))
    if boxes:
        for digit, *box in row["boxes"]:
            print(f"\t{digit}\t{' '.join(map(str, box))}")


def _csv(row: Row, boxes: bool) -> None:
    digit = "" if row["digit"] is None else row["digit"]
    cells = [row["path"], _number(row), digit, f"{row['confidence']:.6f}", row["hint"]]
    if boxes:
        cells.append("; ".join(" ".join(map(str, box)) for box in row["boxes"]))
    csv.writer(sys.stdout).writerow(cells)


def _json(row: Row, boxes: bool) -> None:
    keys = ["path", "number", "digit", "confidence", "hint", "boxes"][: 5 + boxes]
    name = row["path"].encode("utf-8", "surrogateescape").decode("utf-8", "replace")  # JSON is Unicode
    print(json.dumps({key: row[key] for key in keys} | {"path": name}))


def _number(row: Row) -> str:
    return str(row["number"]).replace("\n", " ")


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
