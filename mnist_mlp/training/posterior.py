"""The second part: learning through the lattice, whose loss is −log P(right text | canvas).

Discriminative forward training of a graph transformer network (LeCun, Bottou, Bengio and Haffner 1998, section
VI-E): the gradient reaches the network's weights and the features' through every way of every number.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from mnist_mlp.lattice import FEATURES, MARK, NEVER, TALLEST_MARK, features
from mnist_mlp.network import Weights
from mnist_mlp.training.lattices import LONGEST, MOST_NODES, Lattices, measures_of
from mnist_mlp.training.learning import learn
from mnist_mlp.training.models import CLASSES, from_weights, weights_of

NUMBER_EPOCHS = 6
NUMBERS_A_STEP = 32
SINGLES_A_STEP = 512  # redrawn images a step, which keep the network what it is beside its numbers
SINGLES_SHARE = 2.0  # their weight in the loss
OWN_SHARE = 0.5  # of a redrawn image's target: what the network said before; the rest is the label
RATE = 1e-3
FEATURES_RATE = 20  # times the network's: the features' weights are learnt divided by it
TINY = 1e-300  # a sum over no way at all has a logarithm, too


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
    steps = -(-len(numbers.text) // NUMBERS_A_STEP)

    @lru_cache(1)
    def order(epoch: int) -> np.ndarray:
        return np.random.default_rng([seed, epoch]).permutation(len(numbers.text))

    def batch(step: int) -> tuple[np.ndarray, ...]:
        epoch, at = divmod(step, steps)
        some = order(epoch)[at * NUMBERS_A_STEP : (at + 1) * NUMBERS_A_STEP]
        images = np.random.default_rng([seed, step]).integers(len(singles[1]), size=SINGLES_A_STEP)
        return (*_arrays(numbers, some), singles[0][images], singles[1][images].astype(np.int32))

    variables = [v.value for net in learnt.values() for v in net.model.trainable_variables]
    variables += [net.features for net in learnt.values()]

    def loss(*arrays: tf.Tensor) -> tf.Tensor:
        return tf.add_n([_loss(net, *arrays) for net in learnt.values()])

    learn("numbers", variables, loss, batch, epochs * steps, RATE, folder)
    return {
        name: (weights_of(net.model), FEATURES_RATE * net.features.numpy()) for name, net in learnt.items()
    }


def _loss(
    net: ReadingNetwork,
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
    posterior = tf.cast(tf.reduce_mean(log_posterior(s, arc, last, text)), tf.float32)
    return SINGLES_SHARE * tf.reduce_mean(single) - posterior


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


def log_posterior(s: tf.Tensor, arc: tf.Tensor, last: tf.Tensor, text: tf.Tensor) -> tf.Tensor:
    """log P(text) of each of b numbers, (b,) float64; no more than about -700 where no way reads the text.

    The sum over all ways from node 0 to each node is v, where v = e0 + A·v and A[to, from] is the sum over an arc's
    labels: a triangular system of equations. Digit by digit, so are the ways that have read so much of the text.

    Args:
        s: (m, 11), the scores of all their arcs.
        arc: (m, 3) int32: which number, the node that the arc comes from, the node that it leads to.
        last: (b,) int32, the last node of each. text: (b, LONGEST) int32, filled up with -1.
    """
    number, place = arc[:, 0], tf.gather(arc, [0, 2, 1], axis=1)
    shape = [tf.shape(last)[0], MOST_NODES, MOST_NODES]
    factor = tf.exp(tf.cast(s, tf.float64))
    start = tf.one_hot(tf.zeros_like(last), MOST_NODES, dtype=tf.float64)[..., None]

    def along(factor: tf.Tensor) -> tf.Tensor:
        return tf.scatter_nd(place, factor, shape)

    def reached(along: tf.Tensor, start: tf.Tensor) -> tf.Tensor:
        return tf.linalg.triangular_solve(tf.eye(MOST_NODES, dtype=tf.float64) - along, start)

    marks = along(factor[:, MARK])
    right = [reached(marks, start)]
    for at in range(LONGEST):
        label = tf.maximum(tf.gather(text[:, at], number), 0)
        right.append(reached(marks, along(tf.gather(factor, label, batch_dims=1)) @ right[-1]))
    every = reached(along(tf.reduce_sum(factor, 1)), start)
    length = tf.reduce_sum(tf.cast(text >= 0, tf.int32), 1)
    of_text = tf.gather(tf.stack(right, 1)[..., 0], length, batch_dims=1)
    of_text, of_all = (tf.gather(sums, last, batch_dims=1) for sums in (of_text, every[..., 0]))
    return tf.math.log(of_text + TINY) - tf.math.log(of_all)
