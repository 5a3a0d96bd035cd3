"""How numbers are read that the pad's own pens draw: narrow and closed fours, ones with flag and foot, and doodles.

    python benchmarks/pad_forms.py

Each number is drawn by 20 hands, which move every point by chance, on a sheet of the pad's size. Nothing of it is
learnt from.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.helpers import save, table
from mnist_mlp import read
from mnist_mlp.mlp import NAMES
from mnist_mlp.reader import Reading

HANDS = 20
PENS = {"thin": 0.03, "medium": 0.05, "thick": 0.07}  # shares of the sheet's height, as in page/pad.html
SHEET = (320, 240)
FINE = 3  # times larger, while it is drawn
NUMBERS = ("3141592", "12345678", "1234", "414", "1141", "2470")

# Strokes on a grid of ten by ten, x then y; "|" separates strokes, "~" is a curve. A form's width follows from them.
FORMS = {
    "0": "~30 10 03 06 19 39 56 63 50 30",
    "2": "~03 11 30 51 53 36 09|09 59",
    "3": "~01 20 40 51 43 24|~24 44 56 48 28 08",
    "5": "50 10 04|~04 34 55 57 39 09",
    "6": "~40 14 06 18 38 56 45 24 06",
    "7": "00 50 19",
    "8": "~41 20 02 24 36 28 18 16 34 43 41",
    "9": "~52 30 02 14 34 52|52 49",
}
ONES = {"a stroke": "00 09", "flag": "03 20 29", "flag and foot": "03 20 29|09 49"}
FOURS = {
    "open": "20 06 66|44 49",
    "narrow": "20 05 45|30 39",
    "closed": "30 06 56|30 39",
    "narrow and closed": "20 05 35|20 29",
}
DOODLES = {
    "A": "09 40 89|16 76",
    "heart": "~43 20 03 25 49 65 83 60 43",
    "smiley": "~40 10 04 18 48 78 84 70 40|22 23|62 63|~26 47 66",
    "square": "01 81 89 09 01",
    "triangle": "40 88 08 40",
    "level line": "04 84",
}


def strokes(form: str, rng: np.random.Generator) -> list[np.ndarray]:
    """The strokes of a form as a hand draws it: (n, 2) points each, in shares of its height."""
    found = []
    for stroke in form.split("|"):
        points = np.array([list(map(float, point)) for point in stroke.strip("~").split()]) / 9
        points += rng.normal(0, 0.02, points.shape)
        found.append(_curve(points) if stroke.startswith("~") else points)
    return found


def _curve(points: np.ndarray) -> np.ndarray:
    """A smooth line through points: a cubic in each coordinate, by SciPy."""
    from scipy.interpolate import CubicSpline

    at = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1).clip(1e-3))])
    return CubicSpline(at, points)(np.linspace(0, at[-1], 40))


def sheet(forms: list[str], pen: float, rng: np.random.Generator) -> np.ndarray:
    """Forms side by side on a sheet, as wide as it allows: (240, 320) uint8, black on white."""
    width, height = SHEET
    drawn = [strokes(form, rng) for form in forms]
    gaps, scale = rng.uniform(0.08, 0.2, len(forms)), 0.75 * height
    for _ in range(3):  # the wider the pen beside the digits, the farther apart they are
        digits, left = [], 0.0
        for form, gap in zip(drawn, gaps):
            low = min(stroke[:, 0].min() for stroke in form)
            digits += [stroke - (low - left, 0) for stroke in form]
            left = max(stroke[:, 0].max() for stroke in digits) + pen * height / scale + gap
        every = np.concatenate(digits)
        low, span = every.min(0), np.ptp(every, axis=0).clip(1e-3)
        scale = min(((np.array([width, height]) - pen * height - 16) / span).min(), 0.75 * height)
    offset = (np.array([width, height]) - span * scale) / 2 - low * scale
    image = Image.new("L", (width * FINE, height * FINE), 255)
    draw, radius = ImageDraw.Draw(image), pen * height * FINE / 2
    for stroke in digits:
        path = [tuple(point) for point in ((stroke * scale + offset) * FINE).tolist()]
        draw.line(path, 0, max(round(2 * radius), 1), joint="curve")
        for x, y in path:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), 0)
    return np.asarray(image.resize(SHEET, Image.Resampling.BOX))


def numbers(one: str, four: str, pen: float) -> list[tuple[np.ndarray, str]]:
    """Each of `NUMBERS` by each hand, with these forms of 1 and 4."""
    forms = FORMS | {"1": one, "4": four}
    return [
        (sheet([forms[digit] for digit in number], pen, np.random.default_rng([hand, i])), number)
        for i, number in enumerate(NUMBERS)
        for hand in range(HANDS)
    ]


def main() -> None:
    kinds = {
        **{f"ones with {one}": (form, FOURS["open"]) for one, form in ONES.items()},
        **{f"{four} fours": (ONES["a stroke"], form) for four, form in FOURS.items()},
    }
    rows: list[list[str]] = []

    def measure(
        title: str, drawn: list[tuple[np.ndarray, str]], right: Callable[[Reading, str], bool]
    ) -> None:
        shares = [np.mean([right(read(sheet, name), text) for sheet, text in drawn]) for name in NAMES]
        rows.append([title, *(f"{share:.0%}" for share in shares)])
        print(rows[-1], flush=True)

    for kind, (one, four) in kinds.items():
        drawn = [number for pen in PENS.values() for number in numbers(one, four, pen)]
        measure(f"{kind}: read right", drawn, lambda reading, text: reading.text == text)
    hands = [(np.random.default_rng(hand), pen) for hand in range(HANDS) for pen in PENS.values()]
    for doodle, form in DOODLES.items():
        drawn = [(sheet([form], pen, rng), "") for rng, pen in hands]
        measure(
            f"{doodle}: taken for a number", drawn, lambda reading, _: bool(reading.text) and not reading.hint
        )
    save("pad_forms", table(["", *NAMES.values()], rows))


if __name__ == "__main__":
    main()
