"""The queue: whose turn it is and what waits, with workers that compute nothing; and two real ones, killed and left."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pingze.deadline import DeadlineError, check_deadline
from pingze.serve import queue as queues
from pingze.serve.problems import BusyError, LostError, TooMuchError
from pingze.serve.queue import LONG, OWED, ROWS, WAITING, WAITING_OF_ONE, Job, Queue, Request

SECONDS = 60.0


class Idle(queues.Worker):
    """A worker that keeps what it was sent, and answers where a test says so."""

    def __init__(self) -> None:
        self.ready, self.owed, self.sent = True, False, []
        self.alone = self.writing = None
        self.paused = []
        self.process = SimpleNamespace(kill=lambda: None)  # type: ignore[assignment]

    def send(self, *message: Any) -> None:
        self.sent.append(message)


class Clock:
    """The queue's time."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(queues, "time", clock)
    monkeypatch.setattr(queues, "Worker", Idle)
    return clock


def run(
    scenario: Callable[[Queue], Coroutine[Any, Any, None]], workers: int = 1, seconds: float = SECONDS
) -> None:
    async def main() -> None:
        queue = Queue(seconds, workers)
        queue.loop = asyncio.get_running_loop()
        await scenario(queue)

    asyncio.run(main())


def ask(queue: Queue, client: str, names: str, rows: int = 0) -> Request:
    """Ask for a job for each name: populations of one model where they have rows."""
    request = Request(queue, client)
    model = "model" if rows else ""
    queue.submit(request, [Job(request, abs, name, model, rows, size=rows) for name in names])
    return request


def begun(worker: queues.Worker) -> list[str]:
    """The jobs of each batch that a worker was sent."""
    assert isinstance(worker, Idle)
    return ["".join(argument for argument, _ in message[3]) for message in worker.sent if len(message) == 4]


def told(worker: queues.Worker) -> list[str]:
    """What a worker was told of batches that it had begun."""
    assert isinstance(worker, Idle)
    return [message[0] for message in worker.sent if len(message) < 4]


def finish(queue: Queue, worker: queues.Worker) -> None:
    """Have a worker answer all that it computes."""
    for batch in [each for each in (worker.alone, worker.writing) if each]:
        for index in list(batch.jobs):
            queue._hear(worker, (batch.number, index, None))


def pause(queue: Queue, worker: queues.Worker) -> None:
    """Have a worker pause what it writes."""
    assert worker.writing
    queue._hear(worker, (worker.writing.number, None, None))


@pytest.mark.parametrize("rows", [0, ROWS])
def test_clients_take_turns_and_so_do_the_requests_of_one(clock: Clock, rows: int) -> None:
    async def scenario(queue: Queue) -> None:
        (worker,) = queue.workers
        for names in ("abc", "def"):
            ask(queue, "many", names, rows)
        ask(queue, "one", "xy", rows)
        while worker.batches:
            finish(queue, worker)
        assert "".join(begun(worker)) == "abxdycef"  # a was begun before any other waited
        assert len(queue) == 0
        assert not queue.waiting

    run(scenario)


