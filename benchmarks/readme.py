"""Copy every figure of the README and of docs/ from the file that training or a benchmark wrote.

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
WEIGHTS = ROOT / "mnist_mlp" / "weights"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end of figures -->)", re.DOTALL)
NAMES = {"relu": "ReLU", "sigmoid": "sigmoid"}
TRAINED_ON = "2 cores of a virtual machine"


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


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


def forward(report: dict[str, Any]) -> str:
    names = list(dict.fromkeys(row["name"] for row in report["rows"]))
    cells: dict[tuple[str, int], dict[str, str]] = {}
    for row in report["rows"]:
        told = f"{row['of_products']:.2f}"
        cells.setdefault((row["network"], row["batch"]), {})[row["name"]] = told
    rows = [[f"{NAMES[n]}, batch {b:,}", *(c[name] for name in names)] for (n, b), c in cells.items()]
    return f"{table(['as multiples of the three bare matrix products', *names], rows)}\n\n{by(report)}"


def points(difference: float) -> str:
    return f"{round(100 * difference, 1) + 0.0:+.1f}"  # + 0.0: no -0.0


def robust(report: dict[str, Any]) -> str:
    rows = [
        [row["row"], *(f"{row[n]:.1%} ({points(row[n] - report['rows'][0][n])})" for n in NAMES)]
        for row in report["rows"]
    ]
    if "notes" in report:
        row = f"whole numbers in {report['notes']} photos of ruled and squared paper"
        rows.append([row, *(f"{report[n]:.1%}" for n in NAMES)])
    return f"{table(['accuracy (points against the first row)', *NAMES.values()], rows)}\n\n{by(report)}"


def pad_forms(report: dict[str, Any]) -> str:
    rows = [
        [
            f"{row}: {'taken for a number' if row in report['doodles'] else 'read right'}",
            *(f"{p[n]:.0%}" for n in NAMES),
        ]
        for row, p in report["rows"].items()
    ]
    return f"{table(['', *NAMES.values()], rows)}\n\n{by(report)}"


def far_pad(report: dict[str, Any]) -> str:
    rows = [
        [
            name,
            f"{found['pen_up_to_label_ms_median']:,.0f} / {found['pen_up_to_label_ms_p95']:,.0f} ms",
            f"{found['answers_a_second']:.0f}",
            f"{found['requests_an_answer']:.2f}",
            f"{found['bytes_up'] / 1000:.1f} / {found['bytes_down'] / 1000:.1f} kB",
        ]
        for name, found in report["far"].items()
    ]
    header = ["round trip, drawing", "pen up → label, median / p95", "answers a second"]
    header += ["requests an answer", "up / down, at most"]
    text = table(header, rows)
    if opening := report.get("opening"):
        text += "\n\nFrom opening the page to a first answered stroke: "
        text += f"{opening['ratio']:.2f} × a bare Gradio page's first answer."
    return f"{text}\n\n{by(report)}"


def serve(report: dict[str, Any]) -> str:
    answers, memory = report["answers"], report["megabytes"]
    names = {"pad": "the pad", "predict": "`/predict`", "plain": "an identity function in a plain Gradio app"}
    names["same settings"] = "an identity function with the app's settings"
    rows = [
        [f"answers a second to {report['clients']} clients: {names[name]}", f"{rate:.0f}"]
        for name, rate in report["answers_a_second"].items()
    ]
    rows += [
        [f"{names[name]}, as a multiple of {names[other]}", f"{ratio:.2f}"]
        for other in ("plain", "same settings")
        for name, ratio in report[f"of_{other}".replace(" ", "_")].items()
    ]
    rows += [
        [
            "the pad while 16 callers send photos of 12 megapixels, × alone",
            f"{report['beside_photos']['ratio']:.1f}",
        ],
        [
            "answers, of which lost / wrong or crossed",
            f"{answers['wanted']:,}, {answers['lost']} / {answers['wrong']}",
        ],
        [
            f"memory after half of them and {report['pages'] // 2:,} pages left → all",
            " → ".join(f"{m:.0f}" for m in memory) + " MB",
        ],
    ]
    return f"{table(['', 'this app'], rows)}\n\n{by(report)}"


def bulk(report: dict[str, Any]) -> str:
    rows = [
        [
            f"{row['count']:,} of {row['pictures']}",
            f"{row['decoded_per_second']:,}",
            f"{row['classified_per_second']:,}",
            f"{row['ratio']:.2f}",
        ]
        for row in report["rows"]
    ]
    header = ["`python -m mnist_mlp`", "decoded a second by Pillow", "read a second", "ratio"]
    return f"{table(header, rows)}\n\n{by(report)}"


def whole_numbers(report: dict[str, Any]) -> str:
    found = {(row["digits"], row["touching"]): row for row in report["rows"]}
    kinds = {False: "apart", True: "touching"}
    header = ["digits"] + [f"{what}, {kind}" for kind in kinds.values() for what in ("right", "ms")]
    rows = [
        [str(n)]
        + [cell for t in kinds for cell in (f"{found[n, t]['right']:.0%}", f"{found[n, t]['median_ms']:.1f}")]
        for n in sorted({digits for digits, _ in found})
    ]
    of = "MNIST's digits that are held out for validation"
    made = f"{report['numbers_of_each']} numbers of each kind, made of {of}; the ReLU network. "
    made += f"Expected calibration error of the confidence: {report['calibration_error']:.1%}."
    return f"{table(header, rows)}\n\n{made} {by(report)}"


def fuzz(report: dict[str, Any]) -> str:
    rows = [
        ["canvases", f"{report['canvases']:,}"],
        ["without an answer", str(report["faults"])],
        ["over a second", str(report["slower_than_1_s"])],
        ["the slowest / median", f"{report['slowest_seconds']:.2f} / {report['median_seconds']:.3f} s"],
    ]
    return f"{table(['', 'this app'], rows)}\n\n{by(report)}"


def smallest_change(report: dict[str, Any]) -> str:
    rows = [
        ("read as asked, by NumPy / by Keras", "{read_as_asked:.1%} / {read_as_asked_by_keras:.1%}"),
        ("distance (L2), median", "{l2_median:.2f}"),
        ("ratio to the distance of Foolbox's DeepFool, median", "{ratio_median:.2f}"),
        ("the largest ratio", "{ratio_largest:.2f}"),
        ("time, median / p95", "{ms_median:.0f} / {ms_p95:.0f} ms"),
    ]
    cells = [[title, *(form.format(**report["networks"][n]) for n in NAMES)] for title, form in rows]
    header = [f"{report['pictures']:,} of MNIST's validation digits", *NAMES.values()]
    return f"{table(header, cells)}\n\n{by(report)}"


def space(report: dict[str, Any]) -> str:
    seconds, memory = report["seconds_to_first_answer"], report["memory_mb"]
    rows = [
        [
            "seconds to the first answer",
            f"{seconds['bare']:.1f}",
            f"{seconds['app']:.1f}",
            f"{report['seconds_ratio']:.2f}",
        ],
        ["memory, MB", f"{memory['bare']}", f"{memory['app']}", f"{report['memory_ratio']:.2f}"],
    ]
    return f"{table(['', 'a bare Gradio app', 'this app', 'ratio'], rows)}\n\n{by(report)}"


def by(report: dict[str, Any]) -> str:
    return f"Measured by `{report['command']}` on {report.get('machine', TRAINED_ON)}."


BLOCKS: dict[str, Callable[[dict[str, Any]], str]] = {
    "far_pad": far_pad,
    "forward": forward,
    "robust": robust,
    "pad_forms": pad_forms,
    "serve": serve,
    "bulk": bulk,
    "space": space,
    "whole_numbers": whole_numbers,
    "fuzz": fuzz,
    "smallest_change": smallest_change,
}


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def fill(text: str) -> str:
    """A page's text with the figures that the files have."""

    def block(found: re.Match[str]) -> str:
        name = found[2]
        path = RESULTS / f"{name}.json"
        if name == "networks":
            figures = networks()
        else:
            figures = BLOCKS[name](read(path)) if path.exists() else "Not measured yet."
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
