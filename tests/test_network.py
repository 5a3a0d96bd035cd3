"""The forward pass against Keras and float64, the input it refuses, and the files it refuses to load."""

from __future__ import annotations

import json
import os
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from safetensors.numpy import save_file
from scipy.special import logsumexp

from mnist_mlp import MLP, load
from mnist_mlp.network import BLOCK, MAX_WEIGHT, Network, digit_score, softmax
from mnist_mlp.training.mnist import Digits

NETWORKS = ("relu", "sigmoid")


@pytest.fixture(scope="module")
def digits(mnist: Digits) -> np.ndarray:
    return (mnist.images / np.float32(255)).reshape(-1, 784)


@pytest.fixture(scope="module", params=NETWORKS)
def net(request: pytest.FixtureRequest) -> MLP:
    return load(request.param)


def test_every_step_agrees_with_keras(net: MLP, digits: np.ndarray) -> None:
    import keras

    x = keras.Input((784,))
    h1 = keras.layers.Dense(128, net.activation)(x)
    h2 = keras.layers.Dense(256, net.activation)(h1)
    logits = keras.layers.Dense(10)(h2)
    model = keras.Model(x, [h1, h2, logits, keras.layers.Softmax()(logits)])
    model.set_weights([net.w1, net.b1, net.w2, net.b2, net.w3, net.b3])
    ours, in_keras = net.forward(digits), model.predict(digits, batch_size=1000, verbose=0)
    for name, theirs in zip(("h1", "h2", "logits", "probabilities"), in_keras):
        # Logits reach 25, where Keras itself is 2e-5 from a float64 pass.
        np.testing.assert_allclose(getattr(ours, name), theirs, atol=1e-5, rtol=1e-6, err_msg=name)
    assert (ours.logits.argmax(1) == in_keras[2].argmax(1)).all()
    assert np.abs(net.predict_proba(digits) - in_keras[3]).max() < 1e-5


@pytest.mark.parametrize("shape", [(), (2, 3), (0,), (2, BLOCK)])
@pytest.mark.parametrize("pixels", [(784,), (28, 28)])
def test_leading_axes_are_kept(
    net: MLP, digits: np.ndarray, shape: tuple[int, ...], pixels: tuple[int, ...]
) -> None:
    n = int(np.prod(shape))
    x = digits[:n].reshape(*shape, *pixels)
    probabilities = net.predict_proba(x)
    assert probabilities.shape == (*shape, 10) and probabilities.dtype == np.float32
    step = max(1, n // 20)
    one_by_one = [net.predict_proba(row) for row in digits[:n:step]]
    assert np.allclose(probabilities.reshape(-1, 10)[::step], np.array(one_by_one).reshape(-1, 10), atol=1e-6)
    if n <= BLOCK:
        assert [step.shape for step in net.forward(x)] == [
            (*shape, size) for size in (128, 128, 256, 256, 10, 10)
        ]


@pytest.mark.parametrize("dtype", ["float16", "float64", "longdouble", ">f4"])
def test_any_float_dtype_and_layout_is_taken(net: MLP, digits: np.ndarray, dtype: str) -> None:
    expected = net.predict_proba(digits[:50])
    assert (
        np.abs(net.predict_proba(digits[:50].astype(dtype)) - expected).max() < 5e-3
    )  # float16 rounds the pixels
    frozen = np.asfortranarray(digits[:50])
    frozen.flags.writeable = False
    assert np.allclose(net.predict_proba(frozen), expected, atol=1e-6)


def test_the_shipped_networks_read_mnist(mnist: Digits, digits: np.ndarray) -> None:
    for name in NETWORKS:
        net = load(name)
        assert net.activation == name
        assert (net.predict_proba(digits).argmax(1) == mnist.labels).mean() > 0.98


@pytest.mark.parametrize("name", ["tanh", "", "RELU", "../relu", None, 1])
def test_load_refuses_any_other_name(name: Any) -> None:
    with pytest.raises(ValueError, match="relu"):
        load(name)


LARGEST = 2.0**66  # of weights up to 10,000 and pixels up to 1, no logit is larger


@given(
    arrays(np.float32, array_shapes(max_dims=3, max_side=12), elements=st.floats(-LARGEST, LARGEST, width=32))
)
def test_softmax_of_any_logits_agrees_with_float64(logits: np.ndarray) -> None:
    z = logits.astype(float)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        p = softmax(logits)
    assert p.shape == logits.shape and p.dtype == np.float32
    e = np.exp(z - z.max(-1, keepdims=True))  # in float64, where no difference of two float32 overflows
    np.testing.assert_allclose(p, e / e.sum(-1, keepdims=True), atol=1e-6)


def test_digit_score_is_scipys_logsumexp() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1, (3, 50, 10)) * 10 ** rng.uniform(-2, 3.8, (3, 50, 1))
    assert digit_score(logits) == pytest.approx(logsumexp(logits, axis=-1), rel=1e-12)


def test_the_largest_weights_do_not_overflow(net: MLP) -> None:
    loudest = Network({name: np.full_like(w, MAX_WEIGHT) for name, w in net.weights.items()}, net.config)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        np.testing.assert_allclose(loudest.forward(np.ones(784)).probabilities, 0.1, atol=1e-6)
    with pytest.raises(ValueError, match="w3 is finite, within ±10,000"):
        Network({**net.weights, "w3": np.full_like(net.w3, 1.01 * MAX_WEIGHT)}, net.config)


OTHER_INPUT: list[tuple[Any, type[Exception], str]] = [
    (None, TypeError, "NoneType"),
    ([0.0] * 784, TypeError, "list"),
    (np.zeros(784, np.uint8), TypeError, "uint8"),
    (np.zeros(783), ValueError, r"\(783,\)"),
    (np.zeros((28, 28, 3)), ValueError, r"\(28, 28, 3\)"),
    (np.full(784, 255.0), ValueError, "255"),
    (np.full((28, 28), np.nan), ValueError, "nan"),
]


