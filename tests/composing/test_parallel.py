"""Batches on several threads: their order, their deadlines and failures."""

import os
import signal
import threading
import time

import pytest

from pingze.composing import compose
from pingze.composing.composer import each
from pingze.deadline import Deadline, check_deadline, current_deadline, within
from pingze.errors import InputError


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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_process_forked_while_a_thread_composes_composes_too() -> None:
    asked = {"form": "五絕", "particles": 4, "model": "report"}
    expected = compose(seed=7, **asked)
    thread = threading.Thread(target=lambda: compose(seed=1, count=40, **asked))
    thread.start()
    for _ in range(3):
        if not (pid := os.fork()):
            signal.alarm(120)
            os._exit(compose(seed=7, **asked) == expected)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    thread.join()
