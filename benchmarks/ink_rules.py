"""What each rule by which ink is found buys: the share of digits that is lost without it.

    python benchmarks/ink_rules.py

Each rule is left out in turn, and the drawings of `robust.py` and its photos of numbers are read again by the
ReLU network. A rule stays where leaving it out costs 0.3 points somewhere.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.helpers import save
from benchmarks.robust import HELD_OUT, NOTES, ROWS, SEED, drawings, note, scans
from mnist_mlp import ink, load, paper, read, to_mnist
from mnist_mlp.training.data import load_mnist

DIGITS = 300
NUMBERS = f"{NOTES} photos of numbers on ruled or squared paper"


def as_it_is(found: np.ndarray) -> np.ndarray:
    return found


# What is replaced where a rule is left out
RULES: dict[str, list[tuple[Any, str, Any]]] = {
    "all of them": [],
    "a hair-thin pen's ink is thickened": [(ink, "thicken", as_it_is)],
    "a small picture is enlarged": [(ink, "SMALL", 0)],
    "a picture cut tight: which part is ink": [(ink, "CLEAR", 0.5)],
    "an opaque picture on a transparent canvas": [(ink, "_fill_around", lambda colours, opaque: None)],
    "grain is smoothed": [(paper, "SMOOTH", 0.0)],
    "a second window, which fits the pen": [(paper, "WINDOW", 1e9)],
    "lines lighter than the pen are left out": [(paper, "_reaches", lambda dark: False)],
    "what is nowhere dark is grain": [(paper, "CERTAIN", 0.0)],
    "what comes in from a border": [(paper, "without_borders", as_it_is)],
    "a form's box": [(paper, "without_frame", as_it_is)],
    "printed lines": [(paper, "without_rules", as_it_is)],
}


@contextmanager
def without(rule: str) -> Iterator[None]:
    before = [(module, name, getattr(module, name)) for module, name, _ in RULES[rule]]
    try:
        for module, name, replacement in RULES[rule]:
            setattr(module, name, replacement)
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


def measured(rule: str, digits: int) -> dict[str, float]:
    """The share of each set that is read right without the rule."""
    sheets, labels = drawings(digits)
    net = load("relu")
    found = {}
    with without(rule):
        sets: dict[str, tuple[list[np.ndarray], np.ndarray]] = {}
        for title, (draw, _) in ROWS.items():
            rng = np.random.default_rng(SEED)
            sets[title] = [draw(sheet, rng) for sheet in sheets], labels
        for margin in (0, 1):
            canvases, truth = scans(margin)
            sets[f"scikit-learn's 8 × 8, margin {margin}"] = canvases[:digits], truth[:digits]
        for title, (canvases, truth) in sets.items():
            pixels = np.stack([to_mnist(canvas) for canvas in canvases])
            found[title] = float((net.predict_proba(pixels).argmax(1) == truth).mean())
        mnist = load_mnist()
        images, kinds = mnist.x_train[::HELD_OUT], mnist.y_train[::HELD_OUT]
        made = [note(images, kinds, np.random.default_rng([SEED, i])) for i in range(NOTES)]
        found[NUMBERS] = float(np.mean([read(canvas).text == text for canvas, text in made]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--digits", type=int, default=DIGITS, help="how many (default: %(default)s)")
    options = parser.parse_args()
    shares = Parallel(n_jobs=-1)(delayed(measured)(rule, options.digits) for rule in tqdm(RULES))
    with_all = shares[0]
    rows = []
    for rule, share in list(zip(RULES, shares))[1:]:
        lost = {title: 100 * (with_all[title] - share[title]) for title in with_all}
        most = max(lost, key=lambda title: lost[title])
        rows.append({"rule": rule, "most_lost": most, "points": lost[most], "all": lost})
        print(f"without {rule}: {lost[most]:.1f} points of {most}; mean {np.mean(list(lost.values())):+.2f}")
    save("ink_rules", {"digits": options.digits, "with_all": with_all, "rows": rows})


if __name__ == "__main__":
    main()
