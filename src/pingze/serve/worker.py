"""Compute jobs in a separate process, at the other end of a `queue.Worker`'s pipe."""

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
from pingze.serve.populations import Draft, failure, started

REST = 3.0
"""Seconds without a message after which an idle worker frees memory."""
LONG = 0.25
"""How long a batch's turn lasts, in seconds, while other batches wait."""
OWED = 1.0
"""When a batch has finished, the next turn goes to a batch that has waited for more than this many seconds."""
SWITCH_SECONDS = 0.001
"""How long, in seconds, one thread may run Python code while another waits to run."""


def work(pipe: Connection) -> None:
    """Load the models, then compute the jobs that arrive until the server ends.

    The first message sent is what `warm_up` returned, or the error that kept the models from loading.
    """
    # Ctrl-C reaches every process of the terminal; this process waits for the server to end it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from threadpoolctl import threadpool_limits

    from pingze.composing.request.input_characters import ConversionWarning
    from pingze.lstm.memory import share_freed_memory
    from pingze.serve.answers import warm_up

    sys.setswitchinterval(SWITCH_SECONDS)
    share_freed_memory()
    warnings.simplefilter("ignore", ConversionWarning)  # it is meant for clients, who get it as a note
    threadpool_limits(1, user_api="blas")  # each core has a worker
    try:
        pipe.send(warm_up())
    except PingzeError as error:
        pipe.send(error)
        return
    _give_back()
    gc.freeze()
    WorkerLoop(pipe).serve()
    os._exit(0)  # do not wait for computations whose answers nobody needs


@dataclass(eq=False)
class Written:
    """A batch of populations that takes turns with other batches."""

    number: int
    answers: Iterator[tuple[int, Any] | None]
    spent: float = 0.0
    since: float = field(default_factory=time.monotonic)
    """When the batch's last turn ended."""


class WorkerLoop:
    """A loop that receives messages, and two threads: one writes batches, the other computes other jobs.

    Receives ("write" or "compute", batch, function, [(arguments, seconds allowed)]) and ("stop", batch, index). Sends
    (batch, index, draft or answer, seconds spent) and, at the end of a turn, (batch, None, None, seconds spent).
    """

    def __init__(self, pipe: Connection) -> None:
        self.pipe, self.lock = pipe, Lock()
        self.deadlines: dict[tuple[int, int], Deadline] = {}
        self.inboxes: dict[str, SimpleQueue[Any]] = {"write": SimpleQueue(), "compute": SimpleQueue()}

    def serve(self) -> None:
        """Receive messages until the server ends; free memory when none arrive and no job is running."""
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
        """Write batches in turns. The batch with the least time goes next or, by `OWED`, one that has waited long."""
        inbox, batches, ended = self.inboxes["write"], list[Written](), False
        while True:
            # 1. Take the new batches; wait if there are no batches at all.
            while not (batches and inbox.empty()):
                number, function, given = inbox.get()
                batches.append(Written(number, function(given)))
            # 2. Choose the batch whose turn it is.
            begun = told = time.monotonic()
            owed = [batch for batch in batches if ended and begun > batch.since + OWED]
            batch = min(owed, key=attrgetter("since")) if owed else min(batches, key=attrgetter("spent"))
            # 3. Write until the batch ends or, between two tokens, its turn is over.
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
        if index is not None and not isinstance(answer, Draft):
            del self.deadlines[number, index]
        with self.lock, suppress(OSError):  # the server has ended
            self.pipe.send((number, index, answer, seconds))


def _give_back() -> None:
    """Clear the cache of prepared requests, and return freed memory to the system."""
    from pingze.lstm.memory import give_back_freed_memory

    started.cache_clear()
    gc.collect()
    give_back_freed_memory()
