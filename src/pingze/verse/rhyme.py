"""Find the group in which a poem rhymes, and look up groups, their characters and the rhymes that Tang poets use.

Poets do not use every rhyme that the rhyme book allows: `data/rhymes.tsv` and `data/borrowings.tsv` count the rhymes in
the corpus's train split (`python -m scripts.count rhymes`).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache

from pingze.errors import InputError
from pingze.verse.character_table import entry, to_traditional, traditional_candidates
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE, PINGSHUI, Group, Standard
from pingze.verse.tables import counts, table
from pingze.verse.tones import describe

Groups = frozenset[str]
"""The names of the rhyme groups in which a character can rhyme; empty if it is unknown, so that it fits any rhyme."""

_FEWEST_RHYMES = 3  # with fewer rhymes on a character in a level group, that rhyme is not practised
_SMALLEST_SHARE = 0.1  # a rhyme with a smaller share is rare: 堤 rhymes once in 支, 52 times in 齊
_FEWEST_KNOWN = 10  # a character with fewer rhymes has no rare ones
_FEWEST_BORROWINGS = 10  # errors in the texts account for up to eight apparent borrowings


def shared_group(
    feet: Sequence[Groups], preferring: Sequence[Groups] = (), tone: str | None = None, standard: Standard = PINGSHUI
) -> str | None:
    """Return the group in which most of the rhyming characters can rhyme; None if all the characters are unknown.

    If any character can rhyme in a group of the given `tone`, only such groups count. A tie goes to a group in the
    first set of `preferring`, then to one in the next set, then to the first group in the rhyme book.
    """
    times = Counter(name for foot in feet for name in foot)
    named = [name for name in times if standard.groups[name].tone == tone] or list(times)
    order = standard.order
    return min(
        named, key=lambda name: (-times[name], *(name not in names for names in preferring), order[name]), default=None
    )


def chime(one: Groups, other: Groups, standard: Standard = PINGSHUI) -> bool:
    """Return whether two characters rhyme in old-style verse: in groups of one class, or because one is unknown."""
    return not one or not other or any(other & standard.near[name] for name in one)


def names(groups: Iterable[str], standard: Standard = PINGSHUI) -> str:
    """Join group names in the order of the rhyme book, without separators."""
    return "".join(sorted(groups, key=standard.order.__getitem__))


def find_groups(text: str, standard: Standard = PINGSHUI) -> tuple[Group, ...]:
    """Return the group with the given name (東, 一東, 上平一東, 下平七陽), or else the groups of the given character.

    Raises InputError when the text is neither.
    """
    named = find_group(text, standard)
    return (named,) if named else tuple(reading.group for reading in describe(text, standard))


def find_group(text: str, standard: Standard = PINGSHUI) -> Group | None:
    """Return the group with a name such as 東, 一東 or 上平一東, with or without 韻; None if no group has the name.

    The name as typed takes precedence over its Traditional forms: 肴 is a group, and also the Simplified form of 餚.
    """
    typed = text.strip().removesuffix("韻").removesuffix("韵")
    before, last = to_traditional(typed[:-1]), typed[-1:]
    level_last = [*standard.groups.values()][::-1]  # so that a name that two groups share means the level one
    named = {name: g for g in level_last for name in (g.name, g.label, g.label[2:])}
    return next(
        (named[name] for each in (last, *traditional_candidates(last)) if (name := before + each) in named), None
    )


@cache
def rhyme_characters(group: str, standard: Standard = PINGSHUI) -> tuple[str, ...]:
    """Return the characters of a group, sorted by how often Tang poets rhyme on them, then by how often they use them.

    Raises InputError when there is no such group.
    """
    if group not in standard.groups:
        level = [name for name, found in standard.groups.items() if found.tone == LEVEL]
        raise InputError("choice", field="rhyme", has=group, choices=level)
    able = [c for c, cells in table("characters").items() if standard.rimes or group in cells]  # 平水韻's are in cells
    found = [(held, c) for c in able if group in (held := entry(c, standard)).rhymed]
    return tuple(c for *_, c in sorted((-held.rhymed[group], -held.used, c) for held, c in found))


@lru_cache(1 << 13)
def practised(character: str, group: str, standard: Standard = PINGSHUI) -> bool:
    """Return whether Tang poets rhyme on a character, exactly as it is written, in a group.

    In an oblique group, only rare rhymes are excluded: oblique verse mixes groups, so few poems rhyme in just one. In
    the standards of Mandarin, all rhymes on a level character count.
    """
    times = rhymes(character)
    here = sum(times.values()) if standard.rimes else times.get(group, 0)
    known = standard.groups[group].side == OBLIQUE or here >= _FEWEST_RHYMES
    return known and not is_rare_rhyme(character, group, standard)


def is_rare_rhyme(character: str, group: str, standard: Standard = PINGSHUI) -> bool:
    """Return whether poets rhyme on a character, exactly as it is written, but hardly ever in this group of 平水韻."""
    times = {} if standard.rimes else rhymes(character)
    total = sum(times.values())
    return total >= _FEWEST_KNOWN and times.get(group, 0) < _SMALLEST_SHARE * total


@lru_cache(1 << 13)
def rhymes(character: str) -> dict[str, int]:
    """Return the number of times that Tang poets rhymed on a character in each group."""
    return counts(table("rhymes").get(character, ""))


@cache
def lenders(group: str, standard: Standard = PINGSHUI) -> str:
    """Return the groups in which Tang poets rhyme the first line of a poem in the level `group`, which comes first."""
    borrowed = counts(table("borrowings").get(group, ""))
    near = names(standard.near[group] - {group}, standard)
    return group + "".join(name for name in near if borrowed.get(name, 0) >= _FEWEST_BORROWINGS)
