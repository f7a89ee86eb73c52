"""Compute jobs in a process of its own: the other end of a `queue.Worker`'s pipe."""

import gc
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

from pingze.deadline import Deadline, within
from pingze.errors import PingzeError
from pingze.serve.populations import failure, started

REST = 3.0
"""Seconds without a job after which memory is given back."""
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


class WorkerLoop:
    """Two threads beside the one that listens: one writes batches, one computes other jobs.

    Messages in: ("write" or "compute", batch, function, [(argument, seconds)]), ("pause", batch), ("resume", batch) and
    ("stop", batch, index). Messages out: (batch, index, answer), and (batch, None, None) where a batch has paused.
    """

    def __init__(self, pipe: Connection) -> None:
        self.pipe, self.lock = pipe, Lock()
        self.deadlines: dict[tuple[int, int], Deadline] = {}
        self.paused: dict[int, Iterator[tuple[int, Any] | None]] = {}
        self.pausing = -1
        """The batch that is asked to pause."""

    def serve(self) -> None:
        """Listen until the server ends, and give memory back where no message arrives."""
        inboxes: dict[str, SimpleQueue[Any]] = {"write": SimpleQueue(), "compute": SimpleQueue()}
        for inbox in inboxes.values():
            Thread(target=self._work, args=(inbox,), daemon=True).start()
        tidy = True
        with suppress(EOFError, OSError):
            while True:
                while not self.pipe.poll(REST):
                    if not (tidy or self.deadlines):
                        _give_back()
                        tidy = True
                kind, number, *rest = self.pipe.recv()
                match kind:
                    case "pause":
                        self.pausing = number
                    case "resume":
                        inboxes["write"].put((number, self.paused.pop(number)))
                    case "stop":
                        if deadline := self.deadlines.get((number, rest[0])):
                            deadline.gone = True
                    case _:
                        compute, jobs = rest
                        given = [(argument, Deadline(seconds)) for argument, seconds in jobs]
                        self.deadlines |= {
                            (number, index): deadline for index, (_, deadline) in enumerate(given)
                        }
                        inboxes[kind].put(
                            (number, compute(given) if kind == "write" else _each(compute, given))
                        )
                        tidy = False

    def _work(self, inbox: "SimpleQueue[Any]") -> None:
        """Go through the answers of each batch in turn; a batch gives None after a token, and may be paused there."""
        while True:
            number, answers = inbox.get()
            for found in answers:
                if found is not None:
                    index, answer = found
                    del self.deadlines[number, index]
                    self._tell(number, index, answer)
                elif self.pausing == number:
                    self.pausing, self.paused[number] = -1, answers
                    self._tell(number, None, None)
                    break

    def _tell(self, *message: Any) -> None:
        with self.lock, suppress(OSError):  # the server has ended
            self.pipe.send(message)


def _each(compute: Callable[[Any], Any], jobs: Sequence[tuple[Any, Deadline]]) -> Iterator[tuple[int, Any]]:
    """Compute jobs one after another: the index of each with its answer or error."""
    for index, (argument, deadline) in enumerate(jobs):
        try:
            with within(deadline):
                answer = compute(argument)
        except Exception as error:
            answer = failure(error)
        yield index, answer


def _give_back() -> None:
    """Free the memory that can be loaded again."""
    from pingze.lstm.memory import give_back_freed_memory

    started.cache_clear()
    gc.collect()
    give_back_freed_memory()
