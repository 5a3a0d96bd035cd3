"""How anything here is learnt: gradient descent with one optimiser and one schedule, kept on disk as it goes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

WARMUP = 500  # steps
WEIGHT_DECAY = 0.01  # decoupled (AdamW)
EMA_MOMENTUM = 0.999  # of the exponential moving average of the weights, which is what is kept

Batch = tuple[Any, ...]
Loss = Callable[..., tf.Tensor]
Watch = Callable[[], Mapping[str, float]]


def learn(
    name: str,
    variables: list[tf.Variable],
    loss: Loss,
    batch: Callable[[int], Batch],
    steps: int,
    rate: float,
    folder: Path,
    keep_at: Iterable[int] = (),
    watch: Watch | None = None,
    watch_every: int = 0,
    jit_compile: bool = False,
) -> None:
    """Minimise a loss; afterwards the variables hold the average of their last values.

    AdamW with linear warm-up and cosine decay. A run that was stopped resumes, in the same folder, from the last step
    that was kept, and ends with the same weights to the byte: a batch depends on its step's number alone.

    Args:
        name: stands beside the progress bar.
        loss: a function of a batch's arrays.
        batch: from a step's number to its arrays.
        rate: the peak learning rate.
        keep_at: steps before which the averaged variables are written to `folder`/STEP.npz, too.
        watch: figures of the averaged variables, for `folder`/history.jsonl.
        watch_every: steps between two of them. The state is kept as often; without it, ten times.
    """
    # In short runs, warm-up and the averaging window are 10 % of the steps.
    tenth = max(steps // 10, 1)
    warmup, momentum = min(WARMUP, tenth), min(EMA_MOMENTUM, 1 - 1 / tenth)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, max(steps - warmup, 1), alpha=1e-3, warmup_target=rate, warmup_steps=warmup
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=WEIGHT_DECAY)
    optimizer.build(variables)
    averages = [tf.Variable(v) for v in variables]
    done = tf.Variable(0, dtype=tf.int64)
    state = tf.train.Checkpoint(optimizer=optimizer, variables=variables, averages=averages, done=done)
    manager = tf.train.CheckpointManager(state, str(folder / "state"), max_to_keep=1)
    if manager.latest_checkpoint:
        state.restore(manager.latest_checkpoint).assert_consumed()
        print(f"{name}: resuming after {int(done):,} of {steps:,} steps, kept in {folder}.")

    @tf.function(jit_compile=jit_compile, reduce_retracing=True)
    def descend(*arrays: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            value = loss(*arrays)
        optimizer.apply(tape.gradient(value, variables), variables)
        for average, variable in zip(averages, variables):
            average.assign_add((1 - momentum) * (variable - average))
        return value

    kept_at, every = set(keep_at), watch_every or max(steps // 10, 1)
    folder.mkdir(parents=True, exist_ok=True)
    with tqdm(total=steps, initial=int(done), desc=name, unit=" steps", mininterval=2) as bar:
        for number in range(int(done), steps):
            if number in kept_at:
                np.savez(folder / f"{number}.npz", *[average.numpy() for average in averages])
            value = descend(*batch(number))
            bar.update()
            if (number + 1) % every == 0 or number + 1 == steps:
                done.assign(number + 1)
                figures = {"step": number + 1, "loss": float(value)}
                if watch:
                    figures |= _with(averages, variables, watch)
                    with open(folder / "history.jsonl", "a") as file:
                        file.write(json.dumps(figures) + "\n")
                bar.set_postfix({key: f"{value:.4g}" for key, value in figures.items() if key != "step"})
                manager.save()
    for average, variable in zip(averages, variables):
        variable.assign(average)


def _with(averages: list[tf.Variable], variables: list[tf.Variable], watch: Watch) -> Mapping[str, float]:
    """What is watched, with the averages in the variables' places."""
    before = [variable.numpy() for variable in variables]
    for variable, average in zip(variables, averages):
        variable.assign(average)
    figures = watch()
    for variable, value in zip(variables, before):
        variable.assign(value)
    return figures


def history(folder: Path) -> list[dict[str, float]]:
    """What was watched, oldest first; what was done twice, after a stop, counts once."""
    lines = (folder / "history.jsonl").read_text().splitlines()
    return list({row["step"]: row for row in map(json.loads, lines)}.values())


def kept(folder: Path) -> dict[int, list[np.ndarray]]:
    """The averaged variables before some of the steps, by the step."""
    found = {}
    for path in folder.glob("*.npz"):
        with np.load(path) as arrays:
            found[int(path.stem)] = [arrays[f"arr_{i}"] for i in range(len(arrays))]
    return dict(sorted(found.items()))
