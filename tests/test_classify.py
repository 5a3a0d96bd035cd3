"""Many pictures: the command line, and the function that batches are given to."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_mlp import load, read
from mnist_mlp.__main__ import main
from mnist_mlp.classify import classify
from mnist_mlp.training.mnist import Digits

ROOT = Path(__file__).parents[1]
FIRST = "5"  # the first of them
COUNT = 300  # more than are read without a second process


@pytest.fixture(scope="module")
def folder(mnist: Digits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits")
    for i in range(COUNT):
        Image.fromarray(255 - mnist.images[i]).save(folder / f"{i:03}.png")
    return folder


@pytest.fixture(scope="module")
def paths(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.glob("*.png"))


@pytest.fixture(scope="module")
def expected(mnist: Digits) -> tuple[list[str], list[float]]:
    """Numbers and confidences, one picture at a time, past the files and the batches."""
    readings = [read(255 - x) for x in mnist.images[:COUNT]]
    return [reading.text for reading in readings], [reading.confidence for reading in readings]


def two_and_three(mnist: Digits) -> np.ndarray:
    """A clear 2 and a clear 3, (2, 28, 28)."""
    sure = load().predict_proba(mnist.images / np.float32(255)).max(1) > 0.999
    return np.stack([mnist.images[sure & (mnist.labels == digit)][0] for digit in (2, 3)])


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mnist_mlp", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
        capture_output=True,
        timeout=120,
        **options,
    )


def test_text(paths: list[str], expected: tuple[list[str], list[float]], mnist: Digits) -> None:
    done = run(*paths)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == paths
    assert [row[1] for row in rows] == [number or "-" for number in expected[0]]
    assert ["".join(row[3:]) for row in rows] == [read(255 - x).hint for x in mnist.images[:COUNT]]
    assert np.allclose([float(row[2]) for row in rows], expected[1], atol=1e-4)


def test_csv(paths: list[str], expected: tuple[list[str], list[float]]) -> None:
    rows = list(csv.DictReader(io.StringIO(run("--format", "csv", *paths).stdout)))
    assert [row["path"] for row in rows] == paths
    assert [row["number"] for row in rows] == expected[0]
    assert [row["digit"] for row in rows] == [number if len(number) == 1 else "" for number in expected[0]]
    assert np.allclose([float(row["confidence"]) for row in rows], expected[1], atol=1e-5)


def test_json_lines(paths: list[str], expected: tuple[list[str], list[float]]) -> None:
    rows = [
        json.loads(line) for line in run("--format", "json", "--workers", "1", *paths).stdout.splitlines()
    ]
    assert [row["path"] for row in rows] == paths
    assert [row["number"] for row in rows] == expected[0]
    assert [row["digit"] for row in rows] == [int(n) if len(n) == 1 else None for n in expected[0]]
    assert np.allclose([row["confidence"] for row in rows], expected[1], atol=1e-5)


@pytest.mark.parametrize("count", [1, COUNT])
def test_bad_files_are_named_and_skipped(paths: list[str], tmp_path: Path, count: int) -> None:
    (tmp_path / "torn.png").write_bytes(Path(paths[0]).read_bytes()[:60])
    (tmp_path / "letter.png").write_text("Dear reader")
    (tmp_path / "nothing.png").write_bytes(b"")
    bad = [str(tmp_path / name) for name in ("torn.png", "letter.png", "nothing.png", "absent.png")] + [
        str(tmp_path)
    ]
    done = run(*bad[:2], *paths[:count], *bad[2:])
    assert done.returncode == 1
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == paths[:count]
    lines = done.stderr.splitlines()
    assert [line.split(": ")[0] for line in lines] == bad
    assert all("Expected a picture" in line for line in lines)


def test_a_picture_without_a_digit(tmp_path: Path) -> None:
    Image.new("L", (60, 60), 255).save(tmp_path / "blank.png")
    done = run("--format", "json", str(tmp_path / "blank.png"))
    assert done.returncode == 0
    nothing = {"number": "", "digit": None, "confidence": 0.0, "hint": "Draw a digit or a number."}
    assert json.loads(done.stdout) == {"path": str(tmp_path / "blank.png"), **nothing}
    assert run(str(tmp_path / "blank.png")).stdout.split("\t")[1] == "-"
    assert run("--format", "csv", str(tmp_path / "blank.png")).stdout.splitlines()[1].split(",")[1] == ""


def test_boxes_hold_each_digit_s_ink(tmp_path: Path, mnist: Digits) -> None:
    """Two digits, far apart on one canvas: each box is that of the pixels put there."""
    canvas = np.full((60, 160), 255, np.uint8)
    digits = two_and_three(mnist)
    for digit, x in zip(digits, (20, 100)):
        canvas[16:44, x : x + 28] = 255 - digit
    Image.fromarray(canvas).save(tmp_path / "number.png")
    row = json.loads(run("--boxes", "--format", "json", str(tmp_path / "number.png")).stdout)
    assert (row["number"], row["digit"]) == ("23", None)
    for (_, *box), digit, x in zip(row["boxes"], digits, (20, 100)):
        rows, columns = np.flatnonzero((digit > 127).any(1)) + 16, np.flatnonzero((digit > 127).any(0)) + x
        drawn = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        assert np.abs(np.array(box) - drawn).max() <= 2
    shown = run("--boxes", str(tmp_path / "number.png")).stdout.splitlines()
    assert [line.split("\t")[1] for line in shown[1:]] == list(row["number"])


@pytest.mark.parametrize("format", ["text", "json"])
def test_a_name_that_is_not_utf_8(paths: list[str], tmp_path: Path, format: str) -> None:
    good, bad = (os.fsencode(tmp_path / "7") + ending for ending in (b"\xff\xfe.png", b"\xff.txt"))
    shutil.copy(paths[0], os.fsdecode(good))
    Path(os.fsdecode(bad)).write_text("Dear reader")
    done = subprocess.run(
        [sys.executable, "-m", "mnist_mlp", "--format", format, good, bad],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 1
    if format == "json":  # which is Unicode
        assert json.loads(done.stdout)["path"].encode() == good.replace(b"\xff\xfe", b"\xef\xbf\xbd" * 2)
    else:
        assert good in done.stdout
    assert bad in done.stderr and b"Traceback" not in done.stderr


def test_a_name_does_not_break_its_row(
    paths: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = tmp_path / "a\tb\nc.png"
    shutil.copy(paths[0], odd)
    assert main([str(odd)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    name, number, confidence, *_ = line.split("\t")
    assert name.endswith(r"a\tb\nc.png") and number.isdigit() and 0 <= float(confidence) <= 1


def test_a_reader_that_leaves(paths: list[str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "mnist_mlp", "--workers", "1", *paths * 20],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_a_picture_from_standard_input(paths: list[str]) -> None:
    with open(paths[0], "rb") as picture:
        done = run("--format", "json", "-", stdin=picture)
    assert json.loads(done.stdout)["number"] == json.loads(run("--format", "json", paths[0]).stdout)["number"]


def test_a_mark_that_is_left_out_is_told(tmp_path: Path, mnist: Digits) -> None:
    canvas = np.full((60, 160), 255, np.uint8)
    canvas[16:44, 80:108] = 255 - mnist.images[np.flatnonzero(mnist.labels == 5)[1]]
    canvas[29:32, 40:60] = 0
    Image.fromarray(canvas).save(tmp_path / "minus.png")
    row = json.loads(run("--format", "json", str(tmp_path / "minus.png")).stdout)
    assert (row["number"], row["hint"]) == ("5", "A mark was left out: only digits are read.")


# classify


def test_every_form_of_a_picture(paths: list[str]) -> None:
    canvas = np.asarray(Image.open(paths[0]))
    encoded = Path(paths[0]).read_bytes()
    forms = [
        *(paths[0], Path(paths[0]), np.str_(paths[0])),
        *(encoded, canvas, np.dstack([canvas] * 3), Image.open(paths[0])),
        *({"bytes": encoded, "path": None}, {"bytes": None, "path": paths[0]}),
    ]
    answer = classify({"image": forms, "name": list(range(len(forms)))})
    assert set(answer["digit"].tolist()) == {int(FIRST)}
    assert answer["confidence"].std() < 1e-6
    assert answer["name"] == list(range(len(forms)))
    assert answer["digit"].dtype == np.int64 and answer["confidence"].dtype == np.float32


def test_numbers_and_what_is_none_in_one_batch(mnist: Digits) -> None:
    two = np.full((60, 160), 255, np.uint8)
    digits = two_and_three(mnist)
    two[16:44, 20:48], two[16:44, 100:128] = 255 - digits
    answer = classify({"image": [two, np.full((60, 60), 255, np.uint8), 255 - digits[1]]})
    assert answer["number"] == ["23", "", "3"]
    assert answer["digit"].tolist() == [-1, -1, 3]
    assert answer["confidence"][1] == 0


def test_what_is_no_picture_stands_where_it_stood(paths: list[str]) -> None:
    torn = Image.open(io.BytesIO(Path(paths[0]).read_bytes()[:80]))  # which Pillow finds out as it decodes it
    bad = [None, 3, np.zeros((2, 2)), b"junk", torn]
    answer = classify({"image": [paths[0], *bad, paths[0]]})
    assert answer["digit"].tolist() == [int(FIRST), -1, -1, -1, -1, -1, int(FIRST)]
    assert answer["confidence"][1:6].tolist() == [0, 0, 0, 0, 0]
    assert [bool(error) for error in answer["error"]] == [False, True, True, True, True, True, False]


def test_the_confidence_is_of_what_is_answered() -> None:
    """A letter is no number, with the probability that it is none: a filter by confidence keeps sure answers."""
    letter = Image.new("L", (120, 120), 255)
    ImageDraw.Draw(letter).line([(20, 100), (60, 15), (100, 100)], 0, 9)
    ImageDraw.Draw(letter).line([(35, 70), (85, 70)], 0, 9)
    answer = classify({"image": [letter]})
    reading = read(np.asarray(letter))
    assert answer["number"] == [""] and answer["digit"].tolist() == [-1]
    assert answer["confidence"][0] == pytest.approx(reading.readings[""]) and reading.readings[""] > 0.5


def test_a_batch_without_the_column() -> None:
    with pytest.raises(ValueError, match=r"no column 'image'; it has \['picture'\]"):
        classify({"picture": []})
