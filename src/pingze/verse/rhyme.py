"""Rhyme 韻: the group that a poem's rhymes share, and look-ups of groups and their characters."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache

from pingze.errors import InputError
from pingze.verse.character_table import entry, rows
from pingze.verse.rhyme_groups import GROUPS, LEVEL, OLD_STYLE_CLASSES, Group
from pingze.verse.simplified import to_traditional, traditional_candidates
from pingze.verse.tones import describe

Groups = frozenset[str]
"""The names of the rhyme groups that a character can rhyme in; an empty set is an unknown character, and fits all."""

_ORDER = {name: place for place, name in enumerate(GROUPS)}


def shared_group(
    feet: Sequence[Groups], preferring: Sequence[Groups] = (), tone: str | None = None
) -> str | None:
    """The group that most of the rhyming characters can rhyme in; None where no reading of any is known.

    `tone` asks for level or other groups where there are any. Among equals one in the first of `preferring` is taken,
    then one in the next, then the first in the rhyme book.
    """
    counts = Counter(name for foot in feet for name in foot)
    named = [name for name in counts if GROUPS[name].tone == tone] or list(counts)

    def rank(name: str) -> tuple[int, ...]:
        return (-counts[name], *(name not in names for names in preferring), _ORDER[name])

    return min(named, key=rank, default=None)


def chime(one: Groups, other: Groups) -> bool:
    """Whether two characters rhyme in old-style verse: in groups of one class. An unknown one rhymes with all."""
    return not one or not other or any(one & names and other & names for names in _classes())


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
        raise InputError(f"there is no rhyme group {group!r}; the level ones are {_level_names()}")
    return _characters()[group]


@cache
def _characters() -> dict[str, tuple[str, ...]]:
    """The characters of every group in their order."""
    found: dict[str, list[tuple[int, int, str]]] = {name: [] for name in GROUPS}
    for character in rows():
        if held := entry(character):
            for name, rhymed in held.rhymed.items():
                found[name].append((-rhymed, -held.count, character))
    return {name: tuple(character for *_, character in sorted(ranked)) for name, ranked in found.items()}


@cache
def _classes() -> tuple[Groups, ...]:
    return tuple(frozenset(names) for names in OLD_STYLE_CLASSES)


def _level_names() -> str:
    return "".join(name for name, group in GROUPS.items() if group.tone == LEVEL)


def names(groups: Iterable[str]) -> str:
    """Group names in the rhyme book's order, run together."""
    return "".join(sorted(groups, key=_ORDER.__getitem__))
