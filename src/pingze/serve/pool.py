"""Compute answers in worker processes, of which one client may never hold all.

A job is a poem with all its populations, or the answer of a route without populations. A lane is a
line of waiting jobs and some workers, each of which computes one job at a time. The jobs of one
client hold at most all workers but one. A free worker takes the first job in the line whose client
holds fewer. The spare worker is left to a client that holds none. `docs/serving.md` says what
follows from this.

Each worker is a `ProcessPoolExecutor` of one process. A process that dies then takes no other with
it, and a new one loads the models before it takes a job.
"""

import asyncio
import gc
import os
import signal
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from ctypes import c_bool
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context, parent_process
from threading import Thread, Timer
from time import monotonic
from typing import Any

from pingze.composing.typed_text import ConversionWarning
from pingze.deadline import Deadline, DeadlineError, within
from pingze.machine import VARIABLE, give_back_freed_memory, share_freed_memory, threads
from pingze.serve import answers
from pingze.serve.problems import busy, worker_lost

JOB_SECONDS = 30.0
"""The time until a job must start, and the time that it may take then."""
MOST_WAITING = 512
"""The maximum number of waiting jobs of one client."""
QUICK_WORKERS = 2
"""The number of workers of the quick lane."""
GUESS = 5.0
"""The seconds that a job is expected to take before any job of its route has ended."""
NEWEST = 0.2
"""The weight of the newest job in the moving average of a kind's seconds."""
GRACE = 5.0
"""The seconds after which a worker is killed if it has not stopped when it was told to."""
RETRY = 1.0
"""The seconds after which another worker is started in place of one that could not start."""
HEAVY_NICENESS = 10
"""The niceness of the heavy workers: the system lets a quick check run before their jobs."""
SPARE_NICENESS = 5
"""The niceness of the spare heavy worker, which is lower: its client holds no other worker."""
REST = 3.0
"""The seconds without a job after which a worker frees memory."""

Compute = Callable[..., Any]


@dataclass(eq=False)
class Job:
    """A computation that waits for a worker or runs on one."""

    client: str
    route: str
    size: int
    """The size with which the time grows."""
    compute: Compute
    arguments: tuple[Any, ...]
    answer: asyncio.Future[Any]
    worker: "Worker | None" = None
    begun: float = 0.0
    timer: asyncio.TimerHandle | None = None
    """The timer that kills the worker if the job runs on after its time."""


class Worker:
    """A process that computes one job at a time. `Lane` explains the arguments."""

    def __init__(self, warm_up: Callable[[], None], niceness: int, *, is_spare: bool) -> None:
        self.niceness = niceness
        self.is_spare = is_spare
        spawn = get_context("spawn")
        # The process reads this between two tokens. It has no lock: a process that is killed while
        # it holds a lock would block the server.
        self.told_to_stop = spawn.RawValue(c_bool, False)
        self.executor = ProcessPoolExecutor(
            1, mp_context=spawn, initializer=_begin, initargs=(self.told_to_stop, niceness)
        )
        self.ready: Future[int] = self.executor.submit(_warmed, warm_up)
        """The process id, once the process has loaded everything."""

    def kill(self) -> None:
        """Kill the process, unless it is still loading."""
        if self.ready.done() and not self.ready.exception():
            with suppress(ProcessLookupError):
                os.kill(self.ready.result(), signal.SIGTERM)


