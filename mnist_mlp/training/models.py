"""The Keras models, and how they learn: from drawn digits and non-digits, and from a teacher."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from tqdm.keras import TqdmCallback

from mnist_mlp.network import LAYERS, SHAPES
from mnist_mlp.training.redraw import NO_DIGIT, Draw, drawing
from mnist_mlp.training.strokes import Strokes

EPOCHS = 900
BATCH_SIZE = 256
SEED = 1
CLASSES = NO_DIGIT + 1  # the ten digits, and no digit
LEARNING_RATE = 2e-3  # at its peak, after linear warm-up and before cosine decay
WARMUP = 500  # steps
WEIGHT_DECAY = 0.01  # decoupled (AdamW)
EMA_MOMENTUM = 0.999  # of the exponential moving average of the weights, which is what is kept
ECHOES = 15  # epochs that learn from the same drawn images: drawing one costs more than a training step
SNAPSHOTS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 300, 500, 700)  # epochs after which the weights are kept
LOG_FILE = "log.csv"

# The teacher
STUDENT_EPOCHS = 53  # of the networks, for one epoch of the teacher
TEACHER_RATE = 3e-3
TEACHER_ECHOES = 2
TEACHER_SHARE = 0.7  # of the target; the rest is the label
DISTILLATION_TEMPERATURE = 2.5


class Fit(NamedTuple):
    """What training gives."""

    weights: dict[str, dict[str, np.ndarray]]
    """Of each network, as in `network.SHAPES`."""
    snapshots: dict[int, dict[str, dict[str, np.ndarray]]]
    """The same after some of the epochs before the last."""
    history: list[dict[str, float]]
    """Loss and accuracy after the epochs that were validated."""


def fit(
    strokes: Strokes,
    labels: np.ndarray,
    validation: tuple[np.ndarray, np.ndarray],
    activations: list[str],
    checkpoint: Path,
    epochs: int = EPOCHS,
    batch_size: int = BATCH_SIZE,
    seed: int = SEED,
) -> Fit:
    """Train the teacher, then the networks.

    Args:
        strokes, labels: of n digits and non-digits, 0..10, to learn from.
        validation: pixels (m, 784) float32 in 0..1 and digits (m,), to watch.
        checkpoint: folder of the training state. If it holds an earlier run's, that run is resumed.
    """
    keras.utils.set_random_seed(seed)
    steps = -(-len(labels) // batch_size)
    draw_batches = partial(batches, drawing(strokes, labels, seed), steps, batch_size)
    teacher = learn(
        build_teacher(seed),
        max(epochs // STUDENT_EPOCHS, 1),
        TEACHER_RATE,
        draw_batches,
        TEACHER_ECHOES,
        steps,
        validation,
        checkpoint / "teacher",
    )
    model = learn(
        build(activations, seed),
        epochs,
        LEARNING_RATE,
        partial(draw_batches, teacher=teacher),
        ECHOES,
        steps,
        validation,
        checkpoint / "networks",
        jit_compile=True,
    )
    snapshots = {}
    for path in sorted((checkpoint / "networks").glob("*.snapshot.npz"), key=_snapshot_epoch):
        with np.load(path) as arrays:
            snapshots[_snapshot_epoch(path)] = _by_network(dict(arrays), activations)
    weights = _by_network(_weights(model), activations)
    return Fit(weights, snapshots, _history(checkpoint / "networks" / LOG_FILE))


def batches(
    draw: Draw,
    steps: int,
    batch_size: int,
    echoes: int,
    first_epoch: int = 0,
    teacher: keras.Model | None = None,
) -> tf.data.Dataset:
    """Endless batches of drawn images and their targets, (n, 784) and (n, 11).

    Images are drawn for one epoch and used in `echoes` of them, shuffled each time (data echoing: Choi,
    Passos, Shallue and Dahl 2019). Seed and number determine a batch.

    Args:
        draw: from `redraw.drawing`.
        steps: batches an epoch.
        first_epoch: where to begin; a multiple of `echoes`.
        teacher: for distillation (Hinton, Vinyals and Dean 2015); without one the target is the label.
    """

    def batch(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        x, label = draw(number, batch_size)
        y = tf.one_hot(label, CLASSES)
        if teacher:
            soft = tf.nn.softmax(teacher(x)["teacher"] / DISTILLATION_TEMPERATURE)
            y += TEACHER_SHARE * (soft - y)
        return x, y

    def echo(cycle: tf.Tensor, drawn: tuple[tf.Tensor, tf.Tensor]) -> tf.data.Dataset:
        x, y = tf.reshape(drawn[0], [-1, LAYERS[0]]), tf.reshape(drawn[1], [-1, CLASSES])

        def one_epoch(time: tf.Tensor) -> tf.data.Dataset:
            order = tf.random.experimental.stateless_shuffle(tf.range(steps * batch_size), [cycle, time])
            return tf.data.Dataset.from_tensor_slices(tf.reshape(order, [steps, batch_size]))

        orders = tf.data.Dataset.range(echoes).flat_map(one_epoch)
        return orders.map(lambda i: (tf.gather(x, i), tf.gather(y, i)), num_parallel_calls=2)

    cycle = first_epoch // echoes
    dataset = tf.data.Dataset.range(cycle * steps, np.iinfo(np.int32).max)
    dataset = dataset.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).batch(steps, True)
    return dataset.prefetch(1).enumerate(cycle).flat_map(echo).prefetch(2)


def build_teacher(seed: int) -> keras.Model:
    """A small convolutional network with 2.8 million multiplications an image, twenty times the others'."""
    pixels = keras.Input((LAYERS[0],))
    h = keras.layers.Reshape((28, 28, 1))(pixels)
    for i, channels in enumerate((32, 64, 64)):
        start = keras.initializers.HeNormal(seed + i)
        h = keras.layers.Conv2D(channels, 3, activation="relu", kernel_initializer=start)(h)
        h = keras.layers.MaxPooling2D()(h) if i < 2 else keras.layers.Flatten()(h)
    logits = keras.layers.Dense(LAYERS[-1], kernel_initializer=keras.initializers.HeNormal(seed + 3))(h)
    return keras.Model(pixels, {"teacher": _with_no_digit(logits)})


