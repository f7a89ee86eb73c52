"""Group poems that share two or more lines, so that no group straddles splits."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from pingze.corpus.poem import CorpusPoem

SHORTEST_LINE = 5
"""A shorter line says too little to show that two poems are versions of one."""


def groups(poems: Sequence[CorpusPoem]) -> list[int]:
    """Give each poem its group, named by the place of the group's first poem.

    Two poems that share two or more different lines of at least five characters are in one group, and so are
    two that a chain of such pairs joins.
    """
    # 1) Count the different lines that two poems have in common, for every pair that has any.
    homes: dict[str, list[int]] = defaultdict(list)
    shared: Counter[tuple[int, int]] = Counter()
    for place, poem in enumerate(poems):
        for line in _telling_lines(poem):
            shared.update((other, place) for other in homes[line])
            homes[line].append(place)
    # 2) Join the pairs by union-find; the root of a set is its smallest member.
    parent = list(range(len(poems)))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]  # halve the path, so that later walks are short
            node = parent[node]
        return node

    for pair, count in shared.items():
        if count >= 2:
            small, large = sorted(map(root, pair))
            parent[large] = small
    return [root(node) for node in range(len(poems))]


def versions(poems: Sequence[CorpusPoem], first: int) -> set[int]:
    """The places, from `first` on, of poems that share two or more such lines with one that is kept before them."""
    homes: dict[str, list[int]] = defaultdict(list)
    found = set()
    for place, poem in enumerate(poems):
        lines = _telling_lines(poem)
        shared = Counter(home for line in lines for home in homes.get(line, ())) if place >= first else {}
        if max(shared.values(), default=0) >= 2:
            found.add(place)
            continue
        for line in lines:
            homes[line].append(place)
    return found


def _telling_lines(poem: CorpusPoem) -> set[str]:
    return {line for line in poem.lines if len(line) >= SHORTEST_LINE}
