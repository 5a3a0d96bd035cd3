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
from benchmarks.robust import HELD_OUT, NOTES, ROWS, SEED, Drawing, drawings, note, photo, scans
from mnist_mlp import ink, load, paper, read, to_mnist
from mnist_mlp.training.data import load_mnist
from mnist_mlp.training.numbers import ROOM, make, scanned

DIGITS = 300
NUMBERS = f"{NOTES} photos of numbers on ruled or squared paper"
FORMS = "scans of numbers on a form's line"
EDITED = "a photo in the editor, transparent around it"


def as_it_is(found: np.ndarray) -> np.ndarray:
    return found


# What is replaced where a rule is left out
RULES: dict[str, list[tuple[Any, str, Any]]] = {
    "all of them": [],
    "a hair-thin pen's ink is thickened": [(ink, "thicken", as_it_is)],
    "a small picture is enlarged": [(ink, "SMALL", 0)],
    "a picture cut tight: which part is ink": [(ink, "CLEAR", 0.5)],
    "an opaque picture on a transparent canvas": [(ink, "_picture_within", lambda colours, opaque: None)],
    "grain is smoothed": [(paper, "SMOOTH", 0.0)],
    "a second window, which fits the pen": [(paper, "WINDOW", 1e9)],
    "lines lighter than the pen are left out": [(paper, "_reaches", lambda dark: False)],
    "what is nowhere dark is grain": [(paper, "CERTAIN", 0.0)],
    "what comes in from a border": [(paper, "without_borders", as_it_is)],
    "a form's box": [(paper, "without_frame", as_it_is)],
    "printed lines": [(paper, "without_rules", as_it_is)],
}


def on_a_form(images: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """A scan of a number of three to six digits, whose feet touch a printed line that goes on."""
    some = rng.integers(len(labels), size=rng.integers(3, 7))
    number = make(images[some], labels[some], rng)
    canvas = np.pad(number.canvas, ((0, 0), (10, 60)), constant_values=255)
    at = len(canvas) - ROOM - int(rng.integers(0, 6))
    canvas[at : at + 3] = 60
    around = number._replace(ink=np.pad(number.ink, ((0, 0), (0, 0), (10, 60))))
    return scanned(around, canvas, rng)[1], number.text


def in_the_editor(drawing: Drawing, rng: np.random.Generator) -> np.ndarray:
    """A photo as the editor of the second tab sends it: its canvas is wider, and transparent there."""
    shown = photo(drawing, rng)
    if shown.ndim == 2:
        shown = np.stack([shown] * 3, 2)
    opaque = np.concatenate([shown, np.full((*shown.shape[:2], 1), 255, np.uint8)], 2)
    return np.pad(opaque, ((0, 0), (shown.shape[1] // 6,) * 2, (0, 0)))


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
        for title, (draw, _) in {**ROWS, EDITED: (in_the_editor, 0)}.items():
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
        for title, kind, count in ((NUMBERS, note, NOTES), (FORMS, on_a_form, digits)):
            made = [kind(images, kinds, np.random.default_rng([SEED, i])) for i in range(count)]
            found[title] = float(np.mean([read(canvas).text == text for canvas, text in made]))
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
