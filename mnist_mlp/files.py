"""A file is written whole or not at all."""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path

LEFT_BEHIND = 3600  # seconds after which a part of a file belongs to no writer that still lives


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that, whatever ends the process, the path holds the earlier content or the new.

    Raises:
        OSError: it could not be written; the earlier file is as it was.
    """
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        with open(part, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    # A process that was killed could not take its part away.
    for old in path.parent.glob(f".{path.name}.*.part"):
        if time.time() - old.stat().st_mtime > LEFT_BEHIND:
            old.unlink(missing_ok=True)