@pytest.mark.parametrize(("x", "error", "came"), OTHER_INPUT, ids=[case[2] for case in OTHER_INPUT])
def test_other_input_is_refused_and_the_error_says_what_came(
    x: Any, error: type[Exception], came: str
) -> None:
    for method in (load("relu").predict_proba, load("relu").forward):
        with pytest.raises(error, match=f"pixels are .*got.*{came}"):
            method(x)


# Loading


class Folder:
    """A copy of a shipped network, to be damaged."""

    def __init__(self, path: Path, name: str = "relu"):
        self.path, net = path, load(name)
        net.save_pretrained(path)
        self.tensors = {key: np.array(tensor) for key, tensor in net.weights.items()}
        self.config: Any = dict(net.config)
        self.metadata: dict[str, str] | None = {"activation": name}

    def save(self) -> None:
        save_file(self.tensors, self.path / "model.safetensors", self.metadata)
        (self.path / "config.json").write_text(json.dumps(self.config))

    def refused(self, file: str, fault: str) -> None:
        """Loading fails, and the error names the file and the fault."""
        with pytest.raises(ValueError, match=fault) as error:
            MLP.from_folder(self.path)
        assert str(error.value).startswith(f"{self.path / file}: "), error.value
        assert len(str(error.value)) < 1000


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.mark.parametrize("name", NETWORKS)
def test_what_was_saved_loads_again(tmp_path: Path, name: str) -> None:
    net, again = load(name), MLP.from_folder(Folder(tmp_path, name).path)
    assert again.config == net.config and again.reader.to_json() == net.reader.to_json()
    for key, tensor in net.weights.items():
        assert again.weights[key].tobytes() == tensor.tobytes()


FOREIGN = {
    "nothing": b"",
    "noise": random.Random(1).randbytes(544_744),
    "a header that is no JSON": struct.pack("<Q", 9) + b"not json!" + bytes(100),
    "a header that is nested": struct.pack("<Q", 20_000) + b"[" * 10_000 + b"]" * 10_000,
    "a header without end": struct.pack("<Q", 2**63) + b"{}",
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_file_is_refused(folder: Folder, content: bytes) -> None:
    (folder.path / "model.safetensors").write_bytes(content)
    folder.refused("model.safetensors", ".")


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_a_file_that_is_too_large_or_none_is_refused(folder: Folder, file: str) -> None:
    with (folder.path / file).open("r+b") as sparse:
        sparse.truncate(20_000_000_000)
    folder.refused(file, "at most")
    (folder.path / file).unlink()
    folder.refused(file, "No such file")


def put(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Folder], None]:
    return lambda folder: folder.tensors.__setitem__(name, np.array(change(folder.tensors[name]), order="C"))


DAMAGES: dict[str, tuple[Callable[[Folder], Any], str]] = {
    "without w1": (lambda f: f.tensors.__delitem__("w1"), "the tensors are"),
    "one more": (lambda f: f.tensors.update(w4=np.zeros(3, np.float32)), "the tensors are.*w4"),
    "turned round": (put("w1", lambda w: w.T), r"w1 .*\(128, 784\)"),
    "one bias too many": (put("b3", lambda b: np.append(b, np.float32(0))), r"b3 .*\(11,\)"),
    "float16": (put("w1", lambda w: w.astype(np.float16)), "w1 is F32.*got"),
    "NaN": (put("w2", lambda w: w * np.float32(np.nan)), "w2 is finite"),
    "the other activation": (lambda f: f.config.update(activation="sigmoid"), "trained with 'relu'"),
    "no activation in the header": (lambda f: setattr(f, "metadata", None), "trained with None"),
}


@pytest.mark.parametrize(("damage", "fault"), DAMAGES.values(), ids=DAMAGES.keys())
def test_wrong_tensors_are_refused(folder: Folder, damage: Callable[[Folder], Any], fault: str) -> None:
    damage(folder)
    folder.save()
    folder.refused("model.safetensors", fault)


CONFIGS: list[tuple[bytes, str]] = [
    (b'{"activation": "relu", "layers": [784, 128', "Expecting"),
    (b'{"activation": "rel\xff"}', "utf-8"),
    (b"[" * 100_000, "recursion"),
    (b'["relu"]', "JSON object; got list"),
    (b'{"activation": "tanh", "layers": [784, 128, 256, 10]}', "activation.*tanh"),
    (b'{"activation": "relu", "layers": [784, 128, 256, 11]}', "layers"),
]


@pytest.mark.parametrize(("content", "fault"), CONFIGS)
def test_a_configuration_that_does_not_match_is_refused(folder: Folder, content: bytes, fault: str) -> None:
    (folder.path / "config.json").write_bytes(content)
    folder.refused("config.json", fault)


def test_a_mutated_file_loads_as_a_network_or_is_refused_by_name(folder: Folder) -> None:
    rng = random.Random(2)
    for file in ("config.json", "model.safetensors", "reader.json"):
        whole = (folder.path / file).read_bytes()
        for place in rng.sample(range(min(len(whole), 900)), 120):
            other = bytes([whole[place] ^ rng.randrange(1, 256)])
            (folder.path / file).write_bytes(whole[:place] + other + whole[place + 1 :])
            try:
                net = MLP.from_folder(folder.path)
            except ValueError as error:
                assert str(folder.path) in str(error)
            else:
                assert all(np.isfinite(tensor).all() for tensor in net.weights.values())
        (folder.path / file).write_bytes(whole)
