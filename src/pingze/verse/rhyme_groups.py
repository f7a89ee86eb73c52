"""Define the 106 rhyme groups 韻部 of 平水韻, with their tones and neighbours, and the rimes of Mandarin.

The other standards (`standard.py`) group the rimes of Mandarin: 中華新韻 (2005) into fourteen
groups, 中華通韻 (GF 0018-2019) into sixteen. Each group of Mandarin rimes has a level and an oblique
half.
"""

from dataclasses import dataclass

LEVEL = "平"
OBLIQUE = "仄"
OPPOSITE = {LEVEL: OBLIQUE, OBLIQUE: LEVEL}

_VOLUMES = {
    "上平": "東冬江支微魚虞齊佳灰真文元寒刪",
    "下平": "先蕭肴豪歌麻陽庚青蒸尤侵覃鹽咸",
    "上聲": "董腫講紙尾語麌薺蟹賄軫吻阮旱潸銑篠巧皓哿馬養梗迥有寢感琰豏",
    "去聲": "送宋絳寘未御遇霽泰卦隊震問願翰諫霰嘯效號箇禡漾敬徑宥沁勘豔陷",
    "入聲": "屋沃覺質物月曷黠屑藥陌錫職緝合葉洽",
}
_DIGITS = "一二三四五六七八九"
NUMBERS = list(_DIGITS)
for _tens in ("十", "二十", "三十"):
    NUMBERS.append(_tens)
    NUMBERS += [_tens + digit for digit in _DIGITS]
"""The numbers from 1 to 39 as a rhyme book writes them."""


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


GROUPS: dict[str, Group] = {}
for _volume, _names in _VOLUMES.items():
    _tone = LEVEL if LEVEL in _volume else _volume[0]
    for _number, _name in zip(NUMBERS, _names, strict=False):
        GROUPS[_name] = Group(_name, _tone, label=f"{_volume}{_number}{_name}")
"""Every group of 平水韻, by name, in the order of the rhyme book."""

NEIGHBOURS = (
    "東冬",
    "江陽",
    "支微齊",
    "魚虞",
    "佳灰",
    "真文元寒刪先",
    "蕭肴豪",
    "歌",
    "麻",
    "庚青蒸",
    "尤",
    "侵",
    "覃鹽咸",
    "董腫送宋",
    "講養絳漾",
    "紙尾薺寘未霽",
    "語麌御遇",
    "蟹賄泰卦隊",
    "軫吻阮旱潸銑震問願翰諫霰",
    "篠巧皓嘯效號",
    "哿箇",
    "馬禡",
    "梗迥敬徑",
    "有宥",
    "寢沁",
    "感琰豏勘豔陷",
    "屋沃",
    "覺藥",
    "質物月曷黠屑",
    "陌錫職",
    "緝合葉洽",
)
"""Classes of groups with similar sounds, which rhyme with each other in old-style verse 古體.

The groups of one level class are neighbours 鄰韻: a first line that rhymes may use any group in the
class of the poem's rhyme. The level classes come first. The corresponding classes of rising and
departing groups come next, such as 董腫送宋 for 東冬. The classes of entering groups come last.
"""

RIME_OF_ENDING = {
    "zhi": "ï",
    "chi": "ï",
    "shi": "ï",
    "ri": "ï",
    "zi": "ï",
    "ci": "ï",
    "si": "ï",
    "ju": "ü",
    "qu": "ü",
    "xu": "ü",
    "yu": "ü",
    "ü": "ü",
    "ie": "ie",
    "ye": "ie",
    "ue": "ie",
    "üe": "ie",
    "ê": "ie",
    "en": "en",
    "in": "en",
    "un": "en",
    "ün": "en",
    "eng": "eng",
    "ing": "eng",
    "ei": "ei",
    "ui": "ei",
    "ou": "ou",
    "iu": "ou",
    "ang": "ang",
    "ong": "ong",
    "an": "an",
    "ai": "ai",
    "ao": "ao",
    "er": "er",
    "a": "a",
    "o": "o",
    "e": "e",
    "i": "i",
    "u": "u",
}
"""The rime of each ending of a Mandarin syllable.

If several endings match, the longest counts. ï is the vowel of 知 and 資.
"""
