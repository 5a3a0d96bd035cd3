"""The loss through the lattice against the lattice in NumPy, and its gradient against finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from mnist_mlp.lattice import MARK, log_sums, scores, total
from mnist_mlp.pieces import Arcs
from mnist_mlp.training.lattices import LONGEST
from mnist_mlp.training.posterior import arc_scores, log_posterior


def lattice(nodes: int, seed: int) -> tuple[Arcs, np.ndarray, np.ndarray, np.ndarray]:
    """Arcs, their logits, heights, and (2, m) sums of their features."""
    rng = np.random.default_rng(seed)
    start, end = np.triu_indices(nodes, 1)
    short = end - start <= 4
    start, end = start[short], end[short]
    height = rng.uniform(0.1, 1, len(start)).astype(np.float32)
    height[0] = 0  # an arc without ink
    logits = rng.normal(0, 3, (len(start), 10)).astype(np.float32)
    return Arcs(start, end, start, end), logits, height, rng.normal(0, 1, (2, len(start))).astype(np.float32)


def test_scores_and_posterior_are_those_of_the_reader() -> None:
    texts = ["4", "42", "007", "13579"]
    sizes = [3, 5, 4, 7]
    parts, arc, expected = [], [], []
    for number, (text, nodes) in enumerate(zip(texts, sizes)):
        arcs, logits, height, sums = lattice(nodes, number)
        s = scores(logits, height, *sums)
        same = arc_scores(tf.constant(np.pad(logits, ((0, 0), (0, 1)))), *map(tf.constant, (height, *sums)))
        assert np.allclose(same, s, atol=1e-3)
        parts.append(s)
        arc.append(np.stack([np.full(len(s), number), arcs.start, arcs.end], 1))
        expected.append(float(log_sums([text], nodes, arcs, s)[0]) - total(nodes, arcs, s))
    labels = np.full((len(texts), LONGEST), -1, np.int32)
    for i, text in enumerate(texts):
        labels[i, : len(text)] = [int(c) for c in text]

    def loss(s: tf.Tensor) -> tf.Tensor:
        last = tf.constant(np.array(sizes, np.int32) - 1)
        return log_posterior(s, np.concatenate(arc).astype(np.int32), last, labels)

    s = tf.constant(np.concatenate(parts).astype(np.float32))
    possible = np.array(expected) > -1e6
    assert possible.sum() >= 3
    assert loss(s).numpy()[possible] == pytest.approx(np.array(expected)[possible], abs=1e-3)

    with tf.GradientTape() as tape:
        tape.watch(s)
        value = tf.reduce_sum(tf.boolean_mask(loss(s), possible))
    gradient = tape.gradient(value, s).numpy()
    for row, label in ((1, 3), (4, MARK), (7, 2)):
        step = np.zeros_like(s)
        step[row, label] = 0.02
        ahead, behind = (float(tf.reduce_sum(tf.boolean_mask(loss(s + d), possible))) for d in (step, -step))
        assert (ahead - behind) / 0.04 == pytest.approx(gradient[row, label], abs=5e-3)
