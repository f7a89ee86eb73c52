"""Look up rhymes: the groups in which 詩 rhyme, the parts in which 詞 rhyme, and the rhymes that Tang poets use.

Poets do not use every rhyme that the rhyme book allows: `data/rhymes.tsv` and `data/borrowings.tsv`
count the rhymes in the corpus's train split (`python -m tools.count rhymes`).

詞 rhyme in the nineteen parts 部 of 戈載《詞林正韻》: fourteen of level and oblique rhymes, five of
entering ones. Some groups are divided between two parts. For each divided group, `data/halves.tsv`
lists the characters of the second part. `python -m tools.count halves` determines these
characters from the rhymes of 廣韻 and from usage.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache

from pingze.errors import InputError
from pingze.files import counts, table
from pingze.verse.character_table import entry, forms, to_traditional, traditional_candidates
from pingze.verse.rhyme_groups import LEVEL, NUMBERS, OBLIQUE, PINGSHUI, Group, Standard
from pingze.verse.tones import describe, groups

ENTERING = "入"

_PARTS = (
    *(
        "東冬董腫送宋",
        "江陽講養絳漾",
        "支微齊灰紙尾薺賄寘未霽泰隊",
        "魚虞語麌御遇",
        "佳蟹卦灰賄泰隊",
    ),
    *(
        "真文軫吻震問元阮願",
        "元阮願寒刪先旱潸銑翰諫霰",
        "蕭肴豪篠巧皓嘯效號",
        "歌哿箇",
        "麻馬禡佳卦",
    ),
    *("庚青蒸梗迥敬徑", "尤有宥", "侵寢沁", "覃鹽咸感琰豏勘豔陷"),
    *("屋沃", "覺藥", "質陌錫職緝", "物月曷黠屑葉", "合洽"),
)

Rhyme = tuple[str, str]  # a part, and the class of its rhymes: 平, 仄 or 入
# names of the groups in which a character can rhyme; an empty set fits every rhyme
Groups = frozenset[str]

_FEWEST_RHYMES = 3  # a rhyme on a character in a level group is practised if it occurs this often
_SMALLEST_SHARE = 0.1  # a rhyme with a smaller share is rare: 堤 rhymes once in 支, 52 times in 齊
_FEWEST_KNOWN = 10  # a character with fewer rhymes has no rare ones
_FEWEST_BORROWINGS = 10  # errors in the texts account for up to eight apparent borrowings


def shared_group(
    feet: Sequence[Groups],
    preferring: Sequence[Groups] = (),
    tone: str | None = None,
    standard: Standard = PINGSHUI,
) -> str | None:
    """Return the group that fits the most rhyming characters of a poem; None if all of them are unknown.

    `feet` has the set of groups of each rhyming character. If any set has a group of the given
    `tone`, only groups of this tone count. If groups tie, one in the first set of `preferring`
    wins, then one in the next set, then the group that the rhyme book lists first.
    """
    times = Counter(name for foot in feet for name in foot)
    named = [name for name in times if standard.groups[name].tone == tone] or list(times)
    ranks = {
        name: (-times[name], *(name not in each for each in preferring), standard.order[name])
        for name in named
    }
    return min(ranks, key=ranks.__getitem__, default=None)


def chime(one: Groups, other: Groups, standard: Standard = PINGSHUI) -> bool:
    """Return whether two characters rhyme in old-style verse: both have groups in one class, or one is unknown."""
    return not one or not other or any(other & standard.near[name] for name in one)


def names(groups: Iterable[str], standard: Standard = PINGSHUI) -> str:
    """Join group names in the order of the rhyme book, without separators."""
    return "".join(sorted(groups, key=standard.order.__getitem__))


def find_groups(text: str, standard: Standard = PINGSHUI) -> tuple[Group, ...]:
    """Return the group that a text names (東, 一東) or the groups of a character; raise InputError for other text."""
    named = find_group(text, standard)
    return (named,) if named else tuple(reading.group for reading in describe(text, standard))


def find_group(text: str, standard: Standard = PINGSHUI) -> Group | None:
    """Return the group with a name such as 東, 一東 or 上平一東, with or without 韻; None if no group has the name.

    The name as typed takes precedence over its Traditional forms: 肴 is a group, and also the
    Simplified form of 餚.
    """
    typed = text.strip().removesuffix("韻").removesuffix("韵")
    before, last = to_traditional(typed[:-1]), typed[-1:]
    # so that a name that two groups share means the level one
    level_last = [*standard.groups.values()][::-1]
    named = {name: g for g in level_last for name in (g.name, g.label, g.label[2:])}
    written = [before + each for each in (last, *traditional_candidates(last))]
    return next((named[name] for name in written if name in named), None)


@cache
def rhyme_characters(group: str, standard: Standard = PINGSHUI) -> tuple[str, ...]:
    """Return a group's characters, sorted by their frequency as Tang rhymes, then by their frequency in Tang verse.

    Raises InputError when there is no such group.
    """
    if group not in standard.groups:
        level = [name for name, found in standard.groups.items() if found.tone == LEVEL]
        raise InputError("choice", field="rhyme", has=group, choices=level)
    # the table has 平水韻
    able = [c for c, cells in table("characters").items() if standard.rimes or group in cells]
    found = [(held, c) for c in able if group in (held := entry(c, standard)).rhymed]
    return tuple(c for *_, c in sorted((-held.rhymed[group], -held.used, c) for held, c in found))


@lru_cache(1 << 13)
def practised(character: str, group: str, standard: Standard = PINGSHUI) -> bool:
    """Return whether Tang poets rhyme on a character, exactly as it is written, in a group.

    A level group requires at least three rhymes. An oblique group requires none, because oblique
    verse mixes groups and few poems rhyme in just one. In any group, the answer is False for a rare
    rhyme (`is_rare_rhyme`). In the standards of Mandarin, a character's rhymes in all groups of
    平水韻 are counted together.
    """
    times = rhymes(character)
    here = sum(times.values()) if standard.rimes else times.get(group, 0)
    known = standard.groups[group].side == OBLIQUE or here >= _FEWEST_RHYMES
    return known and not is_rare_rhyme(character, group, standard)


def is_rare_rhyme(character: str, group: str, standard: Standard = PINGSHUI) -> bool:
    """Return whether less than 10 % of the Tang rhymes on a character, exactly as written, are in this 平水韻 group."""
    times = {} if standard.rimes else rhymes(character)
    total = sum(times.values())
    return total >= _FEWEST_KNOWN and times.get(group, 0) < _SMALLEST_SHARE * total


@lru_cache(1 << 13)
def rhymes(character: str) -> dict[str, int]:
    """Return the number of times that Tang poets rhymed on a character in each group."""
    return counts(table("rhymes").get(character, ""))


@cache
def lenders(group: str, standard: Standard = PINGSHUI) -> str:
    """Return a level group, then the neighboring groups in which Tang poems of that group rhyme the first line."""
    borrowed = counts(table("borrowings").get(group, ""))
    near = names(standard.near[group] - {group}, standard)
    return group + "".join(name for name in near if borrowed.get(name, 0) >= _FEWEST_BORROWINGS)


@cache
def parts(standard: Standard) -> dict[str, str]:
    """Map each part to its groups. 詞林正韻 maps 第一部 to 東冬董腫送宋; 新韻 maps 麻 to its two halves, 麻馬."""
    if standard.rimes:
        return {held[0]: held for held in standard.rimes.values()}
    return {f"第{number}部": held for number, held in zip(NUMBERS, _PARTS, strict=False)}


def part_labels(standard: Standard = PINGSHUI) -> list[tuple[str, str]]:
    """Return (name, label) of each part.

    A 詞林正韻 label lists all groups of the part, even ones in two parts.
    """
    named = {
        name: group.label.removeprefix(f"{LEVEL}聲") for name, group in standard.groups.items()
    }
    return [(name, named.get(name, f"{name} {held}")) for name, held in parts(standard).items()]


@lru_cache(1 << 13)
def part_of(character: str, group: str, standard: Standard = PINGSHUI) -> str:
    """Return the part 部 to which a character belongs if its rhyme group is `group`."""
    first, *second = (name for name, held in parts(standard).items() if group in held)
    is_second = second and not set(table("halves")[group]).isdisjoint(
        forms(to_traditional(character))
    )
    return second[0] if is_second else first


@lru_cache(1 << 13)
def ci_rhymes(character: str, standard: Standard = PINGSHUI) -> frozenset[Rhyme]:
    """Return the (part, class) pairs in which a character can rhyme; empty if unknown.

    A class is 平, 仄 or 入.
    """
    names = groups(character, standard)
    return frozenset(
        (part_of(character, name, standard), class_of(name, standard)) for name in names
    )


def class_of(group: str, standard: Standard = PINGSHUI) -> str:
    """Return the class of a group's rhymes: 平, 仄 or 入. 上 groups, 去 groups and oblique Mandarin groups are 仄."""
    tone = standard.groups[group].tone
    return tone if tone in (LEVEL, ENTERING) else OBLIQUE


@cache
def kind_in(part: str, kind: str, standard: Standard = PINGSHUI) -> str:
    """Return the class of rhymes (平, 仄 or 入) that a line of class `kind` uses in a part; "" if the part has none.

    A line of class 仄 uses 仄 (上 and 去 rhymes) in the first fourteen parts and 入 (entering
    rhymes) in the last five. Mandarin has no entering rhymes, so by the standards of Mandarin lines
    of class 仄 and of class 入 use any oblique rhyme.
    """
    classes = {class_of(name, standard) for name in parts(standard)[part]}
    if kind == OBLIQUE or (kind == ENTERING and standard.rimes):
        kind = OBLIQUE if OBLIQUE in classes else ENTERING
    return kind if kind in classes else ""


def find_part(text: str, standard: Standard = PINGSHUI) -> str | None:
    """Find a part by its name (第二部, 二) or by the name of one of its groups (陽).

    None if there is no such part.
    """
    name = to_traditional(text.strip())
    numbered = "第" + name.removeprefix("第").removesuffix("部") + "部"
    if numbered in parts(standard):
        return numbered
    group = find_group(text, standard)
    return part_of(group.name, group.name, standard) if group else None
