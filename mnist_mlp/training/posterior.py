"""The second part: learning through the lattice, whose loss is −log P(right text | canvas).

Discriminative forward training of a graph transformer network (LeCun, Bottou, Bengio and Haffner 1998, section
VI-E): the gradient reaches the network's weights and the features' through every way of every number.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from mnist_mlp.lattice import FEATURES, MARK, NEVER, TALLEST_MARK, features
from mnist_mlp.network import Weights
from mnist_mlp.training.lattices import LONGEST, MOST_NODES, Lattices, measures_of
from mnist_mlp.training.learning import learn
from mnist_mlp.training.models import CLASSES, from_weights, weights_of

NUMBER_EPOCHS = 3
NUMBERS_A_STEP = 32
SINGLES_A_STEP = 512  # redrawn images a step, which keep the network what it is beside its numbers
SINGLES_SHARE = 2.0  # their weight in the loss
OWN_SHARE = 0.5  # of a redrawn image's target: what the network said before; the rest is the label
RATE = 5e-4
FEATURES_RATE = 20  # times the network's: the features' weights are learnt divided by it
SIZES = (12, 18, 26, MOST_NODES)  # nodes; lattices of like sizes make a batch


class ReadingNetwork(NamedTuple):
    """A network and the features' weights, as they are learnt."""

    model: keras.Model
    before: keras.Model
    """The network as it was."""
    features: tf.Variable
    """(2, len(FEATURES)): those of a digit and of a mark, divided by `FEATURES_RATE`."""


def learn_numbers(
    networks: dict[str, Weights],
    numbers: Lattices,
    singles: tuple[np.ndarray, np.ndarray],
    seed: int,
    folder: Path,
    epochs: int = NUMBER_EPOCHS,
) -> dict[str, tuple[Weights, np.ndarray]]:
    """Train networks, and the weights of the arcs' features, to read numbers.

    Args:
        networks: weights by the network's name.
        singles: redrawn images (n, 784) uint8, digits and non-digits, and their labels (n,), 0..10.
        folder: of the state, from which a run that was stopped resumes.

    Returns:
        of each network its weights and those of the features, (2, len(FEATURES)): a digit's and a mark's.
    """
    start = np.zeros((2, len(FEATURES)), np.float32)
    start[1, 0] = -1 / FEATURES_RATE
    learnt = {
        name: ReadingNetwork(from_weights(name, weights), from_weights(name, weights), tf.Variable(start))
        for name, weights in networks.items()
    }
    steps = len(_epoch(numbers, seed, 0))

    def batch(step: int) -> tuple[int, tuple[np.ndarray, ...]]:
        epoch, at = divmod(step, steps)
        if epoch not in orders:
            orders.clear()
            orders[epoch] = _epoch(numbers, seed, epoch)
        nodes, some = orders[epoch][at]
        images = np.random.default_rng([seed, step]).integers(len(singles[1]), size=SINGLES_A_STEP)
        return nodes, (*_arrays(numbers, some), singles[0][images], singles[1][images].astype(np.int32))

    orders: dict[int, list[tuple[int, np.ndarray]]] = {}
    variables = [v.value for net in learnt.values() for v in net.model.trainable_variables]
    variables += [net.features for net in learnt.values()]

    def loss(nodes: int, *arrays: Any) -> tf.Tensor:
        return tf.add_n([_loss(net, nodes, *arrays) for net in learnt.values()])

    learn("numbers", variables, lambda nodes: partial(loss, nodes), batch, epochs * steps, RATE, folder)
    return {
        name: (weights_of(net.model), FEATURES_RATE * net.features.numpy()) for name, net in learnt.items()
    }


def _loss(
    net: ReadingNetwork,
    nodes: int,
    x: tf.Tensor,
    phi: tf.Tensor,
    height: tf.Tensor,
    arc: tf.Tensor,
    last: tf.Tensor,
    text: tf.Tensor,
    image: tf.Tensor,
    label: tf.Tensor,
) -> tf.Tensor:
    """Loss of numbers, which `log_posterior` takes, and of single images (n, 784) uint8 with labels (n,)."""
    x, image = tf.cast(x, tf.float32) / 255, tf.cast(image, tf.float32) / 255
    logits = net.model(tf.concat([x, image], 0))
    digit, mark = tf.unstack(FEATURES_RATE * net.features)
    s = arc_scores(
        logits[: tf.shape(x)[0]], height, tf.linalg.matvec(phi, digit), tf.linalg.matvec(phi, mark)
    )
    own = tf.nn.softmax(net.before(image))
    target = (1 - OWN_SHARE) * tf.one_hot(label, CLASSES) + OWN_SHARE * own
    single = tf.nn.softmax_cross_entropy_with_logits(target, logits[tf.shape(x)[0] :])
    return SINGLES_SHARE * tf.reduce_mean(single) - tf.reduce_mean(log_posterior(s, arc, last, text, nodes))


