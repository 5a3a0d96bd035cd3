"""Drawings that are no digit: letters, glyphs, symbols, scribbles, and pairs of MNIST's digits.

The networks learn to refuse them, and are measured on others of their kind. What has the shape of a digit
(O, l, S) is left out. Pieces of digits are learnt from the lattices of numbers: many look like another digit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from joblib import Parallel, delayed
from PIL import Image, ImageDraw, ImageFont

from mnist_mlp.canvas import to_mnist
from mnist_mlp.training.mnist import Digits
from mnist_mlp.training.numbers import make, untidy

NON_DIGIT = 10  # the label, beside the digits 0 to 9
CANVAS = 112
DRAWINGS_A_STREAM = 500  # drawings made from one random stream, so that workers can share the job
LEAST_INK = 12  # dark pixels
# Without those that look like digits: B, G, I, L-like l, O, S, Z, b, g, i, o, q, s, z.
LETTERS = "ACDEFHJKLMNPQRTUVWXYacdefhjkmnprtuvwxy"
SIGNS = "#&%@$?+=*€£<>{}~[]^"
# Strokes of hand-drawn forms on a grid of ten by ten, x then y; "|" separates strokes, "~" is a curve.
HANDS = """
A 09 40 89|16 76; ~09 12 40 62 79|16 76; 09 40 89 16 76; 00 09|~00 30 80 84 89|05 85
C ~81 50 13 06 39 88; ~80 40 04 49 89
D 00 09|~00 60 84 69 09; ~20 29 09 69 84 50 10; 29 20|~00 40 83 78 09
E 80 00 09 89|04 64; ~70 30 13 44 16 39 88; 00 09|00 70|04 64|09 79
F 80 00 09|04 64; 00 80|20 29|24 64; ~80 50 32 38 09|14 64
H 00 09|80 89|04 84; 00 09 04 84 80 89; ~00 09 15 84|80 79
J 20 80|~50 57 39 07; ~60 67 49 17 06; ~10 50 57 39 07
K 00 09|70 05 79; 00 09|~70 34 05 36 79; 00 09 05 70|25 79
L 00 09 79; ~10 09 29 89; ~50 20 29 09 29 89
M 09 00 45 80 89; ~09 11 20 45 60 71 89; 09 10 45 70 89; ~09 02 20 39 32 50 69 72 89
N 09 00 89 80; ~09 11 30 58 79 80; ~09 00 30 69 80
P 09 00|~00 60 72 64 04; ~09 00 60 72 54 04; 19 10|~00 60 82 54 05
Q ~50 11 05 39 77 83 50|56 99; ~50 11 05 39 77 83 50|~36 57 99
R 09 00|~00 60 72 64 04|34 89; ~09 00 60 72 54 04 34 89; ~09 01 50 72 44 24 89
T 00 80|40 49; ~01 20 80|~40 49 29; 00 80|00 01|80 81|40 49
U ~00 06 39 76 80; ~00 06 39 76 80|80 89; ~00 10 17 49 76 80 89
V 00 49 80; ~00 38 49 58 80; ~00 20 49 71 90
W 00 29 44 69 80; ~00 18 39 44 59 78 90; ~00 08 39 46 41 46 69 88 80
X 00 89|80 09; ~00 20 69 89|~80 60 29 09; ~00 33 36 09|~80 53 56 89
Y 00 44|80 44 49; 00 44|80 19; ~00 03 34 73 80|~80 77 59 18; ~00 04 44 80|44 49
a ~73 32 05 28 65 73|73 76 89; ~73 32 05 28 65 73 76 89; ~13 42 74 79|~74 35 07 39 77
c ~73 32 05 38 78
d ~74 43 06 39 66 74|80 79; ~74 43 06 39 66 80 78 99; ~64 33 06 28 66|~20 60 69
e ~05 75 62 33 06 39 78; 05 75|~75 62 33 06 39 78; ~16 54 51 22 06 39 88
f ~80 50 42 49|14 74; ~70 50 34 39 18|13 73; ~05 54 60 40 38 29 26 75
h 00 09|~05 34 65 69; ~09 34 50 31 39|~36 45 65 69 88; ~00 09 15 44 66 69
j 53 58|53 50; ~53 58 39 08|50 51; ~50 57 39 17|33 53
k 00 09|73 06|26 79; ~00 09 06 54 53 36 79; ~09 34 40 21 29 25 54 36 79
m 03 09|~04 23 35 39|~35 54 65 69; ~03 09 04 23 35 39 34 54 65 69 89; ~03 13 09 23 33 39 53 64 69
n 03 09|~04 33 65 69; ~03 09 04 33 65 69 89; ~03 13 19 33 53 59 79
p 03 09|~03 43 65 37 06; ~02 09 03 43 65 37 06; ~03 13 29 24 53 75 47 26
r 03 09|~05 33 64; ~03 09 05 33 64; ~05 12 33 63 56 88
t 40 48|13 73; ~40 47 59 88|13 73; ~06 50 47 58 87|23 83; 40 49|03 83
u ~03 07 38 66 63|63 69; ~03 07 38 66 63 69 89; ~03 08 38 63 67 99
v 03 39 63; ~03 13 38 63 83; ~03 05 39 66 63 83
w 03 29 45 69 83; ~03 08 38 44 48 78 83 93; ~03 29 44 69 83 93
x 03 89|83 09; ~03 23 68 88|83 09; ~03 33 56 69 89|~83 63 29 09
y 03 46|83 19; ~03 06 46 83|~83 77 59 18; ~03 06 46 63 69 59 28 95; ~03 13 16 46 74|~83 67 39 08
heart ~43 20 03 25 49 65 83 60 43; 42 20 03 49 83 60 42
star 19 40 79 03 83 19; 40 48|04 84|11 77|71 17; 44 40|44 83|44 79|44 19|44 03
arrow 05 85|52 85 58; 40 49|13 40 73; 08 80|30 80 85; 80 08|03 08 58
tick 05 39 80; ~04 25 39 80; 06 28 70
cross 00 88|80 08; 40 48|04 84; 40 49|13 73|53 54
shape 40 08 88 40; 00 80 88 08 00; 40 04 48 84 40; 02 82 86 06 02; 20 60 84 68 28 04 20
ring ~40 10 04 18 48 78 84 70 40|04 84|40 48; ~40 10 04 18 48 78 84 70 40|11 77|71 17
face ~40 10 04 18 48 78 84 70 40|22 23|62 63|~26 47 66
wave ~04 22 45 62 84; ~03 22 42 64 84|~06 25 45 67 87; 06 22 46 62 86; 08 18 12 32 38 58 52 72 78
lines 03 83|06 86; 04 84; 02 82|05 85|08 88; 05 84; 20 29|50 59; 10 19|40 49|70 79; 03 89
hash 20 28|60 68|03 83|06 86; 40 09|80 49|03 93|16 96; 00 09|30 39|60 69|90 99|02 92|06 96
house 09 04 40 84 89 09; 03 83 89 09 03 40 83; 09 04 84 89|04 40 84
mark ~02 20 62 44 46|48 49; ~80 30 04 39 88|03 63|05 65; ~70 20 13 54 76 38 08|40 49; 60 25 65 29
fish ~80 46 28 05 23 46 88; ~04 30 64 90|~04 38 64 98; ~80 46 08|~00 45 88; 00 80|20 29|~60 67 79 89
"""


def _pen(rng: np.random.Generator, paths: list[np.ndarray]) -> np.ndarray:
    """Strokes of any size, (n, 2) points each, slanted and stretched by chance, drawn with a pen of any width."""
    every = np.concatenate(paths)
    low, span = every.min(0), np.ptp(every, axis=0).max() + 1e-6
    turn, slant, stretch = rng.normal(0, (0.08, 0.2, 0.15))
    matrix = np.array([[np.exp(stretch), -slant], [turn, np.exp(-stretch)]])
    paths = [((path - low) / span - 0.5) @ matrix.T for path in paths]
    every = np.concatenate(paths)
    scale, width = (CANVAS - 30) / np.ptp(every, axis=0).max(), float(rng.uniform(4, 11))
    image = Image.new("L", (CANVAS, CANVAS))
    draw, radius = ImageDraw.Draw(image), width / 2
    for path in paths:
        points = ((path - every.min(0)) * scale + 15).tolist()
        draw.line([tuple(p) for p in points], 255, round(width), joint="curve")
        for x, y in (points[0], points[-1]):
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), 255)
    return np.asarray(image)


def _curve(points: np.ndarray) -> np.ndarray:
    """A Catmull–Rom spline through (n, 2) points."""
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, 10)[:, None]
    a, b, c, d = (padded[i : len(padded) - 3 + i, None] for i in range(4))
    curve = b + (c - a) / 2 * t + (a - 2.5 * b + 2 * c - d / 2) * t**2 + (1.5 * (b - c) + (d - a) / 2) * t**3
    return curve.reshape(-1, 2)


@cache
def _forms() -> list[list[list[tuple[bool, np.ndarray]]]]:
    """For each letter or symbol its forms, for each form its strokes: whether curved, and the points."""
    return [
        [
            [
                (stroke.startswith("~"), np.array([list(map(float, p)) for p in stroke.strip("~").split()]))
                for stroke in form.strip().split("|")
            ]
            for form in line.split(" ", 1)[1].split(";")
        ]
        for line in HANDS.strip().splitlines()
    ]


@cache
def _typefaces() -> list[str]:
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    without_letters = ("STIXSiz", "cmex", "cmsy", "DejaVuSansDisplay", "LastResort")
    return sorted(str(path) for path in folder.glob("*.ttf") if not path.name.startswith(without_letters))


def _hand(rng: np.random.Generator) -> np.ndarray:
    """A letter or a symbol as a hand draws it."""
    forms = _forms()[rng.integers(len(_forms()))]
    paths = []
    for curved, points in forms[rng.integers(len(forms))]:
        points = points + rng.normal(0, 0.5, points.shape)
        if rng.random() < 0.15:  # the stroke in which a cursive letter begins or ends
            points = np.concatenate([points, points[-1:] + rng.uniform((0.5, -3), (3, 1))])
        if rng.random() < 0.1:
            points = np.concatenate([points[:1] + rng.uniform((-3, -1), (-0.5, 3)), points])
        paths.append(_curve(points) if curved or rng.random() < 0.2 else points)
    return _pen(rng, paths)


def _typeface(rng: np.random.Generator) -> np.ndarray:
    """A letter or a sign of one of Matplotlib's typefaces."""
    signs = SIGNS if rng.random() < 0.15 else LETTERS
    return _glyph(rng, signs, ImageFont.truetype(_typefaces()[rng.integers(len(_typefaces()))], 80))


