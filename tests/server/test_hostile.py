"""What strangers may send the running app over HTTP: a clear error for each, and it goes on answering."""

from __future__ import annotations

import base64
import io
import itertools
import json
import socket
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from helpers import Server, data_url, png
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mnist_mlp.picture import MAX_DATA_URL, MAX_PIXELS
from mnist_mlp.server.limits import MAX_BODY, MAX_BYTES, MAX_SECONDS
from mnist_mlp.training.data import Mnist

SECRET = "the content of a file that nobody may read"
LEAKS = ("Traceback", 'File "', "root:x:", "root:*:", "site-packages", "PRIVATE KEY", SECRET)
TURNS = itertools.count(1)
ENDPOINTS = ("predict", "predict_sketchpad", "explain")


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
        pass
    for _ in range(100):
        if bird.visits:
            break
        time.sleep(0.02)
    assert bird.visits == 1  # it hears
    bird.visits = 0
    yield bird
    bird.socket.close()


@pytest.fixture(scope="module")
def http(running_app: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running_app.url, timeout=MAX_SECONDS + 5) as client:
        yield client


@pytest.fixture(scope="module")
def seven(mnist: Mnist) -> dict[int, str]:
    """A test digit of each class, as a data URL: the eighth of its kind that both networks read rightly."""
    from mnist_mlp import load

    x = (mnist.x_test / np.float32(255)).reshape(-1, 784)
    sure = np.ones(len(x), bool)
    for name in ("relu", "sigmoid"):
        p = load(name).predict_proba(x)
        sure &= (p.argmax(1) == mnist.y_test) & (p.max(1) > 0.95)
    found = {}
    for digit in range(10):
        which = np.flatnonzero(sure & (mnist.y_test == digit))[7]
        found[digit] = data_url(png(np.pad(mnist.x_test[which], 8).repeat(5, 0).repeat(5, 1)))
    return found


@pytest.fixture(autouse=True)
def still_answers(http: httpx.Client, seven: dict[int, str], running_app: Server) -> Iterator[None]:
    """The app goes on reading digits rightly: tried with another one after every tenth case."""
    yield
    assert running_app.process.poll() is None, running_app.log.read_text()[-2000:]
    turn = next(TURNS)
    if turn % 10:
        return
    turn //= 10
    outcome, answer = call(http, "predict", [seven[turn % 10], ("relu", "sigmoid")[turn % 2]])
    assert outcome == "complete", answer
    assert answer[0]["label"] == str(turn % 10)


def call(http: httpx.Client, endpoint: str, data: Any) -> tuple[str, Any]:
    """ "complete" and the outputs, or "error" and the message."""
    body = json.dumps({"data": data}).encode("utf-8", "surrogatepass")
    return finish(http, endpoint, http.post(f"/gradio_api/call/{endpoint}", content=body, headers=JSON))


JSON = {"content-type": "application/json"}


def finish(http: httpx.Client, endpoint: str, answer: httpx.Response) -> tuple[str, Any]:
    safe(answer)
    if answer.status_code != 200:
        return "error", refusal(answer)
    event = answer.json()["event_id"]
    stream = safe(http.get(f"/gradio_api/call/{endpoint}/{event}"))
    *_, (kind, data) = [
        (part.split("event: ")[1].split("\n")[0], part.split("data: ", 1)[1])
        for part in stream.text.split("\n\n")
        if "data: " in part
    ]
    content = json.loads(data)
    if kind == "error":
        content = content["error"]
        assert isinstance(content, str) and len(content) > 10, f"no clear error: {data}"
    else:
        assert kind == "complete", stream.text
    return kind, content


def safe(answer: httpx.Response) -> httpx.Response:
    for leak in LEAKS:
        assert leak not in answer.text, answer.text[:2000]
    assert answer.elapsed.total_seconds() < MAX_SECONDS
    return answer


def refusal(answer: httpx.Response) -> str:
    """What an answer that is none says."""
    assert 400 <= answer.status_code < 600, answer.status_code
    if answer.headers["content-type"].startswith("text/plain"):  # some refusals of Gradio's own
        said = answer.text
        assert said != "Internal Server Error"
    else:
        said = answer.json().get("detail") or answer.json().get("error")
    assert said and len(str(said)) > 8, answer.text
    return str(said)


