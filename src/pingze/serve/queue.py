"""Share worker processes, one a core, among the requests of all clients.

A job is one population of one poem, or the whole computation of another route. Clients take turns, and so do the
requests of one client, so that nobody starves. Populations of one model and size are written as one batch. A worker
writes one batch at a time; one that has had more than `LONG` pauses, after a token, for those that had less. Beside it
a worker computes one job of another route. `worker.py` is the other end of each pipe.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from multiprocessing import get_context
from threading import Thread
from typing import Any, TypeVar

from pingze.deadline import too_slow
from pingze.serve.problems import BusyError, LostError, TooMuchError
from pingze.serve.worker import work
from pingze.threads import threads

ROWS = 64
"""The most texts that a worker writes as one batch; one population may have more."""
LONG = 0.25
"""Seconds after which a batch makes room for others."""
OWED = 1.0
"""Seconds after which a paused batch has its turn whatever else waits."""
PAUSED = 3
"""The most batches of one worker that are paused."""
WAITING, WAITING_OF_ONE = 1024, 512
"""The most jobs that wait, of all clients and of one; a poem has two at the defaults."""
GRACE = 10.0
"""Seconds beyond its deadline after which a job that never asks whether to go on ends its worker."""

A = TypeVar("A")
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
    argument: Any
    model: str = ""
    rows: int = 0
    size: int = 0
    answer: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


@dataclass(eq=False)
class Batch:
    """Jobs that one worker computes together, by the index under which it answers them."""

    number: int
    jobs: dict[int, Job]
    size: int
    since: float
    """When it last got its worker."""
    spent: float = 0.0
    """The seconds that it has had."""
    asked: bool = False
    """Whether it was asked to pause."""

    @property
    def requests(self) -> set["Request"]:
        """Those of its unanswered jobs."""
        return {job.request for job in self.jobs.values()}

    @property
    def turn(self) -> float:
        """The seconds since it last got its worker, or since it paused."""
        return time.monotonic() - self.since

    def charge(self) -> None:
        """Count the time since it got its worker."""
        turn = self.turn
        for request in self.requests:
            request.spent += turn / len(self.requests)
        self.spent, self.since = self.spent + turn, self.since + turn


class Worker:
    """A process, the pipe to it, and what it computes."""

    def __init__(self) -> None:
        spawn = get_context("spawn")
        self.pipe, other = spawn.Pipe()
        self.process = spawn.Process(target=work, args=(other,), daemon=True)
        self.process.start()
        other.close()
        self.ready, self.owed = False, False
        self.alone: Batch | None = None
        self.writing: Batch | None = None
        self.paused: list[Batch] = []

    def send(self, *message: Any) -> None:
        """Send a message; one to a worker that has died is dropped, for its end is noticed elsewhere."""
        with suppress(OSError):
            self.pipe.send(message)

    @property
    def batches(self) -> list[Batch]:
        """All that it has begun."""
        return [*filter(None, (self.alone, self.writing)), *self.paused]


class Request:
    """One client's request: its jobs that wait, and the seconds that workers spent on it."""

    def __init__(self, queue: "Queue", client: str) -> None:
        self.queue, self.client = queue, client
        self.until = time.monotonic() + queue.seconds
        self.waiting: deque[Job] = deque()
        self.spent = 0.0

    async def compute(self, compute: Callable[[A], T], argument: A) -> T:
        """Compute one job. Raises what it raises, BusyError and LostError."""
        job = Job(self, compute, argument)
        await self.compute_all([job])
        answer: T = job.answer.result()
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
            for worker in self.workers:
                for batch in filter(None, (worker.alone, worker.writing)):
                    batch.charge()
            raise too_slow(self.seconds) if request.spent > self.seconds / 2 else BusyError from None
        finally:
            request.waiting.clear()
            self.waiting[client] = [each for each in self.waiting.get(client, ()) if each is not request]
            if not self.waiting[client]:
                del self.waiting[client]
            for worker in self.workers:
                for batch in worker.batches:
                    for index in (index for index, job in batch.jobs.items() if job.request is request):
                        worker.send("stop", batch.number, index)

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
        # 2. Of each other request as much is computed meanwhile, for they take turns.
        before = sum(min(size, sum(job.size for job in each.waiting)) for each in self._waiting())
        if alone + self.pace * before / len(self.workers) > request.until - time.monotonic():
            raise BusyError
        request.waiting.extend(jobs)
        self.waiting.setdefault(request.client, []).append(request)
        self._dispatch()

    def _dispatch(self) -> None:
        """Give each worker that has room its next work."""
        for worker in sorted(self.workers, key=lambda worker: len(worker.batches)):
            if not worker.ready:
                continue
            if worker.alone is None and (job := self._take(lambda job: not job.model)):
                worker.alone = self._begin(worker, "compute", [job])
            if worker.writing is None:
                self._write_next(worker)
            elif not worker.writing.asked and self._makes_room(worker, worker.writing):
                worker.writing.asked = True
                worker.send("pause", worker.writing.number)

    def _makes_room(self, worker: Worker, batch: Batch) -> bool:
        """Whether a long batch pauses: for a new one at once, and for a paused one that had less after a turn."""
        spent = batch.spent + batch.turn
        if batch.turn >= LONG and any(each.spent < spent for each in worker.paused):
            return True
        is_due = spent >= LONG and (batch.turn >= LONG or not worker.owed)
        return is_due and len(worker.paused) < PAUSED and self._find(self._others()) is not None

    def _others(self) -> Callable[[Job], bool]:
        """Make the test for populations of requests without long batches, for which alone a long batch pauses."""
        long = [batch for worker in self.workers for batch in worker.paused]
        writing = (worker.writing for worker in self.workers if worker.writing)
        long += [batch for batch in writing if batch.spent + batch.turn >= LONG]
        slow = {request for batch in long for request in batch.requests}
        return lambda job: bool(job.model) and job.request not in slow

    def _write_next(self, worker: Worker) -> None:
        """Begin a batch, or resume the paused one that had least; one that was paused for long is due first."""
        jobs: list[Job] = []
        share = math.ceil(
            len(self) / len(self.workers)
        )  # no worker is idle while another has a batch of several
        worker.owed = any(batch.turn > OWED for batch in worker.paused)
        if len(worker.paused) < PAUSED and not worker.owed:
            first = self._take(self._others() if worker.paused else lambda job: bool(job.model))
            while first:
                jobs.append(first)
                room = ROWS - sum(job.rows for job in jobs)
                first = self._take(partial(_joins, first=jobs[0], room=room)) if len(jobs) < share else None
        if jobs:
            worker.writing = self._begin(worker, "write", jobs)
        elif worker.paused:
            worker.writing = min(worker.paused, key=lambda batch: batch.since if worker.owed else batch.spent)
            worker.paused.remove(worker.writing)
            worker.writing.since, worker.writing.asked = time.monotonic(), False
            worker.send("resume", worker.writing.number)
            self.loop.call_later(LONG, self._dispatch)

    def _begin(self, worker: Worker, kind: str, jobs: Sequence[Job]) -> Batch:
        """Have a worker begin a batch."""
        now = time.monotonic()
        batch = Batch(next(self.numbers), dict(enumerate(jobs)), sum(job.size for job in jobs), now)
        arguments = [(job.argument, job.request.until - now + 1) for job in jobs]
        worker.send(kind, batch.number, jobs[0].compute, arguments)
        self.loop.call_later(LONG, self._dispatch)
        until = max(job.request.until for job in jobs)
        self.loop.call_later(until - now + GRACE, self._end_stuck, worker, batch)
        return batch

    def _find(self, fits: Callable[[Job], Any]) -> Request | None:
        """Find the first request in turn whose next job fits."""
        return next((each for each in self._waiting() if fits(each.waiting[0])), None)

    def _take(self, fits: Callable[[Job], Any]) -> Job | None:
        """Take the first job in turn that fits; its request and its client have their next turns after all others."""
        request = self._find(fits)
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
        """Take a worker's answer, or its word that it is ready or has paused its batch."""
        if not worker.ready:
            worker.ready = True
        else:
            number, index, answer = message
            (batch,) = (each for each in worker.batches if each.number == number)
            done = index is not None and len(batch.jobs) == 1
            if done or index is None:
                batch.charge()
                worker.alone = worker.alone if worker.alone is not batch else None
                worker.writing = worker.writing if worker.writing is not batch else None
            if index is None:
                worker.paused.append(batch)
            else:
                _settle(batch.jobs.pop(index), answer)
            if done and batch.size:
                self.pace += 0.05 * (batch.spent / batch.size - self.pace)
        self._dispatch()

    def _end_stuck(self, worker: Worker, batch: Batch) -> None:
        if batch in worker.batches:
            worker.process.kill()

    def _replace(self, worker: Worker) -> None:
        """Start another worker for one that has died; its jobs fail."""
        if self.closing:
            return
        for batch in worker.batches:
            for job in batch.jobs.values():
                _settle(job, LostError())
        at = self.workers.index(worker)
        self.workers[at] = Worker()
        Thread(target=self._listen, args=(self.workers[at],), daemon=True).start()


def _joins(job: Job, first: Job, room: int) -> bool:
    """Whether a job joins the batch of another, as large as itself, that has room for so many more texts."""
    return (job.model, job.size) == (first.model, first.size) and job.rows <= room


def _settle(job: Job, answer: Any) -> None:
    if job.answer.done():  # its client has gone
        return
    if isinstance(answer, Exception):
        job.answer.set_exception(answer)
    else:
        job.answer.set_result(answer)
