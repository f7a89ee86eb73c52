"""Verse for the tests, written from tones: characters of one tone each, in no sensible order."""

from collections.abc import Sequence

LEVELS = "山天風人雲花春年時清"
OBLIQUES = "月水日客樹葉玉酒雨色"
RHYMES = "東同銅童宮蓬紅翁聰叢楓蟲戎弓"
"""Characters of 東 alone."""


def write(lines: Sequence[str], *, rhymed_first: bool) -> list[str]:
    """Lines whose characters have the tones P and Z; level ends of even lines rhyme, that of line 1 if asked."""
    rhymes, written = iter(RHYMES), []
    for number, tones in enumerate(lines):
        line = "".join(
            (LEVELS if tone == "P" else OBLIQUES)[place] for place, tone in enumerate(tones)
        )
        rhymed = tones[-1] == "P" and (number % 2 or (not number and rhymed_first))
        written.append(line[:-1] + next(rhymes) if rhymed else line)
    return written
