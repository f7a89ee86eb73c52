"""Stop long computations whose answer is late or no longer wanted.

A worker of the server computes within the `Deadline` of the request. Elsewhere there is no
deadline, and nothing is stopped.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from pingze.errors import PingzeError


class DeadlineError(PingzeError):
    """The computation for a request takes too long, or the client no longer waits for it."""

    def __init__(self, seconds: float) -> None:
        super().__init__("too_slow", seconds=seconds)


@dataclass(eq=False)
class Deadline:
    """The time limit of a request."""

    seconds: float
    begun: float = field(default_factory=time.monotonic)
    gone: Callable[[], bool] = bool
    """Says whether nobody waits for the answer any more; the default, bool(), returns False."""

    @property
    def is_over(self) -> bool:
        """Whether the time is up or the client has stopped waiting."""
        return self.gone() or time.monotonic() > self.begun + self.seconds


_CURRENT: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def within(deadline: Deadline) -> Iterator[None]:
    """Set this thread's deadline while the block runs.

    Only `check_deadline` stops a block that takes too long.
    """
    token = _CURRENT.set(deadline)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def current_deadline() -> Deadline | None:
    """Return the deadline of this thread, or None if the thread has no deadline."""
    return _CURRENT.get()


def check_deadline() -> None:
    """Raise DeadlineError if this thread's deadline is over."""
    if (deadline := current_deadline()) and deadline.is_over:
        raise DeadlineError(deadline.seconds)
