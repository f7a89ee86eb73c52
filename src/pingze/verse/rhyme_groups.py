"""Define the 106 rhyme groups 韻部 of 平水韻: their names, tones and neighbours."""

from dataclasses import dataclass

LEVEL = "平"
OBLIQUE = "仄"
TONES = "平上去入"
"""The four tones; the last three are oblique."""

_VOLUMES = {
    "上平": "東冬江支微魚虞齊佳灰真文元寒刪",
    "下平": "先蕭肴豪歌麻陽庚青蒸尤侵覃鹽咸",
    "上聲": "董腫講紙尾語麌薺蟹賄軫吻阮旱潸銑篠巧皓哿馬養梗迥有寢感琰豏",
    "去聲": "送宋絳寘未御遇霽泰卦隊震問願翰諫霰嘯效號箇禡漾敬徑宥沁勘豔陷",
    "入聲": "屋沃覺質物月曷黠屑藥陌錫職緝合葉洽",
}
_NUMBERS = [tens + ones for tens in ("", "十", "二十", "三十") for ones in ("", *"一二三四五六七八九")][1:]


@dataclass(frozen=True, slots=True)
class Group:
    """A rhyme group 韻部, whose characters rhyme with each other."""

    name: str
    """The character that names the group, such as 東; every group has a different one."""
    tone: str
    """One of `TONES`."""
    label: str
    """The full name, such as 上平一東 or 去聲十五翰."""

    @property
    def side(self) -> str:
        """`LEVEL` or `OBLIQUE`; templates make no finer distinction."""
        return LEVEL if self.tone == LEVEL else OBLIQUE


GROUPS = {
    name: Group(name, LEVEL if "平" in volume else volume[0], f"{volume}{number}{name}")
    for volume, names in _VOLUMES.items()
    for number, name in zip(_NUMBERS, names, strict=False)
}
"""Every group, by name, in the order of the rhyme book."""

NEIGHBOURS = (
    *("東冬", "江陽", "支微齊", "魚虞", "佳灰", "真文元寒刪先", "蕭肴豪"),
    *("歌", "麻", "庚青蒸", "尤", "侵", "覃鹽咸"),
)
"""Classes of level groups with similar sounds 鄰韻; a rhymed first line may use any group in its poem's class."""

OLD_STYLE_CLASSES = (
    *NEIGHBOURS,
    *("董腫送宋", "講養絳漾", "紙尾薺寘未霽", "語麌御遇", "蟹賄泰卦隊", "軫吻阮旱潸銑震問願翰諫霰"),
    *("篠巧皓嘯效號", "哿箇", "馬禡", "梗迥敬徑", "有宥", "寢沁", "感琰豏勘豔陷"),
    *("屋沃", "覺藥", "質物月曷黠屑", "陌錫職", "緝合葉洽"),
)
"""Classes of groups that rhyme with each other in old-style verse 古體; rising and departing groups share a class.

After the level classes come the rising and departing ones in the same order (東 董 送), then the entering ones.
"""


def neighbours(name: str) -> str:
    """Return the names of all groups in the class of a level group, including that group."""
    return next(names for names in NEIGHBOURS if name in names)
