"""What strangers may send the running app over HTTP: a clear error for each, and it goes on answering."""

from __future__ import annotations

import itertools
import json
import socket
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest
from helpers import Server, data_url, png, wait_until
from PIL import Image, ImageDraw

from mnist_mlp import load, to_mnist
from mnist_mlp.picture import MAX_BYTES, MAX_DATA_URL, MAX_PIXELS, is_small
from mnist_mlp.server.limits import MAX_BODY, MAX_EDITED, MAX_HELD, MAX_REQUEST
from mnist_mlp.training.mnist import Digits

SECRET = "the content of a file that nobody may read"
LEAKS = ("Traceback", 'File "', "root:x:", "root:*:", "site-packages", "PRIVATE KEY", SECRET)
TURNS = itertools.count(1)
PATIENCE = 30  # seconds for any answer
JSON = {"content-type": "application/json"}
ENDPOINTS = ("predict", "predict_sketchpad", "explain", "read_number")
PICTURE = png(np.pad(np.full((40, 4), 255, np.uint8), 20))


class Canary:
    """A server on loopback that counts who calls."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.visits = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                visitor, _ = self.socket.accept()
            except OSError:
                return
            self.visits += 1
            visitor.close()


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    bird = Canary()
    with socket.create_connection(("127.0.0.1", bird.port)):
        wait_until(lambda: bird.visits == 1)
    bird.visits = 0
    yield bird
    assert bird.visits == 0
    bird.socket.close()


@pytest.fixture(scope="module")
def http(running_app: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running_app.url, timeout=PATIENCE) as client:
        yield client


@pytest.fixture(scope="module")
def digits(mnist: Digits) -> list[str]:
    """A clear digit of each class as a data URL."""
    found = []
    for digit in range(10):
        for image in mnist.images[mnist.labels == digit]:
            canvas = np.pad(image, 8).repeat(5, 0).repeat(5, 1)
            if min(load(name).predict_proba(to_mnist(canvas))[digit] for name in ("relu", "sigmoid")) > 0.99:
                found.append(data_url(canvas))
                break
    return found


@pytest.fixture(autouse=True)
def still_answers(http: httpx.Client, digits: list[str], running_app: Server) -> Iterator[None]:
    """The app goes on reading digits rightly: tried with another one after every tenth case."""
    yield
    assert running_app.process.poll() is None, running_app.log.read_text()[-2000:]
    turn, rest = divmod(next(TURNS), 10)
    if rest == 0:
        outcome, answer = call(http, "predict", [digits[turn % 10], ("relu", "sigmoid")[turn % 2]])
        assert outcome == "complete" and answer[0]["label"] == str(turn % 10)


def call(http: httpx.Client, endpoint: str, data: Any) -> tuple[str, Any]:
    """ "complete" and the outputs, or "error" and the message."""
    body = json.dumps({"data": data}).encode("utf-8", "surrogatepass")
    return finish(http, endpoint, http.post(f"/gradio_api/call/{endpoint}", content=body, headers=JSON))


def finish(http: httpx.Client, endpoint: str, answer: httpx.Response) -> tuple[str, Any]:
    safe(answer)
    if answer.status_code != 200:
        return "error", refusal(answer)
    stream = safe(http.get(f"/gradio_api/call/{endpoint}/{answer.json()['event_id']}"))
    event = stream.text.split("\n\n")[-2]
    kind, data = event.split("event: ")[1].split("\n")[0], event.split("data: ", 1)[1]
    content = json.loads(data)
    if kind == "error":
        content = content["error"]
        assert isinstance(content, str) and len(content) > 10, f"no clear error: {data}"
    return kind, content


def safe(answer: httpx.Response) -> httpx.Response:
    for leak in LEAKS:
        assert leak not in answer.text, answer.text[:2000]
    return answer


def refusal(answer: httpx.Response) -> str:
    """What an answer that is none says: in JSON, but for a few of Gradio's own."""
    assert 400 <= answer.status_code < 600, answer.status_code
    plain = answer.headers["content-type"].startswith("text/plain")
    said = answer.text if plain else answer.json().get("detail") or answer.json().get("error")
    assert said and len(str(said)) > 8 and said != "Internal Server Error", answer.text
    return str(said)


def refused(http: httpx.Client, endpoint: str, data: Any) -> str:
    outcome, content = call(http, endpoint, data)
    assert outcome == "error", content
    return str(content)