class Lane:
    """Some workers, and the line of jobs that wait for them.

    Args:
        workers: The number of workers, at least 2. One client's jobs hold at most all but one.
        warm_up: A function that loads in a worker whatever its jobs need.
        niceness: How far its workers give way to other processes, from 0 to 19.
        spare_niceness: The same for the last worker, the spare one. It takes a job while no other
            is free, of a client that holds no other.
    """

    def __init__(
        self,
        workers: int,
        warm_up: Callable[[], None],
        niceness: int = 0,
        spare_niceness: int = 0,
    ) -> None:
        self.share = workers - 1
        self.warm_up = warm_up
        self.workers = [Worker(warm_up, niceness, is_spare=False) for _ in range(workers - 1)]
        self.workers.append(Worker(warm_up, spare_niceness, is_spare=True))
        self.free: list[Worker] = []
        self.waiting: list[Job] = []
        self.running: list[Job] = []
        self.means: dict[str, dict[int, float]] = defaultdict(dict)
        """The moving average of the seconds of each kind of job, by route and bits."""
        self.closing = False

    def wait_until_ready(self) -> None:
        """Wait until every worker has loaded what it needs.

        Raises CheckpointError or RefusedError.
        """
        for worker in self.workers:
            try:
                worker.ready.result()
            except BrokenProcessPool:
                raise worker_lost() from None
            self.free.append(worker)

    def close(self) -> None:
        """Kill the workers, and wait until they have ended."""
        self.closing = True
        for worker in self.workers:
            worker.kill()
        for worker in self.workers:
            worker.executor.shutdown(cancel_futures=True)

    @property
    def idle(self) -> int:
        """How many workers but the spare one are free, if no job waits; else 0."""
        if self.waiting:
            return 0
        return sum(not worker.is_spare for worker in self.free)

    def expected(self, route: str, size: int) -> float:
        """Return the seconds that a job is expected to take, by the newest jobs of its kind.

        If there were none, the nearest size of the route counts, in proportion. A job that takes
        more than `JOB_SECONDS` is stopped.
        """
        known = self.means[route]
        bits = size.bit_length()  # sizes are counted by powers of two
        if not known:
            return GUESS
        nearest = min(known, key=lambda other: abs(other - bits))
        expected = known[nearest] * 2.0 ** (bits - nearest)  # a bit more is twice the size and time
        return min(expected, JOB_SECONDS)

    async def compute(
        self, client: str, route: str, size: int, compute: Compute, *arguments: Any
    ) -> Any:
        """Have a worker compute an answer.

        Raises RefusedError, DeadlineError or the computation's error.
        """
        (answer,) = self.submit(client, route, size, compute, [arguments])
        return await answer

    def submit(
        self,
        client: str,
        route: str,
        size: int,
        compute: Compute,
        calls: Sequence[tuple[Any, ...]],
    ) -> list[asyncio.Future[Any]]:
        """Add a job for each call of a function to the line, and return the futures of the answers.

        To cancel a future ends its job. Raises RefusedError if too many jobs of the client wait, or
        if another job of the client would start too late.
        """
        waiting = sum(job.client == client for job in self.waiting)
        if waiting + len(calls) > MOST_WAITING or self._is_late(client):
            raise busy()
        loop = asyncio.get_running_loop()
        jobs = []
        for arguments in calls:
            job = Job(
                client=client,
                route=route,
                size=size,
                compute=compute,
                arguments=arguments,
                answer=loop.create_future(),
            )
            job.answer.add_done_callback(partial(self._leave, job))
            jobs.append(job)
        self.waiting.extend(jobs)
        self._start()
        return [job.answer for job in jobs]

    def _is_late(self, client: str) -> bool:
        """Say whether a client's next job would start later than in `JOB_SECONDS`.

        Until then the workers spend at most `share` · `JOB_SECONDS` on each client.
        """
        work: defaultdict[str, float] = defaultdict(float)  # seconds of each client's jobs
        for job in [*self.running, *self.waiting]:
            work[job.client] += self.expected(job.route, job.size)
        most = self.share * JOB_SECONDS
        own = work.pop(client, 0)
        others = sum(min(seconds, most) for seconds in work.values())
        # In `JOB_SECONDS`, all workers together do (`share` + 1) · `JOB_SECONDS` of work.
        exceeds_share = own > most
        exceeds_lane = own + others > most + JOB_SECONDS
        return exceeds_share or exceeds_lane

    def _start(self) -> None:
        """Start the first jobs whose clients hold less than their share, while workers are free.

        A client that holds a job does not get the spare worker.
        """
        held = Counter(job.client for job in self.running)
        for job in list(self.waiting):
            if not self.free:
                return
            holds = held[job.client]
            if holds == self.share:
                continue
            if holds and all(worker.is_spare for worker in self.free):
                continue
            self.waiting.remove(job)
            if not self._run(job):
                # all free workers have died: the job is first when `_join` brings another
                self.waiting.insert(0, job)
                return
            held[job.client] += 1

    def _run(self, job: Job) -> bool:
        """Start a job on a free worker. Return False if all free workers have died."""
        while self.free:
            worker = min(self.free, key=lambda free: free.is_spare)  # the spare one last
            self.free.remove(worker)
            worker.told_to_stop.value = False
            try:
                done = worker.executor.submit(_run, job.compute, job.arguments)
            except BrokenProcessPool:  # it has died without a job
                self._replace(worker)
                continue
            loop = asyncio.get_running_loop()
            job.worker = worker
            job.begun = monotonic()
            job.timer = loop.call_later(JOB_SECONDS + GRACE, worker.kill)
            self.running.append(job)
            done.add_done_callback(_in_loop(loop, self._end, job))
            return True
        return False

    def _leave(self, job: Job, answer: asyncio.Future[Any]) -> None:
        """End a job whose answer nobody waits for. Called when an answer is there or cancelled."""
        if not answer.cancelled():
            return
        if job in self.waiting:
            self.waiting.remove(job)
        elif job in self.running and job.worker and job.timer:
            job.worker.told_to_stop.value = True
            job.timer.cancel()
            job.timer = answer.get_loop().call_later(GRACE, job.worker.kill)

    def _end(self, job: Job, done: Future[Any]) -> None:
        """Take back the worker of a job that has ended, and pass the answer or the error on."""
        assert job.worker
        assert job.timer
        job.timer.cancel()
        self.running.remove(job)
        if self.closing:
            return
        # 1) The worker takes another job, or another worker takes its place.
        took = monotonic() - job.begun
        error = done.exception()
        if isinstance(error, BrokenProcessPool):
            error = DeadlineError(JOB_SECONDS) if took > JOB_SECONDS else worker_lost()
            self._replace(job.worker)
        else:
            self.free.append(job.worker)
        # 2) Answer, and remember how long jobs of this kind take.
        if not job.answer.done():
            bits = job.size.bit_length()
            mean = self.means[job.route].setdefault(bits, took)
            self.means[job.route][bits] = mean + NEWEST * (took - mean)
            if error:
                job.answer.set_exception(error)
            else:
                job.answer.set_result(done.result())
        self._start()

    def _replace(self, worker: Worker) -> None:
        """Start a new worker in place of one that has died."""
        if self.closing:
            return
        worker.executor.shutdown(wait=False)
        self.workers.remove(worker)
        new = Worker(self.warm_up, worker.niceness, is_spare=worker.is_spare)
        self.workers.append(new)
        new.ready.add_done_callback(_in_loop(asyncio.get_running_loop(), self._join, new))

    def _join(self, worker: Worker, ready: Future[int]) -> None:
        """Let a new worker take jobs."""
        if self.closing:
            return
        if ready.exception():
            asyncio.get_running_loop().call_later(RETRY, self._replace, worker)
            return
        self.free.append(worker)
        self._start()


