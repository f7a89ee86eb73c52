"""Work beside the event loop: few computations at once, few that wait, none that nobody waits for."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import anyio
from anyio import to_thread

from pingze.composing.deadline import Deadline, within
from pingze.serve.problems import BusyError

T = TypeVar("T")


class Work:
    """At most `at_once` computations in threads; beyond `waiting` more BusyError is raised."""

    def __init__(self, seconds: float, at_once: int = 2, waiting: int = 64) -> None:
        self.seconds, self.most = seconds, at_once + waiting
        self.limiter = anyio.CapacityLimiter(at_once)
        self.inside = 0

    async def __call__(self, compute: Callable[..., T], *arguments: object) -> T:
        """What the computation gives. A request that is cancelled stops it at its next look at its deadline."""
        if self.inside >= self.most:
            raise BusyError
        self.inside += 1
        deadline = Deadline(self.seconds)

        def in_time() -> T:
            with within(deadline):
                deadline.begin()
                return compute(*arguments)

        try:
            return await to_thread.run_sync(in_time, abandon_on_cancel=True, limiter=self.limiter)
        except asyncio.CancelledError:
            deadline.gone = True
            raise
        finally:
            self.inside -= 1
