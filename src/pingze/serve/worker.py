"""Run a worker process, which receives jobs from the server's queue through a pipe and sends back the answers."""

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

from pingze.composing.typed_text import ConversionWarning
from pingze.deadline import Deadline, within
from pingze.errors import PingzeError
from pingze.machine import give_back_freed_memory, share_freed_memory
from pingze.serve.populations import Draft, failure, started

REST = 3.0  # seconds without a message after which an idle worker frees memory
TURN = 0.125  # seconds that a batch's turn lasts while other batches wait

Turn = tuple[int, Iterator[tuple[int, Any] | None], float]
"""A batch's number, an iterator of its answers (which yields None before each token), and the seconds spent so far."""


def work(pipe: Connection) -> None:
    """Load the models, then compute the jobs that arrive until the server ends.

    The first message sent is the time per token that `warm_up` measured, or the error if the models
    cannot be loaded.
    """
    # Ctrl-C reaches every process of the terminal; this process waits for the server to end it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from threadpoolctl import threadpool_limits

    from pingze.serve.answers import warm_up

    # the seconds that one thread may run Python code while another waits to run
    sys.setswitchinterval(0.001)
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
    """A worker's message loop, with one thread that writes populations and one that computes all other jobs.

    Receives ("write" or "compute", batch, function, [(arguments, seconds allowed)]) to start a
    batch of jobs, and ("stop", batch, index) to stop a job. Sends (batch, index, draft or answer,
    seconds spent on the batch). `batch` is the number of a batch. `index` is the number of a job in
    this batch.
    """

    def __init__(self, pipe: Connection) -> None:
        self.pipe, self.lock = pipe, Lock()
        self.deadlines: dict[tuple[int, int], Deadline] = {}
        self.inboxes: dict[str, SimpleQueue[Turn]] = {
            "write": SimpleQueue(),
            "compute": SimpleQueue(),
        }

    def serve(self) -> None:
        """Receive messages until the server ends.

        Free memory after `REST` seconds without messages or running jobs.
        """
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
                self.deadlines |= {
                    (number, index): deadline for index, (_, deadline) in enumerate(given)
                }
                answers = function(given) if kind == "write" else computed(function, *given[0])
                self.inboxes[kind].put((number, answers, 0.0))
                tidy = False

    def take_turns(self, inbox: "SimpleQueue[Turn]") -> None:
        """Compute the batches of an inbox in turns.

        A turn ends when its batch is done. If another batch waits, a turn also ends once `TURN`
        seconds have passed and the current token of the batch is written.
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


def computed(
    function: Callable[..., Any], arguments: Sequence[Any], deadline: Deadline
) -> Iterator[tuple[int, Any]]:
    """Run a batch of one job: call `function`, and yield 0 (the job's index) with the result or the error."""
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
