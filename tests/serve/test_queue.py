"""The queue and a worker's turns, by a test's clock; and a real worker, killed and left."""

import asyncio
import time
from collections.abc import Iterator
from itertools import count
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pingze.deadline import Deadline, DeadlineError, check_deadline
from pingze.serve import queue as queues
from pingze.serve.problems import RefusedError
from pingze.serve.queue import LONG, ROWS, WAITING, WAITING_OF_ONE, Job, Queue, Request
from pingze.serve.worker import TURN, WorkerLoop

SECONDS = 60.0
BUSY = "too much to do just now"

pytestmark = pytest.mark.anyio


class Idle(queues.Worker):
    """A worker that keeps what it was sent, and answers where a test says so."""

    def __init__(self) -> None:
        self.ready, self.sent, self.batches = True, [], {}
        self.process = SimpleNamespace(kill=lambda: None)  # type: ignore[assignment]

    def send(self, *message: Any) -> None:
        self.sent.append(message)

    @property
    def begun(self) -> list[str]:
        """The names of the jobs of each batch that it was sent."""
        sent = [message[3] for message in self.sent if message[0] != "stop"]
        return ["".join(name for (name,), _ in jobs) for jobs in sent]


class Clock:
    """The time of the queue and of a worker."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(queues, "time", clock)
    monkeypatch.setattr(queues, "Worker", Idle)
    monkeypatch.setattr("pingze.serve.worker.time", clock)
    return clock


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def queue(clock: Clock, request: pytest.FixtureRequest) -> Queue:
    queue = Queue(SECONDS, getattr(request, "param", 1))
    queue.loop = asyncio.get_running_loop()
    return queue


@pytest.fixture
async def workers(queue: Queue) -> list[Idle]:
    return queue.workers  # type: ignore[return-value]


def ask(queue: Queue, client: str, names: str, rows: int = 0) -> None:
    """Ask for a job for each name: populations of one model where they have rows."""
    request = Request(queue, client)
    queue.submit(request, [Job(request, abs, (name,), "model", rows, size=rows) for name in names])


def finish(queue: Queue, worker: Idle, newest: bool = False) -> None:
    """Have a worker answer all that it computes, or its newest batch."""
    for number, batch in list(worker.batches.items())[-1 if newest else 0 :]:
        for index in list(batch.jobs):
            queue._hear(worker, (number, index, None, 0.0))


@pytest.mark.parametrize("rows", [0, ROWS])
async def test_clients_take_turns_and_so_do_the_requests_of_one(
    queue: Queue, workers: list[Idle], rows: int
) -> None:
    (worker,) = workers
    for names in ("abc", "def"):
        ask(queue, "many", names, rows)
    ask(queue, "one", "xy", rows)
    while worker.batches:
        finish(queue, worker)
    assert "".join(worker.begun) == "abxdycef"  # a was begun before any other waited
    assert len(queue) == 0
    assert not queue.waiting


@pytest.mark.parametrize("queue", [2], indirect=True)
async def test_populations_of_one_model_are_one_batch(queue: Queue, workers: list[Idle]) -> None:
    first, second = workers
    second.ready = False  # as one that replaces another
    ask(queue, "one", "ab", rows=ROWS // 2)
    assert (first.begun, second.begun) == (["a"], [])
    queue._hear(second, 0.0)
    assert (first.begun, second.begun) == (["a"], ["b"])
    ask(queue, "one", "cdef", rows=ROWS // 2)
    finish(queue, first)
    assert first.begun == ["a", "cd"]
    finish(queue, second)
    assert second.begun == ["b", "e"]  # two wait for two workers


async def test_other_requests_are_written_beside_a_long_one(
    queue: Queue, workers: list[Idle], clock: Clock
) -> None:
    (worker,) = workers
    ask(queue, "long", "abc", rows=ROWS)
    for name in "vwxyz":
        ask(queue, name, name, rows=ROWS)
    assert worker.begun == ["a"]  # it is not long yet
    for begun in ("av", "avw", "avwx", "avwx"):  # four at most
        clock.now += LONG
        queue._dispatch()
        assert "".join(worker.begun) == begun
    finish(queue, worker, newest=True)
    assert "".join(worker.begun) == "avwxy"
    while worker.batches:
        finish(queue, worker)
    assert "".join(worker.begun) == "avwxybzc"  # whose turn it is, once no long batch is left


async def test_a_client_s_own_small_batch_is_written_too(
    queue: Queue, workers: list[Idle], clock: Clock
) -> None:
    (worker,) = workers
    for name, rows in (("a", ROWS), ("b", ROWS), ("s", ROWS // 4)):
        ask(queue, "one", name, rows)
    clock.now += LONG
    queue._dispatch()
    assert worker.begun == ["a", "s"]


def written(clock: Clock, batches: dict[str, int], short: int = 0) -> str:
    """Have a worker write batches of so many tokens of TURN / 2 each; at each token the batch that had it.

    So many short ones of one token follow, each when the one before has ended; `-` is a token of
    theirs.
    """
    here, _there = Pipe()
    loop, tokens, numbers = WorkerLoop(here), list[str](), count()
    inbox, wanted = loop.inboxes["write"], sum(batches.values()) + short

    def begin(name: str, left: int) -> None:
        number = next(numbers)
        loop.deadlines[number, 0] = Deadline(SECONDS)
        inbox.put((number, write(name, left), 0.0))

    def write(name: str, left: int) -> Iterator[tuple[int, str] | None]:
        nonlocal short
        for _ in range(left):
            tokens.append(name)
            clock.now += TURN / 2
            yield None
        yield 0, name
        if short:
            short -= 1
            begin("-", 1)
        elif len(tokens) == wanted:
            raise ZeroDivisionError  # all is written

    for name, left in batches.items():
        begin(name, left)
    with pytest.raises(ZeroDivisionError):
        loop.take_turns(inbox)
    return "".join(tokens)


def test_long_batches_take_turns_and_have_them_whatever_else_is_written(clock: Clock) -> None:
    assert written(clock, {"a": 6, "b": 6}) == "aabb" * 3
    assert written(clock, {"-": 1, "a": 20}, short=60).startswith("-" + "aa-" * 10 + "--")


async def test_the_jobs_of_a_client_that_has_gone_are_stopped(
    queue: Queue, workers: list[Idle]
) -> None:
    (worker,) = workers

    async def leave() -> None:
        async with queue.request("gone") as request:
            await request.compute_all([Job(request, abs, (name,)) for name in "abc"])

    leaving = asyncio.create_task(leave())
    while not worker.sent:
        await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    ask(queue, "next", "x")
    assert worker.sent[1:] == [("stop", worker.sent[0][1], 0)]
    finish(queue, worker)
    assert worker.begun == ["a", "x"]


async def test_beyond_what_may_wait_all_of_a_request_is_refused(queue: Queue) -> None:
    ask(queue, "one", "a" * WAITING_OF_ONE)
    with pytest.raises(RefusedError, match=BUSY):
        ask(queue, "one", "aa")
    for client in range(WAITING // 100 - 5):
        ask(queue, str(client), "x" * 100)
    with pytest.raises(RefusedError, match=BUSY):
        ask(queue, "last", "x" * (WAITING - len(queue) + 1))
    assert WAITING_OF_ONE < len(queue) <= WAITING


async def test_a_request_that_would_take_too_long_is_not_begun(queue: Queue) -> None:
    queue.pace = 1.0
    with pytest.raises(RefusedError, match="this would take 64 seconds, more than 60"):
        ask(queue, "one", "a", rows=64)
    ask(queue, "one", "a", rows=50)
    ask(queue, "two", "b", rows=40)
    ask(queue, "three", "x", rows=5)  # takes turns, and is in time
    with pytest.raises(RefusedError, match=BUSY):  # alone it would be in time
        ask(queue, "three", "y", rows=30)


async def test_however_much_one_client_asks_another_is_taken(queue: Queue) -> None:
    """It was refused: each waiting request of the first counted as a client that takes turns."""
    queue.pace = 1.0
    for _ in range(8):
        ask(queue, "many", "a", rows=8)
    with pytest.raises(RefusedError, match=BUSY):
        ask(queue, "many", "a", rows=8)
    ask(queue, "late", "x", rows=8)


@pytest.mark.parametrize(("others", "error"), [("a", RefusedError), ("", DeadlineError)])
async def test_a_late_answer_is_the_fault_of_who_computed(
    queue: Queue, others: str, error: type[Exception]
) -> None:
    if others:
        ask(queue, "other", others)
    queue.seconds = 0.01

    async def late() -> None:
        async with queue.request("one") as request:
            await request.compute(abs, 1)

    with pytest.raises(error):
        await late()
    assert len(queue) == 0


# -- real workers -----------------------------------------------------------------------------------------------


def compute_on(path: Path) -> None:
    """Compute until nobody waits."""
    path.touch()
    while True:
        time.sleep(0.001)
        check_deadline()


def broken() -> None:
    raise ZeroDivisionError


async def computing(queue: Queue, path: Path) -> "asyncio.Task[None]":
    """A job that computes on."""

    async def compute() -> None:
        async with queue.request("one") as request:
            await request.compute(compute_on, path)

    task = asyncio.create_task(compute())
    while not path.exists():
        await asyncio.sleep(0.01)
    return task


async def test_jobs_end_with_their_clients_faults_and_workers(tmp_path: Path) -> None:
    real = Queue(10 * SECONDS, workers=1)
    real.wait_until_ready()
    real.start()
    try:
        # 1. A fault is its own job's.
        async with real.request("one") as request:
            with pytest.raises(RuntimeError, match="ZeroDivisionError"):
                await request.compute(broken)
            assert await request.compute(abs, -1) == 1
        # 2. A client that has gone: its job stops.
        gone = await computing(real, tmp_path / "gone")
        gone.cancel()
        while real.workers[0].batches:
            await asyncio.sleep(0.01)
        # 3. A worker that is killed: its job fails, and another worker takes its place.
        lost = await computing(real, tmp_path / "lost")
        async with real.request("two") as request:
            waiting = asyncio.create_task(request.compute(abs, -2))
            await asyncio.sleep(0)
            real.workers[0].process.kill()
            with pytest.raises(RefusedError, match="ended before it answered"):
                await lost
            assert await waiting == 2
    finally:
        real.close()
    assert not any(worker.process.is_alive() for worker in real.workers)