def _epoch(numbers: Lattices, seed: int, epoch: int) -> list[tuple[int, np.ndarray]]:
    """The steps of one epoch: the size of their lattices, and which numbers."""
    rng, batches = np.random.default_rng([seed, epoch]), []
    for below, most in zip((0, *SIZES), SIZES):
        some = rng.permutation(np.flatnonzero((numbers.nodes > below) & (numbers.nodes <= most)))
        batches += [(most, some[i : i + NUMBERS_A_STEP]) for i in range(0, len(some), NUMBERS_A_STEP)]
    return [batches[i] for i in rng.permutation(len(batches))]


def _arrays(numbers: Lattices, some: np.ndarray) -> tuple[np.ndarray, ...]:
    """Pixels, features, heights and arcs of some numbers, their last nodes and their texts."""
    counts = numbers.offset[some + 1] - numbers.offset[some]
    arcs = np.concatenate([np.arange(*numbers.offset[i : i + 2]) for i in some])
    number = np.repeat(np.arange(len(some)), counts)
    measures = measures_of(numbers, arcs)
    places = np.stack([number, numbers.start[arcs], numbers.end[arcs]], 1).astype(np.int32)
    last, text = numbers.nodes[some] - 1, numbers.text[some]
    return numbers.pixels[arcs], features(measures), measures.height, places, last, text


def arc_scores(logits: tf.Tensor, height: tf.Tensor, as_digit: tf.Tensor, as_mark: tf.Tensor) -> tf.Tensor:
    """s (m, 11), as `lattice.scores`; logits (m, 11) with the eleventh."""
    log_p = tf.nn.log_softmax(logits)
    mark = tf.where(height < TALLEST_MARK, log_p[:, MARK] + as_mark, NEVER)
    s = tf.concat([log_p[:, :MARK] + as_digit[:, None], mark[:, None]], 1)
    return tf.where((height <= 0)[:, None], tf.constant([NEVER] * MARK + [0.0]), s)


def log_posterior(s: tf.Tensor, arc: tf.Tensor, last: tf.Tensor, text: tf.Tensor, nodes: int) -> tf.Tensor:
    """log P(text) of each of b numbers, (b,).

    Args:
        s: (m, 11), the scores of all their arcs.
        arc: (m, 3) int32: which number, the node that the arc comes from, the node that it leads to.
        last: (b,) int32, the last node of each. text: (b, LONGEST) int32, filled up with -1.
        nodes: number of nodes of the largest lattice.
    """
    b = tf.shape(last)[0]
    there = tf.scatter_nd(arc, tf.ones_like(s[:, 0]), [b, nodes, nodes])[..., None]
    dense = tf.where(there > 0, tf.scatter_nd(arc, s, [b, nodes, nodes, MARK + 1]), NEVER)
    each = tf.reduce_logsumexp(dense, -1)  # (b, from, to)
    as_mark = dense[..., MARK]
    by_label = tf.transpose(dense, [0, 3, 1, 2])
    as_digit = tf.transpose(
        tf.gather(by_label, tf.maximum(text, 0), batch_dims=1), [0, 2, 3, 1]
    )  # (b, from, to, t)
    begin = tf.concat([tf.zeros([b, 1]), tf.fill([b, LONGEST], NEVER)], 1)
    every, right = [tf.zeros([b])], [begin]
    for node in range(1, nodes):
        before = tf.stack(every, 1)  # (b, node)
        every.append(tf.reduce_logsumexp(before + each[:, :node, node], 1))
        before = tf.stack(right, 1)  # (b, node, length)
        shorter = tf.pad(
            before[..., :-1] + as_digit[:, :node, node], [[0, 0], [0, 0], [1, 0]], constant_values=NEVER
        )
        ways = tf.stack([before + as_mark[:, :node, node, None], shorter])
        right.append(tf.reduce_logsumexp(ways, [0, 2]))
    number = tf.range(b)
    length = tf.reduce_sum(tf.cast(text >= 0, tf.int32), 1)
    total = tf.gather_nd(tf.stack(every, 1), tf.stack([number, last], 1))
    return tf.gather_nd(tf.stack(right, 1), tf.stack([number, last, length], 1)) - total
