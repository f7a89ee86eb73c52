"""Whose turn it is to compute: who had least goes first, and each makes room after a slice of time."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from pingze.deadline import Deadline

SLICE = 0.05
"""Seconds after which a computation makes room for another."""
OVERDUE = 0.5
"""Seconds after which one that has not asked whether to go on holds nobody else up."""


@dataclass(eq=False, kw_only=True)
class Turn(Deadline):
    """A computation's time: till when someone waits for it, and how much of the processor it has had."""

    turns: "Turns"
    client: str
    awaken: Callable[[], object]
    """Called where its turn comes; it may come before its thread is there."""
    number: int = field(default_factory=count().__next__, init=False)
    used: float = field(default=0.0, init=False)
    since: float = field(default=0.0, init=False)
    asked: float = field(default=0.0, init=False)
    """When it last asked whether to go on."""
    called: threading.Event = field(default_factory=threading.Event, init=False)
    """Whether its turn has come."""

    def check(self) -> None:
        """Make room where it is time to; raises as `Deadline.check` does."""
        super().check()
        self.asked = time.monotonic()
        if self.turns.waiting and self.asked - self.since > SLICE:
            self.turns.leave(self)
            self.turns.wait(self)
            while not self.called.wait(OVERDUE):
                super().check()
                self.turns.call()
            super().check()


class Turns:
    """Who computes, and who waits: the client that had least goes first, and of its computations the same."""

    def __init__(self, at_once: int) -> None:
        self.at_once, self.lock = at_once, threading.Lock()
        self.running: set[Turn] = set()
        self.waiting: set[Turn] = set()
        self.inside: dict[Turn, str] = {}
        """All that have entered and not ended, with their clients."""
        self.entered = 0
        """How many have entered till now."""
        self.used: dict[str, float] = {}
        """What each client of those inside has had."""

    def enter(self, turn: Turn) -> None:
        """Count a computation in; a client that comes new counts as one that had as little as any."""
        with self.lock:
            self.used.setdefault(turn.client, min(self.used.values(), default=0.0))
            self.inside[turn] = turn.client
            self.entered += 1
        self.wait(turn)

    def wait(self, turn: Turn) -> None:
        """Let a computation wait for its turn."""
        turn.called.clear()
        with self.lock:
            self.waiting.add(turn)
        self.call()

    def leave(self, turn: Turn) -> None:
        """Take a computation out, whether it computes or waits."""
        with self.lock:
            if turn in self.running:
                had = time.monotonic() - turn.since
                turn.used += had
                self.used[turn.client] += had
            self.running.discard(turn)
            self.waiting.discard(turn)
        self.call()

    def end(self, turn: Turn) -> None:
        """Count a computation out, if it was not yet."""
        self.leave(turn)
        with self.lock:
            self.inside.pop(turn, None)
            if turn.client not in self.inside.values():
                self.used.pop(turn.client, None)

    def call(self) -> None:
        """Let those compute whose turn it is; who has not asked for long whether to go on does not count."""
        with self.lock:
            now = time.monotonic()
            free = self.at_once - sum(now - turn.asked < OVERDUE for turn in self.running)
            if free <= 0 or not self.waiting:
                return
            for turn in sorted(self.waiting, key=self._rank)[:free]:
                self.waiting.remove(turn)
                self.running.add(turn)
                turn.since = turn.asked = now
                turn.called.set()
                turn.awaken()

    def _rank(self, turn: Turn) -> tuple[float, float, int]:
        return self.used[turn.client], turn.used, turn.number
