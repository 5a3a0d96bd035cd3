"""The private parts of Gradio that `server/gradio_internals.py` depends on, and what is done about them."""

from __future__ import annotations

import inspect
from pathlib import Path
from urllib.parse import parse_qs

import gradio as gr
import httpx
import numpy as np
import pytest
from gradio.components.image_editor import AcceptBlobs, EditorData
from gradio.mcp import GradioMCPServer
from helpers import launched, png
from PIL import Image

from mnist_mlp.server import api, gradio_internals, middleware
from mnist_mlp.server.gradio_internals import HELD_OVERHEAD, Sketchpad
from mnist_mlp.server.limits import HELD_AGE

CHANGED = (
    "Gradio {} has changed {}: read mnist_mlp/server/gradio_internals.py and see whether it is still needed"
)


def test_this_version_of_gradio_has_the_private_parts() -> None:
    with gr.Blocks() as demo:
        editor = gr.Sketchpad()
    queue = demo._queue
    parts = {
        "Queue.pending_event_ids_session": queue.pending_event_ids_session == {},
        "Queue.pending_messages_per_session": queue.pending_messages_per_session.max_size > 0,
        "Queue.event_analytics": queue.event_analytics == {} and queue.ANALYTICS_MAX_EVENTS == 1,
        "ImageEditor.blob_storage": editor.blob_storage == {},
        "ImageEditor.accept_blobs": list(inspect.signature(editor.accept_blobs).parameters) == ["data"],
        "EditorData.id": "id" in EditorData.model_fields,
        "Blocks.temp_file_sets": demo.temp_file_sets[-1] is editor.temp_files,
        "FnIndexInferError": issubclass(gradio_internals.UnknownEndpoint, Exception),
    }
    for name, unchanged in parts.items():
        assert unchanged, CHANGED.format(gr.__version__, name)


@pytest.mark.parametrize("space", ["", "somebody/digits", "somebody/mnist-mlp"])
def test_the_query_finds_the_one_tool(space: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with gr.Blocks() as demo:
        api.endpoints()
    monkeypatch.setenv("SPACE_ID", space)
    monkeypatch.setattr("gradio.utils.get_space", lambda: space or None)
    server = GradioMCPServer(demo)
    query = parse_qs(gradio_internals.tools_query(api.TOOL).decode())
    if not query:
        findable = [tool for tool in server.tool_to_endpoint if tool.startswith(server.tool_prefix)]
        assert not findable, CHANGED.format(gr.__version__, "the names of tools: `tools_query`")
        return
    found = {server.tool_prefix + tool for tool in query["tools"][0].split(",")} & {*server.tool_to_endpoint}
    assert [server.tool_to_endpoint[tool] for tool in found] == ["/read_number"]
    assert found <= {*query["tools"][0].split(",")}  # the names that the schema's address goes by


PICTURE = png(np.full((20, 20), 255, np.uint8))


def test_equal_pictures_get_files_of_their_own() -> None:
    """One caller's file is not written, and not deleted, by another's call."""
    pixels = np.eye(28, dtype=np.float32)
    one, other = (Path(gradio_internals.to_file(pixels)["path"]) for _ in range(2))
    assert one.parent != other.parent and one.read_bytes() == other.read_bytes()
    assert np.array_equal(np.asarray(Image.open(one)), 255 * pixels)


def upload(editor: Sketchpad, name: str, kind: str = "composite", index: str = "100000000") -> None:
    data = {"type": kind, "index": index, "id": name, "file": ""}
    editor.accept_blobs(AcceptBlobs.model_validate({"data": data, "files": [("file", PICTURE)]}))


def value(name: str) -> EditorData:
    return EditorData(background=None, layers=[], composite=None, id=name)


def test_the_editor_s_uploads_are_bounded_and_no_visitor_s_picture_pushes_another_s_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    editor, now = Sketchpad(), 1000.0
    monkeypatch.setattr("mnist_mlp.server.gradio_internals.time.monotonic", lambda: now)
    monkeypatch.setattr(gradio_internals, "MAX_HELD", 32 * (HELD_OVERHEAD + len(PICTURE)))
    for number in range(32):
        for kind in ("background", "layer", "composite"):
            upload(editor, str(number), kind)
    with pytest.raises(gr.Error, match="busy"):
        upload(editor, "one too many")
    assert len(editor.blob_storage) == 32
    found = editor.preprocess(value("0"))
    assert found and found["composite"] is not None and found["layers"] == []
    upload(editor, "one more")  # what a call has fetched makes room
    now += HELD_AGE + 1
    upload(editor, "much later")
    assert list(editor.blob_storage) == ["much later"]


def test_callers_who_leave_before_their_answer_are_forgotten_in_turn() -> None:
    with gr.Blocks(**middleware.BLOCKS) as demo:
        gr.Interface(str, "text", "text", api_name="echo")
    middleware.queue(demo)
    queue = demo._queue
    queue.pending_messages_per_session.max_size = queue.pending_event_ids_session.max_size = 5
    with launched(demo, **middleware.LAUNCH) as url, httpx.Client(base_url=url) as client:
        demo.app.state_holder.capacity = 5
        for number in range(20):
            client.post("/gradio_api/call/echo", json={"data": [str(number)]}).raise_for_status()
        call = client.post("/gradio_api/call/echo", json={"data": ["last"]}).json()["event_id"]
        assert 'data: ["last"]' in client.get(f"/gradio_api/call/echo/{call}").text
        kept = (
            queue.pending_messages_per_session,
            queue.pending_event_ids_session,
            demo.app.state_holder.session_data,
        )
        assert all(len(sessions) <= 6 for sessions in kept)
        assert len(queue.event_analytics) == 1 and not queue.cached_event_analytics_summary["functions"]
