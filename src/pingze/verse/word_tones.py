"""How words are read: where in a line they stand, and the tones that their characters have within them.

A line is read in feet: 2 + 3 characters, or 2 + 2 + 3. A word of two characters stands within a foot; a longer one
begins with a foot, and not across the pause 頓 before the last three. Many characters have both tones; within a word
most have one: 思 is level in 相思, oblique in 秋思.
"""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from itertools import pairwise

from pingze.verse.tones import sides

OPEN = "中"
"""What a pair of `word_tones` has for a character whose tone is not decided."""


def starts(length: int, width: int) -> frozenset[int]:
    """Where in a line a word may begin, from 0, so that no pause parts it; anywhere where one always does.

    Args:
        length: The word's characters, from 1.
        width: The line's, 5 or 7.
    """
    feet, every = (0, width - 5, width - 3), range(width - length + 1)
    inside = feet if length == 2 else feet[-1:]
    whole = {start for start in every if not any(start < pause < start + length for pause in inside)}
    return frozenset(whole & set(feet) if length > 2 else whole) or frozenset(every)


def tones_within(words: Iterable[str]) -> dict[str, frozenset[str]]:
    """The tones in which the characters of some words are read within them; those of both tones alone are told."""
    found: dict[str, frozenset[str]] = {}
    for word in words:
        for character, read in zip(word, _within(word), strict=True):
            if len(sides(character)) == 2:
                found[character] = found.get(character, frozenset()) | read
    return found


def _within(word: str) -> list[frozenset[str]]:
    read = [sides(character) for character in word]
    for at, pair in enumerate(map("".join, pairwise(word))):
        for n, tone in enumerate(_word_tones().get(pair, "")):
            if tone != OPEN:
                read[at + n] = frozenset(tone)
    return read


@cache
def _word_tones() -> dict[str, str]:
    """The pairs of characters of which one has both tones, and is read in one (scripts/count_word_tones.py)."""
    text = (files("pingze.verse") / "data" / "word_tones.tsv").read_text(encoding="utf-8")
    return dict(line.split("\t") for line in text.splitlines())
