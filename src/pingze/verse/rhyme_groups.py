"""Define the standards of rhyme: the rhyme groups 韻部 of each, with their tones and neighbors.

平水韻 has 106 groups. The other standards group the rimes of Mandarin: 中華新韻 (2005) into
fourteen groups, 中華通韻 (GF 0018-2019) into sixteen. Each group of Mandarin rimes has a level and
an oblique half.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from pingze.errors import InputError

LEVEL = "平"
OBLIQUE = "仄"

_VOLUMES = {
    "上平": "東冬江支微魚虞齊佳灰真文元寒刪",
    "下平": "先蕭肴豪歌麻陽庚青蒸尤侵覃鹽咸",
    "上聲": "董腫講紙尾語麌薺蟹賄軫吻阮旱潸銑篠巧皓哿馬養梗迥有寢感琰豏",
    "去聲": "送宋絳寘未御遇霽泰卦隊震問願翰諫霰嘯效號箇禡漾敬徑宥沁勘豔陷",
    "入聲": "屋沃覺質物月曷黠屑藥陌錫職緝合葉洽",
}
NUMBERS = [
    tens + ones for tens in ("", "十", "二十", "三十") for ones in ("", *"一二三四五六七八九")
][1:]


@dataclass(frozen=True, slots=True)
class Group:
    """A rhyme group 韻部, whose characters rhyme with each other."""

    name: str
    """The character that names the group, such as 東.

    In 中華新韻, 麻 names a level half, and 馬 its oblique half.
    """
    tone: str
    """平, 上, 去 or 入, of which the last three are oblique; in 新韻 and 通韻, 平 or 仄."""
    label: str
    """The full name, such as 上平一東, 去聲十五翰 or 仄聲一麻."""

    @property
    def side(self) -> str:
        """The tone as templates distinguish it: `LEVEL` or `OBLIQUE`."""
        return LEVEL if self.tone == LEVEL else OBLIQUE


GROUPS = {
    name: Group(name, LEVEL if "平" in volume else volume[0], f"{volume}{number}{name}")
    for volume, names in _VOLUMES.items()
    for number, name in zip(NUMBERS, names, strict=False)
}
"""Every group of 平水韻, by name, in the order of the rhyme book."""

CLASSES = (
    *("東冬", "江陽", "支微齊", "魚虞", "佳灰", "真文元寒刪先", "蕭肴豪"),
    *("歌", "麻", "庚青蒸", "尤", "侵", "覃鹽咸"),
    *("董腫送宋", "講養絳漾", "紙尾薺寘未霽", "語麌御遇", "蟹賄泰卦隊", "軫吻阮旱潸銑震問願翰諫霰"),
    *("篠巧皓嘯效號", "哿箇", "馬禡", "梗迥敬徑", "有宥", "寢沁", "感琰豏勘豔陷"),
    *("屋沃", "覺藥", "質物月曷黠屑", "陌錫職", "緝合葉洽"),
)
"""Classes of groups with similar sounds, which rhyme with each other in old-style verse 古體.

The groups of one level class are neighbors 鄰韻: a first line that rhymes may use any group in the
class of the poem's rhyme. The level classes come first. The corresponding classes of rising and
departing groups come next, such as 董腫送宋 for 東冬. The classes of entering groups come last.
"""


@dataclass(frozen=True, eq=False)
class Standard:
    """A standard of rhyme, which assigns characters to rhyme groups."""

    name: str
    """The name in options: pingshui, tongyun or xinyun."""
    label: str
    """The name in Chinese, such as 平水韻."""
    groups: Mapping[str, Group]
    """The groups by name, in the order of the standard; level ones first."""
    classes: tuple[str, ...]
    """The classes of groups that rhyme in old-style verse; level classes first, then oblique ones in the same order."""
    rimes: Mapping[str, str] = field(default_factory=dict)
    """For each rime of Mandarin (`character_table.ENDINGS`), its level and its oblique group; empty for 平水韻."""

    @cached_property
    def order(self) -> dict[str, int]:
        """The place of each group in the standard, from 0."""
        return {name: place for place, name in enumerate(self.groups)}

    @cached_property
    def near(self) -> dict[str, frozenset[str]]:
        """For each group, the names of all groups in its class, including its own."""
        return {name: frozenset(names) for names in self.classes for name in names}


def _by_rimes(name: str, label: str, rows: str) -> Standard:
    """Build a standard from rows such as 波火o,e: the level and the oblique half of a group, then the group's rimes."""
    groups = dict[str, Group]()
    for at, side in enumerate((LEVEL, OBLIQUE)):
        for number, row in zip(NUMBERS, rows.split(), strict=False):
            groups[row[at]] = Group(row[at], side, f"{side}聲{number}{row[0]}")
    rimes = {rime: row[:2] for row in rows.split() for rime in row[2:].split(",")}
    return Standard(name, label, groups, tuple(groups), rimes)


PINGSHUI = Standard("pingshui", "平水韻", GROUPS, CLASSES)
TONGYUN = _by_rimes(
    "tongyun",
    "中華通韻",
    "啊馬a 喔火o 鵝夜e,ie 衣米i,ï 烏古u 迂雨ü 哀海ai 欸水ei 熬曉ao 歐有ou 安遠an 恩本en 昂養ang 英影eng 雍勇ong 兒耳er",
)
XINYUN = _by_rimes(
    "xinyun",
    "中華新韻",
    "麻馬a 波火o,e 皆夜ie 開海ai 微水ei 豪曉ao 尤有ou 寒遠an 文本en 唐養ang 庚影eng,ong 齊米i,er,ü 支紙ï 姑古u",
)
STANDARDS = {each.name: each for each in (PINGSHUI, TONGYUN, XINYUN)}
"""Every standard by its name; the first is the default."""


def find_standard(name: str) -> Standard:
    """Find a standard by its name, such as xinyun. Raises InputError if no standard has the name."""
    if name not in STANDARDS:
        raise InputError("choice", field="standard", has=name, choices=list(STANDARDS))
    return STANDARDS[name]