def refused(http: httpx.Client, endpoint: str, data: Any) -> str:
    outcome, content = call(http, endpoint, data)
    assert outcome == "error", content
    return str(content)


def refused_or_empty(http: httpx.Client, endpoint: str, data: Any) -> None:
    """Where Gradio takes what it was sent for nothing, there is no digit in the answer either."""
    outcome, content = call(http, endpoint, data)
    if outcome == "complete":
        assert not content[0], content


def data_for(endpoint: str, picture: Any, network: Any = "relu") -> list[Any]:
    return [picture, network, None] if endpoint == "explain" else [picture, network]


def file(path: Any, **more: Any) -> dict[str, Any]:
    return {"path": path, "meta": {"_type": "gradio.FileData"}, **more}


# Wrong types in every field

DEEP: Any = []
for _ in range(200):
    DEEP = [DEEP]
WRONG: list[Any] = [
    *(0, 1, -1, 7, 1.5, 1e308, 10**30, True, False),
    *([], [[]], [None], [0] * 784, [[0] * 28] * 28, ["data:image/png;base64,"], DEEP),
    *({}, {"path": None}, {"path": "seven.png"}, {"path": "/etc/passwd"}, {"url": "/etc/passwd"}),
    *({"meta": {"_type": "gradio.FileData"}}, {"meta": {"_type": "gradio.FileData"}, "path": []}),
    *({"meta": "gradio.FileData", "path": "/etc/passwd"}, {"meta": None, "path": "/etc/passwd"}),
    *({"_type": "gradio.FileData", "path": "/etc/passwd"}, {"composite": "/etc/passwd"}),
    *({"__type__": "update", "value": "/etc/passwd"}, {"__class__": "str"}, {"": ""}, {"a" * 10_000: 1}),
    *(" ", "seven.png", "/etc/passwd", "file:///etc/passwd", "null", "None", "[]", "{}", "\0", "\ud800"),
    *("\N{PILE OF POO}" * 1000, "ｄａｔａ:image/png;base64,", "%00", "${7*7}", "{{7*7}}", "' OR 1=1 --"),
    *("<script>alert(1)</script>", "../" * 50 + "etc/passwd", "A" * 100_000, "\n" * 1000, "\u202e"),
]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    "wrong", WRONG, ids=lambda wrong: repr(wrong)[:40].encode("ascii", "replace").decode()
)
def test_no_picture(http: httpx.Client, endpoint: str, wrong: Any) -> None:
    if endpoint == "predict_sketchpad":
        refused_or_empty(http, endpoint, data_for(endpoint, wrong))
    else:
        message = refused(http, endpoint, data_for(endpoint, wrong))
        assert message


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    "network", ["tanh", "", "RELU", 0, 1.5, True, [], ["relu"], {}, "../relu", "relu\0"], ids=repr
)
def test_no_network(http: httpx.Client, endpoint: str, network: Any, seven: dict[int, str]) -> None:
    picture = None if endpoint == "predict_sketchpad" else seven[3]
    assert "relu" in refused(http, endpoint, data_for(endpoint, picture, network))


@pytest.mark.parametrize("digit", [-1, 10, 1.5, "3", "", True, [], [3], {}, 1e308, 10**40], ids=repr)
def test_no_digit(http: httpx.Client, digit: Any, seven: dict[int, str]) -> None:
    assert "0 to 9" in refused(http, "explain", [seven[3], "relu", digit])


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("data", [[], [""]], ids=repr)
def test_too_few_inputs(http: httpx.Client, endpoint: str, data: list[Any]) -> None:
    refused(http, endpoint, data)


# Data URLs of every kind

PICTURE = png(np.pad(np.full((40, 4), 255, np.uint8), 20))


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of(width: int, height: int, content: bytes = b"", depth: int = 8, colour: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(content, 9))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def encoded(kind: str, size: tuple[int, int] = (60, 60), mode: str = "RGB", **options: Any) -> bytes:
    picture = io.BytesIO()
    Image.new(mode, size).save(picture, kind, **options)
    return picture.getvalue()


