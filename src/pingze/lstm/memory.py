"""What a process asks of the C library's memory: of glibc; elsewhere nothing happens."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
KEPT_BYTES = 1 << 30


def keep_freed_memory() -> None:
    """Have what is freed reused instead of given back to the system (mallopt(3)).

    Otherwise each step of training takes its 50 MB anew, and the 12,000 page faults cost a sixth of its time.
    """
    _set({M_MMAP_THRESHOLD: KEPT_BYTES, M_TRIM_THRESHOLD: KEPT_BYTES})


def share_freed_memory() -> None:
    """Have what one thread frees reused by all (mallopt(3)).

    Otherwise each thread of a server keeps an arena of its own, and its memory wanders by a third under load.
    """
    _set({M_ARENA_MAX: 1})


def give_back_freed_memory() -> None:
    """Give what is freed back to the system (malloc_trim(3)), which keeps it otherwise where it is in small pieces."""
    if libc := _glibc():
        libc.malloc_trim(0)


def _set(options: dict[int, int]) -> None:
    if libc := _glibc():
        for option, value in options.items():
            libc.mallopt(option, value)


def _glibc() -> ctypes.CDLL | None:
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    return libc if libc and hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
