"""Numbers made of digits, and their lattices, against the digits themselves and the shipped networks."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mnist_mlp.ink import find_ink
from mnist_mlp.lattice import log_sums, scores, total
from mnist_mlp.mlp import load
from mnist_mlp.pieces import Arcs, find_lines
from mnist_mlp.training.data import Mnist
from mnist_mlp.training.numbers import APART, LONGEST, TOUCHING, Hand, Lattices, lattices, make, written
from train import VALIDATION


@pytest.fixture(scope="module")
def made(mnist: Mnist) -> Lattices:
    """Of digits that the shipped networks have not learnt from."""
    return lattices(200, mnist.x_train[::VALIDATION], mnist.y_train[::VALIDATION], 7)


def test_the_seed_determines_the_lattices(made: Lattices, mnist: Mnist) -> None:
    again = lattices(200, mnist.x_train[::VALIDATION], mnist.y_train[::VALIDATION], 7)
    assert all(np.array_equal(a, b) for a, b in zip(made, again))


def test_a_lattice_leads_from_its_first_node_to_its_last(made: Lattices) -> None:
    assert len(made.nodes) >= 150 and made.start[-1] == len(made.first) == len(made.phi) == len(made.pixels)
    for i, nodes in enumerate(made.nodes):
        arcs = slice(*made.start[i : i + 2])
        first, end = made.first[arcs], made.end[arcs]
        assert (first >= 0).all() and (first < end).all() and (end < nodes).all()
        assert {(n, n + 1) for n in range(nodes - 1)} <= set(zip(first.tolist(), end.tolist()))
        length = (made.text[i] >= 0).sum()
        assert 1 <= length <= LONGEST and (made.text[i, length:] == -1).all()


@pytest.mark.parametrize("name", ["relu", "sigmoid"])
def test_the_shipped_networks_find_the_texts_likely(made: Lattices, name: str) -> None:
    net, likely = load(name), []
    for i, nodes in enumerate(made.nodes):
        some = slice(*made.start[i : i + 2])
        arcs = Arcs(made.first[some], made.end[some], made.first[some], made.end[some])
        logits = net.forward(made.pixels[some] / np.float32(255)).logits
        s = scores(logits, made.phi[some], net.reader.digit, net.reader.mark)
        text = "".join(str(digit) for digit in made.text[i] if digit >= 0)
        likely.append(log_sums([text], nodes, arcs, s)[0] - total(nodes, arcs, s))
    assert np.median(likely) > np.log(0.8)
    assert np.mean(np.array(likely) > np.log(0.5)) > 0.7


@pytest.mark.parametrize("hand", [APART, TOUCHING])
def test_a_hand_sets_digits_apart_or_lets_them_touch(mnist: Mnist, hand: Hand) -> None:
    gaps = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        some = rng.integers(0, 60_000, 3)
        ink = make(mnist.x_train[some], mnist.y_train[some], rng, hand).ink > 0.5
        columns = [np.flatnonzero(each.any(0)) for each in ink]
        gaps += [right[0] - left[-1] - 1 for left, right in itertools.pairwise(columns)]
    assert (np.array(gaps) > 0).all() if hand == APART else np.median(gaps) < 0


def test_what_is_written_beside_a_number_leaves_its_ink(mnist: Mnist) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        some = rng.integers(0, 60_000, 2)
        number = make(mnist.x_train[some], mnist.y_train[some], rng)
        canvas = written(number, rng)
        height, width = number.canvas.shape
        dark = number.canvas < 100
        assert (canvas[:height, :width][dark] < 128).mean() > 0.8  # a bad scan loses a little
        assert find_lines(find_ink(canvas))
