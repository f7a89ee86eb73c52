"""Write the poems of many requests together, in one batch a processor.

A poem's populations are drafts of their own, so that one poem is written by several processors where they are free. A
thread for each processor steps drafts as one batch, a token at a time; the model's state has a fixed size, so that a
draft can join, pause or leave at any token. Small requests go first and larger ones have a share of the time, so that
nobody waits for a large one to end. What could not be answered in time is not begun.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from weakref import ref

from pingze.composing.particles import Writing, go_on
from pingze.deadline import within
from pingze.serve.drafts import Draft, Pace, in_turn, parted, size_of
from pingze.serve.problems import BusyError, TooMuchError

ROWS = 512
"""So many texts of one size class each thread has begun at most, as far as drafts wait for it."""
WAITING = 1024
WAITING_OF_ONE = 512
"""So many drafts wait at most, of all clients and of one; a poem has two at the defaults."""
OTHERS_SHARE = 0.25
"""What part of the time larger requests have beside the smallest."""


class Gathering:
    """Threads that write drafts: each at most `rows` texts of a size class at once or one draft; `waiting` may wait."""

    def __init__(self, rows: int = ROWS, waiting: int = WAITING, threads: int = 1, pace: float = 0.0) -> None:
        self.rows, self.most = rows, waiting
        self.queue: list[Draft] = []
        self.unfinished: set[Draft] = set()
        self.changed = threading.Condition()
        self.closing = False
        self.pace = Pace(pace)
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def start(self) -> None:
        """Begin to write."""
        for thread in self.threads:
            thread.start()

    def close(self) -> None:
        """Finish what was asked for, and stop."""
        with self.changed:
            self.closing = True
            self.changed.notify_all()
        for thread in self.threads:
            thread.join()

    def submit(self, drafts: Sequence[Draft]) -> None:
        """Take drafts of one request, all or none.

        Raises TooMuchError where they would take longer than they may, were they alone; BusyError where too many others
        wait, or where so much does that they could not be finished in time.
        """
        with self.changed:
            self._refuse(drafts)
            self.queue.extend(drafts)
            self.unfinished.update(drafts)
            self.changed.notify_all()
        for draft in drafts:
            # A future keeps its callbacks: one that held the draft would keep its arrays till garbage is collected.
            draft.finished.add_done_callback(partial(self._forget, ref(draft)))

    def _forget(self, draft: "ref[Draft]", _: object) -> None:
        if found := draft():
            self.unfinished.discard(found)

    def _refuse(self, drafts: Sequence[Draft]) -> None:
        client, seconds = drafts[0].ticket.client, drafts[0].deadline.seconds
        waiting = len(drafts) + sum(draft.ticket.client == client for draft in self.queue)
        if self.closing or len(self.queue) + len(drafts) > self.most or waiting > WAITING_OF_ONE:
            raise BusyError
        size = size_of(drafts)
        alone = self.pace.seconds(size) / min(len(drafts), len(self.threads))
        if alone > seconds:
            raise TooMuchError(alone, seconds)
        before = size_of(draft for draft in list(self.unfinished) if draft.ticket.size <= size)
        if alone + self.pace.seconds(before) / len(self.threads) > seconds:
            raise BusyError

    def _run(self) -> None:
        going: dict[Draft, Writing] = {}
        owed = 0.0
        """Seconds that are due to the drafts that do not go first."""
        while True:
            for draft in self._admitted(going):
                with _caught(draft), within(draft.deadline):
                    draft.deadline.check()
                    going[draft] = draft.begin()
            if not going and self.closing and not self.queue:
                return
            first, others = parted(in_turn(going))
            begun = time.monotonic()
            self._go_on(others if others and owed > 0 else first, going)
            took = time.monotonic() - begun
            owed = (
                (owed - took if owed > 0 else owed + took * OTHERS_SHARE / (1 - OTHERS_SHARE))
                if others
                else 0
            )
            self._finish(going)

    def _admitted(self, going: Iterable[Draft]) -> list[Draft]:
        """The drafts that join those that are going; waits for one where there is nothing to do.

        A thread takes no more at once than its share of those that wait, so that none stands idle; and all whose time
        is over.
        """
        rows: Counter[int] = Counter()
        for draft in going:
            rows[draft.ticket.size_class] += draft.rows
        full: set[int] = set()
        admitted: list[Draft] = []
        with self.changed:
            while not (rows or self.queue or self.closing):
                self.changed.wait()
            share = -(-len(self.queue) // len(self.threads))
            for draft in in_turn(self.queue):
                size_class = draft.ticket.size_class
                if rows[size_class] and rows[size_class] + draft.rows > self.rows:
                    full.add(size_class)
                if draft.deadline.is_over or (size_class not in full and len(admitted) < share):
                    admitted.append(draft)
                    rows[size_class] += draft.rows
            self.queue = [draft for draft in self.queue if draft not in admitted] if admitted else self.queue
        return admitted

    def _go_on(self, drafts: Iterable[Draft], going: dict[Draft, Writing]) -> None:
        """One more token of some drafts, as far as someone still waits for them; others are taken out."""
        for draft in going:
            with _caught(draft):
                draft.deadline.check()
        waited_for = [draft for draft in drafts if not draft.finished.done()]
        for group in _groups(waited_for):
            begun = time.monotonic()
            self._step(group, going)
            self.pace.measure(sum(draft.rows for draft in group), time.monotonic() - begun)
        for draft in waited_for:
            draft.tokens -= 1

    def _finish(self, going: dict[Draft, Writing]) -> None:
        """Take what is over out of the batch; drafts that end at the same token choose their texts together."""
        over = [draft for draft in going if draft.finished.done() or going[draft].finished]
        written = {draft: going.pop(draft) for draft in over}
        for group in _groups([draft for draft in over if not draft.finished.done()]):
            try:
                texts = group[0].composer.choose([written[draft] for draft in group])
            except Exception as error:
                _fail(group, error)
            else:
                for draft, text in zip(group, texts, strict=True):
                    draft.finished.set_result(text)

    def _step(self, drafts: list[Draft], going: dict[Draft, Writing]) -> None:
        writings = [going[draft] for draft in drafts]
        try:
            failed = go_on(drafts[0].composer.network, writings)
        except Exception as error:
            _fail(drafts, error)
            return
        for draft in drafts:
            if going[draft] in failed:
                draft.finished.set_exception(failed[going[draft]])


def _groups(drafts: Sequence[Draft]) -> list[list[Draft]]:
    """Those of each model."""

    def model(draft: Draft) -> int:
        return id(draft.composer)

    return [list(group) for _, group in groupby(sorted(drafts, key=model), key=model)]


def _fail(drafts: Sequence[Draft], error: Exception) -> None:
    for draft in drafts:
        draft.finished.set_exception(error)


@contextmanager
def _caught(draft: Draft) -> Iterator[None]:
    """What goes wrong is the draft's own answer."""
    try:
        yield
    except Exception as error:
        draft.finished.set_exception(error)
