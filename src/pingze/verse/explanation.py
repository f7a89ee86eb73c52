"""Explain a verdict line by line: the pattern, the rescue, and the readings of characters that can have both tones."""

from dataclasses import dataclass

from pingze.verse.context import tones_in, word_at
from pingze.verse.patterns import SIDES, word_starts
from pingze.verse.rhyme import names
from pingze.verse.rhyme_groups import STANDARDS
from pingze.verse.scansion import fitted, masks_of
from pingze.verse.tones import groups, sense, sides
from pingze.verse.verdict import Verdict


@dataclass(frozen=True, slots=True)
class CharacterReading:
    """How a character that can have both tones is read in its line."""

    position: int
    """The position of the character in its line, from 1."""
    char: str
    tone: str
    """平 or 仄; 平仄 if neither the pattern nor the word nor usage decides."""
    groups: str
    """The names of its rhyme groups of that tone; for a rhyming character, only those of the poem's rhyme."""
    word: str
    """The word of two characters that decides the tone; "" if there is none."""
    zh: str
    """The meaning of this reading in Chinese; "" if it is unlisted. `en` is the meaning in English."""
    en: str


@dataclass(frozen=True, slots=True)
class LineExplanation:
    """How a line fits its template."""

    line: int
    """The number of the line, from 1."""
    kind: str | None
    """The type of the line, such as a, B or a'; None in old-style verse."""
    pattern: str | None
    """The pattern that the line was held to: 平, 仄 or 中 for each character."""
    rule: str | None
    """The licence of the pattern: a rescue 本句自救 or 對句相救, or a bent rule such as 三仄尾."""
    readings: tuple[CharacterReading, ...]


def explain_verdict(verdict: Verdict) -> tuple[LineExplanation, ...]:
    """Explain each line of a verdict: its pattern, its licence, and the readings of characters with both tones.

    Args:
        verdict: The verdict that `check` returned.

    Returns () if nothing was judged, or only the shape.
    """
    if verdict.judged in ("nothing", "shape"):
        return ()
    standard, found = STANDARDS[verdict.standard], []
    for number, line in enumerate(verdict.read):
        kind = verdict.kinds[number] if verdict.kinds else None
        pattern = fitted(kind, len(line), verdict.level, masks_of(line, standard))[1].pattern if kind else None
        needed = "".join(SIDES.get(tone, "中") for tone in pattern.tones) if pattern else None
        rhymed = bool(number % 2 or (kind and kind.isupper()))
        usual = tones_in(line, word_starts(2, len(line)), standard)
        readings = []
        for place, character in enumerate(line):
            if len(sides(character, standard)) < 2:
                continue
            fixed = needed and needed[place] != "中"
            tone = needed[place] if needed and fixed else "".join(sorted(usual[place]))
            own = names((g for g in groups(character, standard) if standard.groups[g].side in tone), standard)
            if rhymed and place == len(line) - 1:
                own = "".join(name for name in own if name in (verdict.rhyme or "")) or own
            senses = [sense(character, name) for name in own] if len(tone) == 1 and not standard.rimes else []
            zh, en, _ = next(filter(any, senses), ("", "", []))
            readings.append(CharacterReading(place + 1, character, tone, own, word_at(line, place, standard), zh, en))
        found.append(LineExplanation(number + 1, kind, needed, pattern.rule if pattern else None, tuple(readings)))
    return tuple(found)