def refused_or_empty(http: httpx.Client, endpoint: str, data: Any) -> None:
    """Where Gradio takes what it was sent for nothing, there is no digit in the answer either."""
    outcome, content = call(http, endpoint, data)
    if outcome == "complete":
        number = (
            json.loads(content[0])["number"] if endpoint == "read_number" else (content[0] or {}).get("label")
        )
        assert not number, content


def data_for(endpoint: str, picture: Any, network: Any = "relu") -> list[Any]:
    return [picture, network, *[None] * 6] if endpoint == "explain" else [picture, network]


def file(path: Any, **more: Any) -> dict[str, Any]:
    return {"path": path, "meta": {"_type": "gradio.FileData"}, **more}


def edited(picture: Any, *layers: Any) -> dict[str, Any]:
    return {"background": None, "layers": list(layers), "composite": picture}


def name(value: Any) -> str:
    return repr(value)[:40].encode("ascii", "replace").decode()


# Wrong types in every field

DEEP: Any = []
for _ in range(200):
    DEEP = [DEEP]
WRONG: list[Any] = [
    *(0, 1.5, True, [], [None], DEEP, {}, {"": ""}, {"a" * 10_000: 1}, " ", "/etc/passwd", "\0", "\ud800"),
    *({"path": None}, {"url": "/etc/passwd"}, {"meta": "gradio.FileData", "path": "/etc/passwd"}),
    *({"__type__": "update", "value": "/etc/passwd"}, {"composite": {"x": file("/etc/passwd")}}),
    *([file("/etc/passwd")], {"meta": {"_type": "gradio.FileData"}, "path": []}),
]


@pytest.mark.parametrize("wrong", WRONG, ids=name)
def test_anything_but_a_picture_is_refused(http: httpx.Client, wrong: Any) -> None:
    for endpoint in ("predict", "explain"):
        refused(http, endpoint, data_for(endpoint, wrong))
    refused_or_empty(http, "predict_sketchpad", data_for("predict_sketchpad", wrong))


@pytest.mark.parametrize("network", ["tanh", "", 0, ["relu"], {}, "../relu"], ids=name)
def test_an_unknown_network_is_refused(http: httpx.Client, network: Any, digits: list[str]) -> None:
    for endpoint in ENDPOINTS:
        picture = None if endpoint == "predict_sketchpad" else digits[3]
        assert "relu" in refused(http, endpoint, data_for(endpoint, picture, network))


@pytest.mark.parametrize("number", [-1, 11, 1.5, "3", True, []], ids=name)
def test_a_digit_index_or_epoch_out_of_range_is_refused(
    http: httpx.Client, number: Any, digits: list[str]
) -> None:
    # In turn as the digit, the index, the epoch, the digit of the smallest change and the one to learn
    for place, said in ((0, "0 to 9"), (1, "0 to 0"), (3, "epoch"), (4, "0 to 9"), (5, "0 to 9")):
        rest: list[Any] = [None] * 6
        rest[place] = number
        assert said in refused(http, "explain", [digits[3], "relu", *rest])


@pytest.mark.parametrize("unit", ["", "h1[128]", "h3[0]", "h1[-1]", "h1[0]; x", 0, []], ids=name)
def test_an_unknown_unit_is_refused(http: httpx.Client, unit: Any, digits: list[str]) -> None:
    assert "unit" in refused(http, "explain", [digits[3], "relu", None, None, unit, None, None, None])


# Pictures that are none


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of(width: int, height: int, content: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(content, 9))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


