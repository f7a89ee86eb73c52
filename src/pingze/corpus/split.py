"""Group poems with their versions, and use digests to assign each group to a split and to draw the report's poems.

There is no random state: the same corpus gives the same splits on every machine.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import chain, combinations

from pingze.corpus.poem import CorpusPoem, digest

SPLITS = ("train", "dev", "test")
DRAWN = {"train": 16_384, "dev": 2_730}  # poems that the report trains on (train) and measures on (dev)
SHORTEST_LINE = 5  # shorter lines are ignored: two poems that share such lines need not be versions of the same poem
MOST_SHARED = 100  # the most lines of a poem to compare in pairs; this limits the cost of a poem with many common lines


def groups(poems: Sequence[CorpusPoem], measured: int | None = None) -> list[int | None]:
    """Return the group of each poem, identified by the index of the group's first poem.

    Two poems are in one group if they share two or more different lines of at least five characters, or if a chain of
    such pairs connects them. Only the first `measured` poems (by default all) are grouped in this way. Each later poem
    forms a group alone, unless it shares two such lines with an earlier poem that has a group: then its entry is None.
    """
    measured = len(poems) if measured is None else measured
    # Union-find; the root of a set is its smallest member.
    parent = list(range(len(poems)))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]  # halve the path, so that later walks are short
            node = parent[node]
        return node

    telling = [{line for line in poem.lines if len(line) >= SHORTEST_LINE} for poem in poems]
    times = Counter(chain.from_iterable(telling))
    homes: dict[tuple[str, str], int] = {}
    versions = set()
    for place, lines in enumerate(telling):
        shared = sorted(line for line in lines if times[line] > 1)  # lines that other poems contain too
        pairs = list(combinations(shared[:MOST_SHARED], 2))
        if place >= measured and not homes.keys().isdisjoint(pairs):
            versions.add(place)
            continue
        for pair in pairs:
            small, large = sorted(map(root, (homes.setdefault(pair, place), place)))
            parent[large] = small
    return [None if node in versions else root(node) for node in range(len(poems))]


def split(poems: Sequence[CorpusPoem], groups: Sequence[int]) -> tuple[list[int], list[str], list[int | None]]:
    """Assign all poems of a group to the split that the group's smallest digest selects, and draw the report's poems.

    Returns three lists over the poems: their digests, their splits, and their ranks in the draw, from 0 (None if a poem
    is not drawn). The candidates for the draw are the Tang poems that have the smallest digest in their group. If two
    digests are equal, the first poem counts (Tang poems precede Song poems). A candidate's split is therefore selected
    by the candidate's own digest. Within each split, candidates are drawn in ascending order of digest.
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
    return digests, splits, ranks


def split_of(digest: int, *, is_later: bool = False) -> str:
    """Return the split that a digest selects: train for 87 % of the digests, dev for 6.5 %, test for 6.5 %.

    If `is_later`, the shares are 98 %, 1 % and 1 %, because poems of other dynasties serve to train, not to measure.
    """
    train, dev = (0.98, 0.99) if is_later else (0.87, 0.935)
    share = digest / 2**64
    return "train" if share < train else "dev" if share < dev else "test"
