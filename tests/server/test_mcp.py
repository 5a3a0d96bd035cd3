"""The app as an MCP server, through the `mcp` client library."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest
from helpers import data_url, run_async
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from mnist_mlp import load, read, to_mnist
from mnist_mlp.training.mnist import Digits


def ask(app: str, what: Callable[[ClientSession], Awaitable[Any]], query: str = "") -> Any:
    async def session() -> Any:
        address = f"{app}/gradio_api/mcp/{query}"
        async with streamable_http_client(address) as (read, write, *_), ClientSession(read, write) as client:
            await client.initialize()
            return await what(client)

    return run_async(asyncio.wait_for(session(), 60))


def call(app: str, tool: str = "read_number", **arguments: Any) -> Any:
    return ask(app, lambda client: client.call_tool(tool, arguments))


@pytest.fixture(scope="module")
def clear(mnist: Digits) -> dict[int, np.ndarray]:
    """A digit of each class that both networks are sure of, dark on white, four times as large."""
    found: dict[int, np.ndarray] = {}
    for x, y in zip(mnist.images, mnist.labels):
        canvas = np.kron(255 - x, np.ones((4, 4), np.uint8))
        probabilities = [load(name).predict_proba(to_mnist(canvas))[y] for name in ("relu", "sigmoid")]
        if int(y) not in found and min(probabilities) > 0.99:
            found[int(y)] = canvas
        if len(found) == 10:
            return found
    raise AssertionError("no clear digit of each class")


@pytest.mark.parametrize("query", ["", "?tools=predict,explain"])
def test_one_tool_that_says_what_it_takes_and_gives(app: str, query: str) -> None:
    (tool,) = ask(app, lambda client: client.list_tools(), query).tools
    assert tool.name == "read_number"
    for word in ("handwritten number", "Returns", "JSON", "confidence", "readings", "hint", "leading zeros"):
        assert word in tool.description
    schema = tool.inputSchema
    assert schema["required"] == ["picture"]
    assert schema["properties"].keys() == {"picture", "network"}
    assert schema["properties"]["picture"]["type"] == "string"
    for word in ("PNG", "http", "data URL", "10 MB"):
        assert word in schema["properties"]["picture"]["description"]
    assert schema["properties"]["network"]["enum"] == ["relu", "sigmoid"]
    assert schema["properties"]["network"]["default"] == "relu"


def test_it_reads_digits(app: str, clear: dict[int, np.ndarray]) -> None:
    for digit in (0, 3, 8):
        network = "sigmoid" if digit % 2 else "relu"
        result = call(app, picture=data_url(clear[digit]), network=network)
        assert not result.isError
        answer = json.loads(result.content[0].text)
        assert answer["number"] == str(digit)
        reading = read(clear[digit], network)
        assert (
            answer["confidence"] == pytest.approx(reading.confidence, abs=1e-3)
            and answer["hint"] == reading.hint
        )


@pytest.mark.parametrize(
    "arguments",
    [
        {"picture": "data:image/png;base64,SGVsbG8="},
        {"picture": "/etc/passwd"},
        {"picture": "file:///etc/passwd"},
        {"picture": 7},
        {"picture": "", "network": "relu"},
        {"picture": data_url(np.zeros((5, 5), np.uint8)), "network": "gelu"},
        {},
    ],
    ids=str,
)
def test_what_it_cannot_read_is_an_error_without_a_traceback(app: str, arguments: dict[str, Any]) -> None:
    result = call(app, **arguments)
    text = " ".join(part.text for part in result.content)
    assert result.isError or not json.loads(text)["number"]
    assert "Traceback" not in text and "root:" not in text


def test_it_fetches_nothing_from_inside(app: str) -> None:
    seen: list[str] = []

    class Canary(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Canary) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        result = call(app, picture=f"http://127.0.0.1:{server.server_port}/seven.png")
        server.shutdown()
    assert result.isError
    assert not seen
