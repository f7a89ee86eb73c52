"""Find the group that a poem rhymes in, look up groups and their characters, and what Tang poets rhyme on.

A group in the rhyme book is no licence to rhyme in it: `data/rhymes.tsv` and `data/borrowings.tsv` hold counts of the
corpus's train split (`python -m scripts.count rhymes`).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache

from pingze.errors import InputError
from pingze.verse.character_table import entry, to_traditional, traditional_candidates
from pingze.verse.rhyme_groups import GROUPS, LEVEL, OBLIQUE, OLD_STYLE_CLASSES, Group, neighbours
from pingze.verse.tables import counts, table
from pingze.verse.tones import describe

Groups = frozenset[str]
"""The names of the rhyme groups that a character can rhyme in; an empty set is an unknown character, and fits all."""

_FEWEST_RHYMES = 3  # a character rhymes in a level group only if poets rhymed on it there so often
_SMALLEST_SHARE = 0.1  # and in any group only with this share of its rhymes: 堤 is once in 支, 52 times in 齊
_FEWEST_KNOWN = 10  # of a character with fewer rhymes nothing is rare
_FEWEST_BORROWINGS = 10  # groups that are no neighbours borrow up to eight times, by errors of the texts

_ORDER = {name: place for place, name in enumerate(GROUPS)}
_CLASSES = [frozenset(names) for names in OLD_STYLE_CLASSES]


def shared_group(
    feet: Sequence[Groups], preferring: Sequence[Groups] = (), tone: str | None = None
) -> str | None:
    """The group that most of the rhyming characters can rhyme in; None where no reading of any is known.

    `tone` asks for level or other groups where there are any. Among equals one in the first of `preferring` is taken,
    then one in the next, then the first in the rhyme book.
    """
    times = Counter(name for foot in feet for name in foot)
    named = [name for name in times if GROUPS[name].tone == tone] or list(times)

    def rank(name: str) -> tuple[int, ...]:
        return (-times[name], *(name not in names for names in preferring), _ORDER[name])

    return min(named, key=rank, default=None)


def chime(one: Groups, other: Groups) -> bool:
    """Whether two characters rhyme in old-style verse: in groups of one class. An unknown one rhymes with all."""
    return not one or not other or any(one & names and other & names for names in _CLASSES)


def names(groups: Iterable[str]) -> str:
    """Group names in the rhyme book's order, run together."""
    return "".join(sorted(groups, key=_ORDER.__getitem__))


def find_groups(text: str) -> tuple[Group, ...]:
    """The group that a person names (東, 一東, 上平一東, 下平七陽), or the groups of the character that they give.

    Raises InputError when it is neither.
    """
    named = find_group(text)
    return (named,) if named else tuple(reading.group for reading in describe(text))


def find_group(text: str) -> Group | None:
    """The group that a person names, as 東, 一東 or 上平一東, each with or without 韻; None where that is no name.

    A name comes before what it is Simplified for: 肴 is also Simplified for 餚.
    """
    typed = text.strip().removesuffix("韻").removesuffix("韵")
    before, last = to_traditional(typed[:-1]), typed[-1:]
    names = (before + form for form in (last, *traditional_candidates(last)))
    return next((_named()[name] for name in names if name in _named()), None)


@cache
def _named() -> dict[str, Group]:
    """The groups by all their names."""
    return {name: g for g in GROUPS.values() for name in (g.name, g.label, g.label[2:])}


def rhyme_characters(group: str) -> tuple[str, ...]:
    """The characters of a group, those first on which Tang poets rhyme most; then those that they use most.

    Raises InputError where there is no such group.
    """
    if group not in GROUPS:
        level = [name for name, found in GROUPS.items() if found.tone == LEVEL]
        raise InputError("choice", field="rhyme", has=group, choices=level)
    return _characters()[group]


@cache
def _characters() -> dict[str, tuple[str, ...]]:
    """The characters of every group in their order."""
    found: dict[str, list[tuple[int, int, str]]] = {name: [] for name in GROUPS}
    for character in table("characters"):
        if held := entry(character):
            for name, rhymed in held.rhymed.items():
                found[name].append((-rhymed, -held.count, character))
    return {name: tuple(character for *_, character in sorted(ranked)) for name, ranked in found.items()}


@lru_cache(1 << 13)
def practised(character: str, group: str) -> bool:
    """Whether Tang poets rhyme on a character, exactly as it is written, in a group.

    Oblique verse mixes its groups, so that few poems tell them apart: there all but the rare rhymes are practised.
    """
    known = GROUPS[group].side == OBLIQUE or rhymes(character).get(group, 0) >= _FEWEST_RHYMES
    return known and not is_rare_rhyme(character, group)


def is_rare_rhyme(character: str, group: str) -> bool:
    """Whether poets rhyme on a character, exactly as it is written, and hardly ever in this group."""
    times = rhymes(character)
    total = sum(times.values())
    return total >= _FEWEST_KNOWN and times.get(group, 0) < _SMALLEST_SHARE * total


@lru_cache(1 << 13)
def rhymes(character: str) -> dict[str, int]:
    """How often Tang poets rhymed on a character in each group."""
    return counts(table("rhymes").get(character, ""))


@cache
def lenders(group: str) -> str:
    """The groups, itself first, in which the first line of a poem in a level group may rhyme by Tang practice."""
    borrowed = counts(table("borrowings").get(group, ""))
    return group + "".join(name for name in neighbours(group) if borrowed.get(name, 0) >= _FEWEST_BORROWINGS)