class Lanes:
    """The lane of what takes milliseconds, and the lane of everything else.

    Args:
        jobs: How many heavy jobs of one client run at once; by default `threads()`, the number of
            cores. There is one worker more.
    """

    def __init__(self, jobs: int | None = None) -> None:
        self.heavy = Lane(
            (jobs or threads()) + 1,
            answers.warm_up,
            niceness=HEAVY_NICENESS,
            spare_niceness=SPARE_NICENESS,
        )
        self.quick = Lane(QUICK_WORKERS, answers.warm_up_check)

    def wait_until_ready(self) -> None:
        """Wait until every worker has loaded what it needs.

        Raises CheckpointError or RefusedError.
        """
        self.heavy.wait_until_ready()
        self.quick.wait_until_ready()

    def close(self) -> None:
        """Kill all workers."""
        self.heavy.close()
        self.quick.close()


def _in_loop(loop: asyncio.AbstractEventLoop, function: Compute, item: Any) -> Compute:
    """Make a callback of a future that calls `function(item, future)` in the event loop."""

    def tell(done: Future[Any]) -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(function, item, done)

    return tell


# -- in the worker ---------------------------------------------------------------------------------


class _Process:
    """What a worker process keeps between its jobs."""

    told_to_stop: Any
    """The flag that `Worker` shares with this process."""
    rest: Timer | None = None
    """The timer that frees memory if no job follows."""


def _begin(told_to_stop: Any, niceness: int) -> None:
    """Prepare a new worker process."""
    from threadpoolctl import threadpool_limits

    # Ctrl-C reaches every process of the terminal; this process waits for the server to end it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_server, daemon=True).start()
    _Process.told_to_stop = told_to_stop
    share_freed_memory()
    warnings.simplefilter("ignore", ConversionWarning)  # clients get these warnings as notes
    # Each core has a worker, and a second thread would not write a poem sooner.
    threadpool_limits(1, user_api="blas")
    os.environ[VARIABLE] = "1"
    if hasattr(os, "nice"):
        os.nice(niceness)


def _end_with_server() -> None:
    """End this process when the server has died, even if it was killed."""
    server = parent_process()
    assert server
    server.join()
    os._exit(0)


def _warmed(warm_up: Callable[[], None]) -> int:
    """Load what the jobs need, and return the number of this process."""
    warm_up()
    _give_back()
    gc.freeze()  # what is loaded stays, so no later collection need look at it
    return os.getpid()


def _run(compute: Compute, arguments: tuple[Any, ...]) -> Any:
    """Compute a job, within its time and only while the client waits."""
    if _Process.rest:
        _Process.rest.cancel()
    stop = _Process.told_to_stop
    try:
        with within(Deadline(JOB_SECONDS, gone=lambda: stop.value)):
            return compute(*arguments)
    finally:
        _Process.rest = Timer(REST, _give_back)
        _Process.rest.daemon = True
        _Process.rest.start()


def _give_back() -> None:
    """Free what only some requests need, and return freed memory to the system."""
    answers.forget()
    gc.collect()
    give_back_freed_memory()
