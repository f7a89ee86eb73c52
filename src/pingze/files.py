"""Files written beside their place and put there whole, so that a reader sees the old one or the new one."""

import contextlib
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from pingze.errors import PingzeError

_ABANDONED = 3600.0
"""Seconds after which an unfinished file is taken for what a killed process left."""


@contextlib.contextmanager
def written(path: Path, error: type[PingzeError]) -> Iterator[Path]:
    """Give the name of an empty file in `path`'s folder to fill; it replaces `path` when the block ends well.

    However the block ends, no unfinished file stays. Raises `error` where the system refuses to write.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        partial = path.with_name(f"{path.name}.{uuid.uuid4().hex}.partial")
        try:
            partial.touch(exist_ok=False)
            yield partial
            _flush(partial)
            os.replace(partial, path)
            _flush_folder(path.parent)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as fault:
        raise error(f"{path} cannot be written: {fault.strerror or fault}") from fault


def _flush(path: Path) -> None:
    """Have the bytes on the disk before the name points to them: a crash must not leave an empty file."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Have the new name on the disk too; not every system can, and the file is whole in any case."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _sweep(path: Path) -> None:
    """Remove the unfinished files of processes that were killed; a younger one may still be at work."""
    for partial in path.parent.glob(f"{path.name}.*.partial"):
        with contextlib.suppress(OSError):
            if time.time() - partial.stat().st_mtime > _ABANDONED:
                partial.unlink()
