"""A fake Hub on loopback: as much of the Hub's HTTP API as `huggingface_hub` uses here.

Repositories of models, in memory, of one owner, with LFS: to create one, to commit, to ask what is there, to fetch it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
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
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

TOKEN = "hf_owner"  # the owner's
LFS_FILES = (".safetensors", ".png")  # kept in LFS by the .gitattributes of a new repository

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
        self.objects: dict[str, bytes] = {}
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
        return JSONResponse([_entry(path, content) for path, content in files.items()])

    async def preupload(self, request: Request) -> Response:
        _, files = self.repo(request, write=True).at(request.path_params["revision"])
        wanted = (await request.json())["files"]
        mode = {True: "lfs", False: "regular"}
        told = [
            {
                "path": file["path"],
                "uploadMode": mode[file["path"].endswith(LFS_FILES)],
                "shouldIgnore": False,
                "oid": _known(file["path"], files),
            }
            for file in wanted
        ]
        return JSONResponse({"files": told})

    async def lfs_batch(self, request: Request) -> Response:
        self.repo(request, write=True)
        objects = [{"oid": each["oid"], "size": each["size"]} for each in (await request.json())["objects"]]
        for each in objects:
            if each["oid"] not in self.objects:
                upload, verify = (f"{self.address}/{path}/{each['oid']}" for path in ("lfs", "verify"))
                each["actions"] = {"upload": {"href": upload}, "verify": {"href": verify}}
        return JSONResponse({"transfer": "basic", "objects": objects})

    async def lfs_put(self, request: Request) -> Response:
        content = b""
        async for piece in request.stream():
            content += piece
        if hashlib.sha256(content).hexdigest() == request.path_params["oid"]:
            self.objects[request.path_params["oid"]] = content
        return Response()

    async def lfs_verify(self, request: Request) -> Response:
        wanted = await request.json()
        if len(self.objects.get(wanted["oid"], b"")) != wanted["size"]:
            raise HubError(404, "EntryNotFound", "The object did not arrive whole")
        return JSONResponse({})

    async def commit(self, request: Request) -> Response:
        repo, branch = self.repo(request, write=True), request.path_params["revision"]
        _, earlier = repo.at(branch)
        files = dict(earlier)
        for line in (await request.body()).splitlines():
            item = json.loads(line)
            value = item["value"]
            if item["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif item["key"] == "lfsFile":
                if value["oid"] not in self.objects:
                    raise HubError(400, message=f"{value['path']}: no such object")
                files[value["path"]] = self.objects[value["oid"]]
            elif item["key"] == "deletedFile":
                del files[value["path"]]
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
        content, digest = files[path], hashlib.sha256(files[path]).hexdigest()
        headers = {"X-Repo-Commit": oid, "ETag": f'"{_entry(path, content)["oid"]}"'}
        if not path.endswith(LFS_FILES):
            return _content(request, content, headers)
        headers |= {"X-Linked-ETag": f'"{digest}"', "X-Linked-Size": str(len(content))}
        self.objects[digest] = content
        elsewhere = self.address.replace("127.0.0.1", "localhost")  # as the Hub's storage is another host
        return RedirectResponse(f"{elsewhere}/cdn/{digest}", 302, headers)

    async def cdn(self, request: Request) -> Response:
        content = self.objects[request.path_params["oid"]]
        return _content(request, content, {"ETag": f'"{request.path_params["oid"]}"'})

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
            ("PUT", "/lfs/{oid}", self.lfs_put),
            ("POST", "/verify/{oid}", self.lfs_verify),
            ("GET", "/cdn/{oid}", self.cdn),
        ]
        answers.append(("POST", top + ".git/info/lfs/objects/batch", self.lfs_batch))
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


def _entry(path: str, content: bytes) -> dict[str, Any]:
    """A file as the Hub lists it; its id is git's, that of the pointer where it is in LFS."""
    entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content)}
    if path.endswith(LFS_FILES):
        digest, size = hashlib.sha256(content).hexdigest(), len(content)
        content = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {size}\n".encode()
        entry["lfs"] = {"oid": digest, "size": size, "pointerSize": len(content)}
    return {**entry, "oid": hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()}


def _known(path: str, files: dict[str, bytes]) -> str | None:
    if path not in files:
        return None
    entry = _entry(path, files[path])
    return str(entry.get("lfs", entry)["oid"])


def _content(request: Request, content: bytes, headers: dict[str, str]) -> Response:
    wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
    if not wanted:
        return Response(content, headers=headers)
    start, end = int(wanted[1]), int(wanted[2] or len(content) - 1)
    headers = {**headers, "Content-Range": f"bytes {start}-{end}/{len(content)}"}
    return Response(content[start : end + 1], 206, headers)


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
