"""Batches of poems on all processors at once."""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pingze.deadline import Deadline, current_deadline, within
from pingze.threads import threads

B = TypeVar("B")
R = TypeVar("R")


def each(compute: Callable[[B], R], batches: Sequence[B]) -> list[R]:
    """What is computed for each batch, in their order; of several batches as many at once as there are threads.

    What has a deadline is computed in its own thread: the deadline holds that thread's turn among others.

    Args:
        compute: It asks now and then whether to go on (`deadline.check_deadline`).
        batches: One or more.

    Raises what `compute` raises for the first batch that fails, when all others have stopped.

    """
    if len(batches) == 1 or current_deadline():
        return [compute(batch) for batch in batches]
    waiting = Deadline(math.inf)

    def patiently(batch: B) -> R:
        with within(waiting):
            return compute(batch)

    with ThreadPoolExecutor(threads()) as pool:
        tasks = [pool.submit(patiently, batch) for batch in batches]
        try:
            return [task.result() for task in tasks]
        except BaseException:
            waiting.gone = True
            pool.shutdown(wait=False, cancel_futures=True)
            raise
