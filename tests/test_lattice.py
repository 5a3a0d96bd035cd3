"""The lattice's sums against brute force over all groupings of the pieces, and against counting."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.special import log_softmax

from mnist_mlp.lattice import FEATURES, MARK, NEVER, READINGS, best_texts, log_sums, scores, total
from mnist_mlp.pieces import Arcs


def lattice(pieces: int, seed: int) -> tuple[Arcs, np.ndarray]:
    """Every run of up to four of the pieces, with scores by chance."""
    rng = np.random.default_rng(seed)
    first, end = np.triu_indices(pieces + 1, 1)
    short = end - first <= 4
    first, end = first[short], end[short]
    return Arcs(first, end, first, end), np.log(rng.dirichlet(np.full(11, 0.2), len(first)) + 1e-12)


def all_groupings(pieces: int, arcs: Arcs, s: np.ndarray) -> dict[str, float]:
    """The probability of each text: over all 2^(n-1) ways to group the pieces and all labels of each group."""
    number = {(a, b): i for i, (a, b) in enumerate(zip(arcs.first.tolist(), arcs.end.tolist()))}
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
    s = np.full((len(arcs.first), 11), NEVER)
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
    assert (arcs.first[first], arcs.end[last]) == (0, 40)


def test_a_way_names_the_arcs_of_its_digits() -> None:
    arcs, s = lattice(6, 1)
    for way in best_texts(7, arcs, s):
        assert len(way.arcs) == len(way.text)
        assert all(arcs.end[a] <= arcs.first[b] for a, b in itertools.pairwise(way.arcs))


def test_scores_are_log_probabilities_and_a_linear_term() -> None:
    rng = np.random.default_rng(0)
    logits, phi = rng.normal(0, 3, (20, 10)), rng.uniform(0.1, 0.7, (20, FEATURES))
    digit, mark = rng.normal(0, 1, (2, FEATURES))
    log_p = log_softmax(np.pad(logits, ((0, 0), (0, 1))), 1)
    s = scores(logits, phi, digit, mark)
    assert s[:, :10] == pytest.approx(log_p[:, :10] + (phi @ digit)[:, None])
    low = phi[:, 3] > 0.2  # lower than 0.6 of the line's height
    assert s[low, MARK] == pytest.approx((log_p[:, MARK] + phi @ mark)[low])
    assert (s[~low, MARK] == NEVER).all() and low.any() and not low.all()
