"""How the networks learn: from drawn digits and non-digits, and from a teacher."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from tqdm.keras import TqdmCallback

from mnist_mlp.training.batches import batches
from mnist_mlp.training.models import CLASSES, accuracy, build, build_teacher, by_network, weights_of
from mnist_mlp.training.progress import (
    LOG_FILE,
    Checkpoint,
    KeepSnapshots,
    epochs_done,
    history,
    kept_snapshots,
)
from mnist_mlp.training.redraw import drawing
from mnist_mlp.training.strokes import Strokes

EPOCHS = 720
BATCH_SIZE = 256
SEED = 1
LEARNING_RATE = 2e-3  # at its peak, after linear warm-up and before cosine decay
WARMUP = 500  # steps
WEIGHT_DECAY = 0.01  # decoupled (AdamW)
EMA_MOMENTUM = 0.999  # of the exponential moving average of the weights, which is what is kept
ECHOES = 15  # epochs that learn from the same drawn images: drawing one costs more than a training step
SNAPSHOTS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 300, 400, 550)  # epochs after which the weights are kept

# The teacher
STUDENT_EPOCHS = 48  # of the networks, for one epoch of the teacher
TEACHER_RATE = 3e-3
TEACHER_ECHOES = 2


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
    snapshots = {
        epoch: by_network(weights, activations)
        for epoch, weights in kept_snapshots(checkpoint / "networks").items()
    }
    return Fit(by_network(weights_of(model), activations), snapshots, history(checkpoint / "networks"))


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
    done = epochs_done(folder)
    if done:
        print(f"Resuming from epoch {done}, kept in {folder}.")
    _compile(model, rate, epochs * steps, jit_compile)
    folder.mkdir(parents=True, exist_ok=True)
    kept = [epoch for epoch in SNAPSHOTS if epoch < epochs]
    callbacks = [
        TqdmCallback(epochs, initial=done, desc=folder.name, verbose=0),
        KeepSnapshots(folder, kept),
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
