"""Place each poem in a split, and in the report's draw, by digests alone.

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
    """The places of the poems; every list is in their order."""

    digests: list[int]
    splits: list[str]
    ranks: list[int | None]
    """The poem's place in its split's draw, from 0; None where it was not drawn."""


def split(poems: Sequence[CorpusPoem], groups: Sequence[int]) -> Places:
    """Place the poems: a group, and so each of its members, goes where its smallest digest says.

    The report's draw has one poem per group, the member with the smallest digest (of equal ones the first, and Tang
    comes before Song), Tang only, ascending by digest, the first of each split. Where that member is a Song poem, the
    group gives none: so a drawn poem's digest is its group's, the one that chose the split.
    """
    digests = [digest(poem.text) for poem in poems]
    smallest: dict[int, int] = {}
    for place, group in enumerate(groups):
        if group not in smallest or digests[place] < digests[smallest[group]]:
            smallest[group] = place
    splits = [
        split_of(digests[smallest[group]], is_later=not (poem.is_measured or poem.tune))
        for poem, group in zip(poems, groups, strict=True)
    ]
    tang = [place for place in smallest.values() if poems[place].dynasty == "tang" and not poems[place].tune]
    tang.sort(key=lambda place: (digests[place], place))
    ranks: list[int | None] = [None] * len(poems)
    for name, count in DRAWN.items():
        for rank, place in enumerate([place for place in tang if splits[place] == name][:count]):
            ranks[place] = rank
    return Places(digests, splits, ranks)


def split_of(digest: int, *, is_later: bool = False) -> str:
    """Train, dev or test: 87, 6.5 and 6.5 of a hundred groups.

    Of the poems of other dynasties, which are read to learn more and not to measure, 98, 1 and 1.
    """
    train, dev = (0.98, 0.99) if is_later else (0.87, 0.935)
    share = digest / 2**64
    return "train" if share < train else "dev" if share < dev else "test"
