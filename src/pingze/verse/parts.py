"""Look up the parts 部 in which 詞 rhyme.

The parts of 平水韻 are the nineteen of 戈載《詞林正韻》: fourteen of level and oblique rhymes, five
of entering ones. Some groups are divided between two parts. For each divided group,
`data/halves.tsv` lists the characters of the second part. `python -m tools.count halves` determines
these characters from the rhymes of 廣韻 and from usage. By a standard of Mandarin, the two halves of
a group are a part.
"""

from functools import lru_cache

from pingze.cached import cached_property
from pingze.files import table
from pingze.verse.character_table import forms, to_traditional
from pingze.verse.rhyme_book import RhymeBook
from pingze.verse.rhyme_groups import LEVEL, NUMBERS, OBLIQUE

ENTERING = "入"

_PARTS = (
    "東冬董腫送宋",
    "江陽講養絳漾",
    "支微齊灰紙尾薺賄寘未霽泰隊",
    "魚虞語麌御遇",
    "佳蟹卦灰賄泰隊",
    "真文軫吻震問元阮願",
    "元阮願寒刪先旱潸銑翰諫霰",
    "蕭肴豪篠巧皓嘯效號",
    "歌哿箇",
    "麻馬禡佳卦",
    "庚青蒸梗迥敬徑",
    "尤有宥",
    "侵寢沁",
    "覃鹽咸感琰豏勘豔陷",
    "屋沃",
    "覺藥",
    "質陌錫職緝",
    "物月曷黠屑葉",
    "合洽",
)

_MIXED = (
    "三 四",
    "三 五",
    "五 十",
    "六 七",
    "六 十一",
    "六 十三",
    "七 十四",
    "八 十二",
    "九 十",
    "十一 十三",
    "十五 十六",
    "十五 十七",
    "十五 十八",
    "十六 十七",
    "十六 十八",
    "十七 十八",
    "十八 十九",
)
"""Pairs of parts that 3 % of the 詞 in one of them, or more, rhyme with the other (lab/LOG.md, 2026-12-01)."""

PartClass = tuple[str, str]
"""A part, and the class of its rhymes: 平, 仄 or 入."""


class Parts:
    """The parts of a rhyme book, and the characters that rhyme in them."""

    def __init__(self, book: RhymeBook) -> None:
        self.book = book

    @cached_property
    def groups(self) -> dict[str, str]:
        """The groups of each part: 東冬董腫送宋 of 第一部; by 新韻, the two halves 麻馬 of 麻."""
        if self.book.rimes:
            return {halves[0]: halves for halves in self.book.rimes.values()}
        return {f"第{number}部": names for number, names in zip(NUMBERS, _PARTS, strict=False)}

    def labels(self) -> list[tuple[str, str]]:
        """Return (name, label) of each part; the label of a 部 lists its groups, even those of two parts."""
        labels = []
        for name, groups in self.groups.items():
            if name in self.book.groups:
                label = self.book.groups[name].label.removeprefix(f"{LEVEL}聲")
            else:
                label = f"{name} {groups}"
            labels.append((name, label))
        return labels

    def find(self, text: str) -> str | None:
        """Find a part by its name (第二部, 二) or by the name of one of its groups (陽); None if there is none."""
        name = to_traditional(text.strip())
        numbered = "第" + name.removeprefix("第").removesuffix("部") + "部"
        if numbered in self.groups:
            return numbered
        group = self.book.find_group(text)
        return self.of(group.name, group.name) if group else None

    @lru_cache(1 << 9)
    def mixed(self, part: str) -> frozenset[str]:
        """Return the other parts that poets often rhyme with a part (`_MIXED`)."""
        found = set()
        for pair in _MIXED:
            names = {f"第{number}部" for number in pair.split()}
            if part in names:
                found |= names - {part}
        return frozenset(found)

    @lru_cache(1 << 13)
    def of(self, character: str, group: str) -> str:
        """Return the part to which a character belongs if its rhyme group is `group`."""
        names = [name for name, groups in self.groups.items() if group in groups]
        if len(names) == 1:
            return names[0]
        second = table("halves")[group]
        is_second = any(form in second for form in forms(to_traditional(character)))
        return names[1] if is_second else names[0]

    @lru_cache(1 << 13)
    def rhymes(self, character: str) -> frozenset[PartClass]:
        """Return the parts, each with a class, in which a character can rhyme; empty if it is unknown."""
        found = set()
        for group in self.book.rhymes(character):
            found.add((self.of(character, group), self.class_of(group)))
        return frozenset(found)

    def class_of(self, group: str) -> str:
        """Return the class of a group's rhymes: 平, 仄 or 入.

        上 groups, 去 groups and oblique groups of Mandarin are 仄.
        """
        tone = self.book.groups[group].tone
        return tone if tone in (LEVEL, ENTERING) else OBLIQUE

    @lru_cache(1 << 9)
    def class_in(self, part: str, kind: str) -> str:
        """Return the class (平, 仄 or 入) that a line of class `kind` uses in a part; "" if the part has none.

        A line of class 仄 uses 仄 (上 and 去 rhymes) in the first fourteen parts and 入 (entering
        rhymes) in the last five. Mandarin has no entering rhymes, so by the standards of Mandarin
        lines of class 仄 and of class 入 use any oblique rhyme.
        """
        classes = {self.class_of(name) for name in self.groups[part]}
        if kind == OBLIQUE or (kind == ENTERING and self.book.rimes):
            kind = OBLIQUE if OBLIQUE in classes else ENTERING
        return kind if kind in classes else ""
