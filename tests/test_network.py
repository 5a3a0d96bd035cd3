"""The forward pass against Keras and float64, the input it refuses, and the files it refuses to load."""

from __future__ import annotations

import json
import os
import pickle
import random
import re
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

from mnist_mlp import MLP, load
from mnist_mlp.network import BLOCK, MAX_WEIGHT, WEIGHTS, Forward, Network, softmax
from mnist_mlp.training.data import Mnist

NETWORKS = ("relu", "sigmoid")
Tensors = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def digits(mnist: Mnist) -> np.ndarray:
    return (mnist.x_test / np.float32(255)).reshape(-1, 784)


@pytest.fixture(scope="module", params=NETWORKS)
def net(request: pytest.FixtureRequest) -> MLP:
    return load(request.param)


@pytest.fixture(scope="module")
def in_keras(net: MLP, digits: np.ndarray) -> tuple[np.ndarray, ...]:
    """Each layer's output, of a Keras model with the same weights, for all test digits."""
    import keras

    x = keras.Input((784,))
    h1 = keras.layers.Dense(128, net.activation)(x)
    h2 = keras.layers.Dense(256, net.activation)(h1)
    logits = keras.layers.Dense(10)(h2)
    model = keras.Model(x, [h1, h2, logits, keras.layers.Softmax()(logits)])
    model.set_weights([net.w1, net.b1, net.w2, net.b2, net.w3, net.b3])
    return tuple(np.asarray(step) for step in model.predict(digits, batch_size=1000, verbose=0))


# Parity


def test_every_step_agrees_with_keras(net: MLP, digits: np.ndarray, in_keras: tuple[np.ndarray, ...]) -> None:
    ours = net.forward(digits)
    for name, theirs in zip(("h1", "h2", "logits", "probabilities"), in_keras):
        # Logits reach 25, where Keras itself is 2e-5 from a float64 pass.
        np.testing.assert_allclose(getattr(ours, name), theirs, atol=1e-5, rtol=1e-6, err_msg=name)
    assert (ours.logits.argmax(1) == in_keras[2].argmax(1)).all()
    assert (ours.probabilities.argmax(1) == in_keras[3].argmax(1)).all()


def test_predict_proba_agrees_with_keras(
    net: MLP, digits: np.ndarray, in_keras: tuple[np.ndarray, ...]
) -> None:
    probabilities = net.predict_proba(digits)
    assert np.abs(probabilities - in_keras[3]).max() < 1e-5
    assert (probabilities.argmax(1) == in_keras[3].argmax(1)).all()


def in_float64(net: MLP, x: np.ndarray) -> tuple[np.ndarray, ...]:
    """The same steps in float64, written in another way."""
    x, w = x.astype(float), {name: tensor.astype(float) for name, tensor in net.weights.items()}

    def hidden(z: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):  # 1 / infinity is right
            return z * (z > 0) if net.activation == "relu" else 1 / (1 + np.exp(-z))

    z1 = np.einsum("ni,ij->nj", x, w["w1"]) + w["b1"]
    z2 = np.einsum("ni,ij->nj", hidden(z1), w["w2"]) + w["b2"]
    logits = np.einsum("ni,ij->nj", hidden(z2), w["w3"]) + w["b3"]
    e = np.exp(logits - logits.max(1)[:, None])
    return z1, hidden(z1), z2, hidden(z2), logits, e / e.sum(1)[:, None]


def test_every_step_agrees_with_float64(net: MLP, digits: np.ndarray) -> None:
    for name, ours, theirs in zip(Forward._fields, net.forward(digits[:100]), in_float64(net, digits[:100])):
        assert ours.dtype == np.float32, name
        np.testing.assert_allclose(ours, theirs, atol=2e-5, rtol=1e-5, err_msg=name)