def build(activations: list[str], seed: int) -> keras.Model:
    """One Keras model with a 784-128-256-10 network for each activation. They share the input alone."""
    pixels = keras.Input((LAYERS[0],))
    logits = {}
    for name in activations:
        start = keras.initializers.HeNormal if name == "relu" else keras.initializers.GlorotNormal
        h = pixels
        for i, units in enumerate(LAYERS[1:]):
            activation = name if i < 2 else None
            layer = keras.layers.Dense(
                units, activation, kernel_initializer=start(seed + i), name=f"{name}_{i + 1}"
            )
            h = layer(h)
        logits[name] = _with_no_digit(h)
    return keras.Model(pixels, logits)


def _with_no_digit(logits: tf.Tensor) -> tf.Tensor:
    """(n, 10) logits and an eleventh, that of "no digit", which is always 0: (n, 11)."""
    return keras.ops.pad(logits, [[0, 0], [0, 1]])


def accuracy(y: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Whether the likeliest of the ten digits is right, (n,); both arguments are (n, 11)."""
    return keras.metrics.categorical_accuracy(y[:, :-1], logits[:, :-1])


class Checkpoint(keras.callbacks.BackupAndRestore):
    """Saves only at the end of an echo cycle."""

    def __init__(self, folder: Path, every: int):
        super().__init__(str(folder), delete_checkpoint=False)
        self.every = every

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if (epoch + 1) % self.every == 0:
            super().on_epoch_end(epoch, logs)


class Snapshots(keras.callbacks.Callback):
    """Keeps the averaged weights after some epochs. Stands before `SwapEMAWeights` in the list."""

    def __init__(self, folder: Path, epochs: list[int]):
        super().__init__()
        self.folder, self.epochs, self.epoch = folder, epochs, 0

    def on_train_begin(self, logs: Any = None) -> None:
        if 0 in self.epochs and not list(self.folder.glob("*.snapshot.npz")):
            self._save()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch + 1

    def on_test_end(self, logs: Any = None) -> None:  # during validation, the averaged weights are in place
        if self.epoch in self.epochs:
            self._save()

    def _save(self) -> None:
        np.savez(self.folder / f"{self.epoch}.snapshot.npz", **_weights(self.model))  # type: ignore[arg-type]


def _snapshot_epoch(path: Path) -> int:
    return int(path.name.split(".")[0])


def _weights(model: keras.Model) -> dict[str, np.ndarray]:
    """A model's weights by name: "relu_1/kernel" and so on."""
    return {"/".join(w.path.split("/")[-2:]): w.numpy() for w in model.weights}


def _by_network(weights: dict[str, np.ndarray], activations: list[str]) -> dict[str, dict[str, np.ndarray]]:
    """The same by network and tensor, as in `network.SHAPES`."""
    kinds = {"w": "kernel", "b": "bias"}
    return {
        name: {tensor: weights[f"{name}_{tensor[1]}/{kinds[tensor[0]]}"] for tensor in SHAPES}
        for name in activations
    }


def learn(
    model: keras.Model,
    epochs: int,
    rate: float,
    draw_batches: Callable[..., tf.data.Dataset],
    echoes: int,
    steps: int,
    validation: tuple[np.ndarray, np.ndarray],
    folder: Path,
    jit_compile: bool = False,
) -> keras.Model:
    """Train a model, whose outputs are (n, 11) logits by name, and return it with its averaged weights.

    Args:
        rate: the peak learning rate.
        draw_batches: gives endless batches from a first epoch on; `steps` of them are an epoch.
        echoes: see `batches`. A checkpoint is kept after so many epochs.
        validation: pixels (m, 784) float32 in 0..1 and digits (m,), to watch.
        folder: of the training state, to resume from. Its name stands beside the progress bar.
        jit_compile: with XLA. A quarter faster for dense layers; for convolutions it is slower.
    """
    done = _epochs_done(folder)
    if done:
        print(f"Resuming from epoch {done}, kept in {folder}.")
    _compile(model, rate, epochs * steps, jit_compile)
    folder.mkdir(parents=True, exist_ok=True)
    kept = [epoch for epoch in SNAPSHOTS if epoch < epochs]
    callbacks = [
        TqdmCallback(epochs, initial=done, desc=folder.name, verbose=0),
        Snapshots(folder, kept),
        keras.callbacks.SwapEMAWeights(),
        keras.callbacks.CSVLogger(folder / LOG_FILE, append=True),
        Checkpoint(folder, echoes),
    ]
    every = max(epochs // 100, 1)
    x, y = validation[0], keras.utils.to_categorical(validation[1], CLASSES)
    drawn = draw_batches(echoes=echoes, first_epoch=done)
    model.fit(
        drawn.map(lambda x, y: (x, {name: y for name in model.output})),
        epochs=epochs,
        steps_per_epoch=steps,
        validation_data=(x, {name: y for name in model.output}),
        validation_freq=sorted({*kept, *range(every, epochs + 1, every), epochs}),
        validation_batch_size=len(x),
        callbacks=callbacks,
        verbose=0,
    )
    return model


def _compile(model: keras.Model, rate: float, steps: int, jit_compile: bool) -> None:
    # In short runs, warm-up and the averaging window are 10 % of the steps.
    tenth = max(steps // 10, 1)
    warmup, momentum = min(WARMUP, tenth), min(EMA_MOMENTUM, 1 - 1 / tenth)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, max(steps - warmup, 1), alpha=1e-3, warmup_target=rate, warmup_steps=warmup
    )
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(
        keras.optimizers.AdamW(schedule, weight_decay=WEIGHT_DECAY, use_ema=True, ema_momentum=momentum),
        {name: loss for name in model.output},
        metrics={name: [accuracy] for name in model.output},
        jit_compile=jit_compile,
    )


def _epochs_done(checkpoint: Path) -> int:
    state = checkpoint / "training_metadata.json"
    if not state.exists():
        return 0
    try:
        return int(json.loads(state.read_text())["epoch"])
    except ValueError:  # killed while writing it; Keras keeps the previous state beside it
        for earlier in checkpoint.glob("*.bkp"):
            shutil.copy(earlier, earlier.with_suffix(""))
        return int(json.loads(state.read_text())["epoch"])


def _history(log: Path) -> list[dict[str, float]]:
    """The epochs that were validated. One that was repeated after a resume counts once."""
    with open(log, newline="") as file:
        rows = {row["epoch"]: row for row in csv.DictReader(file)}
    numbers = [{k: float(v) for k, v in row.items() if v not in ("", "NA")} for row in rows.values()]
    return [row for row in numbers if any(k.startswith("val_") for k in row)]
