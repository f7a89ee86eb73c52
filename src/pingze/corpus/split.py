"""Group poems with their versions, and place each group in a split and in the report's draw, by digests alone.

No random state: the same corpus gives the same splits on every machine.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, combinations
from typing import NamedTuple

from pingze.corpus.poem import CorpusPoem, digest

SPLITS = ("train", "dev", "test")
DRAWN = {"train": 16_384, "dev": 2_730}
"""How many poems the report trains on, and how many it measures on."""
SHORTEST_LINE = 5
"""A shorter line says too little to show that two poems are versions of one."""
MOST_SHARED = 100
"""Lines of a poem of which every two are compared, so that long texts that repeat each other cost no more."""


def groups(poems: Sequence[CorpusPoem], measured: int | None = None) -> list[int | None]:
    """Give each poem its group, named by the place of the group's first poem.

    Two poems that share two or more different lines of at least five characters are in one group, and so are two that
    a chain of such pairs joins. Of the poems after the first `measured` (by default there is none) each is alone in a
    group; None where it shares two such lines with a poem before it that has a group.
    """
    measured = len(poems) if measured is None else measured
    # Union-find; the root of a set is its smallest member.
    parent = list(range(len(poems)))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]  # halve the path, so that later walks are short
            node = parent[node]
        return node

    homes: dict[tuple[str, str], int] = {}
    versions = set()
    for place, pairs in enumerate(_pairs(poems)):
        if place >= measured and not homes.keys().isdisjoint(pairs):
            versions.add(place)
            continue
        for pair in pairs:
            small, large = sorted(map(root, (homes.setdefault(pair, place), place)))
            parent[large] = small
    return [None if node in versions else root(node) for node in range(len(poems))]


def _pairs(poems: Sequence[CorpusPoem]) -> Iterator[list[tuple[str, str]]]:
    """For each poem the pairs of those lines of it that other poems have too, of the first `MOST_SHARED`."""
    telling = [{line for line in poem.lines if len(line) >= SHORTEST_LINE} for poem in poems]
    times = Counter(chain.from_iterable(telling))
    for lines in telling:
        shared = sorted(line for line in lines if times[line] > 1)
        yield list(combinations(shared[:MOST_SHARED], 2))


class Places(NamedTuple):
    """The digest, split and draw of each poem; every list is in their order."""

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
