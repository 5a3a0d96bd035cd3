"""The models and how they learn, against Keras and a run that was not interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from scipy.special import log_softmax

from mnist_mlp.network import LAYERS, SHAPES
from mnist_mlp.training import fitting, models, report
from mnist_mlp.training.data import Mnist
from mnist_mlp.training.redraw import NON_DIGIT
from mnist_mlp.training.strokes import Strokes, measure_strokes

BOTH = ["relu", "sigmoid"]


@pytest.fixture(scope="module")
def strokes(mnist: Mnist) -> Strokes:
    return measure_strokes(mnist.x_train[:500])


@pytest.fixture(scope="module")
def fit(strokes: Strokes, mnist: Mnist) -> Iterator[Callable[..., fitting.Fit]]:
    """Four epochs of the teacher and of the networks, with a checkpoint after each second one."""
    labels = mnist.y_train[:500].copy()
    labels[::5] = NON_DIGIT
    validation = mnist.x_train[500:700].reshape(-1, 784) / np.float32(255), mnist.y_train[500:700]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "ECHOES", 2)
        patch.setattr(fitting, "STUDENT_EPOCHS", 1)
        yield lambda folder, names=BOTH: fitting.fit(
            strokes, labels, validation, names, folder, 4, batch_size=64
        )


@pytest.fixture(scope="module")
def whole(fit: Callable[..., fitting.Fit], tmp_path_factory: pytest.TempPathFactory) -> fitting.Fit:
    return fit(tmp_path_factory.mktemp("whole"))


def test_an_interrupted_run_ends_as_one_that_was_not(
    fit: Callable[..., fitting.Fit], whole: fitting.Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the byte, which also says that the seed determines all."""
    interrupted = []

    class Interrupted(fitting.Checkpoint):
        def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
            super().on_epoch_end(epoch, logs)
            if epoch == 2 and list(self.model.output) not in interrupted:
                interrupted.append(list(self.model.output))
                raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fitting, "Checkpoint", Interrupted)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                fit(tmp_path)
    assert interrupted == [["teacher"], BOTH]
    resumed = fit(tmp_path)
    for name in BOTH:
        for tensor, weights in whole.weights[name].items():
            assert weights.tobytes() == resumed.weights[name][tensor].tobytes()
    assert whole.snapshots.keys() == resumed.snapshots.keys()
    for epoch, nets in whole.snapshots.items():
        for name in BOTH:
            for tensor, weights in nets[name].items():
                assert np.array_equal(weights, resumed.snapshots[epoch][name][tensor])


def test_snapshots_begin_before_the_first_step(whole: fitting.Fit) -> None:
    assert whole.snapshots.keys() == {0, 1, 2}
    start = models.build(BOTH, fitting.SEED)
    for name in BOTH:
        for i in range(3):
            kernel, bias = start.get_layer(f"{name}_{i + 1}").get_weights()
            assert np.array_equal(whole.snapshots[0][name][f"w{i + 1}"], kernel)
            assert np.array_equal(whole.snapshots[0][name][f"b{i + 1}"], bias)
        assert not np.array_equal(whole.snapshots[2][name]["w3"], whole.weights[name]["w3"])


def test_the_history_is_of_the_validation_images(whole: fitting.Fit) -> None:
    assert [row["epoch"] for row in whole.history] == [0, 1, 2, 3]
    assert all(0 <= row[f"val_{name}_accuracy"] <= 1 for row in whole.history for name in BOTH)


def test_the_curves_of_one_network_alone(fit: Callable[..., fitting.Fit], tmp_path: Path) -> None:
    history = fit(tmp_path, ["sigmoid"]).history
    losses, errors = report._curves("sigmoid", history).axes
    drawn = [np.asarray(axes.lines[0].get_ydata()) for axes in (losses, errors)]
    assert all(values.shape == (4,) for values in drawn)
    assert 0 < drawn[1].min() <= drawn[1].max() <= 100


def test_no_digit_is_an_eleventh_class_with_the_logit_0() -> None:
    model = models.build(["relu"], 1)
    x = np.random.default_rng(0).random((8, 784), np.float32)
    logits = np.asarray(model(x)["relu"])
    assert logits.shape == (8, 11) and (logits[:, 10] == 0).all() and (logits[:, :10] != 0).all()
    assert model.count_params() == sum(int(np.prod(shape)) for shape in SHAPES.values())
    y = np.eye(11)[[0, 1, 2, 3, 4, 5, 10, 10]]
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)(y, logits)
    assert float(loss) == pytest.approx(-(y * log_softmax(logits.astype(float), 1)).sum(1).mean(), rel=1e-5)


def test_accuracy_is_of_the_ten_digits() -> None:
    rng = np.random.default_rng(0)
    logits = np.pad(rng.normal(-2, 1, (50, 10)), [(0, 0), (0, 1)]).astype(
        np.float32
    )  # "no digit" is likeliest
    digits = rng.integers(0, 10, 50)
    right = np.asarray(models.accuracy(keras.ops.one_hot(digits, 11), keras.ops.convert_to_tensor(logits)))
    assert np.array_equal(right.astype(bool), logits[:, : LAYERS[-1]].argmax(1) == digits)
