"""Drafts, of which a poem has one for each population, the order in which they go on, and how long they take."""

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import accumulate, count

from pingze.composing.composer import Composer
from pingze.composing.particles import Population, Writing
from pingze.deadline import Deadline

STEP_ROWS = 128
"""So many texts are stepped side by side: more are hardly faster a text, and make the others wait longer."""
LITTLE = 8192
"""A request of no more tokens, over all its texts, goes before all larger ones."""


@dataclass(eq=False)
class Ticket:
    """A request's place among others."""

    client: str = ""
    size: int = 0
    """The tokens that it asks for, over all its texts."""
    number: int = field(default_factory=count().__next__, init=False)

    @property
    def size_class(self) -> int:
        """0 for one that asks for little; one more each time it asks for four times as much."""
        return ((self.size // LITTLE).bit_length() + 1) // 2


@dataclass(eq=False)
class Draft:
    """A population of a poem that is asked for: so many tokens on each of so many texts, its rows."""

    composer: Composer
    begin: Callable[[], Writing]
    rows: int
    deadline: Deadline
    tokens: int = 0
    """Those that are still to be written."""
    ticket: Ticket = field(default_factory=Ticket)
    finished: Future[Population] = field(default_factory=Future)
    """With the text that it chose."""

    def __post_init__(self) -> None:
        self.finished.set_running_or_notify_cancel()  # from now on only a thread settles it


class Pace:
    """How long a token of one text takes when many are written, as it was of late."""

    ENOUGH = 32
    """Below so many texts a step's fixed costs tell more than theirs."""

    def __init__(self, of_one: float = 0.0) -> None:
        self.of_one = of_one

    def measure(self, rows: int, seconds: float) -> None:
        """Take in a step of so many texts."""
        if rows >= self.ENOUGH:
            now = seconds / rows
            self.of_one += (now - self.of_one) * (0.05 if self.of_one else 1.0)

    def seconds(self, tokens: int) -> float:
        """How long so many tokens take; 0 where nothing was measured yet."""
        return self.of_one * tokens


def in_turn(drafts: Iterable[Draft]) -> list[Draft]:
    """Drafts in the order in which they go on: those of small requests first, and of one size the clients by turns."""
    of_client: Counter[str] = Counter()
    ranks = {}
    for draft in sorted(drafts, key=lambda draft: (draft.ticket.size_class, draft.ticket.number)):
        ranks[draft] = (draft.ticket.size_class, of_client[draft.ticket.client], draft.ticket.number)
        of_client[draft.ticket.client] += 1
    return sorted(ranks, key=ranks.__getitem__)


def parted(drafts: list[Draft]) -> tuple[list[Draft], list[Draft]]:
    """Of drafts in turn those of the first size class and the oldest of the others, as many each as go at once."""
    first = [draft for draft in drafts if draft.ticket.size_class == drafts[0].ticket.size_class]
    others = sorted(drafts[len(first) :], key=lambda draft: draft.ticket.number)
    return _at_once(first), _at_once(others)


def _at_once(drafts: list[Draft]) -> list[Draft]:
    rows = list(accumulate(draft.rows for draft in drafts))
    return [
        draft for draft, all_ in zip(drafts, rows, strict=True) if draft is drafts[0] or all_ <= STEP_ROWS
    ]


def size_of(drafts: Iterable[Draft]) -> int:
    """The tokens of all their texts that are still to be written."""
    return sum(draft.rows * max(0, draft.tokens) for draft in drafts)
