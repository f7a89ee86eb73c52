"""Convert typed text to characters that the model knows."""

import sys
import traceback
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from pingze.errors import InputError, wrong_type
from pingze.verse.character_table import to_traditional
from pingze.verse.characters import MARKS, only_han
from pingze.verse.context import in_context
from pingze.verse.verdict import Note

if TYPE_CHECKING:  # avoids importing NumPy at run time
    from pingze.network.vocabulary import Vocabulary


class ConversionWarning(UserWarning):
    """A warning that text was changed on reading, such as from Simplified to Traditional characters."""


_NOTES: ContextVar[list[Note] | None] = ContextVar("notes", default=None)


@contextmanager
def noted() -> Iterator[list[Note]]:
    """Collect the notes on all text read within the block, instead of issuing ConversionWarnings."""
    notes: list[Note] = []
    token = _NOTES.set(notes)
    try:
        yield notes
    finally:
        _NOTES.reset(token)


def tell(note: Note) -> None:
    """Report how typed text was read: within a `noted` block, collect the note; elsewhere, warn (ConversionWarning)."""
    if (notes := _NOTES.get()) is not None:
        notes.append(note)
    else:  # the warning names the line of the code that called into this package
        frames = enumerate(traceback.walk_stack(sys._getframe()), 1)
        depths = (
            depth
            for depth, (frame, _) in frames
            if frame.f_globals["__name__"].startswith("pingze.")
        )
        warnings.warn(note, ConversionWarning, stacklevel=1 + max(depths))


def read_characters(field: str, text: str, vocabulary: "Vocabulary", blanks: str = "") -> str:
    """Read the characters of an option, without marks and spaces; keep `blanks`, signs of free positions.

    A Simplified character is converted according to its neighbours, with a ConversionWarning.
    Raises InputError if no character is given, or if one is not Chinese.
    """
    if not (typed := _typed(field, text)):
        raise InputError("empty", field=field)
    return _convert(field, typed, vocabulary, free=blanks)


def read_known(field: str, text: str, vocabulary: "Vocabulary") -> str:
    """Read free text; drop the characters that the model does not know, with a ConversionWarning."""
    typed = _typed(field, text)
    readings = zip(typed, in_context(typed), strict=True)
    pairs = [(one, _known(read, vocabulary) or _known(one, vocabulary)) for one, read in readings]
    if unknown := [*dict.fromkeys(one for one, known in pairs if not known)]:
        tell(Note("not_known", field=field, has=unknown))
    return _convert(field, "".join(one for one, known in pairs if known), vocabulary)


def read_pattern(text: str, blanks: str, vocabulary: "Vocabulary", field: str = "pattern") -> str:
    """Convert a pattern to Traditional in context.

    Keep `blanks`, signs of free positions; make other marks spaces.
    """
    normalized = unicodedata.normalize("NFC", text)
    typed = "".join(
        " " if one.isspace() or (one in MARKS and one not in blanks) else one for one in normalized
    )
    return _convert(field, typed, vocabulary, free=" " + blanks)


def tell_converted(field: str, written: str, read: str) -> None:
    """Report the characters that were converted on reading, if any.

    `written` and `read` have the same length.
    """
    if changed := dict.fromkeys(
        pair for pair in zip(written, read, strict=True) if pair[0] != pair[1]
    ):
        ones, others = map("".join, zip(*changed, strict=True))
        tell(Note("converted", field=field, has=ones, read=others))


def _convert(field: str, typed: str, vocabulary: "Vocabulary", free: str = "") -> str:
    converted = "".join(
        one
        if one in free
        else read_character(field, one if _known(one, vocabulary) else written, vocabulary)
        for written, one in zip(typed, in_context(typed), strict=True)
    )
    tell_converted(field, typed, converted)
    return converted


def _typed(field: str, text: str) -> str:
    if not isinstance(text, str):
        raise wrong_type(field, text, "text")
    normalized = unicodedata.normalize("NFC", text)
    kept = (c for c in normalized if c not in MARKS and not c.isspace() and c not in ",.?!;:")
    # invisible, as a zero-width space
    return "".join(c for c in kept if unicodedata.category(c) != "Cf")


def read_character(field: str, character: str, vocabulary: "Vocabulary") -> str:
    """Return a character, in Traditional form if the model lacks it.

    Raises InputError if still unknown and not Han.
    """
    if not (read := _known(character, vocabulary) or to_traditional(only_han(character))):
        raise InputError("character", field=field, has=character, point=f"U+{ord(character):04X}")
    return read


def _known(character: str, vocabulary: "Vocabulary") -> str:
    return next((one for one in (character, to_traditional(character)) if one in vocabulary), "")
