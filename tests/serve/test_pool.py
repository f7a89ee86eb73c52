"""The line of a lane, with workers that a test answers for; and real workers, left, broken and killed."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pingze.deadline import DeadlineError, check_deadline
from pingze.serve import pool
from pingze.serve.pool import GUESS, JOB_SECONDS, MOST_WAITING, Lane
from pingze.serve.problems import RefusedError

BUSY = "too much to do just now"

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Executor:
    """Keeps the jobs that it is given, until a test answers them."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, Future[Any]]] = []
        self.broken = False

    def submit(self, _: object, compute: object, arguments: tuple[str]) -> Future[Any]:
        if self.broken:
            raise BrokenProcessPool
        done: Future[Any] = Future()
        self.begun.append((arguments[0], done))
        return done

    def shutdown(self, **_: object) -> None:
        pass


class FakeWorker(pool.Worker):
    """A worker whose process is the test."""

    made: list["FakeWorker"]
    executor: Any

    def __init__(self, warm_up: object, niceness: int, *, is_spare: bool) -> None:
        self.niceness = niceness
        self.is_spare = is_spare
        self.executor, self.ready = Executor(), Future()
        self.told_to_stop = SimpleNamespace(value=False)
        self.killed = False
        self.made.append(self)

    def kill(self) -> None:
        self.killed = True


