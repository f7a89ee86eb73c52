"""Read what a person typed as characters that the model knows, or refuse it with one clear error."""

import sys
import traceback
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from pingze.errors import InputError, wrong_type
from pingze.network.vocabulary import Vocabulary
from pingze.verse.character_table import to_traditional, traditional_candidates, variants
from pingze.verse.characters import MARKS
from pingze.verse.context import in_context
from pingze.verse.verdict import Note

FIELDS = {"opening": "start", "theme": "about"}
"""The options whose name in messages is not their field's."""


class ConversionWarning(UserWarning):
    """A character that a person typed was read as another; the message says which."""


_NOTES: ContextVar[list[Note] | None] = ContextVar("notes", default=None)


@contextmanager
def noted() -> Iterator[list[Note]]:
    """Collects as notes what is told of all that is read within, and would be a ConversionWarning elsewhere."""
    notes: list[Note] = []
    token = _NOTES.set(notes)
    try:
        yield notes
    finally:
        _NOTES.reset(token)


def tell(note: Note) -> None:
    """Tell whoever typed a text how it was read."""
    notes = _NOTES.get()
    if notes is None:
        warnings.warn(note, ConversionWarning, stacklevel=_outside())
    else:
        notes.append(note)


def _outside() -> int:
    """How far up from `tell` the call into this package stands."""
    frames = [frame for frame, _ in traceback.walk_stack(sys._getframe(1))]
    return 1 + max(
        depth for depth, frame in enumerate(frames, 1) if frame.f_globals["__name__"].startswith("pingze.")
    )


def read_characters(option: str, text: str, vocabulary: Vocabulary) -> str:
    """The characters that an option gives, without marks and spaces, each one in the vocabulary.

    A Simplified character is read as its Traditional form, of several as the one that its neighbours ask for, with a
    ConversionWarning. Raises InputError where there is none, and on a character that the model does not know.
    """
    characters = _typed(option, text)
    if not characters:
        raise InputError(
            f"the {option} is empty; give one or more characters, as 日", field=_field(option), code="empty"
        )
    return _read(option, characters, vocabulary)


def read_known(option: str, text: str, vocabulary: Vocabulary) -> str:
    """The same of free text: what the model does not know is left out, with a ConversionWarning."""
    known: list[str] = []
    unknown: dict[str, None] = {}  # each once, in order
    typed = _typed(option, text)
    for character, read in zip(typed, in_context("".join(typed)), strict=True):
        try:
            known_character(option, read, vocabulary)
        except InputError:
            unknown[character] = None
        else:
            known.append(character)
    if unknown:
        sentence = f"the model does not know {'、'.join(unknown)}: the {option} is read without"
        tell(Note(sentence, "not_known", field=_field(option), has=list(unknown)))
    return _read(option, known, vocabulary)


def read_pattern(text: str, blanks: str, vocabulary: Vocabulary) -> str:
    """A pattern with its fixed characters as the model knows them, each read beside those that stand with it.

    Spaces stand for its marks.
    """
    normalized = unicodedata.normalize("NFC", text)
    typed = "".join(
        " " if one.isspace() or (one in MARKS and one not in blanks) else one for one in normalized
    )
    read = "".join(
        one if one == " " or one in blanks else known_character("pattern", one, vocabulary)
        for one in in_context(typed)
    )
    tell_converted("pattern", typed, read)
    return read


def tell_converted(option: str, written: str, read: str) -> None:
    """Tell which characters of a text were read as others of its length, if any were."""
    changed = [(one, other) for one, other in zip(written, read, strict=True) if one != other]
    if changed:
        ones, others = map("".join, zip(*dict.fromkeys(changed), strict=True))
        tell(_converted(option, ones, others))


def _converted(option: str, written: str, read: str) -> Note:
    sentence = f"{written} was read as {read}"
    return Note(sentence, "converted", field=_field(option), has=written, read=read)


def _read(option: str, typed: list[str], vocabulary: Vocabulary) -> str:
    read = "".join(known_character(option, character, vocabulary) for character in in_context("".join(typed)))
    if (written := "".join(typed)) != read:
        tell(_converted(option, written, read))
    return read


def _typed(option: str, text: str) -> list[str]:
    if not isinstance(text, str):
        raise wrong_type(_field(option), text, "text")
    normalized = unicodedata.normalize("NFC", text)
    return [c for c in normalized if c not in MARKS and not c.isspace() and c not in ",.?!;:"]


def _field(option: str) -> str:
    return FIELDS.get(option, option)


def known_character(option: str, character: str, vocabulary: Vocabulary) -> str:
    """A character, or the Traditional form of it that the model knows. Raises InputError where it knows neither."""
    if character in vocabulary:
        return character
    if (traditional := to_traditional(character)) in vocabulary:
        return traditional
    others = dict.fromkeys((*traditional_candidates(character), *variants(character)))
    inside = [other for other in others if other in vocabulary]
    advice = f"did you mean {' or '.join(inside)}?" if inside else "choose another"
    raise InputError(
        f"the model does not know the character {character!r} (U+{ord(character):04X}); {advice}",
        field=_field(option),
        code="character",
        has=character,
        choices=inside,
    )
