"""Define the three standards of rhyme: 平水韻, 中華通韻 and 中華新韻.

A standard is a rhyme book with the parts in which 詞 rhyme and the tones that words decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pingze.cached import cached_property
from pingze.errors import InputError
from pingze.verse.parts import Parts
from pingze.verse.rhyme_book import RhymeBook
from pingze.verse.rhyme_groups import GROUPS, LEVEL, NEIGHBOURS, NUMBERS, OBLIQUE, Group
from pingze.verse.word_tones import WordTones


@dataclass(frozen=True, eq=False)
class Standard(RhymeBook):
    """A standard of rhyme."""

    @cached_property
    def parts(self) -> Parts:
        """The parts 部 in which 詞 rhyme."""
        return Parts(self)

    @cached_property
    def words(self) -> WordTones:
        """The tones that characters have within words and lines."""
        return WordTones(self)


def _mandarin_standard(name: str, label: str, groups: Sequence[tuple[str, str]]) -> Standard:
    """Build a standard from its groups: the names of a level and an oblique half, and the rimes of both."""
    by_name = {}
    rimes = {}
    for index, side in enumerate((LEVEL, OBLIQUE)):
        for number, (halves, of_group) in zip(NUMBERS, groups, strict=False):
            half = halves[index]
            by_name[half] = Group(half, side, f"{side}聲{number}{halves[0]}")
            for rime in of_group.split():
                rimes[rime] = halves
    return Standard(name, label, groups=by_name, classes=tuple(by_name), rimes=rimes)


PINGSHUI = Standard("pingshui", "平水韻", groups=GROUPS, classes=NEIGHBOURS)
TONGYUN = _mandarin_standard(
    "tongyun",
    "中華通韻",
    [
        ("啊馬", "a"),
        ("喔火", "o"),
        ("鵝夜", "e ie"),
        ("衣米", "i ï"),
        ("烏古", "u"),
        ("迂雨", "ü"),
        ("哀海", "ai"),
        ("欸水", "ei"),
        ("熬曉", "ao"),
        ("歐有", "ou"),
        ("安遠", "an"),
        ("恩本", "en"),
        ("昂養", "ang"),
        ("英影", "eng"),
        ("雍勇", "ong"),
        ("兒耳", "er"),
    ],
)
XINYUN = _mandarin_standard(
    "xinyun",
    "中華新韻",
    [
        ("麻馬", "a"),
        ("波火", "o e"),
        ("皆夜", "ie"),
        ("開海", "ai"),
        ("微水", "ei"),
        ("豪曉", "ao"),
        ("尤有", "ou"),
        ("寒遠", "an"),
        ("文本", "en"),
        ("唐養", "ang"),
        ("庚影", "eng ong"),
        ("齊米", "i er ü"),
        ("支紙", "ï"),
        ("姑古", "u"),
    ],
)
STANDARDS = {"pingshui": PINGSHUI, "tongyun": TONGYUN, "xinyun": XINYUN}
"""Every standard by its name; the first is the default."""


def find_standard(name: str) -> Standard:
    """Find a standard by its name, such as xinyun. Raises InputError if no standard has the name."""
    if name not in STANDARDS:
        raise InputError("choice", field="standard", has=name, choices=list(STANDARDS))
    return STANDARDS[name]