@pytest.fixture
async def lane(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Lane:
    """A lane of three workers, two of which one client may hold."""
    monkeypatch.setattr(FakeWorker, "made", [], raising=False)
    monkeypatch.setattr(pool, "Worker", FakeWorker)
    lane = Lane(getattr(request, "param", 3), lambda: None)
    for worker in FakeWorker.made:
        worker.ready.set_result(1)
    lane.wait_until_ready()
    return lane


def ask(lane: Lane, client: str, names: str, size: int = 1) -> list[asyncio.Future[Any]]:
    """Ask for a job for each name."""
    return lane.submit(client, "compose", size, abs, [(name,) for name in names])


def begun() -> set[str]:
    """The jobs that workers have begun."""
    return {name for worker in FakeWorker.made for name, _ in worker.executor.begun}


async def answer(name: str, error: Exception | None = None) -> None:
    """Answer a job that is running."""
    for worker in FakeWorker.made:
        for begun, done in worker.executor.begun:
            if begun == name and error:
                done.set_exception(error)
            elif begun == name:
                done.set_result(name.upper())
    await asyncio.sleep(0.01)


async def test_one_client_may_not_hold_all_workers(lane: Lane) -> None:
    ask(lane, "many", "abcd")
    assert begun() == {"a", "b"}
    ask(lane, "other", "x")
    assert begun() == {"a", "b", "x"}


def of_spare() -> list[str]:
    """The jobs that the spare worker has begun."""
    return [name for name, _ in FakeWorker.made[-1].executor.begun]


async def test_the_spare_worker_is_left_to_others(lane: Lane) -> None:
    ask(lane, "many", "abc")
    await answer("a")
    assert of_spare() == []  # c has taken the worker of a
    ask(lane, "other", "x")
    assert of_spare() == ["x"]


async def test_a_client_that_holds_a_job_does_not_get_the_spare_worker(lane: Lane) -> None:
    ask(lane, "other", "xy")
    ask(lane, "many", "abc")
    assert of_spare() == ["a"]  # nothing else is free
    await answer("x")
    await answer("a")
    assert begun() == {"x", "y", "a", "b"}  # c waits: its client holds b
    ask(lane, "third", "p")
    assert of_spare() == ["a", "p"]


async def test_only_workers_that_a_client_may_hold_are_idle(lane: Lane) -> None:
    assert lane.idle == 2
    ask(lane, "one", "a")
    assert lane.idle == 1


async def test_who_came_first_is_served_first(lane: Lane) -> None:
    ask(lane, "one", "abc")
    ask(lane, "two", "xy")
    ask(lane, "three", "p")
    assert begun() == {"a", "b", "x"}
    await answer("x")
    assert begun() == {"a", "b", "x", "y"}  # c came before, but its client holds its share
    await answer("a")
    assert "c" in begun()
    assert "p" not in begun()
    await answer("y")
    assert "p" in begun()


async def test_an_answer_comes_back_and_so_does_an_error(lane: Lane) -> None:
    first, second = ask(lane, "one", "ab")
    await answer("a")
    await answer("b", ValueError("no"))
    assert await first == "A"
    with pytest.raises(ValueError, match="no"):
        await second
    assert len(lane.free) == 3


async def test_one_client_s_line_is_bounded(lane: Lane) -> None:
    lane.means["compose"] = {1: 0.001}
    ask(lane, "one", "a" * MOST_WAITING)
    ask(lane, "one", "aa")
    with pytest.raises(RefusedError, match=BUSY):
        ask(lane, "one", "b")
    assert len(lane.waiting) == MOST_WAITING


async def test_what_would_start_too_late_is_refused_at_once(lane: Lane) -> None:
    lane.means["compose"] = {1: 10.0}
    for _ in range(7):  # seven jobs of 10 seconds on two workers: the last starts after 30
        ask(lane, "one", "a")
    with pytest.raises(RefusedError, match=BUSY):
        ask(lane, "one", "b")
    ask(lane, "two", "x")  # another client's has a worker


async def test_a_request_for_many_poems_is_taken_where_nothing_waits(lane: Lane) -> None:
    lane.means["compose"] = {1: JOB_SECONDS}
    assert len(ask(lane, "one", "a" * 256)) == 256


async def test_no_job_is_expected_to_take_longer_than_it_may(lane: Lane) -> None:
    lane.means["compose"] = {1: 1.0}  # so that by its size, a job would take 17 minutes
    for name in "abc":
        ask(lane, "one", name, size=1024)
    with pytest.raises(RefusedError, match=BUSY):
        ask(lane, "one", "d")


async def test_a_job_is_expected_to_take_what_the_last_of_its_kind_took(lane: Lane) -> None:
    assert lane.expected("compose", 512) == GUESS
    lane.means["compose"] = {10: 0.5}
    assert lane.expected("compose", 600) == 0.5
    assert lane.expected("compose", 128) == 0.125  # in proportion to the nearest size
    ask(lane, "one", "a", size=600)
    lane.running[0].begun -= 1
    await answer("a")
    assert lane.expected("compose", 600) == pytest.approx(0.6, abs=0.05)


async def test_waiting_jobs_are_expected_to_take_what_the_newest_of_their_kind_took(
    lane: Lane,
) -> None:
    lane.means["compose"] = {10: 0.1}
    ask(lane, "one", "abcdef", size=600)
    ask(lane, "one", "g", size=600)
    lane.running[0].begun -= 300  # the mean is 60 seconds afterwards
    await answer("a")
    with pytest.raises(RefusedError, match=BUSY):
        ask(lane, "one", "h", size=600)


async def test_the_jobs_of_a_client_that_has_gone_do_not_start(lane: Lane) -> None:
    jobs = ask(lane, "one", "abc")
    for each in jobs:
        each.cancel()
    await asyncio.sleep(0)
    assert lane.waiting == []
    stopped = [worker for worker in FakeWorker.made if worker.told_to_stop.value]
    assert len(stopped) == 2
    await answer("a", DeadlineError(1.0))
    ask(lane, "one", "d")
    assert not stopped[0].told_to_stop.value or not stopped[1].told_to_stop.value


async def test_a_job_that_does_not_stop_is_killed(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "GRACE", 0.0)
    (job,) = ask(lane, "one", "a")
    job.cancel()
    await asyncio.sleep(0.01)
    assert [worker.killed for worker in FakeWorker.made].count(True) == 1


async def test_a_worker_that_dies_costs_its_own_job_alone(lane: Lane) -> None:
    lost, kept = ask(lane, "one", "ab")
    await answer("a", BrokenProcessPool())
    with pytest.raises(RefusedError, match="ended before it answered"):
        await lost
    await answer("b")
    assert await kept == "B"


async def test_a_new_worker_takes_no_job_before_it_is_warm(lane: Lane) -> None:
    ask(lane, "one", "ab")
    await answer("a", BrokenProcessPool())
    new = FakeWorker.made[-1]
    assert (len(lane.workers), len(lane.free)) == (3, 1)
    new.ready.set_result(1)
    await asyncio.sleep(0.01)
    assert len(lane.free) == 2


async def test_a_job_is_not_given_to_an_idle_worker_that_has_died(lane: Lane) -> None:
    FakeWorker.made[-1].executor.broken = True
    (job,) = ask(lane, "one", "a")
    await answer("a")
    assert await job == "A"


# -- real workers -----------------------------------------------------------------------------------------------


def nothing() -> None:
    """Load nothing."""


def process(_: int) -> int:
    return os.getpid()


def compute_on(path: Path) -> None:
    """Compute until nobody waits."""
    path.touch()
    while True:
        time.sleep(0.001)
        check_deadline()


def broken() -> None:
    raise ZeroDivisionError


@asynccontextmanager
async def started(workers: int) -> AsyncIterator[Lane]:
    real = Lane(workers, nothing)
    real.wait_until_ready()
    try:
        yield real
    finally:
        real.close()


async def computing(lane: Lane, path: Path) -> "asyncio.Task[None]":
    """A job that computes on."""
    task = asyncio.create_task(lane.compute("one", "on", 1, compute_on, path))
    while not path.exists():
        await asyncio.sleep(0.01)
    return task


async def test_a_fault_is_its_own_job_s() -> None:
    async with started(2) as lane:
        with pytest.raises(ZeroDivisionError):
            await lane.compute("one", "broken", 1, broken)
        assert await lane.compute("one", "abs", 1, abs, -1) == 1


async def test_after_a_hundred_clients_hang_up_nobody_waits_for_a_cold_start(
    tmp_path: Path,
) -> None:
    """A job whose client has gone stops; its worker stays."""
    async with started(3) as lane:
        before = [worker.ready.result() for worker in lane.workers]
        tasks = []
        for number in range(100):
            path = tmp_path / str(number)
            tasks.append(asyncio.create_task(lane.compute(str(number), "on", 1, compute_on, path)))
        while not lane.running:
            await asyncio.sleep(0.01)
        for task in tasks:
            await asyncio.sleep(0.01)
            task.cancel()
        assert await lane.compute("other", "process", 1, process, 0) in before
        assert [worker.ready.result() for worker in lane.workers] == before


async def test_a_worker_that_is_killed_is_replaced(tmp_path: Path) -> None:
    async with started(2) as lane:
        lost = await computing(lane, tmp_path / "lost")
        (job,) = lane.running
        assert job.worker
        killed = job.worker.ready.result()
        os.kill(killed, signal.SIGKILL)
        with pytest.raises(RefusedError, match="ended before it answered"):
            await lost
        while len(lane.free) < 2:
            await asyncio.sleep(0.01)
        assert killed not in [worker.ready.result() for worker in lane.workers]


async def test_a_lane_that_is_closed_leaves_no_process() -> None:
    async with started(2) as lane:
        processes = [worker.ready.result() for worker in lane.workers]
    for number in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)