BAD_PICTURES: dict[str, bytes] = {
    "text": b"a seven, honestly",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "pickle": b"cos\nsystem\n(S'true'\ntR.",
    "noise": np.random.default_rng(1).bytes(5000),
    "half a png": PICTURE[: len(PICTURE) // 2],
    "png, pixels damaged": PICTURE[:45] + b"\xff\xff\xff" + PICTURE[48:],
    "png that claims to be huge": png_of(60_000, 60_000),
    "png that is a bomb": png_of(12_000, 12_000, bytes(12_001 * 12_000)),
    "png just over the limit": png_of(5000, MAX_PIXELS // 5000 + 1, bytes(5001 * (MAX_PIXELS // 5000 + 1))),
    "tiff that points to itself": b"II*\0\x08\0\0\0\0\0\x08\0\0\0" + bytes(20),
    "a ppm that claims to be huge": b"P6 99999 99999 255 ",
}


@pytest.mark.parametrize("content", BAD_PICTURES.values(), ids=BAD_PICTURES.keys())
def test_damaged_and_foreign_files_are_refused(http: httpx.Client, content: bytes) -> None:
    assert "xpected" in refused(http, "predict", [data_url(content), "relu"])
    uploaded = safe(http.post("/gradio_api/upload", files={"files": ("seven.png", content)})).json()[0]
    assert "xpected" in refused(http, "read_number", [file(uploaded), "relu"])
    assert "xpected" in refused(http, "predict_sketchpad", [edited(file(uploaded)), "relu"])


GOOD = data_url(PICTURE)
DATA_URLS = [
    *("data:", "data:image/png;base64,", "data:image/png;base64,!!!!", GOOD[:-5], GOOD + "#", f"url({GOOD})"),
    *(GOOD.replace("image/png", "text/html"), GOOD.replace("base64", "base32"), GOOD.upper()),
    "data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg'/>",
    "data:image/png;base64," + "A" * MAX_DATA_URL,
]


@pytest.mark.parametrize("url", DATA_URLS, ids=name)
def test_malformed_data_urls_are_refused(http: httpx.Client, url: str) -> None:
    message = refused(http, "predict", [url, "relu"])
    assert "xpected" in message and len(message) < 500


# Files and addresses that are none of the caller's

PATHS = [
    *(
        "/dev/zero",
        "/",
        "",
        "app.py",
        "\0",
        "{cache}",
        "{cache}/../secret.txt",
        "{secret}",
        "file://{secret}",
    ),
    *("A" * 5000, "http://127.0.0.1:{port}/seven.png", "https://localhost:{port}/", "http://[::1]:{port}/"),
    *("http://2130706433:{port}/", "//127.0.0.1:{port}/", "gopher://127.0.0.1:{port}/_GET"),
    *("http://127.0.0.1:99999/", "{app}/gradio_api/info"),
]


@pytest.fixture(scope="module")
def places(running_app: Server, canary: Canary) -> dict[str, str]:
    secret = running_app.cache.parent / "secret.txt"
    secret.write_text(SECRET)
    return {
        "{cache}": str(running_app.cache),
        "{secret}": str(secret),
        "{port}": str(canary.port),
        "{app}": running_app.url,
    }


def fill(text: str, places: dict[str, str]) -> str:
    for key, value in places.items():
        text = text.replace(key, value)
    return text


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://nothing.invalid/7.png", "nothing.invalid"),
        ("http://[bad/7.png", "URL"),
        ("ftp://nothing.invalid/7.png", "Expected a picture that was uploaded"),
    ],
)
def test_an_address_that_cannot_be_fetched_is_told_without_a_traceback(
    http: httpx.Client, running_app: Server, address: str, said: str
) -> None:
    before = len(running_app.log.read_text())
    assert said in refused(http, "predict", [file(address), "relu"])
    assert "Traceback" not in running_app.log.read_text()[before:]


@pytest.mark.parametrize("path", PATHS, ids=name)
def test_files_of_the_server_are_not_read(http: httpx.Client, path: str, places: dict[str, str]) -> None:
    path = fill(path, places)
    refused(http, "predict", [file(path), "relu"])
    refused(http, "explain", data_for("explain", file(path, url=path, orig_name=path)))
    refused(http, "predict_sketchpad", [edited(file(path), file(path)), "relu"])


@pytest.mark.parametrize("path", ["call/predict/nothing", "queue/data?session_hash=none"])
def test_the_stream_of_an_unknown_session_ends(http: httpx.Client, path: str) -> None:
    assert "404: Not Found" in safe(http.get(f"/gradio_api/{path}")).text


def test_a_stranger_cannot_end_the_session_of_another(http: httpx.Client, digits: list[str]) -> None:
    """A call waits for its owner, whoever names its session in another address."""
    asked = http.post("/gradio_api/call/predict", json={"data": [digits[5], "relu"]})
    session = asked.json()["event_id"]
    http.get(f"/x/heartbeat/{session}")
    outcome, answer = finish(http, "predict", asked)
    assert outcome == "complete" and answer[0]["label"] == "5"


