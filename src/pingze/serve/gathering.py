"""Poems of many requests written together: drafts come in at any time, each goes out when its poem is finished.

A thread for each processor steps the drafts that it has taken as one batch, a token at a time; the model's state has
a fixed size, so that a draft can join or leave at any token. Beyond a number of waiting drafts no more are taken.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby

from pingze.composing import Poem
from pingze.composing.composer import Composer
from pingze.composing.deadline import Deadline, within
from pingze.composing.particles import Writing, go_on
from pingze.serve.problems import BusyError

ROWS = 512
"""So many texts each thread writes side by side, as far as drafts wait for it."""
WAITING = 256


@dataclass(eq=False)
class Draft:
    """A poem that is asked for."""

    chosen: Composer
    begin: Callable[[], Writing]
    seed: int
    rows: int
    deadline: Deadline
    finished: Future[Poem] = field(default_factory=Future)

    def __post_init__(self) -> None:
        self.finished.set_running_or_notify_cancel()  # from now on only a thread settles it


class Gathering:
    """Threads that write drafts; each at most `rows` texts at once, or one draft; at most `waiting` drafts wait."""

    def __init__(self, rows: int = ROWS, waiting: int = WAITING, threads: int = 1) -> None:
        self.rows, self.most = rows, waiting
        self.queue: deque[Draft] = deque()
        self.changed = threading.Condition()
        self.closing = False
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
        """Take drafts, all or none. Raises BusyError where too many wait."""
        with self.changed:
            if self.closing or len(self.queue) + len(drafts) > self.most:
                raise BusyError
            self.queue.extend(drafts)
            self.changed.notify_all()

    def _run(self) -> None:
        going: dict[Draft, Writing] = {}
        while True:
            for draft in self._admitted(sum(draft.rows for draft in going)):
                with _caught(draft):
                    going[draft] = _begin(draft)
            if not going and self.closing and not self.queue:
                return
            self._go_on(going)
            self._finish(going)

    def _admitted(self, rows: int) -> list[Draft]:
        """The drafts that join a batch of so many rows; waits for one where there is nothing to do.

        A thread takes no more at once than its share of those that wait, so that none stands idle.
        """
        admitted: list[Draft] = []
        with self.changed:
            while not (rows or self.queue or self.closing):
                self.changed.wait()
            share = -(-len(self.queue) // len(self.threads))
            while len(admitted) < share and (not rows or rows + self.queue[0].rows <= self.rows):
                admitted.append(self.queue.popleft())
                rows += admitted[-1].rows
        return admitted

    def _go_on(self, going: dict[Draft, Writing]) -> None:
        """One more token of every draft for which someone still waits."""
        for draft in going:
            with _caught(draft):
                draft.deadline.check()
        for group in _groups([draft for draft in going if not draft.finished.done()]):
            self._step(group, going)

    def _finish(self, going: dict[Draft, Writing]) -> None:
        """Take what is over out of the batch; poems that end at the same token are scored together."""
        over = [draft for draft in going if draft.finished.done() or going[draft].finished]
        written = {draft: going.pop(draft) for draft in over}
        for group in _groups([draft for draft in over if not draft.finished.done()]):
            try:
                poems = group[0].chosen.poems([written[draft] for draft in group], [d.seed for d in group])
            except Exception as error:
                _fail(group, error)
            else:
                for draft, poem in zip(group, poems, strict=True):
                    draft.finished.set_result(poem)

    def _step(self, drafts: list[Draft], going: dict[Draft, Writing]) -> None:
        writings = [going[draft] for draft in drafts]
        try:
            failed = go_on(drafts[0].chosen.network, writings)
        except Exception as error:
            _fail(drafts, error)
            return
        for draft in drafts:
            if going[draft] in failed:
                draft.finished.set_exception(failed[going[draft]])


def _groups(drafts: Sequence[Draft]) -> list[list[Draft]]:
    """Those of each model."""

    def model(draft: Draft) -> int:
        return id(draft.chosen)

    return [list(group) for _, group in groupby(sorted(drafts, key=model), key=model)]


def _fail(drafts: Sequence[Draft], error: Exception) -> None:
    for draft in drafts:
        draft.finished.set_exception(error)


def _begin(draft: Draft) -> Writing:
    with within(draft.deadline):
        draft.deadline.begin()
        return draft.begin()


@contextmanager
def _caught(draft: Draft) -> Iterator[None]:
    """What goes wrong is the draft's own answer."""
    try:
        yield
    except Exception as error:
        draft.finished.set_exception(error)
