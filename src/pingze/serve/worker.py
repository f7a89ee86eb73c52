"""Compute jobs in a process of its own: the other end of a `queue.Worker`'s pipe."""

import gc
import os
import signal
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from operator import attrgetter
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

from pingze.deadline import Deadline, within
from pingze.errors import PingzeError
from pingze.serve.populations import failure, started

REST = 3.0
"""Seconds without a job after which memory is given back."""
LONG = 0.25
"""The seconds of a batch's turn, while others wait."""
OWED = 1.0
"""Seconds after which a batch has its turn whatever else waits."""
SWITCH_SECONDS = 0.001
"""How long a thread computes in Python while another waits to."""


def work(pipe: Connection) -> None:
    """Load the models, then compute the jobs that arrive until the server ends.

    The first message out holds the seconds for a token of one text, or the error that kept the models from loading.
    """
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches all processes of a terminal; the server ends this one
    from threadpoolctl import threadpool_limits

    from pingze.composing.request.input_characters import ConversionWarning
    from pingze.lstm.memory import share_freed_memory
    from pingze.serve.answers import warm_up

    sys.setswitchinterval(SWITCH_SECONDS)
    share_freed_memory()
    warnings.simplefilter("ignore", ConversionWarning)  # it is for the person who asks, not for who serves
    threadpool_limits(1, user_api="blas")  # each core has a worker
    try:
        pipe.send(warm_up())
    except PingzeError as error:
        pipe.send(error)
        return
    _give_back()
    gc.freeze()
    WorkerLoop(pipe).serve()
    os._exit(0)  # without waiting for computations that nobody waits for


@dataclass(eq=False)
class Written:
    """A batch of populations that is written in turns."""

    number: int
    answers: Iterator[tuple[int, Any] | None]
    spent: float = 0.0
    since: float = field(default_factory=time.monotonic)
    """When its last turn ended."""


class WorkerLoop:
    """Two threads beside the one that listens: one writes batches, one computes other jobs.

    Messages in: ("write" or "compute", batch, function, [(arguments, seconds)]) and ("stop", batch, index). Messages
    out: (batch, index, answer, seconds) and, at the end of a turn, (batch, None, None, seconds), with what each took.
    """

    def __init__(self, pipe: Connection) -> None:
        self.pipe, self.lock = pipe, Lock()
        self.deadlines: dict[tuple[int, int], Deadline] = {}
        self.inboxes: dict[str, SimpleQueue[Any]] = {"write": SimpleQueue(), "compute": SimpleQueue()}

    def serve(self) -> None:
        """Listen until the server ends, and give memory back where no message arrives."""
        for task in (self._write, self._compute):
            Thread(target=task, daemon=True).start()
        tidy = True
        with suppress(EOFError, OSError):
            while True:
                while not self.pipe.poll(REST):
                    if not (tidy or self.deadlines):
                        _give_back()
                        tidy = True
                kind, number, *rest = self.pipe.recv()
                if kind == "stop":
                    if deadline := self.deadlines.get((number, rest[0])):
                        deadline.gone = True
                    continue
                function, jobs = rest
                given = [(arguments, Deadline(seconds)) for arguments, seconds in jobs]
                self.deadlines |= {(number, index): deadline for index, (_, deadline) in enumerate(given)}
                self.inboxes[kind].put((number, function, given))
                tidy = False

    def _compute(self) -> None:
        """Compute jobs one after another."""
        while True:
            number, function, given = self.inboxes["compute"].get()
            for index, (arguments, deadline) in enumerate(given):
                begun = time.monotonic()
                try:
                    with within(deadline):
                        answer = function(*arguments)
                except Exception as error:
                    answer = failure(error)
                self._tell(number, index, answer, time.monotonic() - begun)

    def _write(self) -> None:
        """Write batches in turns: that which had least goes on; after one that ended, any that has waited for long."""
        inbox, batches, ended = self.inboxes["write"], list[Written](), False
        while True:
            # 1. Take the new batches; wait where there is none at all.
            while not (batches and inbox.empty()):
                number, function, given = inbox.get()
                batches.append(Written(number, function(given)))
            # 2. Choose the batch that has the turn.
            begun = told = time.monotonic()
            owed = [batch for batch in batches if ended and begun > batch.since + OWED]
            batch = min(owed, key=attrgetter("since")) if owed else min(batches, key=attrgetter("spent"))
            # 3. Write until it ends or, after a token, the turn is over.
            ended = False
            for found in batch.answers:
                now = time.monotonic()
                if found is not None:
                    self._tell(batch.number, *found, now - told)
                    told = now
                elif now > begun + LONG or not (owed or inbox.empty()):
                    self._tell(batch.number, None, None, now - told)
                    batch.spent, batch.since = batch.spent + now - begun, now
                    break
            else:
                batches.remove(batch)
                ended = True

    def _tell(self, number: int, index: int | None, answer: Any, seconds: float) -> None:
        if index is not None:
            del self.deadlines[number, index]
        with self.lock, suppress(OSError):  # the server has ended
            self.pipe.send((number, index, answer, seconds))


def _give_back() -> None:
    """Free the memory that can be loaded again."""
    from pingze.lstm.memory import give_back_freed_memory

    started.cache_clear()
    gc.collect()
    give_back_freed_memory()
