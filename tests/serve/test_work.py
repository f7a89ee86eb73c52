"""Whose turn it is: short computations pass long ones, clients share, who is late or gone ends, nobody is held up."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

from pingze.deadline import DeadlineError, check_deadline
from pingze.serve.problems import BusyError
from pingze.serve.turns import SLICE, Turn, Turns
from pingze.serve.work import CLIENT, Work

SECONDS = 60.0
"""How long a computation may take, on a machine that has other work."""


def until(over: Callable[[], bool]) -> None:
    """Compute until something is over, and ask now and then."""
    while not over():
        time.sleep(0.001)
        check_deadline()


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
    passed = threading.Event()

    async def scenario(work: Work) -> None:
        longs = [asyncio.create_task(work(until, passed.is_set)) for _ in range(4)]
        while not work.turns.running:
            await asyncio.sleep(0.001)
        await work(passed.set)
        await asyncio.gather(*longs)

    run(scenario)


def test_long_ones_share_by_slices() -> None:
    """Each ends when all have begun: one after the other, the first would not end."""
    begun: set[int] = set()

    def long(number: int) -> None:
        begun.add(number)
        until(lambda: len(begun) == 3)

    async def scenario(work: Work) -> None:
        await asyncio.gather(*(work(long, number) for number in range(3)))

    run(scenario)


def test_a_client_of_many_requests_has_no_more_than_a_client_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("pingze.serve.turns.time", SimpleNamespace(monotonic=lambda: now))
    turns, slices = Turns(at_once=1), Counter[str]()
    for client in ("many",) * 6 + ("one",):
        turns.enter(Turn(SECONDS, turns=turns, client=client, awaken=lambda: None))
    for _ in range(20):
        (turn,) = turns.running
        slices[turn.client] += 1
        now += SLICE
        turns.leave(turn)
        turns.wait(turn)
    assert slices == {"many": 10, "one": 10}


def test_one_that_never_asks_holds_nobody_up() -> None:
    passed = threading.Event()

    async def scenario(work: Work) -> None:
        stuck = asyncio.create_task(work(passed.wait))
        while not work.turns.running:
            await asyncio.sleep(0.001)
        await work(passed.set)
        assert await stuck

    run(scenario)


def test_who_holds_a_lock_while_it_waits_is_not_waited_for_by_all() -> None:
    lock = threading.Lock()

    def locked() -> None:
        with lock:
            end = time.monotonic() + 3 * SLICE
            until(lambda: time.monotonic() > end)

    async def scenario(work: Work) -> None:
        await asyncio.gather(*(work(locked) for _ in range(3)))

    run(scenario)


def never() -> bool:
    return False


def test_who_is_late_is_told() -> None:
    async def scenario(work: Work) -> None:
        with pytest.raises(DeadlineError, match=r"longer than 0\.3 seconds"):
            await work(until, never)

    run(scenario, seconds=0.3)


def test_who_has_gone_stops() -> None:
    async def scenario(work: Work) -> None:
        going, waiting = (asyncio.create_task(work(until, never)) for _ in range(2))
        while not work.turns.running:
            await asyncio.sleep(0.001)
        for task in (going, waiting):
            task.cancel()
        await asyncio.gather(going, waiting, return_exceptions=True)
        while work.turns.inside:
            await asyncio.sleep(0.001)

    run(scenario, seconds=1e6)


def test_one_that_does_not_ask_is_answered_in_time_all_the_same() -> None:
    answered = threading.Event()

    async def scenario(work: Work) -> None:
        with pytest.raises(DeadlineError):
            await work(answered.wait)
        answered.set()
        while work.turns.inside:
            await asyncio.sleep(0.001)

    run(scenario, seconds=0.2)


def test_beyond_what_may_wait_all_and_one_client_are_refused() -> None:
    refused = threading.Event()

    async def scenario(work: Work) -> None:
        tasks = [asyncio.create_task(of("one", work, until, refused.is_set)) for _ in range(2)]
        while len(work.turns.inside) < 2:
            await asyncio.sleep(0.001)
        with pytest.raises(BusyError):
            await of("one", work, never)
        await of("another", work, never)
        refused.set()
        await asyncio.gather(*tasks)

    run(scenario, most=4)


def test_a_fault_is_its_own_computation_s() -> None:
    def broken() -> None:
        raise ZeroDivisionError

    async def scenario(work: Work) -> None:
        with pytest.raises(ZeroDivisionError):
            await work(broken)
        await work(never)

    run(scenario)
