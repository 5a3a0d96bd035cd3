"""What a training keeps on disk: its state to resume from, weights after some epochs, and its history."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mnist_mlp.training.models import weights_of

LOG_FILE = "log.csv"


class Checkpoint(keras.callbacks.BackupAndRestore):
    """Saves only at the end of an echo cycle."""

    def __init__(self, folder: Path, every: int):
        super().__init__(str(folder), delete_checkpoint=False)
        self.every = every

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if (epoch + 1) % self.every == 0:
            super().on_epoch_end(epoch, logs)


class KeepSnapshots(keras.callbacks.Callback):
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
        np.savez(self.folder / f"{self.epoch}.snapshot.npz", **weights_of(self.model))  # type: ignore[arg-type]


def kept_snapshots(folder: Path) -> dict[int, dict[str, np.ndarray]]:
    """What `KeepSnapshots` has kept: weights by epoch."""
    snapshots = {}
    for path in sorted(folder.glob("*.snapshot.npz"), key=_snapshot_epoch):
        with np.load(path) as arrays:
            snapshots[_snapshot_epoch(path)] = dict(arrays)
    return snapshots


def _snapshot_epoch(path: Path) -> int:
    return int(path.name.split(".")[0])


def epochs_done(folder: Path) -> int:
    state = folder / "training_metadata.json"
    if not state.exists():
        return 0
    try:
        return int(json.loads(state.read_text())["epoch"])
    except ValueError:  # killed while writing it; Keras keeps the previous state beside it
        for earlier in folder.glob("*.bkp"):
            shutil.copy(earlier, earlier.with_suffix(""))
        return int(json.loads(state.read_text())["epoch"])


def history(folder: Path) -> list[dict[str, float]]:
    """The epochs that were validated. One that was repeated after a resume counts once."""
    with open(folder / LOG_FILE, newline="") as file:
        rows = {row["epoch"]: row for row in csv.DictReader(file)}
    numbers = [{k: float(v) for k, v in row.items() if v not in ("", "NA")} for row in rows.values()]
    return [row for row in numbers if any(k.startswith("val_") for k in row)]
