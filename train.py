"""Train the two networks on MNIST, measure them, and save them where the app finds them.

    python train.py                # both networks, as shipped
    python train.py --epochs 3     # a look

Each network sees MNIST's digits drawn anew: bent, with another pen, and with the strokes that people
add to them (a one's flag, a zero's slash). Both learn from the same batches, in one Keras model with
two heads that share nothing, so that what a batch costs to draw is paid once. They learn less from the
digit's name than from what a convolutional network, the teacher, thinks of the same picture; it is trained
first, and thrown away.
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from scipy.optimize import minimize_scalar
from tqdm.keras import TqdmCallback

from mnist_mlp.canvas import BOX, CENTRE
from mnist_mlp.files import write_whole
from mnist_mlp.mlp import MLP
from mnist_mlp.network import ACTIVATIONS, LAYERS, SHAPES, WEIGHTS, softmax
from mnist_mlp.training import report
from mnist_mlp.training.card import model_card
from mnist_mlp.training.data import DIGESTS, DataError, Mnist, load_mnist
from mnist_mlp.training.publish import publish
from mnist_mlp.training.strokes import DIRECTIONS, SIDE, STEPS, Strokes, measure

EPOCHS = 1_500
BATCH_SIZE = 256
SEED = 1
VALIDATION = 24  # one digit of so many: for choosing, the temperature and the threshold
LEARNING_RATE = 2e-3  # at its height; it rises for WARMUP steps, then falls along a cosine
WARMUP = 500
DECAY = 0.01  # of the weights (decoupled): what no digit needs, such as the corners' weights, fades
AVERAGING = 0.999  # momentum of the moving average of the weights, which is what is kept
ECHO = 10  # how often a drawn digit is learnt from: drawing one costs more than a step does
CHECKPOINT_EVERY = 2 * ECHO  # epochs: where all that was drawn has been learnt from
LOG = "log.csv"

# The teacher
TEACHING = 30  # it learns for one epoch in so many of the networks': it is slower, and learns faster
TEACHER_RATE = 3e-3
TEACHER_ECHO = 2  # its own steps take several times as long as drawing does
TRUST = 0.7  # its share in what the networks learn from; the rest is the digit's name
SOFTNESS = 2.5  # its logits are divided by it, so that what it holds for possible can be seen

# How a digit is drawn anew. Lengths in pixels of the 28x28 unless said otherwise.
TURN, SHEAR, STRETCH = 0.11, 0.16, 0.11  # standard deviations: radians, slope, logarithm
BEND, WOBBLE = 1.04, 0.44  # of the displacement on a coarse grid and on a fine one
WAVES = (4, 0.7), (7, 0.6)  # lines either way of those two grids, and how far one reaches, in their distances
WAYS = (0.5, 0.2, 0.3)  # share left in MNIST's own ink, made bolder or lighter, drawn with a round pen
CALM = 0.6  # the last are turned, slanted and stretched so much less: people draw upright on a pad
BOLDER = 0.45
PEN = (0.8, 3.9)
SIZE = 0.01  # of the logarithm
OFF_CENTRE = (0.5, 0.2)  # at most, own ink and others: MNIST's authors moved a digit by whole pixels
SHARPER = 1.3  # which gives own ink MNIST's greys again, after it was looked up between pixels
CONTRAST = (0.75, 1.25)
# By digit: how often it gets each of the two strokes of `_habits`.
FIRST = (0.55, 0.60, 0.0, 0.0, 0.35, 0.35, 0.0, 0.50, 0.0, 0.50)
SECOND = (0.0, 0.30, 0.0, 0.0, 0.0, 0.0, 0.0, 0.25, 0.0, 0.35)
NEW_BAR = 0.25  # how often a five's bar is taken away where a new one is drawn

PIXELS = np.arange(28, dtype=np.float32) + np.float32(0.5 - CENTRE)  # along either axis of a placed picture
FRAME = np.float32(1.3) * PIXELS  # wider: where a drawn digit is looked for before it is placed
FAR = 99.0  # pixels


class Draw:
    """Random numbers for n digits, each call a stream of its own, all told by the seed."""

    def __init__(self, seed: tf.Tensor, n: tf.Tensor):
        self.seed, self.n, self.stream = seed, n, 0

    def _next(self) -> tf.Tensor:
        self.stream += 1
        return tf.stack([self.seed, self.stream])

    def uniform(self, low: float = 0.0, high: float = 1.0) -> tf.Tensor:
        return tf.random.stateless_uniform([self.n, 1], self._next(), low, high)

    def normal(self, spread: float, *shape: int) -> tf.Tensor:
        return tf.random.stateless_normal([self.n, *(shape or (1,))], self._next(), 0.0, spread)


def _bumps(at: tf.Tensor, lines: int, reach: float) -> tf.Tensor:
    """How far each line of a grid moves places along one axis with it: (n, 28) to (n, 28, lines)."""
    from_line = at[..., None] - np.linspace(-12, 12, lines, dtype=np.float32)
    bump = tf.exp(-((from_line / (reach * 24 / (lines - 1))) ** 2) / 2)
    return bump / np.float32(np.sqrt(reach * np.sqrt(np.pi)))  # so that their squares add up to about 1


def _habits(draw: Draw, digit: tf.Tensor, ends: tf.Tensor, outermost: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Strokes that people add and MNIST's writers hardly did.

    Returns two strokes (n, 2, from/to, 2), whether each is drawn (n, 2), and whether the five's own
    bar is taken away (n, 1). Lengths below are shares of the digit's height.
    """
    top, bottom, half, mean = (ends[:, i] for i in range(4))
    right, corner = outermost[:, 0], outermost[:, 10 * DIRECTIONS // 16]  # corner: the top left one
    height = (bottom - top)[:, 1:]

    def at(start: tf.Tensor, x: tf.Tensor | float, y: tf.Tensor | float) -> tf.Tensor:
        return start + tf.concat([x + 0 * height, y + 0 * height], 1) * height

    def near(start: tf.Tensor, spread: float) -> tf.Tensor:
        return start + draw.normal(spread, 2) * height

    a = draw.uniform(0.3, 1.2)
    flag, length = near(top, 0.03), draw.uniform(0.15, 0.75)
    foot, reach = near(bottom, 0.05), draw.uniform(0.1, 0.45)
    slash, along = near(mean, 0.06), draw.uniform(0.35, 0.8)
    bar, across = near(half, 0.06), draw.uniform(0.12, 0.5)
    hook = at(bottom, -draw.uniform(0.1, 0.45), draw.uniform(-0.1, 0.12))
    roof = at(tf.concat([mean[:, :1], top[:, 1:]], 1), draw.uniform(-0.15, 0.1), -draw.uniform(0.0, 0.15))
    arm = near(right, 0.02)
    tilt = draw.uniform(-0.08, 0.08)
    first = {
        0: (
            at(slash, -tf.sin(a) * along, tf.cos(a) * along),
            at(slash, tf.sin(a) * along, -tf.cos(a) * along),
        ),
        1: (flag, at(flag, -tf.sin(a) * length, tf.cos(a) * length)),
        4: (arm, at(arm, draw.uniform(0.1, 0.45), tilt)),
        5: (roof, at(roof, draw.uniform(0.25, 0.6), tilt)),
        7: (at(bar, -across, -tilt), at(bar, across, tilt)),
        9: (bottom, hook),
    }
    second = {
        1: (at(foot, -reach, -tilt), at(foot, reach, tilt)),
        7: (corner, at(corner, tilt, draw.uniform(0.08, 0.3))),
        9: (hook, at(hook, -draw.uniform(0.03, 0.2), -draw.uniform(0.0, 0.3))),
    }

    def chosen(strokes: dict[int, tuple[tf.Tensor, tf.Tensor]], otherwise: tf.Tensor) -> tf.Tensor:
        stroke = tf.stack([otherwise, otherwise], 1)
        for which, points in strokes.items():
            stroke = tf.where((digit == which)[:, None, None], tf.stack(points, 1), stroke)
        return stroke

    u, v = draw.uniform()[:, 0], draw.uniform()[:, 0]
    v = tf.where(digit == 9, u, v)  # a nine's hook goes on where its tail has turned
    drawn = tf.stack([u < tf.gather(FIRST, digit), v < tf.gather(SECOND, digit)], 1)
    # A four's arm is prolonged where it is what reaches furthest, not its head.
    low = (right[:, 1] > half[:, 1] - 0.1 * height[:, 0]) | (digit != 4)
    drawn &= tf.stack([low, tf.ones_like(low)], 1)
    return tf.stack([chosen(first, top), chosen(second, bottom)], 1), drawn, (u < NEW_BAR)[:, None]


def redraw(strokes: Strokes, digit: tf.Tensor, index: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """The digits `index` drawn anew and placed as `to_mnist` places them: (n, 784) in 0..1.

    Args:
        strokes: of all digits, as tensors, `fields` flat.
        digit: (n,) int32, what they are.
        index: (n,) int32, which they are.
        seed: of everything that chance decides.
    """
    draw = Draw(seed, tf.shape(index)[0])
    u = draw.uniform()[:, 0]
    own, bolder = u < WAYS[0], (u >= WAYS[0]) & (u < WAYS[0] + WAYS[1])
    pen = ~own & ~bolder
    calm = tf.where(pen, CALM, 1.0)[:, None]

    # From a place on the new picture back to one on the old: a matrix, then a displacement.
    turn, slope, stretch = draw.normal(TURN) * calm, draw.normal(SHEAR) * calm, draw.normal(STRETCH) * calm
    cos, sin, wide = tf.cos(turn), tf.sin(turn), tf.exp(stretch)
    (a, b), (c, d) = (cos * wide, (cos * slope - sin) * wide), (sin / wide, (sin * slope + cos) / wide)
    matrix = tf.reshape(tf.concat([a, b, c, d], 1), [-1, 2, 2])  # its determinant is 1
    waves = [draw.normal(spread, 2, lines, lines) for spread, (lines, _) in zip((BEND, WOBBLE), WAVES)]

    def look_up(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """The old picture's places for the new one's columns x and rows y, both (n, 28): (n, 2, 784)."""
        place = (
            matrix[..., :1] * tf.tile(x, [1, 28])[:, None] + matrix[..., 1:] * tf.repeat(y, 28, 1)[:, None]
        )
        for wave, kind in zip(waves, WAVES):
            shift = _bumps(y, *kind)[:, None] @ wave @ tf.linalg.matrix_transpose(_bumps(x, *kind))[:, None]
            place += tf.reshape(shift, [-1, 2, 784])
        return place

    ends, outermost = tf.gather(strokes.ends, index), tf.gather(strokes.outermost, index)
    added, drawn, barless = _habits(draw, digit, ends, outermost)
    drawn &= ~own[:, None]
    barless &= drawn[:, :1] & (digit == 5)[:, None]
    height = (ends[:, 1] - ends[:, 0])[:, 1:]
    below, beyond = ends[:, 0, 1:] + 0.2 * height, outermost[:, 10 * DIRECTIONS // 16, :1] + 0.12 * height
    half_pen = tf.where(bolder, tf.gather(strokes.width, index) / 2, 0.0)[:, None]

    def distance(place: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
        """(n, 784), from the middle line where a pen follows it, else from the outline, less within."""
        # Outside the old picture, and at the end of its steps, there is no telling how far the ink is.
        known = (value < 250) & (tf.reduce_max(tf.abs(place + (CENTRE - 14)), 1) < 13.5)
        apart = tf.where(known, (value - tf.where(pen, 0.0, 128.0)[:, None]) / STEPS, FAR)
        apart = tf.where(barless & (place[:, 1] < below) & (place[:, 0] > beyond), FAR, apart)
        for i in range(2):
            stroke = _distance(place, added[:, i, 0], added[:, i, 1]) - half_pen
            apart = tf.minimum(apart, tf.where(drawn[:, i, None], stroke, FAR))
        return apart

    # Size and centre, MNIST's recipe: the digit is looked at in a wider frame before it is placed.
    frame = tf.tile(FRAME[None], [draw.n, 1])
    place = look_up(frame, frame)
    apart = distance(place, _bilinear(strokes.fields, index * 3 + tf.where(pen, 2, 1), place))
    width = tf.where(pen[:, None], PEN[0] + (PEN[1] - PEN[0]) * draw.uniform() ** 1.3, 0.0)
    edge = width / 2 + tf.where(bolder[:, None], draw.normal(BOLDER), 0.0)  # the ink ends so far off
    # From near its edge, the ink reaches as far as the distance says, and farther in no direction. (From
    # afar it may not: what bends the digit bends distances, too.)
    near = tf.where(tf.abs(apart - edge) < 1, apart, FAR)
    x, y = np.tile(FRAME, 28), np.repeat(FRAME, 28)
    longer = tf.reduce_max([tf.reduce_max(at - near, 1) - tf.reduce_min(at + near, 1) for at in (x, y)], 0)
    scale = (BOX - 2 * edge) / tf.maximum(longer, 6.0)[:, None] * tf.exp(draw.normal(SIZE))
    ink = tf.clip_by_value(0.5 + edge - apart * scale, 0.0, 1.0)
    ink /= tf.reduce_sum(ink, 1, keepdims=True)
    off = tf.where(own[:, None], *OFF_CENTRE)
    x, y = (
        tf.reduce_sum(ink * at, 1, keepdims=True) + (PIXELS + off * draw.uniform(-1, 1)) / scale
        for at in (x, y)
    )

    # Every pixel of the new picture looks up its place on the old one.
    place = look_up(x, y)
    value = _bilinear(strokes.fields, index * 3 + tf.where(own, 0, tf.where(bolder, 1, 2)), place)
    within = tf.where(own[:, None], SHARPER * (value / 255 - 0.5), edge - distance(place, value) * scale)
    return tf.clip_by_value(0.5 + within * draw.uniform(*CONTRAST), 0.0, 1.0)


def _bilinear(fields: tf.Tensor, which: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
    """What stands at places (n, 2, 784) of the fields `which` (n,): (n, 784)."""
    at = tf.clip_by_value((place + CENTRE) * (SIDE / 28) - 0.5, 0.0, SIDE - 1.01)
    corner = tf.cast(at, tf.int32)
    x, y = tf.unstack(at - tf.cast(corner, tf.float32), axis=1)
    start = which[:, None] * SIDE**2 + corner[:, 1] * SIDE + corner[:, 0]
    a, b, c, d = (tf.cast(tf.gather(fields, start + i), tf.float32) for i in (0, 1, SIDE, SIDE + 1))
    upper, lower = a + (b - a) * x, c + (d - c) * x
    return upper + (lower - upper) * y


def _distance(place: tf.Tensor, start: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
    """Of places (n, 2, 784) from the line between two points (n, 2): (n, 784)."""
    way, place = (end - start)[..., None], place - start[..., None]
    squared = tf.maximum(tf.reduce_sum(way**2, 1, keepdims=True), 1e-3)
    along = tf.clip_by_value(tf.reduce_sum(place * way, 1, keepdims=True) / squared, 0.0, 1.0)
    return tf.sqrt(tf.reduce_sum((place - along * way) ** 2, 1) + 1e-6)


def drawing(strokes: Strokes, digits: np.ndarray, seed: int) -> Callable[..., tuple[tf.Tensor, tf.Tensor]]:
    """What draws a batch: from its number and its size to (n, 784) pixels and the digits (n,) they show."""
    tensors = Strokes(*map(tf.constant, strokes))._replace(fields=tf.constant(strokes.fields.reshape(-1)))
    labels = tf.constant(digits, tf.int32)

    @tf.function(jit_compile=True)
    def redraw_all(number: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
        return redraw(tensors, tf.gather(labels, index), index, number + seed * 1_000_003)

    def draw(number: tf.Tensor, n: int) -> tuple[tf.Tensor, tf.Tensor]:
        number = tf.cast(number, tf.int32)
        index = tf.random.stateless_uniform([n], [number, seed], 0, len(digits), tf.int32)
        return redraw_all(number, index), tf.gather(labels, index)

    return draw


def batches(
    draw: Callable[..., tuple[tf.Tensor, tf.Tensor]],
    steps: int,
    batch_size: int,
    echoes: int = ECHO,
    first_epoch: int = 0,
    teacher: keras.Model | None = None,
) -> tf.data.Dataset:
    """Endless batches of redrawn digits and the probabilities to learn, (n, 784) and (n, 10).

    Digits are drawn for one epoch and learnt from in so many `echoes` of it, each time in another order (data
    echoing: Choi, Passos, Shallue and Dahl 2019). Every batch is told by the seed and its number.

    Args:
        draw: see `drawing`.
        steps: batches an epoch.
        first_epoch: where to begin; a multiple of `echoes`.
        teacher: whose thoughts are the most of what is to be learnt (distillation: Hinton, Vinyals and
            Dean 2015); without one it is the digit's name.
    """

    def batch(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        x, digit = draw(number, batch_size)
        y = tf.one_hot(digit, LAYERS[-1])
        if teacher:
            y += TRUST * (tf.nn.softmax(teacher(x)["teacher"] / SOFTNESS) - y)
        return x, y

    def echo(cycle: tf.Tensor, drawn: tuple[tf.Tensor, tf.Tensor]) -> tf.data.Dataset:
        x, y = tf.reshape(drawn[0], [-1, LAYERS[0]]), tf.reshape(drawn[1], [-1, LAYERS[-1]])

        def once_over(time: tf.Tensor) -> tf.data.Dataset:
            order = tf.random.experimental.stateless_shuffle(tf.range(steps * batch_size), [cycle, time])
            return tf.data.Dataset.from_tensor_slices(tf.reshape(order, [steps, batch_size]))

        orders = tf.data.Dataset.range(echoes).flat_map(once_over)
        return orders.map(lambda i: (tf.gather(x, i), tf.gather(y, i)), num_parallel_calls=2)

    cycle = first_epoch // echoes
    dataset = tf.data.Dataset.range(cycle * steps, np.iinfo(np.int32).max)
    dataset = dataset.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).batch(steps, True)
    return dataset.prefetch(1).enumerate(cycle).flat_map(echo).prefetch(2)


def build_teacher(seed: int) -> keras.Model:
    """A small convolutional network: 2.8 million products a picture, twenty times the others'."""
    pixels = keras.Input((LAYERS[0],))
    h = keras.layers.Reshape((28, 28, 1))(pixels)
    for i, channels in enumerate((32, 64, 64)):
        start = keras.initializers.HeNormal(seed + i)
        h = keras.layers.Conv2D(channels, 3, activation="relu", kernel_initializer=start)(h)
        h = keras.layers.MaxPooling2D()(h) if i < 2 else keras.layers.Flatten()(h)
    logits = keras.layers.Dense(LAYERS[-1], kernel_initializer=keras.initializers.HeNormal(seed + 3))(h)
    return keras.Model(pixels, {"teacher": logits})


def build(activations: list[str], seed: int) -> keras.Model:
    """One Keras model with a 784-128-256-10 network for each activation, which gives its logits."""
    pixels = keras.Input((LAYERS[0],))
    logits = {}
    for name in activations:
        start = keras.initializers.HeNormal if name == "relu" else keras.initializers.GlorotNormal
        h = pixels
        for i, units in enumerate(LAYERS[1:-1]):
            h = keras.layers.Dense(units, name, kernel_initializer=start(seed + i), name=f"{name}_{i + 1}")(h)
        logits[name] = keras.layers.Dense(LAYERS[-1], kernel_initializer=start(seed + 2), name=name)(h)
    return keras.Model(pixels, logits)


class Checkpoint(keras.callbacks.BackupAndRestore):
    """Keras's, every few epochs: an epoch takes little longer than a save."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if (epoch + 1) % CHECKPOINT_EVERY == 0:
            super().on_epoch_end(epoch, logs)


def _epochs_done(checkpoint: Path) -> int:
    state = checkpoint / "training_metadata.json"
    if not state.exists():
        return 0
    try:
        return int(json.loads(state.read_text())["epoch"])
    except ValueError:  # killed while it was written; Keras keeps the state before beside it
        for earlier in checkpoint.glob("*.bkp"):
            shutil.copy(earlier, earlier.with_suffix(""))
        return int(json.loads(state.read_text())["epoch"])


def fit(
    images: np.ndarray,
    digits: np.ndarray,
    validation: tuple[np.ndarray, np.ndarray],
    activations: list[str],
    checkpoint: Path,
    epochs: int = EPOCHS,
    batch_size: int = BATCH_SIZE,
    seed: int = SEED,
) -> tuple[dict[str, dict[str, np.ndarray]], list[dict[str, float]]]:
    """Train, and return each network's weights by name and what was measured after the epochs.

    Args:
        images, digits: (n, 28, 28) and (n,) uint8, to learn from.
        validation: pixels (m, 784) float32 in 0..1 and digits (m,), to watch.
        checkpoint: a folder to go on from, if it holds an earlier run's state, and to keep it in.
    """
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    draw, steps = drawing(measure(images), digits, seed), -(-len(images) // batch_size)
    draw_batches = partial(batches, draw, steps, batch_size)
    first = build_teacher(seed), max(epochs // TEACHING, 1), TEACHER_RATE
    teacher = learn(
        *first, partial(draw_batches, echoes=TEACHER_ECHO), steps, validation, checkpoint / "teacher"
    )
    draw_batches = partial(draw_batches, teacher=teacher)
    then = build(activations, seed), epochs, LEARNING_RATE
    model = learn(*then, draw_batches, steps, validation, checkpoint / "networks")
    weights = {name: _weights(model, name) for name in activations}
    return weights, _history(checkpoint / "networks" / LOG)


def learn(
    model: keras.Model,
    epochs: int,
    rate: float,
    draw_batches: Callable[..., tf.data.Dataset],
    steps: int,
    validation: tuple[np.ndarray, np.ndarray],
    folder: Path,
) -> keras.Model:
    """Train a model, each of whose outputs are logits by name, and return it with its averaged weights.

    Args:
        rate: the learning rate at its height.
        draw_batches: endless batches from a given first epoch on; `steps` of them are an epoch.
        validation: pixels (m, 784) float32 in 0..1 and digits (m,), to watch.
        folder: keeps the state between two runs. Its name stands beside the progress bar.
    """
    done = _epochs_done(folder)
    if done:
        print(f"Going on from epoch {done}, as kept in {folder}.")
    # In a short run both the rise and the average take a tenth of it, else its beginning would weigh most.
    tenth = max(epochs * steps // 10, 1)
    warmup, averaging = min(WARMUP, tenth), min(AVERAGING, 1 - 1 / tenth)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, max(epochs * steps - warmup, 1), alpha=1e-3, warmup_target=rate, warmup_steps=warmup
    )
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(
        keras.optimizers.AdamW(schedule, weight_decay=DECAY, use_ema=True, ema_momentum=averaging),
        {name: loss for name in model.output},
        metrics={name: ["accuracy"] for name in model.output},
    )
    folder.mkdir(parents=True, exist_ok=True)
    callbacks = [
        TqdmCallback(epochs, initial=done, desc=folder.name, verbose=0),
        keras.callbacks.SwapEMAWeights(),
        keras.callbacks.CSVLogger(folder / LOG, append=True),
        Checkpoint(str(folder), delete_checkpoint=False),
    ]
    x, y = validation[0], keras.utils.to_categorical(validation[1], LAYERS[-1])
    model.fit(
        draw_batches(first_epoch=done).map(lambda x, y: (x, {name: y for name in model.output})),
        epochs=epochs,
        steps_per_epoch=steps,
        validation_data=(x, {name: y for name in model.output}),
        validation_freq=max(epochs // 100, 1),
        validation_batch_size=len(x),
        callbacks=callbacks,
        verbose=0,
    )
    return model


def _history(log: Path) -> list[dict[str, float]]:
    """The epochs after which the network was validated. One that was done again counts once."""
    with open(log, newline="") as file:
        rows = {row["epoch"]: row for row in csv.DictReader(file)}
    numbers = [{k: float(v) for k, v in row.items() if v not in ("", "NA")} for row in rows.values()]
    return [row for row in numbers if any(k.startswith("val_") for k in row)]


def _weights(model: keras.Model, name: str) -> dict[str, np.ndarray]:
    layers = [model.get_layer(layer) for layer in (f"{name}_1", f"{name}_2", name)]
    return dict(zip(SHAPES, (np.array(w) for layer in layers for w in layer.get_weights())))


def temperature(logits: np.ndarray, digits: np.ndarray) -> float:
    """What to divide (n, 10) logits by for the least cross-entropy (Guo, Pleiss, Sun and Weinberger 2017)."""

    def cross_entropy(log_t: float) -> float:
        p = softmax(logits.astype(np.float64) / np.exp(log_t))
        return float(-np.log(p[np.arange(len(digits)), digits] + 1e-12).mean())

    return float(np.exp(minimize_scalar(cross_entropy, bounds=(-2, 2), method="bounded").x))


def network(name: str, weights: dict[str, np.ndarray], validation: tuple, facts: dict[str, Any]) -> MLP:
    """The trained network as it is shipped: calibrated, and knowing when it is not sure."""
    x, y = validation
    config = {"activation": name, "layers": list(LAYERS), **facts}
    t = temperature(MLP(weights, config).forward(x).logits, y)
    # Divided once and for all: the network's own last layer gives the calibrated logits. What all ten have in
    # common, no softmax sees; without it they are smaller, and so are the errors of float32.
    centred = {name: weights[name] - weights[name].mean(-1, keepdims=True) for name in ("w3", "b3")}
    weights = weights | {name: (w / t).astype(np.float32) for name, w in centred.items()}
    config |= {"temperature": round(t, 4)}
    config |= {"not_sure_below": report.not_sure_below(MLP(weights, config), x)}
    return MLP(weights, config)


def save(
    net: MLP, data: Mnist, validation: tuple, history: list[dict[str, float]], seconds: int, output: Path
) -> None:
    """Measure a network on the test images, once, and write it, its pictures and its figures."""
    x_test = data.x_test.reshape(-1, LAYERS[0]) / np.float32(255)
    x, y = validation
    figures = {
        **report.measure(net, x_test, data.y_test),
        "validation_accuracy": round(float((net.predict_proba(x).argmax(1) == y).mean()), 4),
        "temperature": net.config["temperature"],
        "not_sure_below": net.config["not_sure_below"],
        "epochs": net.config["epochs"],
        "seconds_for_all": seconds,
    }
    net.config |= {"test_accuracy": figures["test_accuracy"], "test_errors": figures["test_errors"]}
    net.save_pretrained(output / net.activation)
    report.draw(net, x_test, data.y_test, history, output / net.activation)
    path = output / "metrics.json"
    metrics = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    metrics[net.activation] = figures
    write_whole(path, (json.dumps(metrics, indent=2, sort_keys=True) + "\n").encode())
    write_whole(output / "README.md", model_card(metrics).encode())
    print(f"{net.activation}: {figures['test_errors']} errors on the 10,000 test images; {path}")


def main(arguments: list[str] | None = None) -> None:
    args = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    started = time.monotonic()
    data = load_mnist(args.data)
    pixels = data.x_train.reshape(-1, LAYERS[0]) / np.float32(255)
    # From all over it: MNIST's last digits are easier than the rest.
    held = np.arange(len(pixels)) % VALIDATION == 0
    validation = pixels[held], data.y_train[held]
    learnt = data.x_train[~held], data.y_train[~held]
    names = sorted(ACTIVATIONS) if args.activation == "both" else [args.activation]
    # An interrupted run is gone on with only where it would have gone.
    checkpoint = args.output / f".checkpoint-{args.activation}-{args.epochs}-{args.batch_size}-{args.seed}"
    weights, history = fit(*learnt, validation, names, checkpoint, args.epochs, args.batch_size, args.seed)
    facts = {
        "epochs": args.epochs,
        "batch_size": args.batch_size,
        "seed": args.seed,
        "command": shlex.join(["python", "train.py", *(sys.argv[1:] if arguments is None else arguments)]),
        "versions": {"tensorflow": tf.__version__}
        | {package: version(package) for package in ("keras", "numpy", "safetensors")},
        "data": DIGESTS,
    }
    seconds = round(time.monotonic() - started)
    for name in names:
        save(network(name, weights[name], validation, facts), data, validation, history, seconds, args.output)
    shutil.rmtree(checkpoint, ignore_errors=True)
    if args.push_to_hub:
        print(publish(args.output, args.push_to_hub))


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1 up; got {text}")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Train the networks on MNIST, evaluate them on its test images, and save them with "
        "their figures and pictures. An interrupted run goes on where it was when started again.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    names = ("both", *sorted(ACTIVATIONS))
    parser.add_argument("--activation", choices=names, default="both", help="of the hidden layers")
    parser.add_argument("--epochs", type=_positive, default=EPOCHS, metavar="N", help="times 57,500 digits")
    parser.add_argument("--batch-size", type=_positive, default=BATCH_SIZE, metavar="N", help="digits a step")
    parser.add_argument("--seed", type=int, default=SEED, metavar="N", help="of all that chance decides")
    parser.add_argument("--data", type=Path, metavar="FILE", help="an mnist.npz as Keras has it")
    parser.add_argument("--output", type=Path, default=WEIGHTS, metavar="FOLDER", help="where to save")
    parser.add_argument("--push-to-hub", metavar="USER/NAME", help="publish them there when done")
    return parser


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nInterrupted: the earlier weights are as they were. The same command goes on from here.")
    except (DataError, ValueError, OSError) as fault:
        sys.exit(f"train.py: {fault}")
