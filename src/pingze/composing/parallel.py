"""Compose batches of poems on all processors, and limit BLAS to one thread while several threads compose."""

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock, Thread
from typing import Any, TypeVar

from pingze.deadline import Deadline, current_deadline, within
from pingze.threads import threads

B = TypeVar("B")
R = TypeVar("R")

_lock = Lock()
_composing = 0
_limit: Any = None


def each(compute: Callable[[B], R], batches: Sequence[B]) -> list[R]:
    """Compute each batch, several at once on as many threads as there are processors; results keep their order.

    Under a deadline the batches are computed one after another in the caller's thread.

    Args:
        compute: It calls `deadline.check_deadline` now and then.
        batches: One or more.

    Raises what `compute` raises for the first batch that fails, once the others have stopped.
    """
    if len(batches) == 1 or current_deadline():
        return [compute(batch) for batch in batches]
    deadline = Deadline(math.inf)

    def computed(batch: B) -> R:
        with within(deadline):
            return compute(batch)

    with ThreadPoolExecutor(threads()) as pool:
        tasks = [pool.submit(computed, batch) for batch in batches]
        try:
            return [task.result() for task in tasks]
        except BaseException:
            deadline.gone = True
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def one_blas_thread_each() -> Iterator[None]:
    """Limit BLAS to one thread as long as two threads or more are within."""
    _count(1)
    try:
        yield
    finally:
        _count(-1)


def _count(change: int) -> None:
    """Count a thread in or out, and set or lift the limit."""
    global _composing
    with _lock:
        _composing += change
        if (_composing > 1 and _limit is None) or (_composing == 0 and _limit is not None):
            # threadpoolctl lets no other thread change a limit while the one that set it is alive.
            thread = Thread(target=_change_limit)
            thread.start()
            thread.join()


def _change_limit() -> None:
    global _limit
    from threadpoolctl import threadpool_limits  # not imported for one thread alone

    if _limit is None:
        _limit = threadpool_limits(1, user_api="blas")
    else:
        _limit.restore_original_limits()
        _limit = None
