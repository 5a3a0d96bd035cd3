"""The endpoints of the running app, as `gradio_client` and curl reach them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from helpers import data_url
from PIL import Image

from mnist_mlp import load, read, to_mnist
from mnist_mlp.hints import MARKS_LEFT_OUT
from mnist_mlp.training.mnist import Digits

NETWORKS = ("relu", "sigmoid")


@pytest.fixture(scope="module")
def client(app: str) -> Client:
    return Client(app, verbose=False)


@pytest.fixture(scope="module")
def digits(mnist: Digits, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """A clear digit of each class, which both networks read rightly: a file, black on white."""
    folder = tmp_path_factory.mktemp("digits")
    files = {}
    for digit in range(10):
        images = mnist.images[mnist.labels == digit][:50]
        x = images.astype(np.float32) / 255
        clear = np.minimum(*(load(network).predict_proba(x)[:, digit] for network in NETWORKS))
        files[digit] = folder / f"{digit}.png"
        enlarged = Image.fromarray(255 - images[clear.argmax()]).resize((280, 280), Image.Resampling.BICUBIC)
        enlarged.save(files[digit])
    return files


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("blank") / "blank.png"
    Image.new("L", (280, 280), 255).save(path)
    return path


def test_predict_gives_the_label_and_the_28_by_28_picture(client: Client, digits: dict[int, Path]) -> None:
    for digit, path in digits.items():
        network = NETWORKS[digit % 2]
        label, preview = client.predict(handle_file(path), network, api_name="/predict")
        assert label["label"] == str(digit)
        x = to_mnist(np.asarray(Image.open(path)))
        readings = read(np.asarray(Image.open(path)), network).readings
        assert len(label["confidences"]) == 3
        for one in label["confidences"]:
            text = one["label"].replace("no number", "")
            assert one["confidence"] == pytest.approx(readings[text], abs=1e-4)
        pixels = np.asarray(Image.open(preview))
        assert pixels.shape == (28, 28) and np.abs(pixels / 255 - x).max() < 0.003  # rounded to 8 bits


def test_predict_gives_all_digits_of_a_number(
    client: Client, digits: dict[int, Path], tmp_path: Path
) -> None:
    path = tmp_path / "number.png"
    canvas = np.hstack([np.asarray(Image.open(digits[digit]).resize((160, 160))) for digit in (0, 0, 7)])
    Image.fromarray(canvas).save(path)
    reading = read(canvas)
    label, preview = client.predict(handle_file(path), api_name="/predict")
    assert label["label"] == reading.text
    strip = np.asarray(Image.open(preview))
    assert strip.shape == (28, 28 * len(reading.digits))
    for number, digit in enumerate(reading.digits):
        pixels = strip[:, 28 * number : 28 * (number + 1)] / 255
        assert np.abs(pixels - digit.pixels).max() < 0.003


def test_relu_is_the_default(client: Client, digits: dict[int, Path]) -> None:
    default = client.predict(handle_file(digits[3]), api_name="/predict")
    assert default[0] == client.predict(handle_file(digits[3]), "relu", api_name="/predict")[0]
    assert default[0] != client.predict(handle_file(digits[3]), "sigmoid", api_name="/predict")[0]


def test_curl_reads_a_data_url(app: str, digits: dict[int, Path]) -> None:
    picture = data_url(digits[4].read_bytes())
    joined = httpx.post(f"{app}/gradio_api/call/predict", json={"data": [picture, "relu"]}).json()
    answer = httpx.get(f"{app}/gradio_api/call/predict/{joined['event_id']}").text
    assert answer.startswith("event: complete")
    label, preview = json.loads(answer.split("data: ", 1)[1].split("\n\n")[0])
    assert label["label"] == "4"
    assert httpx.get(preview["url"]).content.startswith(b"\x89PNG")


def test_predict_sketchpad_reads_the_editor_s_value(client: Client, digits: dict[int, Path]) -> None:
    for digit in (2, 7):
        file = handle_file(digits[digit])
        expected = client.predict(file, "relu", api_name="/predict")[0]
        for background, composite in ((file, file), (None, file), (file, None)):
            value: dict[str, Any] = {"background": background, "layers": [], "composite": composite}
            label, preview = client.predict(value, "relu", api_name="/predict_sketchpad")
            assert label["label"] == expected["label"] and label["confidences"] == expected["confidences"]
            assert np.asarray(Image.open(preview)).shape[:2] == (28, 28)
    empty: dict[str, Any] = {"background": None, "layers": [], "composite": None}
    assert not (client.predict(empty, "relu", api_name="/predict_sketchpad")[0] or {}).get("label")


def test_where_nothing_is_drawn_there_is_no_label(client: Client, blank: Path) -> None:
    for picture in (None, "", handle_file(blank)):
        label, preview = client.predict(picture, api_name="/predict")
        assert label == {"label": None, "confidences": []} and preview is None


def test_an_explanation_adds_up_and_is_the_networks_own(client: Client, digits: dict[int, Path]) -> None:
    picture = handle_file(digits[8])
    x = to_mnist(np.asarray(Image.open(digits[8])))
    for network in NETWORKS:
        net = load(network)
        steps = net.forward(x)
        for digit in (None, 3):
            told = client.predict(picture, network, digit, None, "h2[7]", None, 3, 8, api_name="/explain")
            assert told["predicted"] == 8 and told["digit"] == (8 if digit is None else digit)
            assert np.sum(told["evidence"]) + told["bias"] == pytest.approx(told["logit"], abs=1e-3)
            assert told["logit"] == pytest.approx(float(steps.logits[told["digit"]]), abs=1e-3)
            for name, step in {"x": x, **steps._asdict()}.items():  # the README's names
                assert np.array(told[name]) == pytest.approx(step, abs=1e-3), name
            assert sum(told["h2_contributions"]) + net.b3[told["digit"]] == pytest.approx(
                told["logit"], abs=1e-3
            )
        unit = told["unit"]
        assert np.dot(unit["inputs"], unit["weights"]) + unit["bias"] == pytest.approx(unit["sum"], abs=1e-4)
        assert np.array(unit["weights"]) == pytest.approx(net.w2[:, 7]) and unit["sum"] == pytest.approx(
            steps.z2[7], abs=1e-3
        )
        changed = np.array(told["change"]["pixels"], np.float32)
        assert net.predict_proba(changed).argmax() == told["change"]["digit"] == 3
        assert told["change"]["l2"] == pytest.approx(np.linalg.norm(changed - x), abs=1e-3)
        assert told["learning"]["loss"] == pytest.approx(-np.log(steps.probabilities[8]), abs=1e-3)
        assert np.shape(told["learning"]["dW2"]) == (128, 256)
        assert told["snapshots"][-1]["probabilities"] == pytest.approx(steps.probabilities.tolist(), abs=1e-3)
        assert len(told["nearest"]) == 10 and np.shape(told["nearest"][0]["image"]) == (28, 28)
        (line,) = told["lattice"]
        assert line["text"] == told["text"] == "8" and line["terms"][0]["label"] == "8"
        early = client.predict(picture, network, None, None, None, 0, api_name="/explain")
        assert early["logits"] != told["logits"] and early["epoch"] == 0


def test_a_mark_left_out_is_told(client: Client, digits: dict[int, Path], tmp_path: Path) -> None:
    canvas = np.pad(np.asarray(Image.open(digits[5])), ((0, 0), (120, 0)), constant_values=255)
    canvas[130:145, 20:90] = 0
    Image.fromarray(canvas).save(tmp_path / "minus.png")
    answer = json.loads(client.predict(handle_file(tmp_path / "minus.png"), api_name="/read_number"))
    reading = read(canvas)
    assert reading.marks == 1 and answer["number"] == reading.text == "5"
    assert answer["hint"] == (reading.hint or MARKS_LEFT_OUT)


def test_without_a_digit_there_is_nothing_to_explain(client: Client, blank: Path) -> None:
    with pytest.raises(AppError, match=r"no digit to explain. Draw a digit or a number\."):
        client.predict(handle_file(blank), api_name="/explain")


def test_the_schema_says_what_goes_in_and_out(client: Client) -> None:
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    assert endpoints.keys() == {"/predict", "/predict_sketchpad", "/explain", "/read_number"}
    for name, endpoint in endpoints.items():
        picture, network, *_ = endpoint["parameters"]
        assert network["parameter_default"] == "relu" and network["type"]["enum"] == list(NETWORKS)
        if name != "/predict_sketchpad":  # gr.Interface's own
            assert endpoint["description"] and picture["parameter_name"] == "picture"
    label, preview = endpoints["/predict"]["returns"]
    assert endpoints["/predict"]["parameters"][0]["python_type"]["type"] == "filepath"
    assert label["type"]["properties"].keys() == {"label", "confidences"}
    assert preview["python_type"]["type"] in ("filepath", "None | filepath")


def test_callers_cannot_bypass_the_queue(app: str) -> None:
    for path in ("run", "api"):
        past = httpx.post(f"{app}/gradio_api/{path}/predict", json={"data": ["", "relu"]})
        assert past.status_code == 404 and "join the queue" in past.json()["detail"]