def test_populations_of_one_model_are_one_batch_where_no_worker_is_idle(clock: Clock) -> None:
    async def scenario(queue: Queue) -> None:
        first, second = queue.workers
        ask(queue, "one", "ab", rows=ROWS // 2)
        assert (begun(first), begun(second)) == (["a"], ["b"])
        ask(queue, "one", "cdef", rows=ROWS // 2)
        finish(queue, first)
        assert begun(first) == ["a", "cd"]
        finish(queue, second)
        assert begun(second) == ["b", "e"]  # two wait for two workers

    run(scenario, workers=2)


def test_a_long_batch_pauses_for_other_requests(clock: Clock) -> None:
    async def scenario(queue: Queue) -> None:
        (worker,) = queue.workers
        ask(queue, "long", "abcdefgh", rows=ROWS)
        clock.now += LONG
        queue._dispatch()
        assert told(worker) == []  # there is no other request
        for name in "xyz":
            ask(queue, name, name, rows=ROWS)
        assert (begun(worker), told(worker)) == (["a"], ["pause"])
        pause(queue, worker)
        assert begun(worker) == ["a", "x"]
        finish(queue, worker)
        clock.now += OWED + 0.1
        finish(queue, worker)
        assert (begun(worker), told(worker)) == (list("axy"), ["pause", "resume"])  # whatever else waits
        while worker.batches:
            finish(queue, worker)
        assert begun(worker) == list("axybzcdefgh")

    run(scenario)


def test_two_long_batches_take_turns(clock: Clock) -> None:
    async def scenario(queue: Queue) -> None:
        (worker,) = queue.workers
        ask(queue, "one", "a", rows=ROWS)
        ask(queue, "two", "b", rows=ROWS)
        wrote = []
        for _ in range(6):
            assert worker.writing
            wrote.append(worker.writing.jobs[0].argument)
            clock.now += LONG
            queue._dispatch()
            pause(queue, worker)
        assert wrote == list("ababab")

    run(scenario)


def test_the_jobs_of_a_client_that_has_gone_are_not_begun_and_the_running_ones_are_told(clock: Clock) -> None:
    async def scenario(queue: Queue) -> None:
        (worker,) = queue.workers
        assert isinstance(worker, Idle)

        async def leave() -> None:
            async with queue.request("gone") as request:
                await request.compute_all([Job(request, abs, name) for name in "abc"])

        leaving = asyncio.create_task(leave())
        while not worker.sent:
            await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        ask(queue, "next", "x")
        assert worker.sent[1:] == [("stop", worker.sent[0][1], 0)]
        finish(queue, worker)
        assert begun(worker) == ["a", "x"]

    run(scenario)


def test_beyond_what_may_wait_all_of_a_request_is_refused(clock: Clock) -> None:
    async def scenario(queue: Queue) -> None:
        ask(queue, "one", "a" * WAITING_OF_ONE)
        with pytest.raises(BusyError):
            ask(queue, "one", "aa")
        waits = len(queue)
        for client in range(WAITING // 100 - 5):
            ask(queue, str(client), "x" * 100)
        with pytest.raises(BusyError):
            ask(queue, "last", "x" * (WAITING - len(queue) + 1))
        assert waits < len(queue) <= WAITING

    run(scenario)


def test_a_request_that_would_take_too_long_is_not_begun(clock: Clock) -> None:
    async def scenario(queue: Queue) -> None:
        queue.pace = 1.0
        with pytest.raises(TooMuchError, match="this would take 64 seconds, more than 60"):
            ask(queue, "one", "a", rows=64)
        ask(queue, "one", "a", rows=50)
        ask(queue, "two", "b", rows=40)
        ask(queue, "three", "x", rows=5)  # takes turns, and is in time
        with pytest.raises(BusyError):  # alone it would be in time
            ask(queue, "three", "y", rows=30)

    run(scenario)


@pytest.mark.parametrize(("spent", "error"), [(0.0, BusyError), (SECONDS, DeadlineError)])
def test_a_late_answer_is_the_fault_of_who_computed(
    clock: Clock, spent: float, error: type[Exception]
) -> None:
    async def scenario(queue: Queue) -> None:
        ask(queue, "other", "a")
        queue.seconds = 0.01

        async def late() -> None:
            async with queue.request("one") as request:
                request.spent = spent
                await request.compute(abs, 1)

        with pytest.raises(error):
            await late()
        assert len(queue) == 0

    run(scenario)


# -- real workers -----------------------------------------------------------------------------------------------


def compute_on(path: Path) -> None:
    """Compute until nobody waits."""
    path.touch()
    while True:
        time.sleep(0.001)
        check_deadline()


def broken(_: None) -> None:
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


def test_jobs_end_with_their_clients_faults_and_workers(tmp_path: Path) -> None:
    async def scenario() -> None:
        queue.start()
        # 1. A fault is its own job's.
        async with queue.request("one") as request:
            with pytest.raises(RuntimeError, match="ZeroDivisionError"):
                await request.compute(broken, None)
            assert await request.compute(abs, -1) == 1
        # 2. A client that has gone: its job stops.
        gone = await computing(queue, tmp_path / "gone")
        gone.cancel()
        while queue.workers[0].batches:
            await asyncio.sleep(0.01)
        # 3. A worker that is killed: its job fails, and another worker takes its place.
        lost = await computing(queue, tmp_path / "lost")
        queue.workers[0].process.kill()
        with pytest.raises(LostError):
            await lost
        async with queue.request("two") as request:
            assert await request.compute(abs, -2) == 2

    queue = Queue(10 * SECONDS, workers=1)
    queue.wait_until_ready()
    try:
        asyncio.run(scenario())
    finally:
        queue.close()
    assert not any(worker.process.is_alive() for worker in queue.workers)
