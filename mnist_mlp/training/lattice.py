"""Training through the lattice: the loss is −log P(right text | canvas), as `mnist_mlp.lattice` defines it.

Discriminative forward training of a graph transformer network (LeCun, Bottou, Bengio and Haffner 1998, section
VI-E): the gradient reaches the network's weights and the features' through every way of every number.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from mnist_mlp.lattice import FEATURES, MARK, NEVER, TALLEST_MARK
from mnist_mlp.network import LAYERS
from mnist_mlp.training.numbers import LONGEST, MOST_NODES, Lattices

NUMBER_EPOCHS = 3
NUMBERS_A_STEP = 32  # a step
DRAWN_A_STEP = 512  # drawn images a step, which keep the network what it is beside its numbers
DRAWN_SHARE = 2.0  # their weight in the loss
OWN_SHARE = 0.5  # of a drawn image's target: what the network said before; the rest is the label
RATE, WARMUP = 5e-4, 200
FEATURES_RATE = 20  # times the network's
SIZES = (12, 18, 26, MOST_NODES)  # nodes; lattices of like sizes make a batch

Weights = dict[str, Any]

# A batch: pixels, phi, arcs, nodes and texts of numbers, as `log_posterior` takes them; pixels and labels of images.
SIGNATURE = [
    tf.TensorSpec(shape, dtype)
    for shape, dtype in (
        ((None, LAYERS[0]), tf.uint8),
        ((None, FEATURES), tf.float32),
        ((None, 3), tf.int32),
        ((None,), tf.int32),
        ((None, LONGEST), tf.int32),
        ((None, LAYERS[0]), tf.uint8),
        ((None,), tf.int32),
    )
]


class Drawn(NamedTuple):
    """Single images, digits and non-digits."""

    pixels: np.ndarray
    """(n, 784) uint8"""
    labels: np.ndarray
    """(n,) in 0..10"""


def learn_numbers(
    networks: dict[str, dict[str, np.ndarray]],
    numbers: Lattices,
    drawn: Drawn,
    seed: int,
    epochs: int = NUMBER_EPOCHS,
) -> dict[str, dict[str, np.ndarray]]:
    """Train networks, and the weights of the arcs' features, to read numbers.

    Args:
        networks: weights by name, as in `network.SHAPES`, by "relu" or "sigmoid".

    Returns:
        The same with "digit" and "mark", (FEATURES,) each, as `lattice.scores` takes them.
    """
    before = {name: {key: tf.constant(w) for key, w in weights.items()} for name, weights in networks.items()}
    start = np.eye(1, FEATURES, dtype=np.float32)[0]
    after = {
        name: {key: tf.Variable(w) for key, w in {**weights, "digit": 0 * start, "mark": -start}.items()}
        for name, weights in networks.items()
    }
    layers = [v for weights in after.values() for key, v in weights.items() if key not in ("digit", "mark")]
    features = [weights[key] for weights in after.values() for key in ("digit", "mark")]
    steps = epochs * len(_batches(numbers, np.random.default_rng(seed)))
    optimizers = [_optimizer(RATE, layers, steps), _optimizer(FEATURES_RATE * RATE, features, steps)]

    def step(most: int, *batch: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = tf.add_n([_loss(name, after[name], before[name], most, batch) for name in after])
        gradient = tape.gradient(loss, layers + features)
        optimizers[0].apply(gradient[: len(layers)], layers)
        optimizers[1].apply(gradient[len(layers) :], features)
        return loss

    step_of = {most: tf.function(partial(step, most), input_signature=SIGNATURE) for most in SIZES}
    rng = np.random.default_rng(seed)
    with tqdm(total=steps, desc="numbers", unit=" steps") as bar:
        for _ in range(epochs):
            for most, some in _batches(numbers, rng):
                images = rng.integers(len(drawn.labels), size=DRAWN_A_STEP)
                loss = step_of[most](
                    *_batch(numbers, some), drawn.pixels[images], drawn.labels[images].astype(np.int32)
                )
                bar.update()
                if bar.n % 100 == 0:
                    bar.set_postfix(loss=f"{float(loss):.3f}")
    return {name: {key: v.numpy() for key, v in weights.items()} for name, weights in after.items()}


def _optimizer(rate: float, variables: list[tf.Variable], steps: int) -> keras.optimizers.Optimizer:
    warmup = min(WARMUP, steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, max(steps - warmup, 1), 1e-2, warmup_target=rate, warmup_steps=warmup
    )
    optimizer = keras.optimizers.Adam(schedule)
    optimizer.build(variables)
    return optimizer


def _loss(name: str, weights: Weights, before: Weights, most: int, batch: tuple[tf.Tensor, ...]) -> tf.Tensor:
    """Of one network, for numbers and single images: see `SIGNATURE`."""
    x, phi, arc, nodes, text, image, label = batch
    x, image = tf.cast(x, tf.float32) / 255, tf.cast(image, tf.float32) / 255
    logits = _logits(name, weights, tf.concat([x, image], 0))
    s = arc_scores(logits[: tf.shape(x)[0]], phi, weights["digit"], weights["mark"])
    own = tf.nn.softmax(_logits(name, before, image))
    target = (1 - OWN_SHARE) * tf.one_hot(label, MARK + 1) + OWN_SHARE * own
    single = tf.nn.softmax_cross_entropy_with_logits(target, logits[tf.shape(x)[0] :])
    return DRAWN_SHARE * tf.reduce_mean(single) - tf.reduce_mean(log_posterior(s, arc, nodes, text, most))


def _logits(name: str, weights: Weights, x: tf.Tensor) -> tf.Tensor:
    """(n, 11), the eleventh 0: Keras's model is not used, since one step trains networks of any number."""
    activate = keras.activations.get(name)
    h1 = activate(x @ weights["w1"] + weights["b1"])
    h2 = activate(h1 @ weights["w2"] + weights["b2"])
    return tf.pad(h2 @ weights["w3"] + weights["b3"], [[0, 0], [0, 1]])


