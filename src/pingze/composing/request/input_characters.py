"""Read what a person typed as characters that the model knows."""

import sys
import traceback
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from pingze.errors import InputError, wrong_type
from pingze.verse.character_table import to_traditional, traditional_candidates, variants
from pingze.verse.characters import MARKS
from pingze.verse.context import in_context
from pingze.verse.verdict import Note

if TYPE_CHECKING:  # importing it imports NumPy
    from pingze.network.vocabulary import Vocabulary


class ConversionWarning(UserWarning):
    """A character that a person typed was read as another; the message names both."""


_NOTES: ContextVar[list[Note] | None] = ContextVar("notes", default=None)


@contextmanager
def noted() -> Iterator[list[Note]]:
    """Collect the notes on all that is read within, which would be ConversionWarnings elsewhere."""
    notes: list[Note] = []
    token = _NOTES.set(notes)
    try:
        yield notes
    finally:
        _NOTES.reset(token)


def tell(note: Note) -> None:
    """Tell whoever typed a text how it was read: collect the note, or warn where the package was called."""
    notes = _NOTES.get()
    if notes is not None:
        notes.append(note)
        return
    warnings.warn(note, ConversionWarning, stacklevel=_outside())


def _outside() -> int:
    """Count the frames from `tell` up to the call into this package."""
    frames = [frame for frame, _ in traceback.walk_stack(sys._getframe(1))]
    return 1 + max(
        depth for depth, frame in enumerate(frames, 1) if frame.f_globals["__name__"].startswith("pingze.")
    )


def read_characters(field: str, text: str, vocabulary: "Vocabulary") -> str:
    """Read the characters that an option gives, without marks and spaces, each one in the vocabulary.

    A Simplified character is converted by its neighbours, with a ConversionWarning. Raises InputError where none is
    given, and on a character that the model does not know.
    """
    typed = _typed(field, text)
    if not typed:
        raise InputError("empty", field=field)
    return _convert(field, typed, in_context(typed), vocabulary)


def read_known(field: str, text: str, vocabulary: "Vocabulary") -> str:
    """Read free text; characters that the model does not know are left out, with a ConversionWarning."""
    typed = _typed(field, text)
    pairs = [
        (one, _known(read, vocabulary) or _known(one, vocabulary))
        for one, read in zip(typed, in_context(typed), strict=True)
    ]
    if unknown := [*dict.fromkeys(one for one, known in pairs if not known)]:
        tell(Note("not_known", field=field, has=unknown))
    known = "".join(one for one, known in pairs if known)
    return _convert(field, known, in_context(known), vocabulary)


def read_pattern(text: str, blanks: str, vocabulary: "Vocabulary") -> str:
    """Read a pattern; its fixed characters are converted by their neighbours, and its marks become spaces."""
    normalized = unicodedata.normalize("NFC", text)
    typed = "".join(
        " " if one.isspace() or (one in MARKS and one not in blanks) else one for one in normalized
    )
    return _convert("pattern", typed, in_context(typed), vocabulary, known=" " + blanks)


def tell_converted(field: str, written: str, read: str) -> None:
    """Tell which characters of a text were read as others, if any were; both texts have the same length."""
    if changed := dict.fromkeys(pair for pair in zip(written, read, strict=True) if pair[0] != pair[1]):
        ones, others = map("".join, zip(*changed, strict=True))
        tell(Note("converted", field=field, has=ones, read=others))


def _convert(field: str, typed: str, read: Iterable[str], vocabulary: "Vocabulary", known: str = "") -> str:
    converted = "".join(
        one
        if one in known
        else known_character(field, one if _known(one, vocabulary) else written, vocabulary)
        for written, one in zip(typed, read, strict=True)
    )
    tell_converted(field, typed, converted)
    return converted


def _typed(field: str, text: str) -> str:
    if not isinstance(text, str):
        raise wrong_type(field, text, "text")
    normalized = unicodedata.normalize("NFC", text)
    return "".join(c for c in normalized if c not in MARKS and not c.isspace() and c not in ",.?!;:")


def known_character(field: str, character: str, vocabulary: "Vocabulary") -> str:
    """Find a character, or its Traditional form, in the vocabulary. Raises InputError where neither is there."""
    if known := _known(character, vocabulary):
        return known
    others = dict.fromkeys((*traditional_candidates(character), *variants(character)))
    inside = [other for other in others if other in vocabulary]
    code = "character_meant" if inside else "character"
    raise InputError(code, field=field, has=character, point=f"U+{ord(character):04X}", choices=inside)


def _known(character: str, vocabulary: "Vocabulary") -> str:
    return next((one for one in (character, to_traditional(character)) if one in vocabulary), "")