def _held_out_typeface(rng: np.random.Generator) -> np.ndarray:
    """A letter of Pillow's own typeface, which is not learnt from."""
    return _glyph(rng, LETTERS, ImageFont.load_default(80))


def _glyph(
    rng: np.random.Generator, letters: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont
) -> np.ndarray:
    image = Image.new("L", (CANVAS, CANVAS))
    middle, weight = CANVAS / 2, int(rng.integers(0, 4))
    letter = letters[rng.integers(len(letters))]
    ImageDraw.Draw(image).text((middle, middle), letter, 255, font, anchor="mm", stroke_width=weight)
    slant, turn = rng.normal(0, 0.12, 2)
    matrix = (1, slant, -middle * slant, turn, 1, -middle * turn)
    return np.asarray(image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR))


def _invented(rng: np.random.Generator) -> np.ndarray:
    """Two to four strokes through random places, as in a script that nobody writes."""
    paths = []
    for _ in range(rng.integers(2, 5)):
        points = rng.uniform(0, 9, (rng.integers(2, 5), 2))
        paths.append(_curve(points) if rng.random() < 0.6 else points)
    return _pen(rng, paths)


def _scribble(rng: np.random.Generator) -> np.ndarray:
    """A pen that wanders: its direction is a random walk, smooth or wild."""
    wildness, steps = rng.uniform(0.15, 0.7), int(rng.integers(60, 200))
    angle = np.cumsum(rng.normal(rng.normal(0, 0.1), wildness, steps))
    return _pen(rng, [np.cumsum(np.stack([np.cos(angle), np.sin(angle)], 1), 0)])