BAD_PICTURES: dict[str, bytes] = {
    "nothing": b"",
    "one byte": b"\x89",
    "text": b"a seven, honestly",
    "html": b"<html><script>alert(1)</script></html>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "xml with an entity": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><svg>&e;</svg>',
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n",
    "pdf": b"%PDF-1.7\n1 0 obj\n<< >>\nendobj\n",
    "zip": b"PK\x05\x06" + bytes(18),
    "pickle": b"cos\nsystem\n(S'true'\ntR.",
    "noise": np.random.default_rng(1).bytes(5000),
    "zeros": bytes(5000),
    "png's signature alone": PICTURE[:8],
    "png's header alone": PICTURE[:33],
    "half a png": PICTURE[: len(PICTURE) // 2],
    "png, checksum wrong": PICTURE[:29] + b"\0\0\0\0" + PICTURE[33:],
    "png, pixels damaged": PICTURE[:45] + b"\xff\xff\xff" + PICTURE[48:],
    "png of no width": png_of(0, 10),
    "png of no height": png_of(10, 0),
    "png without pixels": png_of(30, 30),
    "png with too few pixels": png_of(300, 300, bytes(100)),
    "png of a wrong depth": png_of(10, 10, bytes(200), depth=3),
    "png of a wrong colour type": png_of(10, 10, bytes(200), colour=5),
    "png that claims to be huge": png_of(60_000, 60_000),
    "png that claims 2^31": png_of(2**31 - 1, 2**31 - 1),
    "png that is a bomb": png_of(12_000, 12_000, bytes(12_001 * 12_000)),
    "png just over the limit": png_of(5000, MAX_PIXELS // 5000 + 1, bytes(5001 * (MAX_PIXELS // 5000 + 1))),
    "gif that claims to be huge": b"GIF89a\xff\xff\xff\xff\x80\0\0" + bytes(20),
    "half a gif": encoded("GIF", mode="P")[:-30],
    "bmp that claims to be huge": encoded("BMP")[:18]
    + struct.pack("<ii", 99_999, 99_999)
    + encoded("BMP")[26:],
    "bmp of a negative width": encoded("BMP")[:18] + struct.pack("<ii", -60, 60) + encoded("BMP")[26:],
    "half a bmp": encoded("BMP")[:100],
    "jpeg's start": b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    "jpeg that claims to be huge": encoded("JPEG").replace(b"\x08\0\x3c\0\x3c", b"\x08\xff\xff\xff\xff"),
    "half a webp": encoded("WEBP", mode="RGB", lossless=True)[:20],
    "webp's header": b"RIFF\xff\xff\xff\xffWEBPVP8 ",
    "tiff's header": b"II*\0\x08\0\0\0",
    "tiff that points nowhere": b"II*\0\xff\xff\xff\x7f",
    "tiff that points to itself": b"II*\0\x08\0\0\0\0\0\x08\0\0\0" + bytes(20),
    "half a tiff": encoded("TIFF")[:200],
    "an icon": encoded("ICO", mode="RGBA"),
    "a ppm": b"P6 60 60 255 " + bytes(60 * 60 * 3),
    "a ppm that claims to be huge": b"P6 99999 99999 255 ",
    "a tga": encoded("TGA"),
    "a pcx": encoded("PCX"),
    "an im file": encoded("IM"),
    "an msp file": encoded("MSP", mode="1"),
    "an xbm file": b"#define a_width 60\n#define a_height 60\nstatic char a_bits[] = {\n0x00\n};",
}


@pytest.mark.parametrize("content", BAD_PICTURES.values(), ids=BAD_PICTURES.keys())
def test_bad_pictures_in_a_data_url(http: httpx.Client, content: bytes) -> None:
    assert "xpected" in refused(http, "predict", [data_url(content), "relu"])


@pytest.mark.parametrize("content", BAD_PICTURES.values(), ids=BAD_PICTURES.keys())
def test_bad_pictures_uploaded(http: httpx.Client, content: bytes) -> None:
    uploaded = safe(http.post("/gradio_api/upload", files={"files": ("seven.png", content)}))
    if uploaded.status_code != 200:
        refusal(uploaded)
        return
    assert "xpected" in refused(http, "predict", [file(uploaded.json()[0]), "relu"])
    edited: dict[str, Any] = {"background": None, "layers": [], "composite": file(uploaded.json()[0])}
    assert "xpected" in refused(http, "predict_sketchpad", [edited, "relu"])


GOOD = base64.b64encode(PICTURE).decode()
DATA_URLS = [
    *(
        "data:",
        "data:,",
        "data:image/png",
        "data:image/png,",
        "data:image/png;base64",
        "data:image/png;base64,",
    ),
    *("data:image/png;base64,=", "data:image/png;base64,====", "data:image/png;base64,!!!!"),
    *(
        f"data:image/png;base64,{GOOD[:-5]}",
        f"data:image/png;base64,{GOOD}=",
        f"data:image/png;base64,{GOOD[1:]}",
    ),
    *(f"data:image/png;base64, {GOOD}", f"data:image/png;base64,{GOOD}\n", f" data:image/png;base64,{GOOD}"),
    *(
        f"data:image/png;charset=utf-8;base64,{GOOD}",
        f"data:;base64,{GOOD}",
        f"data:text/plain;base64,{GOOD}",
    ),
    *(f"data:text/html;base64,{GOOD}", f"data:image/;base64,{GOOD}", f"data:image/{'x' * 99};base64,{GOOD}"),
    *(f"DATA:image/png;base64,{GOOD}", f"data:image/png;BASE64,{GOOD}", f"data:image/png;base32,{GOOD}"),
    *(
        f"data:image/png;hex,{PICTURE.hex()}",
        f"data://image/png;base64,{GOOD}",
        f"url(data:image/png;base64,{GOOD})",
    ),
    *(
        f"blob:data:image/png;base64,{GOOD}",
        f"javascript:data:image/png;base64,{GOOD}",
        "data:image/png;base64," * 500,
    ),
    *(
        f"data:image/png;base64,{GOOD}#",
        f"data:image/png;base64,{GOOD}?x=1",
        f"data:image/png;base64,{GOOD},{GOOD}",
    ),
    *(
        "data:image/png;base64,\0",
        "data:image/png;base64,\N{GREEK SMALL LETTER ALPHA}",
        "data:image/png;base64,%00",
    ),
    "data:image/svg+xml;base64," + base64.b64encode(BAD_PICTURES["svg"]).decode(),
    "data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg'/>",
    "data:image/png;base64," + "A" * MAX_DATA_URL,
    "data:image/png;base64," + "=" * 900_000,
]


@pytest.mark.parametrize("url", DATA_URLS, ids=lambda url: url[:30].encode("ascii", "replace").decode())
@pytest.mark.parametrize("endpoint", ["predict", "explain"])
def test_data_urls(http: httpx.Client, endpoint: str, url: str) -> None:
    message = refused(http, endpoint, data_for(endpoint, url))
    assert "xpected" in message and len(message) < 500


# Files that are none of the caller's

PATHS = [
    *(
        "/etc/passwd",
        "/etc/shadow",
        "/proc/self/environ",
        "/proc/self/mem",
        "/proc/self/cmdline",
        "/dev/zero",
    ),
    *(
        "/dev/stdin",
        "/dev/random",
        "/",
        ".",
        "..",
        "",
        " ",
        "~",
        "~/.ssh/id_rsa",
        "/home/user/.ssh/id_rsa",
        "app.py",
    ),
    *("../../../../etc/passwd", "..\\..\\etc\\passwd", "....//....//etc/passwd", "%2e%2e%2fetc%2fpasswd"),
    *(
        "{cache}",
        "{cache}/",
        "{cache}/..",
        "{cache}/../../../../etc/passwd",
        "{cache}/nothing.png",
        "{cache}\0.png",
    ),
    *("{cache}/%2e%2e/secret.txt", "{secret}", "{cache}/../secret.txt", "file://{secret}", "{root}/app.py"),
    *("{root}/README.md", "{root}/mnist_mlp/weights/relu/config.json", "{root}/.git/config"),
    *("file:///etc/passwd", "file:/etc/passwd", "file://localhost/etc/passwd", "FILE:///etc/passwd"),
    *(
        "data:image/png;base64,AAAA",
        "A" * 5000,
        "/" * 5000,
        "a/" * 2000,
        "\0",
        "seven\0.png",
        "CON",
        "con.png",
    ),
    *("http://127.0.0.1:{port}/", "http://127.0.0.1:{port}/seven.png", "https://127.0.0.1:{port}/seven.png"),
    *(
        "http://localhost:{port}/seven.png",
        "http://[::1]:{port}/seven.png",
        "http://0.0.0.0:{port}/seven.png",
    ),
    *(
        "http://127.1:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f000001:{port}/",
        "http://0177.0.0.1:{port}/",
    ),
    *(
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://[::ffff:7f00:1]:{port}/",
        "http://0:{port}/",
        "http://127.0.0.2:{port}/",
    ),
    *(
        "http://user:pass@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}#@127.0.0.1/",
        "HTTP://127.0.0.1:{port}/",
    ),
    *(
        "ftp://127.0.0.1:{port}/",
        "gopher://127.0.0.1:{port}/_GET",
        "//127.0.0.1:{port}/",
        "http:127.0.0.1:{port}",
    ),
    *(
        "http:///127.0.0.1:{port}/",
        "http://",
        "http://127.0.0.1:{port}\\@localhost/",
        "http://127.0.0.1:99999/",
    ),
    *("http://①②⑦.⓪.⓪.①:{port}/", "http://127。0。0。1:{port}/", "{app}/gradio_api/info", "{app}/config"),
]


@pytest.fixture(scope="module")
def secret(running_app: Server) -> Path:
    path = running_app.cache.parent / "secret.txt"
    path.write_text(SECRET)
    return path


@pytest.fixture
def fill(running_app: Server, canary: Canary, secret: Path) -> dict[str, Any]:
    root = Path(__file__).parent.parent
    places = {"cache": running_app.cache, "secret": secret, "root": root, "port": canary.port}
    return {"app": running_app.url, **places}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: repr(path)[:40].encode("ascii", "replace").decode())
def test_files_that_are_none_of_the_callers(
    http: httpx.Client, path: str, fill: dict[str, Any], canary: Canary
) -> None:
    for key, value in fill.items():
        path = path.replace(f"{{{key}}}", str(value))
    refused(http, "predict", [file(path), "relu"])
    refused(http, "explain", [file(path, url=path, orig_name=path), "relu", None])
    refused(http, "predict_sketchpad", [{"background": file(path), "layers": [], "composite": None}, "relu"])
    edited: dict[str, Any] = {"background": None, "layers": [file(path)], "composite": file(path)}
    refused(http, "predict_sketchpad", [edited, "relu"])
    assert canary.visits == 0


@pytest.mark.parametrize(
    "more", ["url", "orig_name", "mime_type", "is_stream", "size", "alt_text", "caption"]
)
def test_other_fields_of_a_file(http: httpx.Client, more: str, fill: dict[str, Any], canary: Canary) -> None:
    values: tuple[Any, ...] = (f"http://127.0.0.1:{canary.port}/", "/etc/passwd", True, -1, [], {})
    for value in values:
        refused(http, "predict", [file(str(fill["secret"]), **{more: value}), "relu"])
    assert canary.visits == 0


def test_nesting_does_not_hide_a_file(http: httpx.Client) -> None:
    for picture in (
        [file("/etc/passwd")],
        {"x": file("/etc/passwd")},
        {"composite": {"x": file("/etc/passwd")}},
    ):
        for endpoint in ENDPOINTS:
            refused_or_empty(http, endpoint, data_for(endpoint, picture))


def test_another_sessions_upload_is_not_given_away(http: httpx.Client, running_app: Server) -> None:
    """Its place is told to its owner alone, and cannot be guessed or listed."""
    mine = http.post("/gradio_api/upload", files={"files": ("mine.png", PICTURE)}).json()[0]
    assert len(Path(mine).parent.name) == 64  # as hard to guess as the picture itself
    for path in (running_app.cache, Path(mine).parent, Path(mine).parent.parent):
        assert safe(http.get(f"/gradio_api/file={path}")).status_code in (403, 404)
    other = Path(mine).parent.with_name("0" * 64) / "mine.png"
    refused(http, "predict", [file(str(other)), "relu"])


GETS = [
    *("/gradio_api/file=/etc/passwd", "/gradio_api/file={secret}", "/gradio_api/file=../../etc/passwd"),
    *(
        "/gradio_api/file={root}/app.py",
        "/gradio_api/file={root}/.git/config",
        "/gradio_api/file={cache}/../secret.txt",
    ),
    *(
        "/gradio_api/file=file:///etc/passwd",
        "/gradio_api/file=%2fetc%2fpasswd",
        "/gradio_api/file=/dev/zero",
    ),
    *("/gradio_api/file=/proc/self/environ", "/gradio_api/file=//etc/passwd", "/gradio_api/file/etc/passwd"),
    *(
        "/file=/etc/passwd",
        "/file/etc/passwd",
        "/static/../../../etc/passwd",
        "/static/%2e%2e/%2e%2e/etc/passwd",
    ),
    *(
        "/static//etc/passwd",
        "/assets/../../etc/passwd",
        "/assets/%2e%2e%2f%2e%2e%2fetc/passwd",
        "/svelte/../../etc/passwd",
    ),
    *(
        "/gradio_api/proxy=http://127.0.0.1:{port}/",
        "/gradio_api/proxy=file:///etc/passwd",
        "/proxy=http://127.0.0.1:{port}/",
    ),
    *(
        "/gradio_api/custom_component/x/client/component/../../../etc/passwd",
        "/gradio_api/stream/x/1/2/playlist.m3u8",
    ),
    *(
        "/gradio_api/call/predict/nothing",
        "/gradio_api/call/nothing/nothing",
        "/gradio_api/queue/data?session_hash=none",
    ),
    *(
        "/gradio_api/runs/x",
        "/gradio_api/token",
        "/monitoring",
        "/monitoring/summary",
        "/monitoring/x",
        "/gradio_api/vibe-code/",
    ),
    *(
        "/gradio_api/deep_link?session_hash=x",
        "/gradio_api/upload_progress?upload_id=none",
        "/pwa_icon/0",
        "/nothing",
    ),
    *(
        "/gradio_api/dev/reload",
        "/gradio_api/run-history/buckets",
        "/?deep_link=../../../etc/passwd",
        "/" + "x" * 5000,
    ),
    *(
        "/?__theme=%00",
        "/?view=%3Cscript%3E",
        "/gradio_api/call/predict/%00",
        "/logs",
        "/docs",
        "/%2e%2e/%2e%2e/etc/passwd",
    ),
]


@pytest.mark.parametrize("path", GETS, ids=lambda path: path[:50])
def test_addresses_that_lead_nowhere(
    http: httpx.Client, path: str, fill: dict[str, Any], canary: Canary
) -> None:
    for key, value in fill.items():
        path = path.replace(f"{{{key}}}", str(value))
    # An event stream of nobody's may stay open: what counts is what it says, and that it harms nobody.
    try:
        with http.stream("GET", path, timeout=3) as answer:
            text = "".join(text for text, _ in zip(answer.iter_text(), range(20)))
    except httpx.ReadTimeout:
        text = ""
    for leak in LEAKS[1:] if path.startswith("/?") else LEAKS:
        assert leak not in text
    assert canary.visits == 0


@pytest.mark.parametrize(
    "path", ["call/predict/nothing", "call/v2/predict/nothing", "queue/data?session_hash=none"]
)
def test_event_streams_of_nobodys(http: httpx.Client, path: str) -> None:
    """They say that there is no such thing, and end."""
    answer = safe(http.get(f"/gradio_api/{path}"))
    assert "404: Not Found" in answer.text


# JSON, headers and bodies

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "half an object": b'{"data": [',
    "no JSON": b"data=1",
    "not UTF-8": b'{"data": ["\xff\xfe", "relu"]}',
    "bytes": bytes(range(256)),
    "null": b"null",
    "a list": b"[]",
    "a number": b"5",
    "a string": b'"data"',
    "an empty object": b"{}",
    "data null": b'{"data": null}',
    "data a number": b'{"data": 5}',
    "data an object": b'{"data": {}}',
    "data a string": b'{"data": "relu"}',
    "data twice": b'{"data": ["x", "relu"], "data": [5, "relu"]}',
    "NaN": b'{"data": [NaN, "relu"]}',
    "infinity": b'{"data": [1e999, "relu"]}',
    "a long number": b'{"data": [' + b"9" * 5000 + b', "relu"]}',
    "nested lists": b'{"data": [' + b"[" * 100_000 + b"]" * 100_000 + b', "relu"]}',
    "nested objects": b'{"data": [' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"]}",
    "nested, not so deep": b'{"data": [' + b"[" * 900 + b"]" * 900 + b', "relu"]}',
    "nested and open": b'{"data": ' + b"[" * 1_000_000,
    "a million inputs": b'{"data": [' + b"1," * 1_000_000 + b"1]}",
    "a million keys": b'{"data": [{' + b",".join(b'"%d":1' % i for i in range(200_000)) + b'}, "relu"]}',
    "a long string": b'{"data": ["' + b"x" * 8_000_000 + b'", "relu"]}',
    "over the limit": b'{"data": ["' + b"x" * MAX_BODY + b'", "relu"]}',
    "lone surrogates": b'{"data": ["\\ud800\\ud800", "relu"]}',
    "a null byte": b'{"data": ["\\u0000", "relu"]}',
    "a session that is a number": b'{"data": ["x", "relu"], "session_hash": 5}',
    "a session that is a list": b'{"data": ["x", "relu"], "session_hash": []}',
    "an odd session": b'{"data": ["x", "relu"], "session_hash": "../../etc"}',
    "a function that is text": b'{"data": ["x", "relu"], "fn_index": "predict"}',
    "a function that is not there": b'{"data": ["x", "relu"], "fn_index": 99999}',
    "a negative function": b'{"data": ["x", "relu"], "fn_index": -1}',
    "event data": b'{"data": ["x", "relu"], "event_data": {"target": 1}}',
    "a trigger": b'{"data": ["x", "relu"], "trigger_id": 99999}',
    "a request of its own": b'{"data": ["x", "relu"], "request": {"headers": {}}}',
    "a batch": b'{"data": ["x", "relu"], "batched": true}',
    "a prototype": b'{"data": ["x", "relu"], "__proto__": {}, "constructor": {}}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_bodies(http: httpx.Client, body: bytes) -> None:
    answer = http.post("/gradio_api/call/predict", content=body, headers=JSON)
    assert finish(http, "predict", answer)[0] == "error"
    for path in ("/gradio_api/run/predict", "/gradio_api/queue/join", "/gradio_api/call/v2/predict"):
        answer = safe(http.post(path, content=body, headers=JSON))
        if answer.status_code != 200:
            refusal(answer)


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/xml", "multipart/form-data", "application/json; charset=utf-16"]
)
def test_content_types(http: httpx.Client, kind: str) -> None:
    answer = safe(
        http.post(
            "/gradio_api/call/predict", content=b'{"data": [5, "relu"]}', headers={"content-type": kind}
        )
    )
    assert finish(http, "predict", answer)[0] == "error"


