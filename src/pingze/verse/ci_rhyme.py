"""Define the nineteen rhyme parts 部 of 詞林正韻, in which 詞 rhyme, by the 106 groups of 平水韻.

Each of the first fourteen parts has level rhymes and oblique ones (上去); the last five have entering rhymes. Some
groups are divided between two parts: `data/halves.tsv` lists the characters of the second part, by their rhymes in
廣韻 and by use (`python -m scripts.count halves`). Source of the parts: 戈載《詞林正韻》.
"""

from functools import cache, lru_cache

from pingze.verse.character_table import forms, to_traditional
from pingze.verse.rhyme import find_group
from pingze.verse.rhyme_groups import LEVEL, NUMBERS, OBLIQUE, PINGSHUI, Standard
from pingze.verse.tables import table
from pingze.verse.tones import groups

ENTERING = "入"

_PARTS = (
    *("東冬董腫送宋", "江陽講養絳漾", "支微齊灰紙尾薺賄寘未霽泰隊", "魚虞語麌御遇", "佳蟹卦灰賄泰隊"),
    *("真文軫吻震問元阮願", "元阮願寒刪先旱潸銑翰諫霰", "蕭肴豪篠巧皓嘯效號", "歌哿箇", "麻馬禡佳卦"),
    *("庚青蒸梗迥敬徑", "尤有宥", "侵寢沁", "覃鹽咸感琰豏勘豔陷"),
    *("屋沃", "覺藥", "質陌錫職緝", "物月曷黠屑葉", "合洽"),
)

Rhyme = tuple[str, str]
"""A part, and the class of its rhymes: 平, 仄 or 入."""


@cache
def parts(standard: Standard) -> dict[str, str]:
    """Map the name of each part, such as 第一部, to its groups; in Mandarin, a level group to itself and its half."""
    if standard.rimes:
        return {held[0]: held for held in standard.rimes.values()}
    return {f"第{number}部": held for number, held in zip(NUMBERS, _PARTS, strict=False)}


def part_labels(standard: Standard = PINGSHUI) -> list[tuple[str, str]]:
    """Return each part with its name and the groups that it has, wholly or in part."""
    named = {name: group.label.removeprefix(f"{LEVEL}聲") for name, group in standard.groups.items()}
    return [(name, named.get(name, f"{name} {held}")) for name, held in parts(standard).items()]


@lru_cache(1 << 13)
def part_of(character: str, group: str, standard: Standard = PINGSHUI) -> str:
    """Return the part in which a character of a group of a standard rhymes."""
    first, *second = (name for name, held in parts(standard).items() if group in held)
    is_second = second and not set(table("halves")[group]).isdisjoint(forms(to_traditional(character)))
    return second[0] if is_second else first


@lru_cache(1 << 13)
def ci_rhymes(character: str, standard: Standard = PINGSHUI) -> frozenset[Rhyme]:
    """Return the parts and classes in which a character can rhyme; empty if it is unknown."""
    names = groups(character, standard)
    return frozenset((part_of(character, name, standard), class_of(name, standard)) for name in names)


def class_of(group: str, standard: Standard = PINGSHUI) -> str:
    """Return the class of a group's rhymes: 平, 仄 (上去, and all oblique ones in Mandarin) or 入."""
    tone = standard.groups[group].tone
    return tone if tone in (LEVEL, ENTERING) else OBLIQUE


@cache
def kind_in(part: str, kind: str, standard: Standard = PINGSHUI) -> str:
    """Return the class of the rhymes of a part that a line of a class can take; "" if it can take none.

    An oblique line takes 上去 rhymes of the first fourteen parts, or entering ones of the last five. Mandarin has no
    entering rhymes, so that a line which should take them takes any oblique one.
    """
    classes = {class_of(name, standard) for name in parts(standard)[part]}
    if kind == OBLIQUE or (kind == ENTERING and standard.rimes):
        kind = OBLIQUE if OBLIQUE in classes else ENTERING
    return kind if kind in classes else ""


def find_part(text: str, standard: Standard = PINGSHUI) -> str | None:
    """Return the part with a name such as 第二部 or 二, or the part of a group such as 陽; None if there is none."""
    name = to_traditional(text.strip())
    numbered = "第" + name.removeprefix("第").removesuffix("部") + "部"
    if numbered in parts(standard):
        return numbered
    group = find_group(text, standard)
    return part_of(group.name, group.name, standard) if group else None
