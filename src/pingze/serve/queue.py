"""Share worker processes, one a core, among the requests of all clients.

A job is one population of one poem, or the whole computation of another route. Clients take turns, and so do the
requests of one client, so that nobody starves. Populations of one model and size are written as one batch. A worker
that has only long batches gets one more of those that had less; `worker.py`, the other end of each pipe, writes them in
turns. Beside them a worker computes one job of another route.
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
from pingze.serve.problems import BusyError, LostError, TooMuchError
from pingze.serve.worker import LONG, work
from pingze.threads import threads

ROWS = 64
"""The most texts that a worker writes as one batch; one population may have more."""
MOST_BATCHES = 4
"""The most batches that a worker writes in turns."""
MUCH = 4
"""How many times smaller a population is that is written beside a long batch of its own client."""
WAITING, WAITING_OF_ONE = 1024, 512
"""The most jobs that wait, of all clients and of one; a poem has two at the defaults."""
GRACE = 10.0
"""Seconds beyond its deadline after which a job that never asks whether to go on ends its worker."""

A = TypeVarTuple("A")
T = TypeVar("T")


@dataclass(eq=False)
class Job:
    """A computation for a worker.

    compute: A function at the top level of a module.
    model: Jobs of one model are written as one batch; "" for a job that is computed alone.
    rows: How many texts it writes.
    size: The tokens of all its texts.
    """

    request: "Request"
    compute: Callable[..., Any]
    arguments: tuple[Any, ...]
    model: str = ""
    rows: int = 0
    size: int = 0
    answer: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def settle(self, answer: Any) -> None:
        """Give the answer, or the error, to the client unless it has gone."""
        if self.answer.done():
            return
        if isinstance(answer, Exception):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)


@dataclass(eq=False)
class Batch:
    """Jobs that one worker computes together, by the index under which it answers them."""

    jobs: dict[int, Job]
    writes: bool
    size: int
    begun: float
    spent: float = 0.0
    """The seconds that its worker has spent on it."""

    @property
    def requests(self) -> set["Request"]:
        """Those of its unanswered jobs."""
        return {job.request for job in self.jobs.values()}

    @property
    def is_long(self) -> bool:
        """Whether others may be written before it ends."""
        return self.writes and time.monotonic() >= self.begun + LONG


class Worker:
    """A process, the pipe to it, and the batches that it has begun, by number."""

    def __init__(self) -> None:
        spawn = get_context("spawn")
        self.pipe, other = spawn.Pipe()
        self.process = spawn.Process(target=work, args=(other,), daemon=True)
        self.process.start()
        other.close()
        self.ready = False
        self.batches: dict[int, Batch] = {}

    def send(self, *message: Any) -> None:
        """Send a message; one to a worker that has died is dropped, for its end is noticed elsewhere."""
        with suppress(OSError):
            self.pipe.send(message)

    def of_kind(self, writes: bool) -> list[Batch]:
        """List the batches that it writes, or those of other routes."""
        return [batch for batch in self.batches.values() if batch.writes == writes]


class Request:
    """One client's request: its jobs that wait, and the seconds that workers spent on it."""

    def __init__(self, queue: "Queue", client: str) -> None:
        self.queue, self.client = queue, client
        self.until = time.monotonic() + queue.seconds
        self.waiting: deque[Job] = deque()
        self.spent = 0.0

    async def compute(self, compute: Callable[[*A], T], *arguments: *A) -> T:
        """Compute one job. Raises what it raises, BusyError and LostError."""
        answer: T
        (answer,) = await self.compute_all([Job(self, compute, arguments)])
        return answer

    async def compute_all(self, jobs: Sequence[Job]) -> list[Any]:
        """Compute several jobs. Raises as `compute` does, and TooMuchError."""
        self.queue.submit(self, jobs)
        return await asyncio.gather(*(job.answer for job in jobs))


