"""Stop long computations whose answer is late or no longer wanted.

A thread that computes for a request of the server works within its `Deadline`; elsewhere there is none, and nothing
is stopped.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from pingze.errors import PingzeError


class DeadlineError(PingzeError):
    """A request takes longer than it may, or nobody waits for it any more."""


@dataclass(eq=False)
class Deadline:
    """Until when someone waits."""

    seconds: float
    begun: float = field(default_factory=time.monotonic)
    gone: bool = False
    """Whether nobody waits any more."""

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return self.gone or time.monotonic() > self.begun + self.seconds

    def check(self) -> None:
        """Raises DeadlineError where no time is left."""
        if self.is_over:
            raise too_slow(self.seconds)


def too_slow(seconds: float) -> DeadlineError:
    """Make the error for a computation that takes too long."""
    return DeadlineError("too_slow", seconds=seconds)


_CURRENT: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def within(deadline: Deadline) -> Iterator[None]:
    """Compute within a deadline."""
    token = _CURRENT.set(deadline)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def current_deadline() -> Deadline | None:
    """Within which this thread computes; None where it may take as long as it takes."""
    return _CURRENT.get()


def check_deadline() -> None:
    """Raises DeadlineError where someone waits, and will no longer."""
    if deadline := current_deadline():
        deadline.check()
