"""Work beside the event loop, in slices: a short computation never waits for a long one to end.

A computation runs in a thread and asks its deadline now and then whether to go on; there it makes room for another, and
goes on when its turn comes again.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from typing import TypeVar

import anyio
from anyio import to_thread

from pingze.deadline import too_slow, within
from pingze.serve.problems import BusyError
from pingze.serve.turns import OVERDUE, Turn, Turns

T = TypeVar("T")

CLIENT: ContextVar[str] = ContextVar("client", default="")
"""Whose request is answered: an address."""


class Work:
    """Computations of at most `seconds` each, one at a time; at most `most` wait, half of them one client's."""

    def __init__(self, seconds: float, most: int = 512) -> None:
        self.seconds, self.most = seconds, most
        self.turns, self.limiter = Turns(at_once=1), anyio.CapacityLimiter(most)

    async def __call__(self, compute: Callable[..., T], *arguments: object) -> T:
        """What the computation gives. A request that is cancelled stops it where it next asks whether to go on.

        Raises BusyError where too many wait, DeadlineError where it takes too long.
        """
        turn, called = self._enter()
        begun = False

        def patiently() -> T:
            nonlocal begun
            begun = True
            try:
                with within(turn):
                    turn.check()
                    return compute(*arguments)
            finally:
                self.turns.end(turn)

        try:
            async with asyncio.timeout(self.seconds + OVERDUE):
                await self._called(turn, called)
                return await to_thread.run_sync(patiently, abandon_on_cancel=True, limiter=self.limiter)
        except TimeoutError:
            raise too_slow(self.seconds) from None
        finally:
            turn.gone = True
            if not begun:
                self.turns.end(turn)

    def _enter(self) -> tuple[Turn, asyncio.Event]:
        client, inside = CLIENT.get(), list(self.turns.inside.values())
        if len(inside) >= self.most or inside.count(client) >= self.most // 2:
            raise BusyError
        called, loop = asyncio.Event(), asyncio.get_running_loop()
        awaken = partial(loop.call_soon_threadsafe, called.set)
        turn = Turn(self.seconds, turns=self.turns, client=client, awaken=awaken)
        self.turns.enter(turn)
        return turn, called

    async def _called(self, turn: Turn, called: asyncio.Event) -> None:
        """Wait for the first turn, without a thread."""
        while not turn.called.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(called.wait(), OVERDUE)
            self.turns.call()