def test_a_body_that_does_not_say_how_long_it_is(http: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        yield b'{"data": ["'
        for _ in range(MAX_BODY // 100_000 + 5):
            yield b"x" * 100_000

    for path, headers in (
        ("/gradio_api/call/predict", JSON),
        ("/gradio_api/upload", {"content-type": "multipart/form-data; boundary=x"}),
    ):
        try:
            answer = safe(http.post(path, content=endless(), headers=headers))
        except httpx.TransportError:  # the connection is closed upon it
            continue
        assert 400 <= answer.status_code < 600


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "X"])
def test_other_methods(http: httpx.Client, method: str) -> None:
    answer = safe(http.request(method, "/gradio_api/call/predict", content=b"{}"))
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize(
    "endpoint", ["nothing", "lambda", "__init__", "accept_blobs", "predict%00", "..", "-1", "0"]
)
def test_endpoints_that_are_not_there(http: httpx.Client, endpoint: str) -> None:
    answer = safe(http.post(f"/gradio_api/call/{endpoint}", json={"data": ["", "relu"]}))
    assert answer.status_code in (400, 404, 405, 422, 500)
    refusal(answer)


# Uploads


@pytest.mark.parametrize(
    "name",
    [
        "../../evil.png",
        "/etc/cron.d/evil",
        "..",
        ".",
        "a" * 5000 + ".png",
        "nul\0l.png",
        "\N{PILE OF POO}.png",
        "",
    ],
)
def test_names_of_uploads(http: httpx.Client, name: str, running_app: Server) -> None:
    answer = safe(http.post("/gradio_api/upload", files={"files": (name, PICTURE)}))
    if answer.status_code == 200:
        for path in answer.json():
            assert Path(path).resolve().is_relative_to(running_app.cache.resolve())
    assert not any(Path(path).exists() for path in ("/etc/cron.d/evil", "evil.png", "../evil.png"))


