"""A rehearsal of the Space: the app as the Hub would build and start it, before anything is pushed.

    python benchmarks/rehearse_space.py

The files that `hf upload` sends and no others, in a new environment with the header's Python, Gradio and
requirements.txt; started by a user who is not root, without a network. Then it is drawn on and called.
Seconds to the first answer and memory stand beside those of a bare Gradio app, started the same way in turn.
Writes results/space.json. Wants Linux, and root to cut the network off.
"""

from __future__ import annotations

import argparse
import fcntl
import itertools
import json
import os
import shlex
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil
from huggingface_hub import RepoCard
from huggingface_hub.utils import filter_repo_objects
from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.helpers import LAPTOP, ROOT, chromium, data_url, save, table

USER = 1000  # the one that a Space runs as
PORT = 7860
BARE = """
import gradio as gr

demo = gr.Interface(lambda text: text, "textbox", "textbox", api_name="predict")
demo.launch()
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="how often each app is started")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        sys.argv[1:] = ["--runs", str(options.runs)]  # the command that is told beside the figures
        return rehearse(options.inside, options.runs)
    with tempfile.TemporaryDirectory(prefix="space-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        header = RepoCard.load(ROOT / "README.md").data.to_dict()
        uploaded(folder / "app")
        (folder / "bare").mkdir()
        (folder / "bare" / header["app_file"]).write_text(BARE)
        build(folder, header)
        command = [sys.executable, __file__, "--inside", name, "--runs", str(options.runs)]
        if os.geteuid() == 0:
            command = ["unshare", "--net", *command]
        else:
            print("not root: the network is not cut off, and the user stays the same")
        return subprocess.run(command, check=False).returncode


def uploaded(target: Path) -> None:
    """Copy what the README's `hf upload` sends: the files of the repository that its --exclude lets through."""
    (command,) = [
        line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("hf upload ")
    ]
    words = shlex.split(command)
    excluded = [pattern for word, pattern in itertools.pairwise(words) if word == "--exclude"]
    listed = "git ls-files --cached --others --exclude-standard -z"
    paths = subprocess.run(listed.split(), cwd=ROOT, check=True, capture_output=True, text=True).stdout
    there = [path for path in paths.split("\0") if path and (ROOT / path).is_file()]
    sent = list(filter_repo_objects(there, ignore_patterns=excluded))
    for path in sent:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, target / path)
    print(f"uploaded: {len(sent)} files, {sum((target / path).stat().st_size for path in sent) / 1e6:.1f} MB")


def build(folder: Path, header: dict[str, Any]) -> None:
    """The environment of a Space."""
    python = readable(find_python(str(header["python_version"])), folder / "python")
    subprocess.run([python, "-m", "venv", folder / "venv"], check=True)
    pip = [str(folder / "venv/bin/python"), "-m", "pip"]
    wanted = [f"gradio=={header['sdk_version']}", "-r", str(folder / "app" / "requirements.txt")]
    subprocess.run([*pip, "install", "--quiet", "--disable-pip-version-check", *wanted], check=True)
    packages = json.loads(
        subprocess.run([*pip, "list", "--format=json"], check=True, capture_output=True).stdout
    )
    names = {package["name"].lower() for package in packages}
    assert not names & {"tensorflow", "tensorflow-cpu", "keras"}, "TensorFlow is installed"
    print(f"built: Python {version(folder / 'venv/bin/python')}, {len(names)} packages, no TensorFlow")


def find_python(wanted: str) -> str:
    """The header's Python if it is there, else this one."""
    pyenv = sorted(Path.home().glob(f".pyenv/versions/{wanted}.*/bin/python"))
    found = shutil.which(f"python{wanted}") or (str(pyenv[-1]) if pyenv else sys.executable)
    if version(found).rpartition(".")[0] != wanted:
        if pyenv:
            return str(pyenv[-1])
        print(f"Python {wanted} is not there: rehearsing with this one")
        return sys.executable
    return found


def readable(python: str, copy: Path) -> str:
    """That Python, or a copy of it if only root may enter its folder."""
    code = "import sys; print(sys.base_prefix)"
    done = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    prefix = Path(done.stdout.strip())
    if all(folder.stat().st_mode & 0o001 for folder in [prefix, *prefix.parents]):
        return python
    shutil.copytree(prefix, copy, symlinks=True, ignore=shutil.ignore_patterns("test", "site-packages"))
    return str(copy / "bin" / f"python{version(python).rpartition('.')[0]}")


def version(python: str | Path) -> str:
    code = "import platform; print(platform.python_version())"
    done = subprocess.run([python, "-c", code], check=False, capture_output=True, text=True)
    return done.stdout.strip()


# From here on without a network


def rehearse(folder: Path, runs: int) -> int:
    if os.geteuid() == 0:
        loopback_up()
        assert not reachable(), "there is a network"
    figures: dict[str, list[tuple[float, float]]] = {"bare": [], "app": []}
    for run in range(runs + 1):  # the first run of each compiles Python's files, and is not counted
        for name in figures:
            measured = start(folder, name, look=name == "app" and run == 0)
            if run:
                figures[name].append(measured)
    seconds = {name: statistics.median(each[0] for each in runs) for name, runs in figures.items()}
    memory = {name: statistics.median(each[1] for each in runs) for name, runs in figures.items()}
    ratio = statistics.median(app[0] / bare[0] for app, bare in zip(figures["app"], figures["bare"]))
    rows = [
        ["seconds to the first answer", *(f"{each:.1f}" for each in seconds.values()), f"{ratio:.2f}"],
        ["memory, MB", *(f"{each:.0f}" for each in memory.values()), f"{memory['app'] / memory['bare']:.2f}"],
    ]
    save("space", table(["", "a bare Gradio app", "this app", "ratio"], rows))
    return 0


