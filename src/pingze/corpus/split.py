"""Which split each poem belongs to, and the report's draw, decided by digests alone.

No random state: the same corpus gives the same splits on every machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pingze.corpus.poem import CorpusPoem, digest

SPLITS = ("train", "dev", "test")
DRAWN = {"train": 16_384, "dev": 2_730}
"""How many poems the report trains on, and how many it measures on."""


@dataclass(frozen=True)
class Places:
    """Where each poem goes; every list is in the order of the poems."""

    digests: list[int]
    splits: list[str]
    ranks: list[int | None]
    """The poem's place in its split's draw, from 0; None where it was not drawn."""


def split(poems: Sequence[CorpusPoem], groups: Sequence[int]) -> Places:
    """Place the poems: a group, and so each of its members, goes where its smallest digest says."""
    digests = [digest(poem.text) for poem in poems]
    smallest: dict[int, int] = {}
    for place, group in enumerate(groups):
        if group not in smallest or digests[place] < digests[smallest[group]]:
            smallest[group] = place
    splits = [
        split_of(digests[smallest[group]], is_later=not (poem.is_measured or poem.tune))
        for poem, group in zip(poems, groups, strict=True)
    ]
    return Places(digests, splits, _draw(poems, digests, splits, sorted(smallest.values())))


def split_of(digest: int, *, is_later: bool = False) -> str:
    """Train, dev or test: 87, 6.5 and 6.5 of a hundred groups.

    Of the poems of other dynasties, which are read to learn more and not to measure, 98, 1 and 1.
    """
    train, dev = (0.98, 0.99) if is_later else (0.87, 0.935)
    share = digest / 2**64
    return "train" if share < train else "dev" if share < dev else "test"


def _draw(
    poems: Sequence[CorpusPoem], digests: list[int], splits: list[str], representatives: list[int]
) -> list[int | None]:
    """The report's draw: one poem per group, Tang only, ascending by digest, the first of each split.

    A group's one poem is the member with the smallest digest (of equal ones the first, and Tang comes before
    Song). Where that is a Song poem, the group gives none: so a drawn poem's digest is its group's,
    the one that chose the split.
    """
    ranks: list[int | None] = [None] * len(poems)
    tang = [place for place in representatives if poems[place].dynasty == "tang" and not poems[place].tune]
    tang.sort(key=lambda place: digests[place])
    for name, count in DRAWN.items():
        drawn = [place for place in tang if splits[place] == name][:count]
        for rank, place in enumerate(drawn):
            ranks[place] = rank
    return ranks
