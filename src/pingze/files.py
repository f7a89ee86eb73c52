"""Files written beside their place and put there whole, so that a reader sees the old one or the new one."""

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from pingze.errors import PingzeError

try:
    import fcntl
except ImportError:  # as on Windows; what a killed process left then stays
    fcntl = None  # type: ignore[assignment]


@contextlib.contextmanager
def written(path: Path, error: type[PingzeError]) -> Iterator[Path]:
    """Give the name of an empty file in `path`'s folder to fill; it replaces `path` when the block ends well.

    However the block ends, no unfinished file stays. Raises `error` where the system refuses to write.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path)
        with _claimed(path) as partial:
            yield partial
            _flush(partial)
            os.replace(partial, path)
            _flush_folder(path.parent)
    except OSError as fault:
        raise error("unwritable", name=str(path), reason=fault.strerror or str(fault)) from fault


@contextlib.contextmanager
def locked(folder: Path, error: type[PingzeError]) -> Iterator[None]:
    """Let one process at a time run the block; the others wait. Raises `error` where there can be no such folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY) if fcntl else None
    except OSError as fault:
        raise error(f"{folder} cannot be written: {fault.strerror or fault}") from fault
    try:
        if descriptor is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


@contextlib.contextmanager
def _claimed(path: Path) -> Iterator[Path]:
    """An empty file beside `path`, locked while this process writes it, and gone afterwards."""
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex}.partial")
    try:
        with partial.open("xb") as file:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX)
            else:
                file.close()  # there an open file cannot be renamed
            yield partial
    finally:
        partial.unlink(missing_ok=True)


def sweep(path: Path) -> None:
    """Remove the unfinished files beside `path` that nobody writes any more: their processes were killed."""
    for partial in path.parent.glob(f"{path.name}.*.partial") if fcntl else ():
        with contextlib.suppress(OSError), partial.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            partial.unlink()


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
