"""Share worker processes, one for each core, among the requests of all clients.

A job either writes a population (a group of texts resampled together) of a poem, or computes the
whole answer of a route that needs no populations. Clients take turns, and so do the requests of
each client. Populations of the same model and size are written as one batch. When all batches of a
worker have run for `LONG` seconds, the worker starts another batch, and all batches of this worker
take turns (`worker.py`). While a worker writes populations, it can also compute one job that is not
a population.
"""

import asyncio
import math
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from multiprocessing import get_context
from threading import Thread
from typing import Any, TypeVar, TypeVarTuple

from pingze.deadline import DeadlineError
from pingze.machine import threads
from pingze.serve.populations import Draft
from pingze.serve.problems import RefusedError, busy, lost
from pingze.serve.worker import work

ROWS = 64  # the most texts to join into one batch; a single population may have more
LONG = 0.25  # seconds after which a batch takes turns with one that comes later
MOST_BATCHES = 4  # the most batches that a worker writes in turns
# a population takes turns with a long batch of the same client only if it is this many times
# smaller
MUCH = 2
# the most waiting jobs of all clients, and of one; a poem needs two by default
WAITING, WAITING_OF_ONE = 1024, 512
# seconds from a job's deadline until its worker is killed, for jobs that do not check the deadline
GRACE = 10.0

A = TypeVarTuple("A")
T = TypeVar("T")


@dataclass(eq=False)
class Job:
    """A computation for a worker.

    compute: A function at the top level of a module.
    model: The model that writes the texts. Only populations of the same model and size share a
        batch.
    rows: The number of texts to write.
    size: The number of tokens in all texts together. If a job is not a population, its size is 0,
        and it has no texts.
    hear: A function to call with each draft of the texts; None if nobody watches the drafts.
    """

    request: "Request"
    compute: Callable[..., Any]
    arguments: tuple[Any, ...]
    model: str = ""
    rows: int = 0
    size: int = 0
    hear: Callable[[Draft], None] | None = None
    answer: asyncio.Future[Any] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def settle(self, answer: Any) -> None:
        """Pass the answer or the error to the waiting request, unless the client has left."""
        if not self.answer.done():
            is_error = isinstance(answer, Exception)
            (self.answer.set_exception if is_error else self.answer.set_result)(answer)


@dataclass(eq=False)
class Batch:
    """Jobs that one worker computes together: one or more populations, or a single job that is not a population."""

    jobs: dict[int, Job]
    """The unanswered jobs by index. The worker sends a job's index with its answer."""
    size: int
    begun: float

    @property
    def is_long(self) -> bool:
        """Whether this batch writes populations and has run long enough for another batch to take turns with it."""
        return self.size > 0 and time.monotonic() >= self.begun + LONG


class Worker:
    """A worker process, the pipe to it, and its unfinished batches by number."""

    def __init__(self) -> None:
        spawn = get_context("spawn")
        self.pipe, other = spawn.Pipe()
        self.process = spawn.Process(target=work, args=(other,), daemon=True)
        self.process.start()
        other.close()
        self.ready = False
        self.batches: dict[int, Batch] = {}

    def send(self, *message: Any) -> None:
        """Send a message. If the worker has died, do nothing, because `_listen` notices its death."""
        with suppress(OSError):
            self.pipe.send(message)


class Request:
    """A client's request, and its waiting jobs."""

    def __init__(self, queue: "Queue", client: str) -> None:
        self.queue, self.client = queue, client
        self.until = time.monotonic() + queue.seconds
        self.waiting: deque[Job] = deque()

    async def compute(self, compute: Callable[[*A], T], *arguments: *A) -> T:
        """Queue a computation for a worker and await its answer.

        Raises RefusedError or the computation's error.
        """
        answer: T
        (answer,) = await self.compute_all([Job(self, compute, arguments)])
        return answer

    async def compute_all(self, jobs: Sequence[Job]) -> list[Any]:
        """Queue several jobs and await their answers. Raises the same errors as `compute`."""
        self.queue.submit(self, jobs)
        return await asyncio.gather(*(job.answer for job in jobs))