def loopback_up() -> None:
    with socket.socket() as any_socket:
        SIOCSIFFLAGS, IFF_UP = 0x8914, 1
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))


def reachable() -> bool:
    try:
        socket.create_connection(("192.0.2.1", 80), timeout=1).close()
    except TimeoutError:
        return True  # a packet went out
    except OSError:
        return False
    return True


def start(folder: Path, name: str, look: bool) -> tuple[float, float]:
    """Start an app as a Space does; seconds to its first answer, and its memory in MB then."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    environment = {
        **{"HOME": str(home), "PATH": f"{folder}/venv/bin:/usr/bin:/bin", "PYTHONUNBUFFERED": "1"},
        # Not SYSTEM=spaces: with it, Gradio wants the package `spaces`, which a Space adds of its own.
        **{"SPACE_ID": "owner/digits", "SPACE_AUTHOR_NAME": "owner"},
        **{"GRADIO_SERVER_PORT": str(PORT), "GRADIO_NUM_PORTS": "1", "GRADIO_ANALYTICS_ENABLED": "False"},
        **{"LD_LIBRARY_PATH": f"{folder}/python/lib"},  # of a Python that was copied
        **{"GRADIO_TEMP_DIR": str(home / "gradio"), "GRADIO_SERVER_NAME": "127.0.0.1"},
    }
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        user = {"user": USER, "group": USER, "extra_groups": []}
        for path in [folder, *folder.rglob("*")]:
            if not {"venv", "python"} & set(path.relative_to(folder).parts) and not path.is_symlink():
                os.chown(path, USER, USER)
    log = folder / f"{name}.log"
    begin = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [folder / "venv/bin/python", "app.py"],
            cwd=folder / name,
            env=environment,
            stdout=output,
            stderr=output,
            **user,
        )
    try:
        data = [data_url(sheet(SEVEN)), "relu"] if name == "app" else ["Hello"]
        answer = first_answer(process, data)
        seconds = time.perf_counter() - begin
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        memory = sum(each.memory_info().rss for each in family) / 1e6
        if look:
            assert all(each.uids().real == USER for each in family) or not user, "it runs as root"
            maps = [Path(f"/proc/{each.pid}/maps").read_text() for each in family]
            assert not any("tensorflow" in text for text in maps), "TensorFlow is imported"
            assert answer[0]["label"] == "7", answer[0]
            draw_and_call()
            print("drawn on and called: rightly answered")
    except BaseException:
        print(log.read_text(), file=sys.stderr)
        raise
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in log.read_text(), log.read_text()
    return seconds, memory


def first_answer(process: subprocess.Popen[bytes], data: list[Any]) -> Any:
    body = json.dumps({"data": data}).encode()
    url = f"http://127.0.0.1:{PORT}/gradio_api/call/predict"
    while process.poll() is None:
        try:
            request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=60) as response:
                event = json.load(response)["event_id"]
            with urllib.request.urlopen(f"{url}/{event}", timeout=60) as stream:
                text = stream.read().decode()
        except ConnectionError:
            time.sleep(0.02)
        except urllib.error.URLError as fault:
            if not isinstance(fault.reason, ConnectionError):
                raise
            time.sleep(0.02)
        else:
            assert "event: complete" in text, text
            return json.loads(text.split("data: ", 1)[1].splitlines()[0])
    raise RuntimeError("the app has ended")


def sheet(points: list[tuple[int, int]]) -> Image.Image:
    image = Image.new("L", (280, 280), 255)
    ImageDraw.Draw(image).line(points, fill=0, width=18, joint="curve")
    return image


SEVEN = [(80, 70), (200, 70), (130, 220)]


def draw_and_call() -> None:
    """As a visitor with a mouse, and as a program."""
    from gradio_client import Client, handle_file
    from playwright.sync_api import expect, sync_playwright

    with tempfile.TemporaryDirectory() as folder:
        sheet(SEVEN).save(f"{folder}/seven.png")
        client = Client(f"http://127.0.0.1:{PORT}", verbose=False)
        label, *_ = client.predict(handle_file(f"{folder}/seven.png"), api_name="/predict")
        assert label["label"] == "7", label
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        page = browser.new_page(viewport=LAPTOP)
        page.goto(f"http://127.0.0.1:{PORT}")
        pad = page.locator("#pad canvas").first
        expect(pad).to_be_visible(timeout=30_000)
        box = pad.bounding_box()
        assert box
        for number, (x, y) in enumerate(SEVEN):
            page.mouse.move(box["x"] + x / 280 * box["width"], box["y"] + y / 280 * box["height"], steps=20)
            if number == 0:
                page.mouse.down()
        page.mouse.up()
        expect(page.locator("#label")).to_contain_text("7", timeout=30_000)
        browser.close()


if __name__ == "__main__":
    sys.exit(main())