@pytest.mark.parametrize("size", [MAX_BYTES + 100_000, MAX_BODY + 100_000])
def test_uploads_over_the_limit(http: httpx.Client, size: int) -> None:
    answer = safe(http.post("/gradio_api/upload", files={"files": ("large.png", bytes(size))}))
    assert answer.status_code == 413
    refusal(answer)


@pytest.mark.parametrize(
    "body", [b"", b"--x", b"--x\r\n\r\n", b"--x--", b"--x\r\nContent-Disposition: form-data\r\n\r\n\r\n--x--"]
)
def test_uploads_without_files(http: httpx.Client, body: bytes) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert safe(http.post("/gradio_api/upload", content=body, headers=headers)).status_code < 600


SERVED: list[dict[str, Any]] = [
    {},
    {"data": None, "component_id": 99999, "fn_name": "accept_blobs", "session_hash": "x"},
    {"data": None, "component_id": "x", "fn_name": "accept_blobs", "session_hash": "x"},
    *(
        {"data": data, "component_id": component, "fn_name": name, "session_hash": "x"}
        for component in range(1, 30, 4)
        for name in ("accept_blobs", "preprocess", "__init__", "__class__")
        for data in (None, {"type": "composite", "id": "x"})
    ),
]


@pytest.mark.parametrize(
    "body", SERVED, ids=lambda body: "-".join(str(value)[:12] for value in body.values())
)
def test_functions_of_components(http: httpx.Client, body: dict[str, Any]) -> None:
    answer = safe(http.post("/gradio_api/component_server", json=body))
    assert (answer.status_code == 200 and answer.json() is None) or answer.status_code >= 400


