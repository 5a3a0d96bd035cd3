"""The first part: a teacher, and then both networks, learn redrawn digits and what no digit is."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from mnist_mlp.network import ACTIVATIONS, SHAPES, Weights
from mnist_mlp.training.learning import history, kept, learn
from mnist_mlp.training.mnist import Digits
from mnist_mlp.training.models import CLASSES, build, build_teacher, weights_of
from mnist_mlp.training.redraw import Redraw

BATCH_SIZE = 256
RATE = 2e-3
ECHOES = 15  # epochs that learn from the same redrawn images: drawing one costs more than a training step
SNAPSHOTS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 300)  # epochs after which the weights are kept

# The teacher
STUDENT_EPOCHS = 12  # of the networks, for one epoch of the teacher
TEACHER_RATE = 3e-3
TEACHER_ECHOES = 2
TEACHER_SHARE = 0.7  # of the target; the rest is the label
DISTILLATION_TEMPERATURE = 2.5

Targets = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From images (n, 784) uint8 and labels (n,) to targets (n, 11) float32."""


class Trained(NamedTuple):
    """What the first part gives; networks by name."""

    weights: dict[str, Weights]
    snapshots: dict[int, dict[str, Weights]]
    """By the number of epochs after which they were kept."""
    history: list[dict[str, float]]
    """Loss and validation errors, by "step"."""


def learn_single_digits(
    redraw: Redraw, count: int, validation: Digits, epochs: int, seed: int, folder: Path
) -> Trained:
    """Train the teacher, then the networks on the same batches.

    Args:
        redraw: draws the images to learn from, digits and non-digits.
        count: images an epoch.
        validation: to watch.
        folder: of the state, from which a run that was stopped resumes.
    """
    keras.utils.set_random_seed(seed)
    steps = max(count // BATCH_SIZE, 1)
    teacher = build_teacher(seed)
    taught = max(epochs // STUDENT_EPOCHS, 1)
    batches = Batches(redraw, steps, taught, TEACHER_ECHOES, one_hot, seed)
    _learn("teacher", [teacher], batches, TEACHER_RATE, validation, folder / "teacher")
    names = sorted(ACTIVATIONS)
    models = [build(name, seed) for name in names]
    batches = Batches(redraw, steps, epochs, ECHOES, _taught_by(teacher), seed + 1)
    # XLA is a quarter faster for dense layers; for convolutions it is slower.
    _learn("networks", models, batches, RATE, validation, folder / "networks", SNAPSHOTS, jit_compile=True)
    snapshots = {
        step // steps: {
            name: dict(zip(SHAPES, arrays[i * len(SHAPES) : (i + 1) * len(SHAPES)]))
            for i, name in enumerate(names)
        }
        for step, arrays in kept(folder / "networks").items()
    }
    rows = history(folder / "networks")
    return Trained({name: weights_of(model) for name, model in zip(names, models)}, snapshots, rows)


class Batches:
    """Batches of redrawn images and their targets, in an order that the seed determines.

    Images are drawn for one epoch and used in `echoes` of them, shuffled each time (data echoing: Choi, Passos,
    Shallue and Dahl 2019); meanwhile the next ones are drawn.
    """

    def __init__(self, redraw: Redraw, steps: int, epochs: int, echoes: int, targets: Targets, seed: int):
        self.redraw, self.steps, self.epochs, self.echoes, self.targets = (
            redraw,
            steps,
            epochs,
            echoes,
            targets,
        )
        self.seed, self.pool = seed, ThreadPoolExecutor(1)
        self.cycle, self.epoch = -1, -1
        self.x, self.y, self.order = np.empty(0), np.empty(0), np.empty(0, np.int64)
        self.next: Future[tuple[np.ndarray, np.ndarray]] | None = None

    def _draw(self, cycle: int) -> tuple[np.ndarray, np.ndarray]:
        x, labels = self.redraw(cycle + self.seed * 10_000, self.steps * BATCH_SIZE)
        return x, self.targets(x, labels)

    def __call__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """The batch of a step, as `learning.learn` takes it."""
        epoch, at = divmod(step, self.steps)
        if epoch // self.echoes != self.cycle:
            at_hand = self.next if self.next and epoch // self.echoes == self.cycle + 1 else None
            self.cycle = epoch // self.echoes
            self.x, self.y = at_hand.result() if at_hand else self._draw(self.cycle)
            last = (self.cycle + 1) * self.echoes >= self.epochs
            self.next = None if last else self.pool.submit(self._draw, self.cycle + 1)
        if epoch != self.epoch:
            self.epoch = epoch
            self.order = np.random.default_rng([self.seed, epoch]).permutation(len(self.x))
        some = self.order[at * BATCH_SIZE : (at + 1) * BATCH_SIZE]
        return self.x[some], self.y[some]


def one_hot(x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The targets of labels alone."""
    return np.eye(CLASSES, dtype=np.float32)[labels]


def _taught_by(teacher: keras.Model) -> Targets:
    """A teacher's soft labels and the true ones (distillation: Hinton, Vinyals and Dean 2015)."""

    @tf.function
    def soft(x: tf.Tensor) -> tf.Tensor:
        return tf.nn.softmax(teacher(tf.cast(x, tf.float32) / 255) / DISTILLATION_TEMPERATURE)

    def targets(x: np.ndarray, labels: np.ndarray) -> np.ndarray:
        blocks = [soft(tf.constant(x[i : i + BATCH_SIZE])).numpy() for i in range(0, len(x), BATCH_SIZE)]
        return (1 - TEACHER_SHARE) * one_hot(x, labels) + TEACHER_SHARE * np.concatenate(blocks)

    return targets


def _learn(
    name: str,
    models: list[keras.Model],
    batches: Batches,
    rate: float,
    validation: Digits,
    folder: Path,
    keep_after: tuple[int, ...] = (),
    jit_compile: bool = False,
) -> None:
    """Train models together, on the same batches; watch and keep them every few epochs."""

    def loss(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        return tf.add_n([_cross_entropy(model, x, y) for model in models])

    def watch() -> dict[str, float]:
        x, y = validation.images.reshape(-1, 784), validation.labels
        figures: dict[str, float] = {"epoch": batches.epoch + 1}
        for model in models:
            of = "" if len(models) == 1 else f"{model.name}_"
            wrong = np.asarray(model(x / np.float32(255)))[:, :10].argmax(1) != y
            figures[f"{of}loss"] = float(_cross_entropy(model, batches.x[:2000], batches.y[:2000]))
            figures[f"{of}validation_loss"] = float(_cross_entropy(model, x, one_hot(x, y)))
            figures[f"{of}validation_errors"] = int(wrong.sum())
        return figures

    learn(
        name,
        [variable.value for model in models for variable in model.trainable_variables],
        loss,
        batches,
        batches.epochs * batches.steps,
        rate,
        folder,
        keep_at=[epoch * batches.steps for epoch in keep_after if epoch < batches.epochs],
        watch=watch,
        watch_every=batches.steps * min(batches.echoes, batches.epochs),
        jit_compile=jit_compile,
    )


def _cross_entropy(model: keras.Model, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    logits = model(tf.cast(x, tf.float32) / 255)
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(y, logits))
