"""Group poems that share two or more lines, so that no group straddles splits."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations

from pingze.corpus.poem import CorpusPoem

SHORTEST_LINE = 5
"""A shorter line says too little to show that two poems are versions of one."""


def groups(poems: Sequence[CorpusPoem]) -> list[int]:
    """Give each poem its group, named by the place of the group's first poem.

    Two poems that share two or more different lines of at least five characters are in one group, and so are
    two that a chain of such pairs joins.
    """
    return _joined(len(poems), (pair for pair, shared in _shared_lines(poems).items() if shared >= 2))


def versions(poems: Sequence[CorpusPoem], first: int) -> set[int]:
    """The places, from `first` on, of poems that share two or more such lines with one that stays before them."""
    homes: dict[str, list[int]] = {}
    found = set()
    for place, poem in enumerate(poems):
        lines = {line for line in poem.lines if len(line) >= SHORTEST_LINE}
        if place >= first:
            shared = Counter(home for line in lines for home in homes.get(line, ()))
            if shared and max(shared.values()) >= 2:
                found.add(place)
                continue
        for line in lines:
            homes.setdefault(line, []).append(place)
    return found


def _shared_lines(poems: Sequence[CorpusPoem]) -> Counter[tuple[int, int]]:
    """Count the different lines that two poems have in common, for every pair that has any."""
    homes: dict[str, list[int]] = {}
    for place, poem in enumerate(poems):
        for line in {line for line in poem.lines if len(line) >= SHORTEST_LINE}:
            homes.setdefault(line, []).append(place)
    shared: Counter[tuple[int, int]] = Counter()
    for places in homes.values():
        shared.update(combinations(places, 2))
    return shared


def _joined(count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Union-find; the root of a set is its smallest member."""
    parent = list(range(count))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]  # halve the path, so that later walks are short
            node = parent[node]
        return node

    for pair in pairs:
        small, large = sorted(map(root, pair))
        parent[large] = small
    return [root(node) for node in range(count)]
