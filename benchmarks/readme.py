"""Copy every figure of the README and of docs/ from the file that training or a benchmark wrote.

python benchmarks/readme.py            # fills them in
python benchmarks/readme.py --check    # says whether any differs
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.helpers import RESULTS, ROOT, table

WEIGHTS = ROOT / "mnist_mlp" / "weights"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end of figures -->)", re.DOTALL)
NAMES = {"relu": "ReLU", "sigmoid": "sigmoid"}


def networks() -> str:
    figures = read(WEIGHTS / "metrics.json")
    if (WEIGHTS / "test.json").exists():
        test = read(WEIGHTS / "test.json")
        figures = {name: figures[name] | test[name] for name in NAMES}
    rows = [
        ("errors on MNIST's 10,000 test images", "test_errors", "{}"),
        ("accuracy on them", "test_accuracy", "{:.2%}"),
        ("expected calibration error on them, 15 bins", "test_ece", "{:.2%}"),
        ("test images taken for no digit", "digits_refused", "{:.2%}"),
        ("letters of an unseen typeface taken for a digit", "letters_kept", "{:.1%}"),
        ("scribbles taken for a digit", "scribbles_kept", "{:.1%}"),
    ]
    cells = [[title, *(form.format(figures[name][key]) for name in NAMES)] for title, key, form in rows]
    epochs, numbers, times = (figures["relu"][key] for key in ("epochs", "numbers", "number_epochs"))
    by = f"Trained for {epochs:,} epochs, then with {numbers:,} numbers, {times} times each."
    return f"{table(['', *NAMES.values()], cells)}\n\n{by}"


def measured(report: dict[str, Any]) -> str:
    """What a benchmark shows, as `helpers.save` wrote it, with its command."""
    shown = "\n".join(report["shown"])
    return f"{shown}\n\nMeasured by `{report['command']}` on {report['machine']}."


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def fill(text: str) -> str:
    """A page's text with the figures that the files have."""

    def block(found: re.Match[str]) -> str:
        name = found[2]
        figures = networks() if name == "networks" else measured(read(RESULTS / f"{name}.json"))
        return f"{found[1]}{figures}\n{found[3]}"

    return BLOCK.sub(block, text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit with 1 if a figure differs"
    )
    check = parser.parse_args().check
    for page in PAGES:
        before = page.read_text(encoding="utf-8")
        after = fill(before)
        if check and before != after:
            sys.exit(f"{page.name}: its figures are not those of the files; run benchmarks/readme.py")
        page.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    main()
