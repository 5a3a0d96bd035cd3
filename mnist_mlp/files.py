"""Atomic replacement of files."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

STALE = 3600  # seconds; an older temporary file was left by a process that was killed


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file atomically: after a crash the path holds the old content or the new one.

    Raises:
        OSError: it could not be written; the old file is unchanged.
    """
    write_together({path: content})


def write_together(files: Mapping[Path, bytes]) -> None:
    """Replace each file atomically, none before the contents of all are on the disk.

    Raises:
        OSError: they could not be written.
    """
    parts = {path: path.with_name(f".{path.name}.{uuid.uuid4().hex}.part") for path in files}
    try:
        for path, content in files.items():
            with open(parts[path], "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for path, part in parts.items():
            os.replace(part, path)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
    for path in files:
        _remove_stale_parts(path)


def _remove_stale_parts(path: Path) -> None:
    for old in path.parent.glob(f".{path.name}.*.part"):
        if time.time() - old.stat().st_mtime > STALE:
            old.unlink(missing_ok=True)