class Queue:
    """The workers and the jobs that wait for them.

    Args:
        seconds: How long one request may take.
        workers: The number of processes; by default `threads()`, one for each core.
    """

    def __init__(self, seconds: float = 30.0, workers: int | None = None) -> None:
        self.seconds = seconds
        self.workers = [Worker() for _ in range(workers or threads())]
        self.waiting: list[Request] = []
        """The requests that have waiting jobs, in the order of their turns."""
        self.numbers = count()
        self.closing = False
        self.pace = 0.0
        """Moving average of the seconds that a worker needs per token of text."""

    def __len__(self) -> int:
        return sum(len(request.waiting) for request in self.waiting)

    def _batches(self) -> list[Batch]:
        return [batch for worker in self.workers for batch in worker.batches.values()]

    def wait_until_ready(self) -> None:
        """Wait until every worker has loaded its models. Raises CheckpointError or RefusedError."""
        for worker in self.workers:
            try:
                found = worker.pipe.recv()
            except (EOFError, OSError):
                raise lost() from None
            if isinstance(found, Exception):
                raise found
            worker.ready, self.pace = True, found

    def start(self) -> None:
        """Start to receive the workers' messages, in the running event loop."""
        self.loop = asyncio.get_running_loop()
        for worker in self.workers:
            Thread(target=self._listen, args=(worker,), daemon=True).start()

    def close(self) -> None:
        """Terminate the worker processes and wait until they have ended."""
        self.closing = True
        for worker in self.workers:
            worker.process.terminate()
        for worker in self.workers:
            worker.process.join()

    @asynccontextmanager
    async def request(self, client: str) -> AsyncIterator[Request]:
        """Open a request for at most `seconds`.

        When the request ends, drop its waiting jobs and stop its running jobs.

        When the time is up, raises RefusedError if jobs still wait behind other requests, and
        DeadlineError otherwise.
        """
        request = Request(self, client)
        try:
            async with asyncio.timeout(self.seconds):
                yield request
        except TimeoutError:
            others = {job.request for batch in self._batches() for job in batch.jobs.values()} | {
                *self.waiting
            }
            raise (
                busy() if request.waiting and others - {request} else DeadlineError(self.seconds)
            ) from None
        finally:
            self.waiting = [each for each in self.waiting if each is not request]
            for worker in self.workers:
                for number, batch in worker.batches.items():
                    for index, job in batch.jobs.items():
                        if job.request is request:
                            worker.send("stop", number, index)

    def submit(self, request: Request, jobs: Sequence[Job]) -> None:
        """Add all of a request's jobs to the queue, or none if an error is raised.

        Raises RefusedError if too many jobs are waiting, or if the jobs are expected to end after
        the time limit.
        """
        waiting: dict[str, list[deque[Job]]] = defaultdict(list)
        for each in self.waiting:
            waiting[each.client].append(each.waiting)
        own = waiting.pop(request.client, [])
        if len(self) + len(jobs) > WAITING or sum(map(len, own)) + len(jobs) > WAITING_OF_ONE:
            raise busy()
        # 1. Estimate the time that the jobs take if all workers compute only them.
        size = _size(jobs)
        alone = self.pace * size / min(len(jobs), len(self.workers))
        if alone > self.seconds:
            raise RefusedError(422, "too_much", seconds=self.seconds, takes=round(alone))
        # 2. Clients take turns, and so do a client's requests. While the jobs are computed, each
        #    other client or
        # request gets at most as much computing time as they do.
        of_own = size + sum(min(size, _size(each)) for each in own)
        before = (
            of_own - size + sum(min(of_own, sum(map(_size, each))) for each in waiting.values())
        )
        if alone + self.pace * before / len(self.workers) > request.until - time.monotonic():
            raise busy()
        request.waiting.extend(jobs)
        self.waiting.append(request)
        self._dispatch()

    def _dispatch(self) -> None:
        """Start waiting jobs on the workers that can take them.

        A worker takes at most one job that is not a population. It takes populations if it is
        writing fewer than `MOST_BATCHES` batches of populations, and all of these batches are long
        (`Batch.is_long`).
        """
        for worker in sorted(
            (each for each in self.workers if each.ready), key=lambda worker: len(worker.batches)
        ):
            writing = [batch for batch in worker.batches.values() if batch.size]
            if len(writing) == len(worker.batches) and (
                job := self._take(lambda job: not job.size)
            ):
                self._begin(worker, [job])
            if len(writing) < MOST_BATCHES and all(batch.is_long for batch in writing):
                fits = self._beside_long_batches() if writing else lambda job: job.size > 0
                if first := self._take(fits):
                    self._begin(worker, self._joined(first))

    def _beside_long_batches(self) -> Callable[[Job], bool]:
        """Return a function that says whether a job is a population that may take turns with the long batches.

        If a client has populations in long batches, the job must be at least `MUCH` times smaller
        than all of them. Turns between equal populations of one client gain nothing, and leave
        other clients less of the worker's time.
        """
        smallest: dict[str, int] = {}
        for job in (
            job for batch in self._batches() if batch.is_long for job in batch.jobs.values()
        ):
            client = job.request.client
            smallest[client] = min(job.size, smallest.get(client, job.size))
        return lambda job: 0 < MUCH * job.size <= smallest.get(job.request.client, math.inf)

    def _joined(self, first: Job) -> list[Job]:
        """Collect a batch.

        `first` and waiting jobs of its model and size, at most (waiting jobs) / (workers).
        """
        jobs, share = [first], math.ceil((len(self) + 1) / len(self.workers))

        def fits(job: Job) -> bool:
            rows = sum(each.rows for each in [*jobs, job])
            return (job.model, job.size) == (first.model, first.size) and rows <= ROWS

        while len(jobs) < share and (job := self._take(fits)):
            jobs.append(job)
        return jobs

    def _begin(self, worker: Worker, jobs: Sequence[Job]) -> None:
        now, number = time.monotonic(), next(self.numbers)
        worker.batches[number] = Batch(dict(enumerate(jobs)), _size(jobs), now)
        arguments = [(job.arguments, job.request.until - now + 1) for job in jobs]
        worker.send("write" if jobs[0].size else "compute", number, jobs[0].compute, arguments)
        self.loop.call_later(LONG, self._dispatch)
        until = max(job.request.until for job in jobs)
        self.loop.call_later(until - now + GRACE, self._end_stuck, worker, number)

    def _take(self, fits: Callable[[Job], bool]) -> Job | None:
        """Take the first job that fits, if any.

        Move its client's requests to the end, the job's own request last.
        """
        request = next((each for each in self.waiting if fits(each.waiting[0])), None)
        if request is None:
            return None
        self.waiting.sort(key=lambda each: (each.client == request.client, each is request))
        job = request.waiting.popleft()
        if not request.waiting:
            self.waiting.remove(request)
        return job

    def _listen(self, worker: Worker) -> None:
        """Pass a worker's messages to the event loop until the worker ends; runs in a separate thread."""
        with suppress(EOFError, OSError, RuntimeError):  # the pipe or the event loop is closed
            while True:
                self.loop.call_soon_threadsafe(self._hear, worker, worker.pipe.recv())
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._replace, worker)

    def _hear(self, worker: Worker, message: Any) -> None:
        """Handle a worker's message: a draft, a job's answer, or, from a new worker, readiness or a loading error."""
        if not isinstance(message, tuple):  # from a worker that replaces another one
            worker.ready = not isinstance(message, Exception)
            self._dispatch()
            return
        number, index, answer, seconds = message
        batch = worker.batches[number]
        if isinstance(answer, Draft):
            if hear := batch.jobs[index].hear:
                hear(answer)
            return
        batch.jobs.pop(index).settle(answer)
        if not batch.jobs:
            del worker.batches[number]
            if batch.size:
                self.pace += 0.05 * (seconds / batch.size - self.pace)
        self._dispatch()

    def _end_stuck(self, worker: Worker, number: int) -> None:
        if number in worker.batches:
            worker.process.kill()

    def _replace(self, worker: Worker) -> None:
        """Start a new worker in place of one that has died, and let the dead worker's jobs fail."""
        if self.closing:
            return
        for job in [job for batch in worker.batches.values() for job in batch.jobs.values()]:
            job.settle(lost())
        replacement = self.workers[self.workers.index(worker)] = Worker()
        Thread(target=self._listen, args=(replacement,), daemon=True).start()


def _size(jobs: Iterable[Job]) -> int:
    return sum(job.size for job in jobs)