class Queue:
    """The workers and the jobs that wait for them.

    Args:
        seconds: How long one request may take.
        workers: How many processes; by default `threads()`, one a core.
    """

    def __init__(self, seconds: float = 30.0, workers: int | None = None) -> None:
        self.seconds = seconds
        self.workers = [Worker() for _ in range(workers or threads())]
        self.waiting: dict[str, list[Request]] = {}
        """Each client's requests with jobs that wait; clients and requests in the order of their turns."""
        self.numbers = count()
        self.closing = False
        self.pace = 0.0
        """Seconds for a token of one text among many, as measured of late."""

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
        """Begin to compute, in the running event loop."""
        self.loop = asyncio.get_running_loop()
        for worker in self.workers:
            Thread(target=self._listen, args=(worker,), daemon=True).start()

    def close(self) -> None:
        """End the workers."""
        self.closing = True
        for worker in self.workers:
            worker.process.terminate()
        for worker in self.workers:
            worker.process.join()

    @asynccontextmanager
    async def request(self, client: str) -> AsyncIterator[Request]:
        """Open a request for `seconds`; at its end its waiting jobs are dropped and its running ones stopped.

        Raises DeadlineError where its own jobs take too long, BusyError where those of others do.
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
        """Let a request's jobs wait, all or none.

        Raises TooMuchError where they would take too long alone, BusyError where too much else waits.
        """
        of_client = sum(len(each.waiting) for each in self.waiting.get(request.client, ()))
        if len(self) + len(jobs) > WAITING or of_client + len(jobs) > WAITING_OF_ONE:
            raise BusyError
        # 1. Alone, every worker computes for this request.
        size = sum(job.size for job in jobs)
        alone = self.pace * size / min(len(jobs), len(self.workers))
        if alone > self.seconds:
            raise TooMuchError(alone, self.seconds)
        # 2. Clients take turns, and so do the requests of one: meanwhile as much is computed for each other.
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
        """Give each worker that has room its next jobs."""
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
        """Make the test for populations that are written beside the long batches.

        They are of other requests, and of other clients or much smaller: equal ones of one client gain nothing by
        turns, and would leave less of the worker to a client that comes next.
        """
        slow: dict[Request | str, float] = {}
        for batch in (batch for worker in self.workers for batch in worker.batches.values() if batch.is_long):
            for job in batch.jobs.values():
                client = job.request.client
                slow |= {job.request: 0.0, client: min(job.size / MUCH, slow.get(client, math.inf))}
        return lambda job: (
            bool(job.model)
            and job.size <= min(slow.get(each, math.inf) for each in (job.request, job.request.client))
        )

    def _joined(self, first: Job) -> list[Job]:
        """List a job and those of its model and size that are written with it; some are left to each other worker."""
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
        """Have a worker begin a batch."""
        now, number, first = time.monotonic(), next(self.numbers), jobs[0]
        batch = Batch(dict(enumerate(jobs)), bool(first.model), sum(job.size for job in jobs), now)
        worker.batches[number] = batch
        arguments = [(job.arguments, job.request.until - now + 1) for job in jobs]
        worker.send("write" if batch.writes else "compute", number, first.compute, arguments)
        self.loop.call_later(LONG, self._dispatch)
        until = max(job.request.until for job in jobs)
        self.loop.call_later(until - now + GRACE, self._end_stuck, worker, number)

    def _take(self, fits: Callable[[Job], Any]) -> Job | None:
        """Take the first job in turn that fits; its request and its client have their next turns after all others."""
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
        """Pass on what a worker answers, in a thread of its own, until it ends."""
        with suppress(EOFError, OSError, RuntimeError):  # of a pipe or an event loop that is closed
            while True:
                self.loop.call_soon_threadsafe(self._hear, worker, worker.pipe.recv())
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._replace, worker)

    def _hear(self, worker: Worker, message: Any) -> None:
        """Take a worker's word that it is ready, or the seconds that it spent on a batch, perhaps with an answer."""
        if not worker.ready:
            worker.ready = True
        else:
            number, index, answer, seconds = message
            batch = worker.batches[number]
            batch.spent += seconds
            for request in (requests := batch.requests):
                request.spent += seconds / len(requests)
            if index is not None:
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
        """Start another worker for one that has died; its jobs fail."""
        if self.closing:
            return
        for job in [job for batch in worker.batches.values() for job in batch.jobs.values()]:
            job.settle(LostError())
        at = self.workers.index(worker)
        self.workers[at] = Worker()
        Thread(target=self._listen, args=(self.workers[at],), daemon=True).start()