# JSON, headers and bodies

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "not UTF-8": b'{"data": ["\xff\xfe", "relu"]}',
    "data a number": b'{"data": 5}',
    "infinity": b'{"data": [1e999, "relu"]}',
    "a long number": b'{"data": [' + b"9" * 5000 + b', "relu"]}',
    "nested lists": b'{"data": [' + b"[" * 100_000 + b"]" * 100_000 + b', "relu"]}',
    "nested and open": b'{"data": ' + b"[" * 1_000_000,
    "over the limit": b'{"data": ["' + b"x" * MAX_REQUEST + b'", "relu"]}',
    "lone surrogates": b'{"data": ["\\ud800\\ud800", "relu"]}',
    "a session that is a list": b'{"data": ["x", "relu"], "session_hash": []}',
    "a function that is not there": b'{"data": ["x", "relu"], "fn_index": 99999}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_malformed_bodies_are_refused(http: httpx.Client, body: bytes) -> None:
    answer = http.post("/gradio_api/call/predict", content=body, headers=JSON)
    assert finish(http, "predict", answer)[0] == "error"
    for path in ("run/predict", "queue/join", "call/v2/predict", "component_server"):
        answer = safe(http.post(f"/gradio_api/{path}", content=body, headers=JSON))
        if answer.status_code != 200:
            refusal(answer)


