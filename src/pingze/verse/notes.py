"""Build the remarks on a text that are not faults: its shape, how it was read, repeated and unknown characters."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from pingze.verse.character_table import forms, mandarin_readings, to_traditional
from pingze.verse.characters import Translation
from pingze.verse.pasted_text import ReadText
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE, Standard
from pingze.verse.tables import table
from pingze.verse.tones import groups, sides
from pingze.verse.verdict import Note

_MANY = 12  # a note lists at most this many items
_WORDS = Translation(lambda character: min(forms(character)))
_NAMES = {4: "四言", 5: "五言", 6: "六言", 7: "七言"}


def shape_note(lines: Sequence[str]) -> Note:
    """Return a note on the number and the lengths of the lines, with a name such as 五言."""
    if not lines:
        return Note("no_lines", count=0)
    least, most = min(map(len, lines)), max(map(len, lines))
    size, name = (f"{least}", _NAMES.get(least)) if least == most else (f"{least}–{most}", "雜言")
    return Note("lines", count=len(lines), least=least, most=most, size=size, name=name or f"{least}言")


def reading_notes(read: ReadText, lines: Sequence[str]) -> Iterator[Note]:
    """Yield notes on what was left out of a text, how it was cut into lines, and how ambiguous characters were read."""
    yield from _named("left_out", read.left_out)
    if read.cut:
        yield Note("cut", width=read.cut)
    if read.lines != list(lines):
        pairs = zip("".join(read.lines), "".join(lines), strict=True)
        chosen = dict.fromkeys(f"{one}→{other}" for one, other in pairs if other != to_traditional(one))
        yield from _named("chosen", chosen)


def character_notes(lines: Sequence[str], standard: Standard, *, repeated: bool) -> Iterator[Note]:
    """Yield notes on unknown characters and, if `repeated` is true, on words that occur in several lines 重字."""
    text = "".join(lines)
    if repeated:
        words = "\n".join(lines).translate(_WORDS).split("\n")
        times = Counter(chain.from_iterable(map(set, words)))  # repetition within a line is a figure of speech
        whole = "".join(words)
        found = sorted((word for word, count in times.items() if count > 1), key=whole.index)
        for at, word in enumerate(found[:_MANY]):
            written = dict.fromkeys(own for own, read in zip(text, whole, strict=True) if read == word)
            places = [f"{number}" for number, line in enumerate(words, 1) if word in line]
            found[at] = f"{' '.join(written)} ({', '.join(places)})"
        yield from _named("repeated", found)
    strange = set(text).difference(mandarin_readings() if standard.rimes else table("characters"))
    yield from _named("unknown", [c for c in strange and dict.fromkeys(text) if not sides(c, standard)])


def fine_notes(lines: Sequence[str], rhyme: str, standard: Standard) -> Iterator[Note]:
    """Yield the remarks of later manuals on a regulated poem: 撞韻, 擠韻, 冒韻, 四字目孤平.

    Args:
        lines: The poem's lines.
        rhyme: The poem's rhyme group, which must be level.
        standard: The standard by which characters are read.
    """
    level = [names for names in standard.classes if standard.groups[names[0]].side == LEVEL]
    same_sound = set(standard.classes[len(level) + next(n for n, names in enumerate(level) if rhyme in names)])
    found: dict[str, list[str]] = {"撞韻": [], "擠韻": [], "冒韻": [], "四字目孤平": []}
    for number, line in enumerate(lines):
        foot = groups(line[-1], standard)
        rhymed = number % 2 == 1 or rhyme in foot
        if not rhymed and foot & same_sound:
            found["撞韻"].append(f"{line[-1]} ({number + 1}.{len(line)})")
        for place, character in enumerate(line[:-1], 1):
            if groups(character, standard) == {rhyme}:
                found["擠韻" if rhymed else "冒韻"].append(f"{character} ({number + 1}.{place})")
        if [sides(character, standard) for character in line[-5:-2]] == [{OBLIQUE}, {LEVEL}, {OBLIQUE}]:
            found["四字目孤平"].append(f"{line[-4]} ({number + 1}.{len(line) - 3})")
    for name, places in found.items():
        yield from _named("fine", places, rule=name)


def _named(code: str, found: Iterable[str], **more_of: str) -> Iterator[Note]:
    """Yield one note that lists the first `_MANY` items found, or nothing if there are none."""
    if listed := list(found):
        more = len(listed) - _MANY
        yield Note(code, has=[*listed[:_MANY], *(["…"] if more > 0 else [])], more=max(0, more), **more_of)
