"""Batches on several threads: their order, their deadlines and failures, and the threads of BLAS."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Thread

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from pingze.composing import compose
from pingze.composing.parallel import each, one_blas_thread_each
from pingze.deadline import Deadline, check_deadline, current_deadline, within
from pingze.errors import InputError


def test_results_come_in_the_order_of_the_batches() -> None:
    def later(seconds: float) -> float:
        time.sleep(seconds)
        return seconds

    assert each(later, [0.05, 0.0, 0.02]) == [0.05, 0.0, 0.02]


def test_many_poems_are_those_of_their_seeds_alone() -> None:
    asked = {"form": "五絕", "particles": 128, "model": "report"}
    together = compose(seed=3, count=5, **asked)
    assert [poem.lines for poem in together] == [compose(seed=n, **asked)[0].lines for n in range(3, 8)]


def test_what_has_a_deadline_is_computed_in_its_own_thread() -> None:
    """The deadline of a request of the server is one thread's turn."""
    deadline = Deadline(60)
    with within(deadline):
        seen = each(lambda _: (current_deadline(), threading.get_ident()), [1, 2, 3])
    assert seen == [(deadline, threading.get_ident())] * 3
    assert not deadline.gone


def test_where_one_fails_the_others_stop() -> None:
    running = set()

    def compute(number: int) -> None:
        if number == 0:
            raise InputError("nothing_to_write")
        running.add(number)
        try:
            while True:
                check_deadline()
                time.sleep(0.001)
        finally:
            running.remove(number)

    with pytest.raises(InputError, match="nothing to write"):
        each(compute, [0, 1, 2, 3])
    assert running == set()


def blas_threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_blas_has_one_thread_while_several_compose_and_its_own_again_afterwards() -> None:
    within, seen = Barrier(3), Barrier(3)

    def compose() -> set[int]:
        with one_blas_thread_each():
            within.wait()
            threads = blas_threads()
            seen.wait()
            return threads

    thread = Thread(target=lambda: threadpool_limits(2, user_api="blas"))
    thread.start()
    thread.join()
    before = blas_threads()
    assert before == {2}
    with one_blas_thread_each():
        assert blas_threads() == before
    with ThreadPoolExecutor(3) as pool:
        assert [task.result() for task in [pool.submit(compose) for _ in range(3)]] == [{1}] * 3
    assert blas_threads() == before
