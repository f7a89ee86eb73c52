"""Threads that compose at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Thread

from threadpoolctl import threadpool_info, threadpool_limits

from pingze.composing.blas import shared_fairly


def blas_threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_blas_has_one_thread_while_several_compose_and_its_own_again_afterwards() -> None:
    within, seen = Barrier(3), Barrier(3)

    def compose() -> set[int]:
        with shared_fairly():
            within.wait()
            threads = blas_threads()
            seen.wait()
            return threads

    thread = Thread(target=lambda: threadpool_limits(2, user_api="blas"))
    thread.start()
    thread.join()
    before = blas_threads()
    assert before == {2}
    with shared_fairly():
        assert blas_threads() == before
    with ThreadPoolExecutor(3) as pool:
        assert [task.result() for task in [pool.submit(compose) for _ in range(3)]] == [{1}] * 3
    assert blas_threads() == before