@pytest.mark.parametrize(
    "shape", [(), (1,), (3,), (2, 3), (0,), (2, 0), (BLOCK + 1,), (2, BLOCK), (BLOCK, 1, 2)]
)
@pytest.mark.parametrize("pixels", [(784,), (28, 28)])
def test_leading_axes_are_kept(
    net: MLP, digits: np.ndarray, shape: tuple[int, ...], pixels: tuple[int, ...]
) -> None:
    n = int(np.prod(shape))
    rows = digits[:n]
    probabilities = net.predict_proba(rows.reshape(*shape, *pixels))
    assert probabilities.shape == (*shape, 10)
    assert probabilities.dtype == np.float32
    one_by_one = [net.predict_proba(row) for row in rows[:: max(1, n // 20)]]
    assert np.allclose(
        probabilities.reshape(-1, 10)[:: max(1, n // 20)], np.array(one_by_one).reshape(-1, 10), atol=1e-6
    )
    if n <= BLOCK:
        steps = net.forward(rows.reshape(*shape, *pixels))
        assert [step.shape for step in steps] == [(*shape, size) for size in (128, 128, 256, 256, 10, 10)]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble", ">f4", ">f8"])
def test_any_float_dtype_is_taken(net: MLP, digits: np.ndarray, dtype: str) -> None:
    probabilities = net.predict_proba(digits[:50].astype(dtype))
    assert probabilities.dtype == np.float32
    assert np.abs(probabilities - net.predict_proba(digits[:50])).max() < 5e-3  # float16 rounds the pixels


@pytest.mark.parametrize(
    "view", [lambda x: x[::2], lambda x: x[:, ::-1], lambda x: np.asfortranarray(x), lambda x: x[::-3]]
)
def test_a_view_gives_what_its_copy_gives(
    net: MLP, digits: np.ndarray, view: Callable[[np.ndarray], np.ndarray]
) -> None:
    x = view(digits[:99])
    assert np.allclose(net.predict_proba(x), net.predict_proba(np.ascontiguousarray(x)), atol=1e-6)


def test_the_input_is_not_changed(net: MLP, digits: np.ndarray) -> None:
    x = digits[:5].copy()
    x.flags.writeable = False
    net.forward(x)
    assert (x == digits[:5]).all()


def test_the_shipped_networks_read_mnist(mnist: Mnist, digits: np.ndarray) -> None:
    for name in NETWORKS:
        assert (load(name).predict_proba(digits).argmax(1) == mnist.y_test).mean() > 0.8


def test_load_gives_the_network_that_is_named() -> None:
    assert load("relu").activation == "relu"
    assert load("sigmoid").activation == "sigmoid"
    assert load().activation == "relu"
    assert not np.allclose(load("relu").w1, load("sigmoid").w1)


@pytest.mark.parametrize("name", ["tanh", "", "RELU", "../relu", None, 1])
def test_load_refuses_any_other_name(name: Any) -> None:
    with pytest.raises(ValueError, match="relu"):
        load(name)


# Softmax

LARGEST = 2.0**66  # of weights up to 10,000 and pixels up to 1, no logit is larger
logits_of_any_size = st.floats(-LARGEST, LARGEST, width=32)


@given(
    arrays(np.float32, array_shapes(max_dims=3, max_side=12), elements=st.floats(-LARGEST, LARGEST, width=32))
)
def test_softmax_of_any_logits_agrees_with_float64(logits: np.ndarray) -> None:
    # The oracle: the same in float64, where no difference of two float32 overflows.
    z = logits.astype(float)
    e = np.exp(z - z.max(-1, keepdims=True))
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        p = softmax(logits)
    assert p.shape == logits.shape and p.dtype == np.float32
    assert np.isfinite(p).all() and (p >= 0).all() and (p <= 1).all()
    np.testing.assert_allclose(p.astype(float).sum(-1), 1, atol=1e-6)
    np.testing.assert_allclose(p, e / e.sum(-1, keepdims=True), atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("logits", "expected"),
    [
        ([LARGEST, -LARGEST], [1, 0]),
        ([LARGEST, -LARGEST, LARGEST], [0.5, 0, 0.5]),
        ([-LARGEST] * 4, [0.25] * 4),
        ([0, -LARGEST], [1, 0]),
        ([0, 0], [0.5, 0.5]),
        ([1e-45, 0], [0.5, 0.5]),
        ([100, 0], [1, 0]),
        ([np.log(3), 0], [0.75, 0.25]),
    ],
)
def test_softmax_does_not_overflow(logits: list[float], expected: list[float], dtype: type) -> None:
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        np.testing.assert_allclose(softmax(np.array(logits, dtype)), expected, atol=1e-6)
        np.testing.assert_allclose(softmax(np.array([logits] * 3, dtype)), [expected] * 3, atol=1e-6)


def test_rows_sum_to_one(net: MLP, digits: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    for x in (digits, rng.random((500, 784), np.float32), np.ones((1, 784)), np.zeros((1, 784))):
        assert np.abs(net.predict_proba(x).astype(float).sum(-1) - 1).max() < 1e-6


def test_the_largest_weights_do_not_overflow(net: MLP) -> None:
    loudest = Network({name: np.full_like(w, MAX_WEIGHT) for name, w in net.weights.items()}, net.config)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        steps = loudest.forward(np.ones(784))
    assert steps.logits.max() <= LARGEST
    np.testing.assert_allclose(steps.probabilities, 0.1, atol=1e-6)


def test_weights_that_could_overflow_are_refused(net: MLP) -> None:
    with pytest.raises(ValueError, match="w3 is finite, within ±10,000"):
        Network({**net.weights, "w3": np.full_like(net.w3, 1.01 * MAX_WEIGHT)}, net.config)


# Input

OTHER_INPUT: list[tuple[str, Any, type[Exception], str]] = [
    ("None", None, TypeError, "NoneType"),
    ("a list", [0.0] * 784, TypeError, "list"),
    ("a string", "0" * 784, TypeError, "str"),
    ("bytes", bytes(784), TypeError, "bytes"),
    ("a number", 0.5, TypeError, "float"),
    ("a NumPy number", np.float32(0.5), TypeError, "float32"),
    ("uint8", np.zeros(784, np.uint8), TypeError, "uint8"),
    ("integers", np.zeros((28, 28), int), TypeError, "int64"),
    ("booleans", np.zeros((28, 28), bool), TypeError, "bool"),
    ("complex numbers", np.zeros((28, 28), complex), TypeError, "complex128"),
    ("objects", np.array([None] * 784), TypeError, "object"),
    ("strings", np.array(["0"] * 784), TypeError, "<U1"),
    ("no axis", np.array(0.5), ValueError, r"\(\)"),
    ("nothing", np.zeros(0), ValueError, r"\(0,\)"),
    ("one too few", np.zeros(783), ValueError, r"\(783,\)"),
    ("pixels first", np.zeros((784, 1)), ValueError, r"\(784, 1\)"),
    ("a larger picture", np.zeros((32, 32)), ValueError, r"\(32, 32\)"),
    ("colours last", np.zeros((28, 28, 3)), ValueError, r"\(28, 28, 3\)"),
    ("many of a wrong size", np.zeros((5000, 600)), ValueError, r"\(5000, 600\)"),
    ("0 to 255", np.full(784, 255.0), ValueError, "255"),
    ("just above", np.full(784, np.nextafter(np.float32(1), np.float32(2))), ValueError, "1.0"),
    ("just below", np.full(784, np.nextafter(np.float32(0), np.float32(-1))), ValueError, "-1"),
    ("NaN", np.full((28, 28), np.nan), ValueError, "nan"),
    ("infinity", np.full((28, 28), np.inf), ValueError, "inf"),
    ("minus infinity", np.full((28, 28), -np.inf, np.float32), ValueError, "inf"),
    ("more than float32 holds", np.full((28, 28), 1e300), ValueError, "inf"),
    ("less than float32 holds", np.full((28, 28), -1e300), ValueError, "inf"),
]


@pytest.mark.parametrize("method", ["predict_proba", "forward"])
@pytest.mark.parametrize(
    ("x", "error", "came"), [case[1:] for case in OTHER_INPUT], ids=[case[0] for case in OTHER_INPUT]
)
def test_other_input_is_refused_and_the_error_says_what_came(
    method: str, x: Any, error: type[Exception], came: str
) -> None:
    with pytest.raises(error, match=f"pixels are .*got.*{came}"):
        getattr(load("relu"), method)(x)


@pytest.mark.parametrize("bad", [np.nan, -1e-3, 1.001, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 400, 783])
@pytest.mark.parametrize("row", [0, 1, BLOCK, 3 * BLOCK - 1])
def test_one_bad_pixel_anywhere_is_refused(bad: float, place: int, row: int) -> None:
    x = np.full((3 * BLOCK, 784), 0.5, np.float32)
    x[row, place] = bad
    with pytest.raises(ValueError, match=r"0\.\.1"):
        load("relu").predict_proba(x)
    with pytest.raises(ValueError, match=r"0\.\.1"):
        load("relu").predict_proba(x[row])


def test_minus_zero_and_denormal_pixels_are_taken(net: MLP) -> None:
    blank = net.predict_proba(np.zeros(784))
    assert (net.predict_proba(np.full(784, -0.0)) == blank).all()
    assert np.allclose(net.predict_proba(np.full(784, 1e-45)), blank)


# Loading


class Folder:
    """A copy of a shipped network, to be damaged."""

    def __init__(self, path: Path, name: str = "relu"):
        self.path, net = path, load(name)
        self.tensors: Tensors = {key: np.array(tensor) for key, tensor in net.weights.items()}
        self.config: Any = dict(net.config)
        self.metadata: dict[str, str] | None = {"format": "np", "activation": name}
        self.save()

    @property
    def weights_file(self) -> Path:
        return self.path / "model.safetensors"

    @property
    def config_file(self) -> Path:
        return self.path / "config.json"

    def save(self) -> None:
        save_file(self.tensors, self.weights_file, self.metadata)
        self.config_file.write_text(json.dumps(self.config))

    def refused(self, file: str, fault: str) -> None:
        """Loading fails, and the error names the file and the fault."""
        for read in (MLP.from_folder, MLP.from_pretrained):
            with pytest.raises(ValueError, match=fault) as error:
                read(self.path)
            assert str(error.value).startswith(f"{self.path / file}: "), error.value
            assert len(str(error.value)) < 1000


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.mark.parametrize("name", NETWORKS)
def test_an_undamaged_copy_loads(tmp_path: Path, name: str) -> None:
    copy = Folder(tmp_path, name)
    net = MLP.from_folder(copy.path)
    assert net.activation == name
    for key, tensor in load(name).weights.items():
        assert (net.weights[key] == tensor).all()


def test_what_was_saved_loads_again(tmp_path: Path, net: MLP) -> None:
    net.save_pretrained(tmp_path)
    again = MLP.from_pretrained(tmp_path)
    assert again.config == net.config
    for key, tensor in net.weights.items():
        assert again.weights[key].tobytes() == tensor.tobytes()


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 100, 700, 10_000, 500_000, -1])
def test_a_truncated_file_is_refused(folder: Folder, size: int) -> None:
    whole = folder.weights_file.read_bytes()
    folder.weights_file.write_bytes(whole[:size])
    folder.refused("model.safetensors", ".")


@pytest.mark.parametrize("surplus", [b"\0", b"\0" * 4, b"more"])
def test_a_longer_file_is_refused(folder: Folder, surplus: bytes) -> None:
    folder.weights_file.write_bytes(folder.weights_file.read_bytes() + surplus)
    folder.refused("model.safetensors", ".")


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("unpickled",))


FOREIGN = {
    "text": b"Dear reader, " * 1000,
    "a PNG": b"\x89PNG\r\n\x1a\n" + bytes(5000),
    "a zip": b"PK\x03\x04" + bytes(5000),
    "zeros": bytes(544_744),
    "ones": b"\xff" * 544_744,
    "noise": random.Random(1).randbytes(544_744),
    "a pickle": pickle.dumps(Evil()),
    "an HDF5 file": b"\x89HDF\r\n\x1a\n" + bytes(5000),
    "a pointer of git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 544744\n",
    "a header that is no JSON": struct.pack("<Q", 9) + b"not json!" + bytes(100),
    "a header that is a list": struct.pack("<Q", 2) + b"[]",
    "a header that is nested": struct.pack("<Q", 20_000) + b"[" * 10_000 + b"]" * 10_000,
    "a header without end": struct.pack("<Q", 2**63) + b"{}",
    "no tensors": struct.pack("<Q", 2) + b"{}",
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_file_is_refused(folder: Folder, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.path)
    folder.weights_file.write_bytes(content)
    folder.refused("model.safetensors", ".")
    assert not Path("unpickled").exists()


def test_a_huge_file_is_refused_unread(folder: Folder) -> None:
    for file in (folder.config_file, folder.weights_file):
        content = file.read_bytes()
        with file.open("r+b") as sparse:
            sparse.truncate(20_000_000_000)
        folder.refused(file.name, "at most")
        file.write_bytes(content)


def drop(name: str) -> Callable[[Folder], None]:
    return lambda folder: folder.tensors.__delitem__(name)


def put(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Folder], None]:
    return lambda folder: folder.tensors.__setitem__(name, np.array(change(folder.tensors[name]), order="C"))


def spoil(name: str, number: float) -> Callable[[Folder], None]:
    return lambda folder: folder.tensors[name].flat.__setitem__(-1, number)


DAMAGES: dict[str, tuple[Callable[[Folder], Any], str]] = {
    **{f"without {name}": (drop(name), "the tensors are") for name in load().weights},
    "one more": (lambda f: f.tensors.update(w4=np.zeros(3, np.float32)), "the tensors are.*w4"),
    "one more that is empty": (lambda f: f.tensors.update({"": np.zeros(0, np.float32)}), "the tensors are"),
    "another name": (lambda f: f.tensors.update(W1=f.tensors.pop("w1")), "the tensors are.*W1"),
    "none": (lambda f: f.tensors.clear(), "the tensors are"),
    "turned round": (put("w1", lambda w: w.T), r"w1 .*\(128, 784\)"),
    "square": (put("w2", lambda w: w[:, :128]), r"w2 .*\(128, 128\)"),
    "flat": (put("w3", lambda w: w.ravel()), r"w3 .*\(2560,\)"),
    "an axis more": (put("b1", lambda b: b[None]), r"b1 .*\(1, 128\)"),
    "no axis": (put("b2", lambda b: b[0]), r"b2 .*\(\)"),
    "one bias too many": (put("b3", lambda b: np.append(b, np.float32(0))), r"b3 .*\(11,\)"),
    "empty": (put("w1", lambda w: w[:0]), r"w1 .*\(0, 128\)"),
    **{
        f"{name} as {dtype}": (put(name, lambda w, dtype=dtype: w.astype(dtype)), f"{name} is F32.*got")  # type: ignore[misc]
        for name in ("w1", "b3")
        for dtype in ("float16", "float64", "int8", "uint8", "int32", "int64", "bool")
    },
    **{
        f"{number} in {name}": (spoil(name, number), f"{name} is finite")
        for name in load().weights
        for number in (np.nan, np.inf, -np.inf)
    },
}


@pytest.mark.parametrize(("damage", "fault"), DAMAGES.values(), ids=DAMAGES.keys())
def test_wrong_tensors_are_refused(folder: Folder, damage: Callable[[Folder], Any], fault: str) -> None:
    damage(folder)
    folder.save()
    folder.refused("model.safetensors", fault)


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3", "F8_E5M2", "U16", "F64", "I8", "F4", "X99", ""])
def test_dtypes_unknown_to_numpy_are_refused(folder: Folder, dtype: str) -> None:
    """Only the header says so; the rest of the file fits, or does not."""
    whole = folder.weights_file.read_bytes()
    (length,) = struct.unpack("<Q", whole[:8])
    header = whole[8 : 8 + length].replace(b'"F32"', b'"%s"' % dtype.encode())
    folder.weights_file.write_bytes(struct.pack("<Q", len(header)) + header + whole[8 + length :])
    folder.refused("model.safetensors", ".")


def test_weights_of_one_activation_never_run_with_the_other(folder: Folder) -> None:
    folder.config["activation"] = "sigmoid"
    folder.save()
    folder.refused("model.safetensors", "trained with 'relu', config.json says 'sigmoid'")


@pytest.mark.parametrize("metadata", [None, {}, {"format": "np"}, {"activation": "tanh"}, {"activation": ""}])
def test_weights_without_their_activation_in_the_header_are_refused(
    folder: Folder, metadata: dict[str, str] | None
) -> None:
    folder.metadata = metadata
    folder.save()
    folder.refused("model.safetensors", "trained with")


WRONG_VALUES: dict[str, list[Any]] = {
    "activation": ["tanh", "ReLU", "", None, 1, [], {}, ["relu"], {"relu": 1}, "relu " * 10_000],
    "layers": [
        *([], [784, 128, 10], [10, 256, 128, 784], [784, 128, 256, 11], [[784]], ["784"], [1e308] * 9999),
        *(None, "784", 784, {}),
    ],
    "reader": ["half", None, 1, [], {"sure": 1.1}, {"sure": True}, {"digit": [0.0]}, {"none": [10**400] * 5}],
}
RIGHT_VALUES = {"activation": "relu", "layers": [784, 128, 256, 10]}
CONFIGS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "Expecting value"),
    "cut off": (b'{"activation": "relu", "layers": [784, 128', "Expecting"),
    "no JSON": (b"activation: relu", "Expecting"),
    "not UTF-8": (b'{"activation": "rel\xff"}', "utf-8"),
    "zeros": (bytes(100), "Expecting"),
    "nested": (b"[" * 100_000, "recursion"),
    "a long number": (b'{"layers": ' + b"9" * 10_000 + b"}", "digits"),
    "null": (b"null", "JSON object; got NoneType"),
    "a list": (b'["relu"]', "JSON object; got list"),
    "a string": (b'"relu"', "JSON object; got str"),
    "a number": (b"784", "JSON object; got int"),
    **{
        f"{key}: {value!r:.30}": (json.dumps({**RIGHT_VALUES, key: value}).encode(), key)
        for key, values in WRONG_VALUES.items()
        for value in values
    },
    "no activation": (b'{"layers": [784, 128, 256, 10]}', "activation"),
    "no layers": (b'{"activation": "relu"}', "layers"),
}


@pytest.mark.parametrize(("content", "fault"), CONFIGS.values(), ids=CONFIGS.keys())
def test_a_configuration_that_does_not_match_is_refused(folder: Folder, content: bytes, fault: str) -> None:
    folder.config_file.write_bytes(content)
    folder.refused("config.json", fault)


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(folder: Folder, file: str) -> None:
    (folder.path / file).unlink()
    folder.refused(file, "No such file")
    (folder.path / file).mkdir()
    folder.refused(file, ".")


def test_the_constructor_refuses_wrong_weights_and_configurations() -> None:
    net = load("relu")
    with pytest.raises(ValueError, match="w1 is float32"):
        MLP({**net.weights, "w1": net.w1.astype(float)}, net.config)
    with pytest.raises(ValueError, match="the tensors are"):
        MLP({}, net.config)
    with pytest.raises(ValueError, match="activation"):
        MLP(net.weights, {**net.config, "activation": "tanh"})


# Files mutated byte by byte


def loads_or_names(folder: Folder, file: str, content: bytes) -> bool:
    (folder.path / file).write_bytes(content)
    try:
        net = MLP.from_folder(folder.path)
    except ValueError as error:
        assert str(folder.path) in str(error)
        return False
    assert net.activation == "relu"
    assert all(np.isfinite(tensor).all() for tensor in net.weights.values())
    return True


def mutations(content: bytes, places: range, rng: random.Random) -> list[bytes]:
    """At each place a byte changed; at every third, one taken away and one put in as well."""
    found = []
    for number, place in enumerate(places):
        other = bytes([content[place] ^ rng.randrange(1, 256)])
        found.append(content[:place] + other + content[place + 1 :])
        if number % 3 == 0:
            found += [content[:place] + content[place + 1 :], content[:place] + other + content[place:]]
    return found


def test_a_mutated_config_loads_as_a_network_or_is_refused_by_name(folder: Folder) -> None:
    content = json.dumps(
        {"activation": "relu", "layers": [784, 128, 256, 10], "reader": {"sure": 0.5}}
    ).encode()
    for mutated in mutations(content, range(len(content)), random.Random(1)):
        loads_or_names(folder, "config.json", mutated)
    assert loads_or_names(folder, "config.json", content)


def test_a_mutated_header_loads_as_a_network_or_is_refused_by_name(folder: Folder) -> None:
    content = folder.weights_file.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    loaded = [
        loads_or_names(folder, "model.safetensors", mutated)
        for mutated in mutations(content, range(8 + length), random.Random(2))
    ]
    assert sum(loaded) < len(loaded) / 20  # hardly a byte of the header that may be anything
    assert loads_or_names(folder, "model.safetensors", content)


def test_a_mutated_body_loads_as_a_network_or_is_refused_by_name(folder: Folder) -> None:
    content = folder.weights_file.read_bytes()
    for mutated in mutations(content, range(1000, len(content), 9001), random.Random(3)):
        changed_length = len(mutated) != len(content)
        assert not (loads_or_names(folder, "model.safetensors", mutated) and changed_length)


def test_the_shipped_weights_name_their_activation() -> None:
    for name in NETWORKS:
        content = (WEIGHTS / name / "model.safetensors").read_bytes()
        assert re.search(rb'"activation":"%s"' % name.encode(), content[:1000])
