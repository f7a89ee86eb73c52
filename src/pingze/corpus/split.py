"""Group the versions of each poem, split the groups, and draw the poems of the report.

A digest assigns each group to a split. Digests also select the poems that are drawn for the report,
which trains and measures models on the drawn poems only (docs/the-report.md). There is no random
state: the same corpus gives the same splits on every machine.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

from pingze.corpus.poem import CorpusPoem, digest

SPLITS = ("train", "dev", "test")
# poems that the report trains on (train) and measures on (dev)
DRAWN = {"train": 16_384, "dev": 2_730}
# shorter lines are ignored: two poems that share such lines need not be versions of the same poem
SHORTEST_LINE = 5
# the most lines of a poem to compare in pairs; limits the cost of a poem with many common lines
MOST_SHARED = 100


def groups(poems: Sequence[CorpusPoem], measured: int | None = None) -> list[int | None]:
    """Return the group of each poem, identified by the index of the group's first poem.

    Two poems are in one group if they share two or more different lines of at least five
    characters, or if a chain of such pairs connects them. Only the first `measured` poems (by
    default all) are grouped in this way. A later poem gets None if it shares two such lines with an
    earlier poem that has a group. Otherwise it forms a group alone.
    """
    if measured is None:
        measured = len(poems)
    # 1) Find the long lines of each poem, and in how many poems each line occurs.
    long_lines = [{line for line in poem.lines if len(line) >= SHORTEST_LINE} for poem in poems]
    times = Counter[str]()
    for lines in long_lines:
        times.update(lines)
    # 2) Unite the poems that share a pair of lines. This is union-find: following `parent` from a
    # poem leads to the root of its group, which is the group's first poem.
    parent = list(range(len(poems)))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]  # halve the path, so that later walks are short
            node = parent[node]
        return node

    first_with: dict[tuple[str, str], int] = {}  # the first poem with each pair of lines
    versions = set()  # later poems that share a pair with an earlier one
    for place, lines in enumerate(long_lines):
        in_other_poems = sorted(line for line in lines if times[line] > 1)
        # only lines that occur in several poems can be shared; the number of pairs grows with the
        # square of the number of lines, hence the maximum
        pairs = list(combinations(in_other_poems[:MOST_SHARED], 2))
        is_after_measured = place >= measured
        if is_after_measured and any(pair in first_with for pair in pairs):
            versions.add(place)
            continue
        for pair in pairs:
            first = first_with.setdefault(pair, place)
            # the smaller root remains a root, so that it is the group's first poem
            smaller, larger = sorted((root(first), root(place)))
            parent[larger] = smaller
    return [None if place in versions else root(place) for place in range(len(poems))]


def split(
    poems: Sequence[CorpusPoem], groups: Sequence[int]
) -> tuple[list[int], list[str], list[int | None]]:
    """Assign each group of poems to a split, and draw poems for the report.

    Returns three lists over the poems: their digests, their splits, and their ranks in the draw,
    from 0 (None if a poem is not drawn). The smallest digest in a group selects the split of the
    whole group. Only the poem that has this digest can be drawn, and only if it is a Tang poem. If
    two poems of a group have this digest, only the first can be drawn (Tang poems precede Song
    poems). In each split, poems are drawn in ascending order of digest.
    """
    # 1) Find the poem with the smallest digest of each group.
    digests = [digest(poem.text) for poem in poems]
    smallest: dict[int, int] = {}
    for place, group in enumerate(groups):
        if group not in smallest or digests[place] < digests[smallest[group]]:
            smallest[group] = place
    # 2) Assign the splits.
    splits = []
    for poem, group in zip(poems, groups, strict=True):
        # whether this is a 詩 of neither Tang, Song nor the user
        is_later = not poem.is_measured and not poem.tune
        splits.append(split_of(digests[smallest[group]], is_later=is_later))
    # 3) Draw 詩 of Tang, one of each group. Of equal digests, the first poem comes first.
    drawable = [
        place
        for place in smallest.values()
        if poems[place].dynasty == "tang" and not poems[place].tune
    ]
    drawable.sort(key=lambda place: (digests[place], place))
    ranks: list[int | None] = [None] * len(poems)
    for name, count in DRAWN.items():
        of_split = [place for place in drawable if splits[place] == name]
        for rank, place in enumerate(of_split[:count]):
            ranks[place] = rank
    return digests, splits, ranks


def split_of(digest: int, *, is_later: bool = False) -> str:
    """Return the split that a digest selects: train 87 %, dev 6.5 % and test 6.5 % of all digests.

    For a 詩 of neither Tang nor Song (`is_later`), the shares are 98 %, 1 % and 1 %, since such 詩
    are for training.
    """
    train_end = 0.98 if is_later else 0.87
    dev_end = 0.99 if is_later else 0.935
    share = digest / 2**64
    if share < train_end:
        return "train"
    return "dev" if share < dev_end else "test"
