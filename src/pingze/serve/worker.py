"""Compute jobs in a separate process, at the other end of a `queue.Worker`'s pipe."""

import gc
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

from pingze.composing.request.input_characters import ConversionWarning
from pingze.deadline import Deadline, within
from pingze.errors import PingzeError
from pingze.machine import give_back_freed_memory, share_freed_memory
from pingze.serve.populations import Draft, failure, started

REST = 3.0  # seconds without a message after which an idle worker frees memory
TURN = 0.125  # seconds that a batch's turn lasts while other batches wait

Turn = tuple[int, Iterator[tuple[int, Any] | None], float]
"""A batch's number, its remaining answers (with None before each token), and the seconds spent on it so far."""


def work(pipe: Connection) -> None:
    """Load the models, then compute the jobs that arrive until the server ends.

    The first message sent is what `warm_up` returned, or the error that kept the models from loading.
    """
    # Ctrl-C reaches every process of the terminal; this process waits for the server to end it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from threadpoolctl import threadpool_limits

    from pingze.serve.answers import warm_up

    sys.setswitchinterval(0.001)  # the seconds that one thread may run Python code while another waits to run
    share_freed_memory()
    warnings.simplefilter("ignore", ConversionWarning)  # clients get these warnings as notes
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


class WorkerLoop:
    """A loop that receives messages, and two threads: one writes populations, the other computes other jobs.

    Receives ("write" or "compute", batch, function, [(arguments, seconds allowed)]) and ("stop", batch, index). Sends
    (batch, index, draft or answer, seconds spent on the batch so far).
    """

    def __init__(self, pipe: Connection) -> None:
        self.pipe, self.lock = pipe, Lock()
        self.deadlines: dict[tuple[int, int], Deadline] = {}
        self.inboxes: dict[str, SimpleQueue[Turn]] = {"write": SimpleQueue(), "compute": SimpleQueue()}

    def serve(self) -> None:
        """Receive messages until the server ends; free memory when none arrive and no job is running."""
        for inbox in self.inboxes.values():
            Thread(target=self.take_turns, args=(inbox,), daemon=True).start()
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
                answers = function(given) if kind == "write" else computed(function, *given[0])
                self.inboxes[kind].put((number, answers, 0.0))
                tidy = False

    def take_turns(self, inbox: "SimpleQueue[Turn]") -> None:
        """Compute the batches of an inbox in turns.

        A turn ends with its batch, or between two tokens when it has lasted `TURN` seconds and another batch waits.
        """
        while True:
            number, answers, spent = inbox.get()
            begun = time.monotonic()
            for found in answers:
                turn = time.monotonic() - begun
                if found is not None:
                    index, answer = found
                    if not isinstance(answer, Draft):
                        del self.deadlines[number, index]
                    with self.lock, suppress(OSError):  # the server has ended
                        self.pipe.send((number, index, answer, spent + turn))
                elif turn >= TURN and not inbox.empty():
                    inbox.put((number, answers, spent + turn))
                    break


def computed(function: Callable[..., Any], arguments: Sequence[Any], deadline: Deadline) -> Iterator[tuple[int, Any]]:
    """Yield a function's result, or its error, as the answer to the only job of a batch."""
    try:
        with within(deadline):
            answer = function(*arguments)
    except Exception as error:
        answer = failure(error)
    yield 0, answer


def _give_back() -> None:
    """Clear the cache of prepared requests, and return freed memory to the system."""
    started.cache_clear()
    gc.collect()
    give_back_freed_memory()
