"""Whatever is drawn, `read` gives an answer or a PictureError; 20,000 more are tried by `benchmarks/fuzz.py`."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmarks.fuzz import KINDS, canvas
from mnist_mlp import read
from mnist_mlp.picture import PictureError
from mnist_mlp.pieces import MOST_ARCS, arcs, cut

SOME = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def check(sheet: np.ndarray) -> None:
    try:
        reading = read(sheet)
    except PictureError as refusal:
        assert "got" in str(refusal)
        return
    assert 0 <= reading.confidence <= 1 and sum(reading.readings.values()) <= 1 + 1e-6
    if reading.readings:
        assert reading.readings[reading.text] == reading.confidence
        assert reading.text or reading.hint
    else:
        assert not reading.text and reading.hint


@given(number=st.integers(0, 10**9))
@settings(SOME, max_examples=300)
def test_bars_dots_text_and_scrawls(number: int) -> None:
    _, sheet = canvas(number // len(KINDS), number)
    check(sheet)


@given(sheet=arrays(np.uint8, st.tuples(st.integers(1, 60), st.integers(1, 60))))
@settings(SOME, max_examples=150)
def test_small_grey_canvases(sheet: np.ndarray) -> None:
    check(sheet)


@given(sheet=arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3, 4]))))
@settings(SOME, max_examples=50)
def test_small_coloured_canvases(sheet: np.ndarray) -> None:
    check(sheet)


@pytest.mark.parametrize("shape", [(100, 500), (500, 100), (1, 500), (500, 1), (500, 500), (3, 3)])
def test_bars_that_fill_the_canvas(shape: tuple[int, int]) -> None:
    sheet = np.zeros(shape, np.uint8)
    sheet[:, :: max(shape[1] // 8, 1)] = 255
    check(sheet)
    check(255 - sheet)


@pytest.mark.parametrize("ink", [np.ones((44, 15_000)), np.random.default_rng(0).random((44, 4000))])
def test_the_arcs_of_a_line_are_bounded(ink: np.ndarray) -> None:
    pieces = cut(ink.astype(np.float32), 1000)
    every = arcs(pieces)
    assert len(every.first) <= max(1000, len(pieces.cost)) <= MOST_ARCS
    assert (every.end > every.first).all()
