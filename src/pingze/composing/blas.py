"""Threads that compose at once, and the threads of BLAS: each product of one would wait for those of the others."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, Thread
from typing import Any

_lock = Lock()
_composing = 0
_limit: Any = None


@contextmanager
def shared_fairly() -> Iterator[None]:
    """While several threads are within, BLAS computes each product in the thread that asks for it."""
    _count(1)
    try:
        yield
    finally:
        _count(-1)


def _count(change: int) -> None:
    """One thread more, or less; the limit stays until none is left."""
    global _composing
    with _lock:
        _composing += change
        if _composing > 1 and _limit is None:
            _in_a_thread(_set_limit)
        if _composing == 0 and _limit is not None:
            _in_a_thread(_lift_limit)


def _set_limit() -> None:
    global _limit
    from threadpoolctl import threadpool_limits  # one thread alone needs no limit, and no import

    _limit = threadpool_limits(1, user_api="blas")


def _lift_limit() -> None:
    global _limit
    _limit.restore_original_limits()
    _limit = None


def _in_a_thread(call: Callable[[], None]) -> None:
    """In a thread that ends: to threadpoolctl, only the thread that set a limit may change it while it lives."""
    thread = Thread(target=call)
    thread.start()
    thread.join()
