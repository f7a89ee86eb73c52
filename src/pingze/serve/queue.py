"""Share worker processes, one for each core, among the requests of all clients.

A job is one population of one poem, or the whole computation for another route. Clients take turns, and so do the
requests of each client, so that none starves. Populations of the same model and size are written as one batch. When all
batches of a worker have run for long, the worker gets one more, from requests that have no long batch. `worker.py`, at
the other end of each pipe, writes these batches in turns. Meanwhile the worker computes at most one job of another
route.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from multiprocessing import get_context
from threading import Thread
from typing import Any, TypeVar, TypeVarTuple

from pingze.deadline import too_slow
from pingze.serve.populations import Draft
from pingze.serve.problems import BusyError, LostError, TooMuchError
from pingze.serve.worker import LONG, work
from pingze.threads import threads

ROWS = 64
"""The largest number of texts to join into one batch; a single population may have more."""
MOST_BATCHES = 4
"""The largest number of batches that a worker writes in turns."""
MUCH = 4
"""A population takes turns with a long batch of the same client only if it is at least this many times smaller."""
WAITING, WAITING_OF_ONE = 1024, 512
"""The largest numbers of waiting jobs, of all clients and of one client. By default, a poem needs two jobs."""
GRACE = 10.0
"""Seconds from a job's deadline until its worker is killed, for jobs that do not check the deadline themselves."""

A = TypeVarTuple("A")
T = TypeVar("T")


@dataclass(eq=False)
class Job:
    """A computation for a worker.

    compute: A function at the top level of a module.
    model: The model that writes the texts; jobs of one model may share a batch. "" for a job that is computed alone.
    rows: The number of texts to write.
    size: The number of tokens in all these texts.
    hear: A function to call with each draft of the texts; None if nobody watches them.
    """

    request: "Request"
    compute: Callable[..., Any]
    arguments: tuple[Any, ...]
    model: str = ""
    rows: int = 0
    size: int = 0
    hear: Callable[[Draft], None] | None = None
    answer: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def settle(self, answer: Any) -> None:
        """Pass the answer or the error to the waiting request, unless the client has left."""
        if self.answer.done():
            return
        if isinstance(answer, Exception):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)


@dataclass(eq=False)
class Batch:
    """Jobs that one worker computes together. Their keys are the indices that the worker sends with its answers."""

    jobs: dict[int, Job]
    writes: bool
    size: int
    begun: float
    spent: float = 0.0
    """The seconds that the worker has spent on the batch."""

    @property
    def requests(self) -> set["Request"]:
        """The requests of the batch's unanswered jobs."""
        return {job.request for job in self.jobs.values()}

    @property
    def is_long(self) -> bool:
        """Whether the batch has run for so long that other batches may take turns with it."""
        return self.writes and time.monotonic() >= self.begun + LONG


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

    def of_kind(self, writes: bool) -> list[Batch]:
        """List the worker's batches of populations if `writes` is true, otherwise its batches for other routes."""
        return [batch for batch in self.batches.values() if batch.writes == writes]


