"""Read the package's tables, find the user's folders, write files atomically, and lock folders."""

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

from pingze.errors import PingzeError

try:
    import fcntl
except ImportError:  # as on Windows, where the partial files of killed processes stay
    fcntl = None  # type: ignore[assignment]

_COUNTED = re.compile(r"(\D)(\d*)")


@cache
def table(name: str, package: str = "pingze.verse") -> dict[str, str]:
    """Read the TSV table `name` in a package's `data` folder.

    Map the first cell of each row to the rest of the row.
    """
    file = resources.files(package).joinpath("data", f"{name}.tsv")
    rows = {}
    for row in file.read_text(encoding="utf-8").splitlines():
        key, _, cells = row.partition("\t")
        rows[key] = cells
    return rows


def counts(cell: str) -> dict[str, int]:
    """Map each one-character name in a cell such as 支1齊52 to the count after it, by default 0."""
    return {name: int(times or 0) for name, times in _COUNTED.findall(cell)}


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    import hashlib  # which few commands need: they start sooner without it

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def user_folder(kind: Literal["cache", "data"]) -> Path:
    """Return the folder `kind` in `$PINGZE_HOME`.

    If that variable is not set, return this system's `kind` folder.

    The cache holds the corpus archive, and the data are the cleaned corpus and its index. The
    folder may not exist yet.
    """
    home = os.environ.get("PINGZE_HOME")
    if home:
        return Path(home).expanduser() / kind
    import platformdirs  # a command that only writes files starts sooner without this import

    if kind == "cache":
        return platformdirs.user_cache_path("pingze", appauthor=False)
    return platformdirs.user_data_path("pingze", appauthor=False)


@contextlib.contextmanager
def written(path: Path, error: type[PingzeError]) -> Iterator[Path]:
    """Write a file atomically: yield the path of an empty temporary file, then rename it to `path`.

    No temporary file remains, even if the block fails. Raises `error` if the system refuses to
    write.
    """
    # The name is random, so that processes that write the same file do not disturb each other.
    partial = path.with_name(f"{path.name}.{os.urandom(16).hex()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        with partial.open("xb") as file:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX)  # so that `sweep` in no other process deletes it
            else:
                file.close()  # Windows cannot rename an open file
            yield partial
            # Flush the bytes to disk before the file gets its name, so that a crash cannot leave an
            # empty file.
            with partial.open("rb+") as filled:
                os.fsync(filled.fileno())
            os.replace(partial, path)
            # Flush the folder, which holds the new name, too. Not every system can do so, but the
            # file is complete in any case.
            with contextlib.suppress(OSError):
                folder_descriptor = os.open(path.parent, os.O_RDONLY)
                try:
                    os.fsync(folder_descriptor)
                finally:
                    os.close(folder_descriptor)
    except OSError as fault:
        raise error("unwritable", name=str(path), reason=fault.strerror or str(fault)) from fault
    finally:
        # After the renaming, no file has this name any more.
        with contextlib.suppress(OSError):
            partial.unlink()


@contextlib.contextmanager
def locked(folder: Path, error: type[PingzeError], busy: str | None = None) -> Iterator[None]:
    """Lock a folder while the block runs, so that only one process at a time runs the block.

    If another process holds the lock, wait. If `busy` is given, do not wait, but raise `error` with
    the message code `busy`. Also raises `error` if the folder cannot be created. Systems without
    flock, such as Windows, lock nothing.
    """
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # A lock needs no right to write, but the block will write here. Without the right, its
            # work would be in vain, so the error is raised now.
            if not os.access(folder, os.W_OK):
                raise PermissionError(errno.EROFS, os.strerror(errno.EROFS))
            if fcntl:
                descriptor = os.open(folder, os.O_RDONLY)
                stack.callback(os.close, descriptor)  # which also releases the lock
                operation = fcntl.LOCK_EX
                if busy:
                    operation |= fcntl.LOCK_NB
                fcntl.flock(descriptor, operation)
        except BlockingIOError as fault:
            assert busy, "flock waits unless `busy` is given"
            raise error(busy, folder=str(folder)) from fault
        except OSError as fault:
            raise error(
                "unwritable", name=str(folder), reason=fault.strerror or str(fault)
            ) from fault
        yield


def sweep(folder: Path) -> None:
    """Delete the partial files that killed processes left in a folder.

    Locked files are in use, and are kept.
    """
    if not fcntl:
        return
    for partial in folder.glob(f"*.{'[0-9a-f]' * 32}.partial"):
        with contextlib.suppress(OSError), partial.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            partial.unlink()
