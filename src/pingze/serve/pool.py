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
    """The number of tokens to write or characters to read, with which the job's time grows."""
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
            max_workers=1,
            mp_context=spawn,
            initializer=_prepare_process,
            initargs=(self.told_to_stop, niceness),
        )
        self.ready: Future[int] = self.executor.submit(_load, warm_up)
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
        """The most workers that the jobs of one client hold."""
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

        If no job of this kind has ended, the seconds of the route's nearest size are taken in
        proportion. The result is at most `JOB_SECONDS`, after which a job is stopped.
        """
        mean_by_bits = self.means[route]
        if not mean_by_bits:
            return GUESS
        # Jobs of a route whose sizes have as many bits are of one kind.
        bits = size.bit_length()
        nearest_bits = min(mean_by_bits, key=lambda measured: abs(measured - bits))
        # A size with one bit more is about twice as large, and takes about twice the time.
        expected = mean_by_bits[nearest_bits] * 2.0 ** (bits - nearest_bits)
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
        """Add a job to the line for each call of `compute`, and return the futures of the answers.

        `calls` holds the arguments of each call. A job ends if its future is cancelled. Raises
        RefusedError if too many jobs of the client wait, or if another job of the client would
        start too late.
        """
        waiting_of_client = sum(job.client == client for job in self.waiting)
        if waiting_of_client + len(calls) > MOST_WAITING or self._is_late(client):
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
            job.answer.add_done_callback(partial(self._stop_if_cancelled, job))
            jobs.append(job)
        self.waiting.extend(jobs)
        self._start_waiting()
        return [job.answer for job in jobs]

    def _is_late(self, client: str) -> bool:
        """Say whether a client's next job would start later than in `JOB_SECONDS`.

        The jobs of one client hold at most `share` workers. So until then, the workers spend at most
        `share` · `JOB_SECONDS` on each client.
        """
        seconds_by_client: defaultdict[str, float] = defaultdict(float)
        for job in [*self.running, *self.waiting]:
            seconds_by_client[job.client] += self.expected(job.route, job.size)
        most_of_a_client = self.share * JOB_SECONDS
        own_seconds = seconds_by_client.pop(client, 0)
        other_seconds = sum(
            min(seconds, most_of_a_client) for seconds in seconds_by_client.values()
        )
        # The lane has `share` + 1 workers, each of which works for `JOB_SECONDS` until then.
        most_of_the_lane = most_of_a_client + JOB_SECONDS
        exceeds_share = own_seconds > most_of_a_client
        exceeds_lane = own_seconds + other_seconds > most_of_the_lane
        return exceeds_share or exceeds_lane

    def _start_waiting(self) -> None:
        """Start waiting jobs, the first ones first, while workers are free.

        A job is passed over if its client holds its whole share, or if only the spare worker is
        free and the client holds another worker.
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
            if not self._start_job(job):
                # All free workers have died. The job is the first that gets a worker when
                # `_add_worker` brings one in place of those.
                self.waiting.insert(0, job)
                return
            held[job.client] += 1

    def _start_job(self, job: Job) -> bool:
        """Start a job on a free worker. Return False if all free workers have died."""
        while self.free:
            # The spare worker is taken only if no other is free: False sorts before True.
            worker = min(self.free, key=lambda free: free.is_spare)
            self.free.remove(worker)
            worker.told_to_stop.value = False
            try:
                done = worker.executor.submit(_run_job, job.compute, job.arguments)
            except BrokenProcessPool:  # the process has died while it had no job
                self._replace(worker)
                continue
            loop = asyncio.get_running_loop()
            job.worker = worker
            job.begun = monotonic()
            job.timer = loop.call_later(JOB_SECONDS + GRACE, worker.kill)
            self.running.append(job)
            done.add_done_callback(_callback_in_loop(loop, self._finish, job))
            return True
        return False

    def _stop_if_cancelled(self, job: Job, answer: asyncio.Future[Any]) -> None:
        """Stop a job if its answer was cancelled, so that nobody waits for it.

        Every answer calls this when it is given or cancelled.
        """
        if not answer.cancelled():
            return
        if job in self.waiting:
            self.waiting.remove(job)
        elif job in self.running and job.worker and job.timer:
            job.worker.told_to_stop.value = True
            # The worker looks at the flag between two tokens; if it does not, it is killed.
            job.timer.cancel()
            job.timer = answer.get_loop().call_later(GRACE, job.worker.kill)

    def _finish(self, job: Job, done: Future[Any]) -> None:
        """Take back the worker of a job that has ended, and pass the answer or the error on."""
        assert job.worker
        assert job.timer
        job.timer.cancel()
        self.running.remove(job)
        if self.closing:  # `close` has killed the worker, and it gets no successor
            return
        # 1) The worker takes another job, or another worker takes its place.
        seconds = monotonic() - job.begun
        error = done.exception()
        if isinstance(error, BrokenProcessPool):
            # After its time, the job's timer has killed the process.
            error = DeadlineError(JOB_SECONDS) if seconds > JOB_SECONDS else worker_lost()
            self._replace(job.worker)
        else:
            self.free.append(job.worker)
        # 2) Answer, and remember how long jobs of this kind take. If the answer was cancelled, the
        # job was stopped early, and its seconds say nothing.
        if not job.answer.done():
            bits = job.size.bit_length()
            mean_by_bits = self.means[job.route]
            mean = mean_by_bits.setdefault(bits, seconds)  # the first job is its own mean
            mean_by_bits[bits] = mean + NEWEST * (seconds - mean)
            if error:
                job.answer.set_exception(error)
            else:
                job.answer.set_result(done.result())
        self._start_waiting()

    def _replace(self, worker: Worker) -> None:
        """Start a new worker in place of one that has died."""
        if self.closing:
            return
        worker.executor.shutdown(wait=False)
        self.workers.remove(worker)
        successor = Worker(self.warm_up, worker.niceness, is_spare=worker.is_spare)
        self.workers.append(successor)
        loop = asyncio.get_running_loop()
        successor.ready.add_done_callback(_callback_in_loop(loop, self._add_worker, successor))

    def _add_worker(self, worker: Worker, ready: Future[int]) -> None:
        """Let a new worker take jobs; if it could not load what it needs, start another."""
        if self.closing:
            return
        if ready.exception():
            asyncio.get_running_loop().call_later(RETRY, self._replace, worker)
            return
        self.free.append(worker)
        self._start_waiting()


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


def _callback_in_loop(loop: asyncio.AbstractEventLoop, function: Compute, item: Any) -> Compute:
    """Make a callback of a future that calls `function(item, future)` in the event loop."""

    # The future of an executor calls back in a thread of its own, not in the loop's.
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


def _prepare_process(told_to_stop: Any, niceness: int) -> None:
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


def _load(warm_up: Callable[[], None]) -> int:
    """Load what the jobs need, and return the id of this process."""
    warm_up()
    _free_memory()
    gc.freeze()  # what is loaded stays, so no later collection need look at it
    return os.getpid()


def _run_job(compute: Compute, arguments: tuple[Any, ...]) -> Any:
    """Compute a job, within its time and only while the client waits."""
    if _Process.rest:
        _Process.rest.cancel()
    stop = _Process.told_to_stop
    try:
        with within(Deadline(JOB_SECONDS, gone=lambda: stop.value)):
            return compute(*arguments)
    finally:
        _Process.rest = Timer(REST, _free_memory)
        _Process.rest.daemon = True
        _Process.rest.start()


def _free_memory() -> None:
    """Free what only some requests need, and return freed memory to the system."""
    answers.forget()
    gc.collect()
    give_back_freed_memory()