class Request:
    """A client's request, its waiting jobs, and the seconds that workers have spent on it."""

    def __init__(self, queue: "Queue", client: str) -> None:
        self.queue, self.client = queue, client
        self.until = time.monotonic() + queue.seconds
        self.waiting: deque[Job] = deque()
        self.spent = 0.0

    async def compute(self, compute: Callable[[*A], T], *arguments: *A) -> T:
        """Compute one job. Raises BusyError, LostError, or an error of the job itself."""
        answer: T
        (answer,) = await self.compute_all([Job(self, compute, arguments)])
        return answer

    async def compute_all(self, jobs: Sequence[Job]) -> list[Any]:
        """Compute several jobs. Raises TooMuchError and the errors of `compute`."""
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
        self.waiting: dict[str, list[Request]] = {}
        """For each client, the requests that have waiting jobs; both are in the order of their turns."""
        self.numbers = count()
        self.closing = False
        self.pace = 0.0
        """Moving average of the seconds per token: the time of a batch, divided by the tokens in its texts."""

    def __len__(self) -> int:
        return sum(len(request.waiting) for request in self._waiting())

    def _waiting(self) -> Iterator[Request]:
        return (request for requests in self.waiting.values() for request in requests)

    def wait_until_ready(self) -> None:
        """Wait until every worker has loaded its models. Raises CheckpointError or LostError."""
        for worker in self.workers:
            try:
                found = worker.pipe.recv()
            except (EOFError, OSError):
                raise LostError from None
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
        """Open a request, which may take `seconds`. When it ends, drop its waiting jobs and stop its running jobs.

        Raises DeadlineError if this request's jobs take too long, BusyError if other requests' jobs delay it too long.
        """
        request = Request(self, client)
        try:
            async with asyncio.timeout(self.seconds):
                yield request
        except TimeoutError:
            alone = (batch for worker in self.workers for batch in worker.of_kind(writes=False))
            running = sum(time.monotonic() - batch.begun for batch in alone if request in batch.requests)
            own = request.spent + running > self.seconds / 2
            raise too_slow(self.seconds) if own else BusyError from None
        finally:
            request.waiting.clear()
            others = [each for each in self.waiting.pop(client, ()) if each is not request]
            if others:
                self.waiting[client] = others
            for worker in self.workers:
                for number, batch in worker.batches.items():
                    for index in (index for index, job in batch.jobs.items() if job.request is request):
                        worker.send("stop", number, index)

    def submit(self, request: Request, jobs: Sequence[Job]) -> None:
        """Add all of a request's jobs to the queue; if an error is raised, add none.

        Raises TooMuchError if the jobs alone would take too long, BusyError if too many other jobs are waiting.
        """
        of_client = sum(len(each.waiting) for each in self.waiting.get(request.client, ()))
        if len(self) + len(jobs) > WAITING or of_client + len(jobs) > WAITING_OF_ONE:
            raise BusyError
        # 1. Estimate the time that the jobs take if all workers compute only them.
        size = sum(job.size for job in jobs)
        alone = self.pace * size / min(len(jobs), len(self.workers))
        if alone > self.seconds:
            raise TooMuchError(alone, self.seconds)
        # 2. Clients take turns, and so do a client's requests: while the jobs are computed, each of the others gets
        # at most as much computing time.
        sizes = {
            client: [sum(job.size for job in each.waiting) for each in requests]
            for client, requests in self.waiting.items()
        }
        of_own = size + sum(min(size, each) for each in sizes.pop(request.client, []))
        before = of_own - size + sum(min(of_own, sum(each)) for each in sizes.values())
        if alone + self.pace * before / len(self.workers) > request.until - time.monotonic():
            raise BusyError
        request.waiting.extend(jobs)
        self.waiting.setdefault(request.client, []).append(request)
        self._dispatch()

    def _dispatch(self) -> None:
        for worker in sorted(self.workers, key=lambda worker: len(worker.batches)):
            if not worker.ready:
                continue
            if not worker.of_kind(writes=False) and (job := self._take(lambda job: not job.model)):
                self._begin(worker, [job])
            writing = worker.of_kind(writes=True)
            if len(writing) < MOST_BATCHES and all(batch.is_long for batch in writing):
                fits = self._without_long_batch() if writing else lambda job: bool(job.model)
                if first := self._take(fits):
                    self._begin(worker, self._joined(first))

    def _without_long_batch(self) -> Callable[[Job], bool]:
        """Return a function that says whether a job is a population that may take turns with the long batches.

        The job's request must not have a long batch. If its client has one, the population must be much smaller:
        equal populations of one client gain nothing from turns and leave less of the worker to the next client.
        """
        slow: dict[Request | str, float] = {}
        for batch in (batch for worker in self.workers for batch in worker.batches.values() if batch.is_long):
            for job in batch.jobs.values():
                client = job.request.client
                slow |= {job.request: 0.0, client: min(job.size / MUCH, slow.get(client, math.inf))}
        return lambda job: (
            bool(job.model) and job.size <= min(slow.get(each, math.inf) for each in (job.request, job.request.client))
        )

    def _joined(self, first: Job) -> list[Job]:
        jobs, share = [first], math.ceil((len(self) + 1) / len(self.workers))
        while len(jobs) < share:
            room = ROWS - sum(job.rows for job in jobs)
            alike = (first.model, first.size)
            job = self._take(lambda job: (job.model, job.size) == alike and job.rows <= room)  # noqa: B023
            if job is None:
                break
            jobs.append(job)
        return jobs

    def _begin(self, worker: Worker, jobs: Sequence[Job]) -> None:
        now, number, first = time.monotonic(), next(self.numbers), jobs[0]
        batch = Batch(dict(enumerate(jobs)), bool(first.model), sum(job.size for job in jobs), now)
        worker.batches[number] = batch
        arguments = [(job.arguments, job.request.until - now + 1) for job in jobs]
        worker.send("write" if batch.writes else "compute", number, first.compute, arguments)
        self.loop.call_later(LONG, self._dispatch)
        until = max(job.request.until for job in jobs)
        self.loop.call_later(until - now + GRACE, self._end_stuck, worker, number)

    def _take(self, fits: Callable[[Job], Any]) -> Job | None:
        """Remove and return the first job that fits, if any, and move its request and its client to the back."""
        request = next((each for each in self._waiting() if fits(each.waiting[0])), None)
        if request is None:
            return None
        requests = self.waiting.pop(request.client)
        requests.remove(request)
        job = request.waiting.popleft()
        if request.waiting:
            requests.append(request)
        if requests:
            self.waiting[request.client] = requests
        return job

    def _listen(self, worker: Worker) -> None:
        """Pass a worker's messages to the event loop until the worker ends; runs in a separate thread."""
        with suppress(EOFError, OSError, RuntimeError):  # the pipe or the event loop is closed
            while True:
                self.loop.call_soon_threadsafe(self._hear, worker, worker.pipe.recv())
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._replace, worker)

    def _hear(self, worker: Worker, message: Any) -> None:
        """Handle a worker's message: the worker is ready, or reports seconds spent on a batch and perhaps an answer."""
        if not worker.ready:
            worker.ready = True
        else:
            number, index, answer, seconds = message
            batch = worker.batches[number]
            batch.spent += seconds
            for request in (requests := batch.requests):
                request.spent += seconds / len(requests)
            if isinstance(answer, Draft):
                if hear := batch.jobs[index].hear:
                    hear(answer)
            elif index is not None:
                batch.jobs.pop(index).settle(answer)
            if not batch.jobs:
                del worker.batches[number]
                if batch.size:
                    self.pace += 0.05 * (batch.spent / batch.size - self.pace)
        self._dispatch()

    def _end_stuck(self, worker: Worker, number: int) -> None:
        if number in worker.batches:
            worker.process.kill()

    def _replace(self, worker: Worker) -> None:
        """Start a new worker in place of one that has died, and let the dead worker's jobs fail."""
        if self.closing:
            return
        for job in [job for batch in worker.batches.values() for job in batch.jobs.values()]:
            job.settle(LostError())
        at = self.workers.index(worker)
        self.workers[at] = Worker()
        Thread(target=self._listen, args=(self.workers[at],), daemon=True).start()
