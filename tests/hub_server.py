"""A fake Hub on loopback: as much of the Hub's HTTP API as `huggingface_hub` uses here.

Repositories of models, in memory, of one owner: to create one, to commit, to ask what is there, to fetch it. It tells
clients to commit every file as it is, so that no large file takes another way.
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
from typing import Any

import uvicorn
from huggingface_hub import RepoCard
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "hf_owner"  # the owner's

Run = Callable[..., subprocess.CompletedProcess[str]]
"""The fixture `hub_user`."""


def ok(done: subprocess.CompletedProcess[str]) -> str:
    """What a process that ended well has printed."""
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class HubError(Exception):
    def __init__(self, status: int, code: str = "", message: str = ""):
        self.status, self.headers = status, {"X-Error-Code": code, "X-Error-Message": message}


class Repo:
    def __init__(self) -> None:
        self.commits: dict[str, dict[str, bytes]] = {}
        self.refs: dict[str, str] = {}
        self.commit("main", {})

    def commit(self, branch: str, files: dict[str, bytes]) -> str:
        oid = hashlib.sha1(f"{branch}{len(self.commits)}{sorted(files)}".encode()).hexdigest()
        self.commits[oid] = files
        self.refs[branch] = oid
        return oid

    def at(self, revision: str) -> tuple[str, dict[str, bytes]]:
        oid = self.refs.get(revision, revision)
        if oid not in self.commits:
            raise HubError(404, "RevisionNotFound")
        return oid, self.commits[oid]


class Hub:
    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.requests: list[str] = []
        self.silent: set[str] = set()
        """Requests whose path holds the text are not answered for a minute."""
        self.address = ""

    def repo(self, request: Request, write: bool = False) -> Repo:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if (token or write) and token != TOKEN:
            raise HubError(401, message="Invalid credentials in Authorization header")
        repo = self.repos.get("{owner}/{name}".format(**request.path_params))
        if repo is None:
            raise HubError(404, "RepoNotFound", "Repository not found")
        return repo

    # Answers

    async def create(self, request: Request) -> Response:
        repo_id = f"owner/{(await request.json())['name']}"
        url = f"{self.address}/{repo_id}"
        if repo_id in self.repos:
            return JSONResponse({"url": url, "name": repo_id, "error": "You already created it"}, 409)
        self.repos[repo_id] = Repo()
        return JSONResponse({"url": url, "name": repo_id, "id": repo_id})

    async def validate(self, request: Request) -> Response:
        content = (await request.json())["content"]
        try:
            data = RepoCard(content).data.to_dict()
        except (ValueError, TypeError) as fault:
            return JSONResponse({"errors": [{"message": str(fault)}], "warnings": []}, 400)
        warnings = [] if data else [{"message": "empty or missing yaml metadata in repo card"}]
        return JSONResponse({"errors": [], "warnings": warnings})

    async def info(self, request: Request) -> Response:
        oid, files = self.repo(request).at(request.path_params.get("revision", "main"))
        repo_id = "{owner}/{name}".format(**request.path_params)
        siblings = [{"rfilename": path} for path in files]
        return JSONResponse({"id": repo_id, "modelId": repo_id, "sha": oid, "siblings": siblings, "tags": []})

    async def tree(self, request: Request) -> Response:
        _, files = self.repo(request).at(request.path_params["revision"])
        return JSONResponse(
            [
                {"type": "file", "path": path, "size": len(content), "oid": _oid(content)}
                for path, content in files.items()
            ]
        )

    async def preupload(self, request: Request) -> Response:
        self.repo(request, write=True)
        wanted = (await request.json())["files"]
        told = [{"path": file["path"], "uploadMode": "regular", "shouldIgnore": False} for file in wanted]
        return JSONResponse({"files": told})

    async def commit(self, request: Request) -> Response:
        repo, branch = self.repo(request, write=True), request.path_params["revision"]
        _, earlier = repo.at(branch)
        files = dict(earlier)
        for line in (await request.body()).splitlines():
            item = json.loads(line)
            value = item["value"]
            if item["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
        oid = repo.commit(branch, files)
        repo_id = "{owner}/{name}".format(**request.path_params)
        return JSONResponse(
            {"success": True, "commitOid": oid, "commitUrl": f"{self.address}/{repo_id}/commit/{oid}"}
        )

    async def resolve(self, request: Request) -> Response:
        oid, files = self.repo(request).at(request.path_params["revision"])
        path = request.path_params["path"]
        if path not in files:
            raise HubError(404, "EntryNotFound", "Entry not found")
        headers = {"X-Repo-Commit": oid, "ETag": f'"{_oid(files[path])}"'}
        return Response(files[path], headers=headers)

    def app(self) -> Starlette:
        api, top = "/api/models/{owner}/{name}", "/{owner}/{name}"
        answers: list[tuple[str, str, Callable[[Request], Any]]] = [
            ("POST", "/api/repos/create", self.create),
            ("POST", "/api/validate-yaml", self.validate),
            ("GET", api, self.info),
            ("GET", api + "/revision/{revision:path}", self.info),
            ("GET", api + "/tree/{revision}", self.tree),
            ("POST", api + "/preupload/{revision}", self.preupload),
            ("POST", api + "/commit/{revision}", self.commit),
        ]
        answers.append(("GET", top + "/resolve/{revision}/{path:path}", self.resolve))
        return Starlette(
            routes=[Route(path, self.guarded(answer), methods=[method]) for method, path, answer in answers]
        )

    def guarded(self, answer: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def guarded(request: Request) -> Response:
            self.requests.append(f"{request.method} {request.url.path}")
            if any(text in request.url.path for text in self.silent):
                await asyncio.sleep(60)
            try:
                return await answer(request)
            except HubError as error:
                return JSONResponse({"error": error.headers["X-Error-Message"]}, error.status, error.headers)

        return guarded


def _oid(content: bytes) -> str:
    """git's id of a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@contextmanager
def running() -> Iterator[Hub]:
    """A Hub on a free port of loopback."""
    hub = Hub()
    server = uvicorn.Server(uvicorn.Config(hub.app(), host="127.0.0.1", port=0, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    hub.address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield hub
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join()
