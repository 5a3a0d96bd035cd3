"""The endpoints of the running app, as its callers reach them."""

from __future__ import annotations

import io
import json
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradio.components.image_editor import AcceptBlobs, EditorData
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from helpers import Server, data_url
from PIL import Image

from mnist_mlp import load, to_mnist
from mnist_mlp.page.answer import TOP_K
from mnist_mlp.page.pad import Sketchpad
from mnist_mlp.picture import read_data_url
from mnist_mlp.server.limits import MAX_HELD
from mnist_mlp.training.data import Mnist

NETWORKS = ("relu", "sigmoid")


@pytest.fixture(scope="module")
def client(app: str) -> Client:
    return Client(app, verbose=False)


@pytest.fixture(scope="module")
def digits(mnist: Mnist, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """A clean test digit of each class, which both networks read rightly: a file, black on white."""
    folder = tmp_path_factory.mktemp("digits")
    files = {}
    for digit in range(10):
        images = mnist.x_test[mnist.y_test == digit][:50]
        x = images.astype(np.float32) / 255
        clear = np.minimum(*(load(network).predict_proba(x)[:, digit] for network in NETWORKS))
        files[digit] = folder / f"{digit}.png"
        enlarged = Image.fromarray(255 - images[clear.argmax()]).resize((280, 280), Image.Resampling.BICUBIC)
        enlarged.save(files[digit])
    return files


def test_predict_reads_a_file(client: Client, digits: dict[int, Path]) -> None:
    for digit, path in digits.items():
        for network in NETWORKS:
            label, preview, hint, inside = client.predict(handle_file(path), network, api_name="/predict")
            assert label["label"] == str(digit) and hint == "" and inside
            x = to_mnist(np.asarray(Image.open(path)))
            expected = load(network).predict_proba(x)
            assert len(label["confidences"]) == TOP_K
            for one in label["confidences"]:
                assert one["confidence"] == pytest.approx(expected[int(one["label"])], abs=1e-5)
            assert np.abs(read_data_url(preview) / 255 - x).max() < 0.003  # rounded to 8 bits


def test_relu_is_the_default(client: Client, digits: dict[int, Path]) -> None:
    default = client.predict(handle_file(digits[3]), api_name="/predict")
    assert default[:3] == client.predict(handle_file(digits[3]), "relu", api_name="/predict")[:3]
    assert default[0] != client.predict(handle_file(digits[3]), "sigmoid", api_name="/predict")[0]


def test_nothing_drawn_is_no_digit(client: Client, tmp_path: Path) -> None:
    blank = tmp_path / "blank.png"
    Image.new("L", (280, 280), 255).save(blank)
    for picture in (None, "", handle_file(blank)):
        label, preview, hint, inside = client.predict(picture, api_name="/predict")
        assert not label and preview is None and inside is None
        assert "raw" in hint  # Draw…, draw…


def test_predict_sketchpad_reads_the_editor_s_value(client: Client, digits: dict[int, Path]) -> None:
    for digit in (2, 7):
        file = handle_file(digits[digit])
        for value in (
            {"background": file, "layers": [], "composite": file},
            {"background": None, "layers": [], "composite": file},
            {"background": file, "layers": [], "composite": None},
        ):
            label, preview, hint, inside = client.predict(value, "relu", api_name="/predict_sketchpad")
            assert label["label"] == str(digit) and preview and inside and hint == ""
    empty: dict[str, Any] = {"background": None, "layers": [], "composite": None}
    assert not client.predict(empty, api_name="/predict_sketchpad")[0]


def test_the_schema_says_what_goes_in_and_out(client: Client) -> None:
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    predict = endpoints["/predict"]
    picture, network = predict["parameters"]
    assert picture["parameter_name"] == "picture" and picture["python_type"]["type"] == "filepath"
    assert picture["example_input"]["path"] == "seven.png"
    assert network["parameter_default"] == "relu" and network["type"]["enum"] == list(NETWORKS)
    assert [returned["label"] for returned in predict["returns"]][:2] == ["label", "preview"]
    assert "/predict_sketchpad" in endpoints and "/explain" in endpoints


BAD: list[tuple[Any, str]] = [
    ("x", "Expected"),
    ("data:image/png;base64,AAAA", "Expected a picture"),
    (5, "int"),
    (True, "bool"),
    ([1, 2], "list"),
    ({}, "dict"),
    ({"path": "/etc/passwd"}, "dict"),
    ({"path": "/etc/passwd", "meta": {"_type": "FileData"}}, "dict"),
    ({"url": "http://127.0.0.1:9/x.png"}, "dict"),
]


@pytest.mark.parametrize(("picture", "said"), BAD, ids=lambda case: str(case)[:40])
def test_bad_input_is_told_what_was_expected(app: str, picture: Any, said: str) -> None:
    error = call(app, [picture, "relu"])
    assert said in error and "Expected" in error and "Traceback" not in error


@pytest.mark.parametrize("network", ["tanh", None, 3, ["relu"]])
def test_a_network_that_does_not_exist(app: str, digits: dict[int, Path], network: Any) -> None:
    url = data_url(digits[1].read_bytes())
    error = call(app, [url, network])
    assert error and "Traceback" not in error and "/" not in error.replace("relu", "")


def test_a_file_that_is_no_picture(client: Client, tmp_path: Path) -> None:
    for name, content in (
        ("text.png", b"just text"),
        ("empty.png", b""),
        ("half.png", _png()[: len(_png()) // 2]),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(AppError, match="Expected a picture"):
            client.predict(handle_file(path), api_name="/predict")


def test_a_path_on_the_server_is_not_opened(app: str) -> None:
    for path in ("/etc/passwd", "../../../etc/passwd", "app.py"):
        error = call(app, [{"path": path, "meta": {"_type": "gradio.FileData"}}, "relu"])
        assert error and "root:" not in error and "bytes that are none" not in error


def test_the_editor_s_uploads_do_not_pile_up() -> None:
    editor = Sketchpad()
    for i in range(5 * MAX_HELD):
        for kind in ("background", "layer", "composite"):
            upload = {"type": kind, "index": "100000000", "id": str(i), "file": ""}
            editor.accept_blobs(AcceptBlobs.model_validate({"data": upload, "files": [("file", _png())]}))
    assert len(editor.blob_storage) == MAX_HELD
    held = sum(len(blobs.composite or b"") for blobs in editor.blob_storage.values())
    assert held == MAX_HELD * len(_png())
    last = EditorData(background=None, layers=[], composite=None, id=str(5 * MAX_HELD - 1))
    assert editor.preprocess(last) is not None and len(editor.blob_storage) == MAX_HELD - 1
    assert editor.preprocess(last) is None


def test_the_app_is_well_afterwards(client: Client, digits: dict[int, Path], running_app: Server) -> None:
    assert client.predict(handle_file(digits[7]), api_name="/predict")[0]["label"] == "7"
    assert running_app.process.poll() is None


def _png() -> bytes:
    file = io.BytesIO()
    Image.new("L", (20, 20), 255).save(file, "PNG")
    return file.getvalue()


def call(app: str, data: list[Any]) -> str:
    """A call as a stranger may make it, without the client's help; the error that came back."""
    request = urllib.request.Request(
        f"{app}/gradio_api/call/predict",
        json.dumps({"data": data}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        event = json.load(response)["event_id"]
    with urllib.request.urlopen(f"{app}/gradio_api/call/predict/{event}", timeout=30) as response:
        text = response.read().decode()
    assert text.startswith("event: error"), text[:200]
    return text
