"""What is no fault but worth saying of a poem: its shape, repeated characters, doubtful ones."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from pingze.verse.character_table import entry
from pingze.verse.pasted_text import ReadText
from pingze.verse.simplified import forms, in_use, to_traditional, traditional_candidates
from pingze.verse.tones import sides
from pingze.verse.verdict import Note

_MANY = 12  # of a kind are enough to name


def shape_note(lines: Sequence[str]) -> Note:
    """How many lines of how many characters there are, and what such verse is called."""
    if not lines:
        return Note("no line of verse was found", "lines", count=0)
    shortest, longest = min(map(len, lines)), max(map(len, lines))
    widths = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
    names = {4: "四言", 5: "五言", 6: "六言", 7: "七言"}
    name = names.get(longest) if shortest == longest else "雜言"
    count = f"{len(lines)} {_plural('line', len(lines))} of {widths} {_plural('character', longest)}"
    said = f"{count} ({name})" if name else count
    return Note(said, "lines", count=len(lines), least=shortest, most=longest, name=name)


def understood(read: ReadText) -> Iterator[Note]:
    """What was left out of a text, and how it was cut into lines."""
    if read.left_out:
        yield _named("left out as no verse", "left_out", read.left_out)
    if read.cut:
        said = f"cut into lines of {read.cut} characters, for it has no marks"
        yield Note(said, "cut", width=read.cut)


def chosen_words(written: Sequence[str], read: Sequence[str]) -> Iterator[Note]:
    """Characters that stand for several words, and the one that was chosen for each."""
    if written == read:
        return
    pairs = zip("".join(written), "".join(read), strict=True)
    chosen = dict.fromkeys(f"{one} as {other}" for one, other in pairs if other != to_traditional(one))
    if chosen:
        yield _named("read by what stands beside them", "chosen", chosen)


def general_notes(lines: Sequence[str], *, repeated: bool = False) -> list[Note]:
    """Notes on the characters themselves; `repeated` asks for those that stand in several lines 重字."""
    characters = dict.fromkeys("".join(lines))
    notes = [_named("重字", "repeated", _repeated(lines))] if repeated else []
    notes.append(_named("no reading known", "unknown", (c for c in characters if not sides(c))))
    notes.append(_named("may stand for another character", "doubtful", _doubtful(characters)))
    return [note for note in notes if note]


def _repeated(lines: Sequence[str]) -> Iterable[str]:
    """Characters that stand in more than one line, in one form or several; within a line that is a figure of speech."""
    written: dict[str, dict[str, None]] = {}
    places: dict[str, dict[int, None]] = {}
    for number, line in enumerate(lines, 1):
        for character in line:
            word = min(forms(character))
            written.setdefault(word, {})[character] = None
            places.setdefault(word, {})[number] = None
    return (
        f"{' '.join(written[word])} (lines {', '.join(map(str, found))})"
        for word, found in places.items()
        if len(found) > 1
    )


def _doubtful(characters: Iterable[str]) -> Iterable[str]:
    """Characters that the table does not have and that may stand for several others in use."""
    return (f"{c} ({' or '.join(others)})" for c in characters if (others := _may_stand_for(c)))


@lru_cache(1 << 13)
def _may_stand_for(character: str) -> tuple[str, ...]:
    if entry(character) is not None or to_traditional(character) != character:
        return ()
    return tuple(other for other in traditional_candidates(character) if in_use(other))


def _named(what: str, code: str, found: Iterable[str]) -> Note:
    """`what: one, two`, cut after `_MANY`; "" where there is nothing to name."""
    listed = list(found)
    more = f" and {len(listed) - _MANY} more" if len(listed) > _MANY else ""
    said = f"{what}: {', '.join(listed[:_MANY])}{more}" if listed else ""
    return Note(said, code, has=listed[:_MANY], more=max(0, len(listed) - _MANY))


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"
