"""Quatrains that keep no template with a level rhyme: 古絕, and among them 仄韻律絕."""

from collections.abc import Sequence

from pingze.verse.patterns import CUSTOMARY, is_opposed
from pingze.verse.regulated import masks_of
from pingze.verse.scansion import FAULT, Masks, fitted
from pingze.verse.verdict import Note

_ENDS_OBLIQUE = ("a", "c")
_ENDS_LEVEL = ("B", "D")


def name_of_quatrain(lines: Sequence[str], rhymes_oblique: bool) -> Note:
    """What a quatrain of old-style verse is called.

    仄韻律絕 has an oblique rhyme, and lines of regulated verse whose second characters are opposed within each couplet.
    """
    if rhymes_oblique and is_oblique_regulated(lines):
        return Note("仄韻律絕: an oblique rhyme and lines of regulated verse", "named", name="仄韻律絕")
    return Note("古絕: a quatrain of old-style verse", "named", name="古絕")


def is_oblique_regulated(lines: Sequence[str]) -> bool:
    """Whether four lines, the even ones with an oblique rhyme, keep the tones of regulated verse."""
    kinds = [_kinds(masks_of(line), len(line)) for line in lines]
    first, second, third, fourth = kinds
    return _opposed(first, second & {*_ENDS_OBLIQUE}) and _opposed(
        third & {*_ENDS_LEVEL}, fourth & {*_ENDS_OBLIQUE}
    )


def _kinds(masks: Masks, width: int) -> set[str]:
    """The types of regulated verse that a line can be."""
    last = 1 << width - 1
    return {
        kind
        for kind in (*_ENDS_OBLIQUE, *_ENDS_LEVEL)
        if fitted(kind, False, width, CUSTOMARY, masks)[0] < FAULT
        and (masks.level if kind in _ENDS_LEVEL else masks.oblique) & last
    }


def _opposed(first: set[str], second: set[str]) -> bool:
    return any(is_opposed(one, other) for one in first for other in second)