# Anything at all

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["path", "url", "meta", "_type", "composite", "layers", "background", "id", "x"]),
            inner | st.just("gradio.FileData") | st.just({"_type": "gradio.FileData"}),
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(picture=anything, network=anything, endpoint=st.sampled_from(ENDPOINTS))
@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_anything(http: httpx.Client, picture: Any, network: Any, endpoint: str) -> None:
    refused_or_empty(http, endpoint, data_for(endpoint, picture, network))


# What all of it must not have done


def test_the_canary_was_never_visited(canary: Canary) -> None:
    assert canary.visits == 0


def test_the_slowest_picture_that_is_allowed_is_in_time(http: httpx.Client) -> None:
    rng = np.random.default_rng(1)
    side = int(MAX_PIXELS**0.5)
    noise = np.kron(
        rng.integers(0, 256, (side // 40, side // 40, 3)).astype(np.uint8), np.ones((40, 40, 1), np.uint8)
    )
    large = io.BytesIO()
    Image.fromarray(noise).save(large, "PNG")
    assert len(large.getvalue()) < MAX_BYTES
    uploaded = http.post("/gradio_api/upload", files={"files": ("large.png", large.getvalue())}).json()
    start = time.monotonic()
    call(http, "predict", [file(uploaded[0]), "relu"])
    assert time.monotonic() - start < MAX_SECONDS
