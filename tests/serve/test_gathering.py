"""The gathering's threads on a random model: who joins, who leaves, who is refused, and that none harms another."""

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from threading import Event
from weakref import ref

import pytest

from pingze.composing.composer import Composer
from pingze.composing.constraints.inclusion import Inclusion
from pingze.composing.particles import Writing
from pingze.composing.request.options import Composing, Sampling
from pingze.composing.request.request import read_request
from pingze.deadline import Deadline, DeadlineError
from pingze.serve.drafts import Draft, Ticket
from pingze.serve.gathering import Gathering
from pingze.serve.problems import BusyError, TooMuchError
from tests.composing.verse import composer

CHOSEN, OTHER = composer(seed=6), composer(seed=7)
SECONDS = 60.0


def prepared(chosen: Composer, form: str) -> Inclusion:
    return chosen.prepare(read_request(chosen.vocabulary, Composing(form=form, repeat=form[1] != "絕")))


def draft(seed: int = 0, form: str = "五絕", particles: int = 4, chosen: Composer = CHOSEN) -> Draft:
    inclusion = prepared(chosen, form)
    begin = partial(chosen.begin, inclusion, Sampling(0.8, particles), [(seed, 0)])
    return Draft(chosen, begin, particles, Deadline(SECONDS))


def failing() -> Writing:
    raise ZeroDivisionError


@pytest.fixture
def gathering() -> Iterator[Gathering]:
    gathering = Gathering(rows=16, waiting=8, threads=2)
    gathering.start()
    yield gathering
    gathering.close()
    assert not any(thread.is_alive() for thread in gathering.threads)


def test_drafts_of_two_models_are_written_as_they_would_be_alone(gathering: Gathering) -> None:
    asked = [
        (1, "五絕", CHOSEN),
        (2, "七律", OTHER),
        (3, "五律", CHOSEN),
        (4, "五絕", OTHER),
        (5, "七絕", CHOSEN),
    ]
    drafts = [draft(seed, form, chosen=model) for seed, form, model in asked]
    gathering.submit(drafts)
    for each, (seed, form, chosen) in zip(drafts, asked, strict=True):
        inclusion = prepared(chosen, form)
        poem = chosen.poem(inclusion.constraints, [each.finished.result(SECONDS)], seed)
        alone = chosen.write(inclusion, Sampling(0.8, 4), seed)
        assert poem.log_probability == pytest.approx(alone.log_probability, rel=1e-5)
        assert poem == replace(alone, log_probability=poem.log_probability)


def test_a_draft_larger_than_the_batch_is_written_alone(gathering: Gathering) -> None:
    large, small = draft(particles=40), draft()
    gathering.submit([small, large, draft()])
    assert large.finished.result(SECONDS).ids.all()
    assert small.finished.result(SECONDS).ids.all()


def test_a_larger_request_is_written_beside_small_ones_that_never_end() -> None:
    gathering = Gathering(rows=8, waiting=64)
    gathering.start()
    over, large = Event(), [draft(seed, "五律") for seed in range(2)]
    large[0].ticket, large[1].ticket = (Ticket("large", 10**6) for _ in range(2))
    large[1].deadline = Deadline(0.5)

    def ask_on(client: str) -> None:
        while not over.is_set():
            small = draft()
            small.ticket = Ticket(client, 80)
            gathering.submit([small])
            small.finished.result(SECONDS)

    with ThreadPoolExecutor(8) as clients:
        for number in range(8):
            clients.submit(ask_on, str(number))
        try:
            gathering.submit(large)
            assert large[0].finished.result(SECONDS).ids.all()
            with suppress(DeadlineError):  # in time or not, it is answered
                large[1].finished.result(SECONDS)
        finally:
            over.set()
    gathering.close()


def test_what_a_draft_holds_is_free_when_it_is_finished_and_not_when_garbage_is_collected() -> None:
    gathering = Gathering(rows=16, waiting=8)
    gathering.start()
    drafts = [draft(seed) for seed in range(3)]
    known = [ref(each) for each in drafts]
    gc.collect()
    gc.disable()
    try:
        gathering.submit(drafts)
        assert all(each.finished.result(SECONDS).ids.all() for each in drafts)
        gathering.close()  # a thread remembers the last one that it wrote
        del drafts
        assert [each() for each in known] == [None] * len(known)
    finally:
        gc.enable()


def test_beyond_the_queue_all_or_none_are_refused() -> None:
    gathering = Gathering(rows=16, waiting=3)
    gathering.submit([draft(), draft()])
    with pytest.raises(BusyError):
        gathering.submit([draft(), draft()])
    last = draft()
    gathering.submit([last])
    gathering.start()
    gathering.close()
    assert last.finished.done()
    with pytest.raises(BusyError):
        gathering.submit([draft()])


def test_a_fault_is_the_answer_of_its_own_draft_only(gathering: Gathering) -> None:
    broken = Draft(CHOSEN, failing, 4, Deadline(SECONDS))
    good = draft()
    gathering.submit([broken, good])
    with pytest.raises(ZeroDivisionError):
        broken.finished.result(SECONDS)
    assert good.finished.result(SECONDS).ids.all()


def test_a_fault_of_the_batch_is_told_to_all_and_the_thread_goes_on(
    gathering: Gathering, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("pingze.serve.gathering.go_on", broken)
        drafts = [draft(), draft()]
        gathering.submit(drafts)
        for each in drafts:
            with pytest.raises(ZeroDivisionError):
                each.finished.result(SECONDS)
    after = draft()
    gathering.submit([after])
    assert after.finished.result(SECONDS).ids.all()


def test_who_waits_no_longer_leaves_the_batch(gathering: Gathering) -> None:
    late, gone, staying = draft(form="七律"), draft(form="七律"), draft()
    late.deadline.seconds, gone.deadline.gone = 0.0, True
    gathering.submit([late, gone, staying])
    for left in (late, gone):
        with pytest.raises(DeadlineError):
            left.finished.result(SECONDS)
    assert staying.finished.result(SECONDS).ids.all()


def test_a_small_poem_does_not_wait_for_large_ones() -> None:
    gathering = Gathering(rows=16, waiting=8)
    large, small = [draft(seed, "七律", particles=16) for seed in range(4)], draft()
    ended: list[bool] = []
    for each in (*large, small):
        each.ticket = Ticket("someone", 80 if each is small else 10**6)
        each.finished.add_done_callback(lambda future: ended.append(future is small.finished))
    gathering.submit(large)
    gathering.submit([small])
    gathering.start()
    gathering.close()
    assert ended == [True, False, False, False, False]


def test_what_would_take_too_long_is_not_begun() -> None:
    gathering = Gathering(rows=16, waiting=8, pace=1.0)
    heavy, another = draft(particles=4), draft(particles=4)
    another.tokens, heavy.tokens = 10, 16
    with pytest.raises(TooMuchError, match="this would take 64 seconds, more than 60"):
        gathering.submit([heavy])
    heavy.tokens = 10
    gathering.submit([heavy])
    with pytest.raises(BusyError):  # alone it would be finished in time
        gathering.submit([another])
    assert gathering.queue == [heavy]