@pytest.mark.parametrize("path", ["call/predict", "component_server", "upload", "mcp/"])
def test_a_body_without_a_length_is_cut_off_at_the_limit(http: httpx.Client, path: str) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(MAX_BODY // 100_000 + 5):
            yield b"x" * 100_000

    kind = "multipart/form-data; boundary=x" if path == "upload" else "application/json"
    try:
        answer = safe(http.post(f"/gradio_api/{path}", content=endless(), headers={"content-type": kind}))
    except httpx.TransportError:  # the connection is closed upon it
        return
    assert 400 <= answer.status_code < 500


# Uploads


@pytest.mark.parametrize("size", [MAX_BYTES + 100_000, MAX_BODY + 100_000])
def test_uploads_over_the_limit_are_refused(http: httpx.Client, size: int) -> None:
    answer = safe(http.post("/gradio_api/upload", files={"files": ("large.png", bytes(size))}))
    assert answer.status_code == 413
    refusal(answer)


# The functions of components, which do not queue


def ask_component(http: httpx.Client, **body: Any) -> httpx.Response:
    filled = {"data": None, "component_id": 1, "fn_name": "answer", "session_hash": "stranger", **body}
    content = json.dumps({key: value for key, value in filled.items() if value is not ...})
    return safe(http.post("/gradio_api/component_server", content=content.encode(), headers=JSON))


@pytest.mark.parametrize("field", ["data", "component_id", "fn_name", "session_hash"])
def test_component_functions_refuse_wrong_fields(http: httpx.Client, field: str) -> None:
    values: list[Any] = [..., [], {}, 99999, -1, "x", "__init__", "preprocess", "accept_blobs"]
    for value in values:
        if field == "data" or (field == "session_hash" and value == "x"):
            continue
        answer = ask_component(http, **{field: value})
        assert 400 <= answer.status_code < 500, answer.text
        refusal(answer)


@pytest.fixture(scope="module")
def functions(http: httpx.Client) -> list[tuple[int, str]]:
    """Every function of a component that the page may ask, but for the editor's upload."""
    components = http.get("/config").json()["components"]
    return [
        (component["id"], function)
        for component in components
        for function in component["props"].get("server_fns") or []
        if function != "accept_blobs"
    ]


QUESTIONS = [*WRONG, *({"picture": wrong, "network": "relu"} for wrong in [*WRONG, *DATA_URLS])]


@pytest.mark.parametrize("wrong", QUESTIONS, ids=name)
def test_the_questions_of_the_page_are_checked(
    http: httpx.Client, functions: list[tuple[int, str]], wrong: Any
) -> None:
    for component, function in functions:
        answer = ask_component(http, component_id=component, fn_name=function, data=wrong)
        if answer.status_code != 200:
            assert answer.status_code < 500, answer.text
            refusal(answer)
        elif "refused" in answer.json():
            assert len(answer.json()["refused"]) > 8


def test_a_large_picture_cannot_bypass_the_queue(
    http: httpx.Client, functions: list[tuple[int, str]]
) -> None:
    large = data_url(png_of(4000, 4000, bytes(4001 * 4000)))
    assert len(large) < MAX_DATA_URL
    (pad,) = [component for component, function in functions if function == "answer"]
    data = {"picture": large, "network": "relu", "explain": False}
    answer = ask_component(http, component_id=pad, fn_name="answer", data=data)
    assert answer.status_code == 200 and "Expected" in answer.json()["refused"]


@pytest.fixture(scope="module")
def editor(http: httpx.Client) -> int:
    components = http.get("/config").json()["components"]
    return next(component["id"] for component in components if component["type"] == "imageeditor")


def whole(name: str) -> dict[str, Any]:
    """The editor's value where its picture was uploaded before."""
    return {"id": name, "background": None, "layers": [], "composite": None}


def put(http: httpx.Client, editor: int, name: str, picture: bytes, **fields: str) -> httpx.Response:
    """Send a picture as Gradio's editor does."""
    whose = {"component_id": str(editor), "session_hash": "stranger", "fn_name": "accept_blobs"}
    form = {**whose, "type": "composite", "id": name, "index": "null", **fields}
    return safe(http.post("/gradio_api/component_server", data=form, files={"file": ("blob", picture)}))


def test_uploads_of_the_editor_are_bounded(http: httpx.Client, editor: int, digits: list[str]) -> None:
    assert put(http, editor, "x", bytes(MAX_EDITED + 1)).status_code == 400
    large = 1_000_000
    for number in range(5):
        assert put(http, editor, f"stranger {number}", PICTURE).status_code == 200
    answers = [put(http, editor, f"large {number}", bytes(large)) for number in range(MAX_HELD // large + 1)]
    assert answers[-1].status_code == 400 and "busy" in refusal(answers[-1])
    for number in range(5):  # none was pushed out by another's
        outcome, answer = call(http, "predict_sketchpad", [whole(f"stranger {number}"), "relu"])
        assert outcome == "complete" and answer[0]["label"] == "1"
    for number in range(len(answers)):  # makes room again
        call(http, "predict_sketchpad", [whole(f"large {number}"), "relu"])


# Anything at all

# The canvases that take longest: noise of the size of digits, dense text, hatching


def slow(seed: int) -> np.ndarray:
    rng, sheet = np.random.default_rng(seed), Image.new("L", (320, 240), 255)
    draw = ImageDraw.Draw(sheet)
    if seed == 0:
        for x, y in itertools.product(range(8, 312, 14), range(10, 230, 22)):
            draw.line((x, y, x + int(rng.integers(-4, 5)), y + 14), 0, 3)
    elif seed == 1:
        for y in range(2, 230, 12):
            draw.text((2, y), "The quick brown fox jumps over 1,234 lazy dogs", 0)
    else:
        for i in range(-240, 320, 9):
            draw.line((i, 0, i + 240, 240), 0, 2)
            draw.line((i, 240, i + 240, 0), 0, 2)
    return np.asarray(sheet)


WORST = [slow(seed) for seed in range(3)]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_the_slowest_canvases_are_answered(http: httpx.Client, endpoint: str) -> None:
    for sheet in WORST:
        url = data_url(sheet)
        if endpoint == "predict_sketchpad":
            uploaded = http.post("/gradio_api/upload", files={"files": ("x.png", png(sheet))}).json()[0]
            outcome, answer = call(http, endpoint, [edited(file(uploaded)), "relu"])
        else:
            outcome, answer = call(http, endpoint, data_for(endpoint, url))
        assert outcome == "complete" or "There is no digit" in answer or "at most 200 digits" in answer, (
            answer
        )


def test_the_slowest_canvases_hold_up_no_other_drawing(
    http: httpx.Client, functions: list[tuple[int, str]], digits: list[str]
) -> None:
    (pad,) = [component for component, function in functions if function == "answer"]

    def ask(picture: str) -> dict[str, Any]:
        data = {"picture": picture, "network": "relu", "explain": False}
        with httpx.Client(base_url=str(http.base_url), timeout=PATIENCE) as client:
            body = {"component_id": pad, "fn_name": "answer", "session_hash": "s", "data": data}
            return dict(client.post("/gradio_api/component_server", json=body).json())

    urls = [data_url(np.ascontiguousarray(sheet[:240, :320])) for sheet in WORST]  # as large as the pad's
    urls = [url for url in urls if is_small(url)]
    with ThreadPoolExecutor(32) as pool:
        slow = [pool.submit(ask, url) for url in itertools.islice(itertools.cycle(urls), 64)]
        for _ in range(100):  # a page asks again while it is told "busy"
            answered = ask(digits[4])
            if not answered.get("busy"):
                break
            time.sleep(0.25)
        told = [future.result() for future in slow]
    assert answered["label"]["label"] == "4"
    assert all(
        answer.get("busy") or "label" in answer or "at most 200" in answer["refused"] for answer in told
    )