def _batches(numbers: Lattices, rng: np.random.Generator) -> list[tuple[int, np.ndarray]]:
    """One epoch: the size of the lattices, and which numbers, of each step."""
    batches = []
    for below, most in zip((0, *SIZES), SIZES):
        some = rng.permutation(np.flatnonzero((numbers.nodes > below) & (numbers.nodes <= most)))
        batches += [(most, some[i : i + NUMBERS_A_STEP]) for i in range(0, len(some), NUMBERS_A_STEP)]
    return [batches[i] for i in rng.permutation(len(batches))]


def _batch(numbers: Lattices, some: np.ndarray) -> Iterator[np.ndarray]:
    """Pixels, phi, arcs, nodes and texts of some numbers, as `log_posterior` takes them."""
    counts = numbers.start[some + 1] - numbers.start[some]
    arcs = np.concatenate([np.arange(*numbers.start[i : i + 2]) for i in some])
    number = np.repeat(np.arange(len(some)), counts)
    yield numbers.pixels[arcs]
    yield numbers.phi[arcs]
    yield np.stack([number, numbers.first[arcs], numbers.end[arcs]], 1).astype(np.int32)
    yield numbers.nodes[some]
    yield numbers.text[some]


def arc_scores(logits: tf.Tensor, phi: tf.Tensor, digit: tf.Tensor, mark: tf.Tensor) -> tf.Tensor:
    """s (m, 11), as `lattice.scores`; logits (m, 11) with the eleventh."""
    log_p = tf.nn.log_softmax(logits)
    tall = 0.8 - phi[:, 3]
    as_digit = log_p[:, :MARK] + tf.linalg.matvec(phi, digit)[:, None]
    as_mark = tf.where(tall < TALLEST_MARK, log_p[:, MARK] + tf.linalg.matvec(phi, mark), NEVER)
    empty = tf.constant([NEVER] * MARK + [0.0])
    s = tf.concat([as_digit, as_mark[:, None]], 1)
    return tf.where((tall <= 0)[:, None], empty, s)


def log_posterior(s: tf.Tensor, arc: tf.Tensor, nodes: tf.Tensor, text: tf.Tensor, most: int) -> tf.Tensor:
    """log P(text) of each of b numbers, (b,).

    Args:
        s: (m, 11), the scores of all their arcs.
        arc: (m, 3) int32: which number, the node that the arc comes from, the node that it leads to.
        nodes: (b,) int32. text: (b, LONGEST) int32, filled up with -1.
        most: nodes of the largest lattice.
    """
    b = tf.shape(nodes)[0]
    there = tf.scatter_nd(arc, tf.ones_like(s[:, 0]), [b, most, most])[..., None]
    dense = tf.where(there > 0, tf.scatter_nd(arc, s, [b, most, most, MARK + 1]), NEVER)
    each = tf.reduce_logsumexp(dense, -1)  # (b, from, to)
    as_mark = dense[..., MARK]
    by_label = tf.transpose(dense, [0, 3, 1, 2])
    as_digit = tf.transpose(
        tf.gather(by_label, tf.maximum(text, 0), batch_dims=1), [0, 2, 3, 1]
    )  # (b, from, to, t)
    start = tf.concat([tf.zeros([b, 1]), tf.fill([b, LONGEST], NEVER)], 1)
    every, right = [tf.zeros([b])], [start]
    for node in range(1, most):
        before = tf.stack(every, 1)  # (b, node)
        every.append(tf.reduce_logsumexp(before + each[:, :node, node], 1))
        before = tf.stack(right, 1)  # (b, node, length)
        shorter = tf.pad(
            before[..., :-1] + as_digit[:, :node, node], [[0, 0], [0, 0], [1, 0]], constant_values=NEVER
        )
        ways = tf.stack([before + as_mark[:, :node, node, None], shorter])
        right.append(tf.reduce_logsumexp(ways, [0, 2]))
    number, last = tf.range(b), nodes - 1
    length = tf.reduce_sum(tf.cast(text >= 0, tf.int32), 1)
    total = tf.gather_nd(tf.stack(every, 1), tf.stack([number, last], 1))
    return tf.gather_nd(tf.stack(right, 1), tf.stack([number, last, length], 1)) - total
