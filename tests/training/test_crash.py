"""Killed at every step of saving: at the next start there is the earlier file or the new one, and whole.

The child kills itself with SIGKILL at its first call into the system, at its second, and so on, until it gets
through. (Downloads and the data's cache: test_data.py; at random moments from outside: test_hub.py.)
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on this system")

HEAD = '''
import os, signal, sys
from pathlib import Path
import numpy as np
from mnist_mlp import MLP, load
from mnist_mlp.files import write_whole

def killed_at(step, action):
    """Whether a child was killed at this step of the action; else it is through."""
    child = os.fork()
    if not child:
        calls = 0
        def hook(event, args):
            nonlocal calls
            if event.split(".")[0] in ("open", "os", "shutil", "tempfile", "pathlib", "glob", "mmap"):
                calls += 1
                if calls == step:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        action()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, status
    return os.WIFSIGNALED(status)
'''

FILE = """
path = Path(sys.argv[1]) / "file"
old, new = b"old" * 100_000, b"new" * 200_000
step, seen = 0, set()
while True:
    path.write_bytes(old)
    step += 1
    killed = killed_at(step, lambda: write_whole(path, new))
    assert path.read_bytes() in (old, new), step
    seen.add(path.read_bytes() == new)
    if not killed:
        break
assert step > 3 and seen == {True, False}, (step, seen)
assert path.read_bytes() == new
"""

NETWORK = """
folder = Path(sys.argv[1])
net = load("relu")
other = MLP({name: -tensor for name, tensor in net.weights.items()}, {**net.config, "epochs": -1})
step, seen = 0, set()
while True:
    net.save_pretrained(folder)
    step += 1
    killed = killed_at(step, lambda: other.save_pretrained(folder))
    read = MLP.from_pretrained(folder)
    assert read.config in (net.config, other.config), step
    found = [all((read.weights[w] == one.weights[w]).all() for w in net.weights) for one in (net, other)]
    assert sum(found) == 1, step
    seen.add(found[1])
    if not killed:
        break
assert step > 10 and seen == {True, False}, (step, seen)
assert read.config == other.config and found[1]
"""

FIRST = """
folder = Path(sys.argv[1])
net = load("relu")
step = 0
while True:
    step += 1
    target = folder / str(step)
    killed = killed_at(step, lambda: net.save_pretrained(target))
    if not killed:
        break
    try:
        MLP.from_pretrained(target)
    except (ValueError, OSError):
        net.save_pretrained(target)  # the next attempt is not in the way of what the first one left
    MLP.from_pretrained(target)
assert step > 10, step
"""


@pytest.mark.parametrize("script", [FILE, NETWORK, FIRST], ids=["a file", "a network", "the first network"])
def test_a_kill_at_any_step_leaves_whole_files(script: str, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", HEAD + script, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
