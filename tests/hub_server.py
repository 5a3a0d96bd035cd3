"""A fake Hub on loopback: what `huggingface_hub` asks of the Hub here.

It tells clients to commit every file as it is, so that no large file takes another way.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from huggingface_hub import RepoCard
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

TOKEN = "hf_owner"  # the owner's
PATH = "{owner}/{name}"

Run = Callable[..., subprocess.CompletedProcess[str]]
"""The fixture `hub_user`."""


def ok(done: subprocess.CompletedProcess[str]) -> str:
    """What a process that ended well has printed."""
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Hub:
    def __init__(self) -> None:
        self.repos: dict[str, list[dict[str, bytes]]] = {}
        """By "owner/name", the files of each commit, the newest last. A commit's id is its number."""
        self.requests: list[str] = []
        self.silent = False
        """Whether no request is answered for a minute."""
        self.address = ""

    def repo(self, request: Request, write: bool = False) -> list[dict[str, bytes]]:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if (token or write) and token != TOKEN:
            raise HTTPException(401, "Invalid credentials in Authorization header")
        repo = self.repos.get(PATH.format(**request.path_params))
        if repo is None:
            raise HTTPException(404, "Repository not found", {"X-Error-Code": "RepoNotFound"})
        return repo

    async def create(self, request: Request) -> Response:
        repo_id = f"owner/{(await request.json())['name']}"
        there = repo_id in self.repos
        self.repos.setdefault(repo_id, [{}])
        return JSONResponse({"url": f"{self.address}/{repo_id}", "name": repo_id}, 409 if there else 200)

    async def validate(self, request: Request) -> Response:
        RepoCard((await request.json())["content"])
        return JSONResponse({"errors": [], "warnings": []})

    async def info(self, request: Request) -> Response:
        repo, repo_id = self.repo(request), PATH.format(**request.path_params)
        siblings = [{"rfilename": path} for path in repo[-1]]
        return JSONResponse({"id": repo_id, "sha": f"{len(repo):040x}", "siblings": siblings})

    async def tree(self, request: Request) -> Response:
        files = self.repo(request)[-1].items()
        return JSONResponse(
            [{"type": "file", "path": path, "size": len(f), "oid": _oid(f)} for path, f in files]
        )

    async def preupload(self, request: Request) -> Response:
        self.repo(request, write=True)
        wanted = (await request.json())["files"]
        told = [{"path": file["path"], "uploadMode": "regular", "shouldIgnore": False} for file in wanted]
        return JSONResponse({"files": told})

    async def commit(self, request: Request) -> Response:
        repo = self.repo(request, write=True)
        items = [json.loads(line) for line in (await request.body()).splitlines()]
        added = [item["value"] for item in items if item["key"] == "file"]
        repo.append({**repo[-1], **{file["path"]: base64.b64decode(file["content"]) for file in added}})
        oid = f"{len(repo):040x}"
        url = f"{self.address}/{PATH.format(**request.path_params)}/commit/{oid}"
        return JSONResponse({"success": True, "commitOid": oid, "commitUrl": url})

    async def resolve(self, request: Request) -> Response:
        repo, revision = self.repo(request), request.path_params["revision"]
        number = len(repo) if revision == "main" else int(revision, 16)
        content = repo[number - 1].get(request.path_params["path"])
        if content is None:
            raise HTTPException(404, "Entry not found", {"X-Error-Code": "EntryNotFound"})
        return Response(content, headers={"X-Repo-Commit": f"{number:040x}", "ETag": f'"{_oid(content)}"'})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.requests.append(f"{scope['method']} {scope['path']}")
            await asyncio.sleep(60 if self.silent else 0)
        api = f"/api/models/{PATH}"
        routes = [
            Route("/api/repos/create", self.create, methods=["POST"]),
            Route("/api/validate-yaml", self.validate, methods=["POST"]),
            Route(api, self.info),
            Route(api + "/revision/{revision}", self.info),
            Route(api + "/tree/{revision}", self.tree),
            Route(api + "/preupload/{revision}", self.preupload, methods=["POST"]),
            Route(api + "/commit/{revision}", self.commit, methods=["POST"]),
            Route(f"/{PATH}" + "/resolve/{revision}/{path:path}", self.resolve),
        ]
        await Starlette(routes=routes)(scope, receive, send)


def _oid(content: bytes) -> str:
    """git's id of a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@contextmanager
def running() -> Iterator[Hub]:
    """A Hub on a free port of loopback."""
    hub = Hub()
    server = uvicorn.Server(
        uvicorn.Config(hub, host="127.0.0.1", port=0, log_level="critical", lifespan="off")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    hub.address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield hub
    finally:
        server.should_exit = server.force_exit = True
        thread.join()
