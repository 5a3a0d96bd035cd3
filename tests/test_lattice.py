"""The lattice's sums against brute force over all groupings of the pieces, and against counting."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from scipy.special import log_softmax

from mnist_mlp import lattice as module
from mnist_mlp import load, reader
from mnist_mlp.lattice import (
    FEATURES,
    MARK,
    NEVER,
    READINGS,
    best_texts,
    features,
    log_sums,
    measure,
    scores,
    total,
)
from mnist_mlp.network import WEIGHTS
from mnist_mlp.pieces import Arcs, Pieces, arcs, cut, ink_of
from mnist_mlp.reader import Reader, ReaderWeights

JSON = json.loads((WEIGHTS / "relu" / "reader.json").read_text())


def lattice(pieces: int, seed: int) -> tuple[Arcs, np.ndarray]:
    """Every run of up to four of the pieces, with scores by chance."""
    rng = np.random.default_rng(seed)
    start, end = np.triu_indices(pieces + 1, 1)
    short = end - start <= 4
    start, end = start[short], end[short]
    return Arcs(start, end, start, end), np.log(rng.dirichlet(np.full(11, 0.2), len(start)) + 1e-12)


def all_groupings(pieces: int, arcs: Arcs, s: np.ndarray) -> dict[str, float]:
    """The probability of each text: over all 2^(n-1) ways to group the pieces and all labels of each group."""
    number = {(a, b): i for i, (a, b) in enumerate(zip(arcs.start.tolist(), arcs.end.tolist()))}
    texts: dict[str, float] = {}
    for cuts in itertools.product((False, True), repeat=pieces - 1):
        bounds = [0, *(i + 1 for i, cut in enumerate(cuts) if cut), pieces]
        groups = list(itertools.pairwise(bounds))
        if any(group not in number for group in groups):
            continue
        for labels in itertools.product(range(11), repeat=len(groups)):
            text = "".join(str(label) for label in labels if label != MARK)
            way = math.exp(sum(s[number[group], label] for group, label in zip(groups, labels)))
            texts[text] = texts.get(text, 0.0) + way
    every = sum(texts.values())
    return {text: p / every for text, p in texts.items()}


@pytest.mark.parametrize("pieces", range(1, 5))
@pytest.mark.parametrize("seed", range(4))
def test_the_probability_of_a_text_is_the_sum_over_its_ways(pieces: int, seed: int) -> None:
    arcs, s = lattice(pieces, 10 * pieces + seed)
    expected = all_groupings(pieces, arcs, s)
    texts = sorted(expected, key=lambda text: -expected[text])
    found = np.exp(log_sums(texts[:50], pieces + 1, arcs, s) - total(pieces + 1, arcs, s))
    assert found == pytest.approx([expected[text] for text in texts[:50]], rel=1e-9)
    ways = best_texts(pieces + 1, arcs, s)
    assert len(ways) <= READINGS
    assert [way.text for way in ways[:3]] == texts[:3]
    assert [math.exp(way.log_probability) for way in ways[:3]] == pytest.approx(
        [expected[text] for text in texts[:3]], rel=1e-9
    )


def test_all_ways_of_equal_scores_are_counted() -> None:
    arcs, _ = lattice(4, 0)
    s = np.full((len(arcs.start), 11), NEVER)
    s[:, 7] = 0.0  # every arc can be a seven, and nothing else: 8 ways to group four pieces
    assert total(5, arcs, s) == pytest.approx(math.log(8))
    ways = {way.text: math.exp(way.log_probability) for way in best_texts(5, arcs, s)}
    assert ways == pytest.approx({"7": 1 / 8, "77": 3 / 8, "777": 3 / 8, "7777": 1 / 8})


def test_a_line_is_read_where_every_way_is_hopeless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_mlp.lattice.HOPELESS", 0.0)  # no label of an arc is as likely
    arcs, s = lattice(40, 2)
    ways = best_texts(41, arcs, s)
    expected = log_sums([way.text for way in ways], 41, arcs, s) - total(41, arcs, s)
    assert ways and [way.log_probability for way in ways] == pytest.approx(expected)
    first, last = ways[0].steps[0][0], ways[0].steps[-1][0]
    assert (arcs.start[first], arcs.end[last]) == (0, 40)


def test_a_way_names_the_arcs_of_its_digits() -> None:
    arcs, s = lattice(6, 1)
    for way in best_texts(7, arcs, s):
        assert len(way.digits) == len(way.text)
        assert all(arcs.end[a] <= arcs.start[b] for a, b in itertools.pairwise(way.digits))


def test_scores_are_log_probabilities_and_a_linear_term() -> None:
    rng = np.random.default_rng(0)
    logits, height = rng.normal(0, 3, (20, 10)), rng.uniform(0.1, 1, 20)
    as_digit, as_mark = rng.normal(0, 1, (2, 20))
    height[3] = 0  # an arc without ink
    log_p = log_softmax(np.pad(logits, ((0, 0), (0, 1))), 1)
    s = scores(logits, height, as_digit, as_mark)
    inked, low = height > 0, (height < 0.6) & (height > 0)
    assert s[inked, :10] == pytest.approx(log_p[inked, :10] + as_digit[inked, None])
    assert s[low, MARK] == pytest.approx(log_p[low, MARK] + as_mark[low])
    assert (s[inked & ~low, MARK] == NEVER).all() and low.any() and not low.all()
    assert s[3].tolist() == [NEVER] * 10 + [0.0]


def line() -> tuple[Pieces, Arcs, np.ndarray]:
    """A bar of 24 × 4, a dash of 3 × 12 and a bar of 40 × 6 pixels, apart, on a line that is 44 high."""
    ink = np.zeros((44, 60), np.float32)
    ink[10:34, 4:8] = ink[20:23, 16:28] = ink[2:42, 40:46] = 1
    pieces = cut(ink)
    every = arcs(pieces)
    return pieces, every, ink_of(pieces, every)


def test_what_is_measured_of_an_arc_is_its_inks_extent() -> None:
    pieces, every, ink = line()
    measures = measure(pieces, every, ink)
    for i, window in enumerate(ink):
        rows, columns = np.flatnonzero((window > 0.5).any(1)), np.flatnonzero((window > 0.5).any(0))
        if len(rows):
            assert measures.height[i] == pytest.approx((rows[-1] + 1 - rows[0]) / 44)
            assert measures.width[i] == pytest.approx((columns[-1] + 1 - columns[0]) / 44)
            assert measures.top[i] == pytest.approx(rows[0] / 44)
            assert measures.bottom[i] == pytest.approx((rows[-1] + 1) / 44)
    whole = (every.start == 0) & (every.end == len(pieces.cost) - 1)
    assert measures.gaps[whole] == 2 or not whole.any()
    assert {*np.round(44 * measures.height).astype(int)} >= {24, 3, 40}


def test_a_feature_in_the_middle_of_the_table_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights go by name: one that the reader has no weight for counts nothing."""
    pieces, every, ink = line()
    canvas = (255 * (1 - np.pad(pieces.ink, 20))).astype(np.uint8)
    net, before = load(), load().read(canvas)
    table = list(FEATURES.items())
    table.insert(3, ("as wide as high", lambda arc: np.abs(arc.width - arc.height)))
    monkeypatch.setattr(module, "FEATURES", dict(table))
    monkeypatch.setattr(reader, "FEATURES", dict(table))
    anew = Reader(net.weights, net.config, ReaderWeights.from_json(JSON))
    assert features(measure(pieces, every, ink)).shape[1] == len(table)
    after = anew.read(canvas)
    assert after.text == before.text and after.readings == pytest.approx(before.readings, abs=1e-9)
    assert after.marks == before.marks == 1