def _pair(rng: np.random.Generator, digits: Digits) -> np.ndarray:
    """Two digits side by side, seldom three: apart, touching or overlapping."""
    some = digits.some(rng.integers(len(digits.labels), size=3 if rng.random() < 0.12 else 2))
    return make(some.images, some.labels, rng, untidy(rng)).canvas


DRAW: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "typefaces": _typeface,
    "hands": _hand,
    "invented": _invented,
    "scribbles": _scribble,
    "held-out typeface": _held_out_typeface,
}
PAIRS = "pairs"
KINDS = sorted([*DRAW, PAIRS])
# The share of each kind among those that are learnt from.
SHARES = {
    "typefaces": 0.27,
    "hands": 0.43,
    "invented": 0.10,
    "scribbles": 0.12,
    PAIRS: 0.08,
}


def non_digits(kind: str, n: int, digits: Digits, seed: int) -> np.ndarray:
    """Drawings of one kind as `to_mnist` places them: (n, 28, 28) uint8, ink high.

    Args:
        kind: one of `KINDS`.
        digits: to make pairs of.
    """
    sizes = [min(DRAWINGS_A_STREAM, n - start) for start in range(0, n, DRAWINGS_A_STREAM)]
    made = Parallel(n_jobs=-1)(
        delayed(_drawings)(kind, size, digits, [seed, KINDS.index(kind), i]) for i, size in enumerate(sizes)
    )
    return np.concatenate(made)


def _drawings(kind: str, n: int, digits: Digits, seed: list[int]) -> np.ndarray:
    rng = np.random.default_rng(seed)
    made: list[np.ndarray] = []
    while len(made) < n:
        drawing = _pair(rng, digits) if kind == PAIRS else DRAW[kind](rng)
        pixels = to_mnist(drawing)
        if np.count_nonzero(pixels > 0.5) >= LEAST_INK:  # else a speck, a blot, or too faint
            made.append(np.rint(255 * pixels).astype(np.uint8))
    return np.stack(made)


def to_learn_from(n: int, digits: Digits, seed: int) -> np.ndarray:
    """About n drawings of all kinds, in the shares of `SHARES`: (n, 28, 28) uint8."""
    return np.concatenate(
        [non_digits(kind, round(n * share), digits, seed) for kind, share in SHARES.items()]
    )
