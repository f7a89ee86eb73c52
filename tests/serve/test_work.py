"""Whose turn it is: short computations pass long ones, clients share, who is late or gone ends, nobody is held up."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from pingze.deadline import DeadlineError, check_deadline
from pingze.serve.problems import BusyError
from pingze.serve.turns import OVERDUE
from pingze.serve.work import CLIENT, Work

SECONDS = 30.0


def long(seconds: float) -> float:
    """Compute for so long, and ask now and then; gives when it ended."""
    worked = 0.0
    while worked < seconds:
        time.sleep(0.005)
        worked += 0.005
        check_deadline()
    return time.monotonic()


def short() -> float:
    return time.monotonic()


def run(scenario: Callable[[Work], Coroutine[Any, Any, None]], **settings: Any) -> Work:
    async def main() -> Work:
        work = Work(settings.pop("seconds", SECONDS), **settings)
        await scenario(work)
        return work

    work = asyncio.run(main())
    assert not work.turns.inside
    assert not work.turns.used
    assert not work.turns.waiting
    assert not work.turns.running
    return work


async def of(client: str, work: Work, *computation: Any) -> Any:
    CLIENT.set(client)
    return await work(*computation)


def test_a_short_computation_passes_long_ones() -> None:
    async def scenario(work: Work) -> None:
        longs = [asyncio.create_task(work(long, 1.0)) for _ in range(4)]
        await asyncio.sleep(0.2)
        begun = time.monotonic()
        assert await work(short) - begun < 0.5
        assert not any(task.done() for task in longs)
        await asyncio.gather(*longs)

    run(scenario)


def test_long_ones_share_by_slices() -> None:
    async def scenario(work: Work) -> None:
        begun = time.monotonic()
        ends = await asyncio.gather(*(work(long, 0.5) for _ in range(3)))
        assert min(ends) - begun > 0.8  # one after the other, the first would end at 0.5

    run(scenario)


def test_a_client_of_many_requests_has_no_more_than_a_client_of_one() -> None:
    async def scenario(work: Work) -> None:
        many = [asyncio.create_task(of("many", work, long, 0.4)) for _ in range(6)]
        await asyncio.sleep(0.1)
        one = await of("one", work, long, 0.4)
        ends = await asyncio.gather(*many)
        assert sum(end < one for end in ends) <= 2

    run(scenario)


def test_one_that_never_asks_holds_nobody_up() -> None:
    async def scenario(work: Work) -> None:
        stuck = asyncio.create_task(work(time.sleep, 4 * OVERDUE))
        await asyncio.sleep(0.05)
        begun = time.monotonic()
        assert await work(short) - begun < 2.5 * OVERDUE
        assert not stuck.done()
        await stuck

    run(scenario)


def test_who_holds_a_lock_while_it_waits_is_not_waited_for_by_all() -> None:
    lock = threading.Lock()

    def locked() -> float:
        with lock:
            return long(0.3)

    async def scenario(work: Work) -> None:
        await asyncio.gather(*(work(locked) for _ in range(3)))

    begun = time.monotonic()
    run(scenario)
    assert time.monotonic() - begun < 10


def test_who_is_late_is_told_and_who_has_gone_stops() -> None:
    async def scenario(work: Work) -> None:
        with pytest.raises(DeadlineError, match=r"longer than 0\.3 seconds"):
            await work(long, 60.0)
        going = asyncio.create_task(work(long, 60.0))
        waiting = asyncio.create_task(work(long, 60.0))
        await asyncio.sleep(0.02)
        for task in (going, waiting):
            task.cancel()
        await asyncio.gather(going, waiting, return_exceptions=True)
        begun = time.monotonic()
        while work.turns.inside:
            assert time.monotonic() < begun + 1
            await asyncio.sleep(0.01)

    run(scenario, seconds=0.3)


def test_one_that_does_not_ask_is_answered_in_time_all_the_same() -> None:
    async def scenario(work: Work) -> None:
        begun = time.monotonic()
        with pytest.raises(DeadlineError):
            await work(time.sleep, 2.0)
        assert time.monotonic() - begun < 1.5
        while work.turns.inside:
            await asyncio.sleep(0.05)

    run(scenario, seconds=0.2)


def test_beyond_what_may_wait_all_and_one_client_are_refused() -> None:
    async def scenario(work: Work) -> None:
        tasks = [asyncio.create_task(of("one", work, long, 0.1)) for _ in range(2)]
        await asyncio.sleep(0.01)
        with pytest.raises(BusyError):
            await of("one", work, short)
        await of("another", work, short)
        await asyncio.gather(*tasks)

    run(scenario, most=4)


def test_a_fault_is_its_own_computation_s() -> None:
    def broken() -> None:
        raise ZeroDivisionError

    async def scenario(work: Work) -> None:
        with pytest.raises(ZeroDivisionError):
            await work(broken)
        await work(short)

    run(scenario)
