"""A file is written whole or not at all."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

LEFT_BEHIND = 3600  # seconds after which a part of a file belongs to no writer that still lives


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that, whatever ends the process, the path holds the earlier content or the new.

    Raises:
        OSError: it could not be written; the earlier file is as it was.
    """
    write_together({path: content})


def write_together(files: Mapping[Path, bytes]) -> None:
    """As `write_whole`, several: all are on the disk before the first takes its place."""
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
        _clear(path)


def _clear(path: Path) -> None:
    # A process that was killed could not take its part away.
    for old in path.parent.glob(f".{path.name}.*.part"):
        if time.time() - old.stat().st_mtime > LEFT_BEHIND:
            old.unlink(missing_ok=True)
