"""How Tang poets rhyme: a group in the rhyme book is no licence to rhyme in it.

`data/rhymes.tsv` and `data/borrowings.tsv` hold counts of the corpus's train split; `scripts/count_rhymes.py` makes
them.
"""

from functools import cache, lru_cache

from pingze.verse.character_table import name_counts, read
from pingze.verse.rhyme_groups import GROUPS, OBLIQUE, neighbours

FEWEST_RHYMES = 3
"""A character rhymes in a level group only if poets rhymed on it there so often."""

SMALLEST_SHARE = 0.1
"""And in any group only if that is this share of all its rhymes: 堤 is once in 支 and 52 times in 齊."""

_FEWEST_KNOWN = 10  # of a character with fewer rhymes nothing is rare

_FEWEST_BORROWINGS = 10
"""Groups that are no neighbours seem to borrow up to eight times, by errors of the texts."""


@lru_cache(1 << 13)
def practised(character: str, group: str) -> bool:
    """Whether Tang poets rhyme on a character, exactly as it is written, in a group.

    Oblique verse mixes its groups, so that few poems tell them apart: there all but the rare rhymes are practised.
    """
    known = GROUPS[group].side == OBLIQUE or rhymes(character).get(group, 0) >= FEWEST_RHYMES
    return known and not is_rare_rhyme(character, group)


def is_rare_rhyme(character: str, group: str) -> bool:
    """Whether poets rhyme on a character, exactly as it is written, and hardly ever in this group."""
    counts = rhymes(character)
    total = sum(counts.values())
    return total >= _FEWEST_KNOWN and counts.get(group, 0) < SMALLEST_SHARE * total


@lru_cache(1 << 13)
def rhymes(character: str) -> dict[str, int]:
    """How often Tang poets rhymed on a character in each group."""
    return name_counts(_rows("rhymes.tsv").get(character, ""))


@cache
def lenders(group: str) -> str:
    """The groups, itself first, in which the first line of a poem in a level group may rhyme by Tang practice."""
    counts = name_counts(_rows("borrowings.tsv").get(group, ""))
    near = (name for name in neighbours(group) if counts.get(name, 0) >= _FEWEST_BORROWINGS)
    return group + "".join(near)


@cache
def _rows(name: str) -> dict[str, str]:
    return {line[0]: line[2:] for line in read(name).splitlines()}
