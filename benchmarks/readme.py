"""Copy every figure of the README from the file that training or a benchmark wrote.

    python benchmarks/readme.py            # fills them in
    python benchmarks/readme.py --check    # says whether any differs
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
METRICS = ROOT / "mnist_mlp" / "weights" / "metrics.json"
BLOCK = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end of figures -->)", re.DOTALL)
NAMES = {"relu": "ReLU", "sigmoid": "sigmoid"}


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def networks(metrics: dict[str, Any]) -> str:
    commands = {json.loads((METRICS.parent / n / "config.json").read_text())["command"] for n in NAMES}
    rows = [
        ("errors on MNIST's 10,000 test images", "test_errors", "{}"),
        ("accuracy on them", "test_accuracy", "{:.2%}"),
        ("calibration error on them (ECE, 15 bins)", "test_ece", "{:.2%}"),
        ("letters and scribbles told from digits by confidence (AUROC)", "auroc_non_digits", "{:.3f}"),
        ("epochs", "epochs", "{:,}"),
    ]
    cells = [[title, *(form.format(metrics[n][key]) for n in NAMES)] for title, key, form in rows]
    made = " and ".join(f"`{command}`" for command in sorted(commands))
    return f"{table(['784-128-256-10', *NAMES.values()], cells)}\n\nMade by {made}."


def forward(report: dict[str, Any]) -> str:
    names = list(dict.fromkeys(row["name"] for row in report["rows"]))
    cells: dict[tuple[str, int], dict[str, str]] = {}
    for row in report["rows"]:
        told = f"{row['of_products']:.2f}"
        cells.setdefault((row["network"], row["batch"]), {})[row["name"]] = told
    rows = [[f"{NAMES[n]}, batch {b:,}", *(c[name] for name in names)] for (n, b), c in cells.items()]
    return f"{table(['as multiples of the three bare matrix products', *names], rows)}\n\n{by(report)}"


def robust(report: dict[str, Any]) -> str:
    rows = [
        [row["row"], *(f"{row[n]:.1%} ({100 * (row[n] - report['rows'][0][n]):+.1f})" for n in NAMES)]
        for row in report["rows"]
    ]
    return f"{table(['accuracy (points against the first row)', *NAMES.values()], rows)}\n\n{by(report)}"


def by(report: dict[str, Any]) -> str:
    return f"Measured by `{report['command']}`."


BLOCKS: dict[str, Callable[[dict[str, Any]], str]] = {
    "networks": networks,
    "forward": forward,
    "robust": robust,
}


def fill(text: str) -> str:
    """The README's text with its figures as the files have them."""

    def block(found: re.Match[str]) -> str:
        name = found[2]
        path = METRICS if name == "networks" else RESULTS / f"{name}.json"
        return f"{found[1]}{BLOCKS[name](json.loads(path.read_text(encoding='utf-8')))}\n{found[3]}"

    return BLOCK.sub(block, text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if a figure differs")
    readme = ROOT / "README.md"
    before = readme.read_text(encoding="utf-8")
    after = fill(before)
    if parser.parse_args().check:
        sys.exit("README.md: its figures are not those of the files" if before != after else 0)
    readme.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    main()
