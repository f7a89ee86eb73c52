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
    """A warning that text was changed on reading, as from Simplified to Traditional."""


_NOTES: ContextVar[list[Note] | None] = ContextVar("notes", default=None)


@contextmanager
def noted() -> Iterator[list[Note]]:
    """Collect the notes on text read within the block, instead of issuing warnings."""
    notes: list[Note] = []
    token = _NOTES.set(notes)
    try:
        yield notes
    finally:
        _NOTES.reset(token)


def tell(note: Note) -> None:
    """Report how typed text was read: collect the note in a `noted` block; elsewhere, warn."""
    notes = _NOTES.get()
    if notes is not None:
        notes.append(note)
        return
    # Find the outermost function of this package on the stack. The functions on it are counted as
    # `warnings` counts them: this function is 1, and its caller is 2.
    outermost = 1
    for level, (frame, _line) in enumerate(traceback.walk_stack(sys._getframe()), 1):
        if frame.f_globals["__name__"].startswith("pingze."):
            outermost = level
    # the warning names the line that called it, which is the user's
    warnings.warn(note, ConversionWarning, stacklevel=outermost + 1)


def read_characters(field: str, text: str, vocabulary: "Vocabulary", blanks: str = "") -> str:
    """Read the characters of an option, without marks and spaces.

    `blanks` are signs of free positions, which stay.
    A Simplified character is converted according to its neighbours, with a ConversionWarning.
    Raises InputError if no character is given, or if one is not Chinese.
    """
    typed = without_marks(field, text)
    if not typed:
        raise InputError("empty", field=field)
    return _convert(field, typed, vocabulary, free=blanks)


def read_known(field: str, text: str, vocabulary: "Vocabulary") -> str:
    """Read free text, and drop the characters that the model does not know, with a warning."""
    typed = without_marks(field, text)
    known = ""
    unknown: dict[str, None] = {}  # in order, each once
    for as_typed, converted in zip(typed, in_context(typed), strict=True):
        # A known character is kept as typed: `_convert` below converts it again, since its
        # neighbours, by which it is converted, may have been dropped.
        if _known(converted, vocabulary) or _known(as_typed, vocabulary):
            known += as_typed
        else:
            unknown[as_typed] = None
    if unknown:
        tell(Note("not_known", field=field, has=list(unknown)))
    return _convert(field, known, vocabulary)


def read_pattern(text: str, blanks: str, vocabulary: "Vocabulary", field: str = "pattern") -> str:
    """Convert a pattern to Traditional in context.

    Keep `blanks`, signs of free positions; make other marks spaces.
    """
    normalized = unicodedata.normalize("NFC", text)
    typed = ""
    for sign in normalized:
        is_gap = sign.isspace() or (sign in MARKS and sign not in blanks)
        typed += " " if is_gap else sign
    return _convert(field, typed, vocabulary, free=" " + blanks)


def tell_converted(field: str, written: str, read: str) -> None:
    """Report the characters that were converted on reading, each once, if there are any.

    `written` and `read` have the same length.
    """
    before = ""
    after = ""
    conversions = set()
    for typed_character, character in zip(written, read, strict=True):
        conversion = (typed_character, character)
        if typed_character != character and conversion not in conversions:
            conversions.add(conversion)
            before += typed_character
            after += character
    if conversions:
        tell(Note("converted", field=field, has=before, read=after))


def _convert(field: str, typed: str, vocabulary: "Vocabulary", free: str = "") -> str:
    converted = ""
    for written, in_traditional in zip(typed, in_context(typed), strict=True):
        if in_traditional in free:
            converted += in_traditional
        elif _known(in_traditional, vocabulary):
            converted += read_character(field, in_traditional, vocabulary)
        else:
            converted += read_character(field, written, vocabulary)
    tell_converted(field, typed, converted)
    return converted


def without_marks(field: str, text: str) -> str:
    """Return typed text without marks, spaces and invisible signs.

    Raises InputError if it is no text.
    """
    if not isinstance(text, str):
        raise wrong_type(field, text, "text")
    typed = ""
    for sign in unicodedata.normalize("NFC", text):
        is_invisible = unicodedata.category(sign) == "Cf"  # as a zero-width space
        if sign not in MARKS + ",.?!;:" and not sign.isspace() and not is_invisible:
            typed += sign
    return typed


def read_character(field: str, character: str, vocabulary: "Vocabulary") -> str:
    """Return a character, in Traditional form if the model lacks it.

    Raises InputError if still unknown and not Han.
    """
    known = _known(character, vocabulary)
    if known:
        return known
    check_chinese(field, character)
    return to_traditional(character)


def check_chinese(field: str, text: str) -> None:
    """Raise InputError if a sign of a text is not a Han character."""
    for sign in text:
        if not only_han(sign):
            raise InputError("character", field=field, has=sign, point=f"U+{ord(sign):04X}")


def _known(character: str, vocabulary: "Vocabulary") -> str:
    """Return a character, or its Traditional form, if the model knows it, else ""."""
    for form in (character, to_traditional(character)):
        if form in vocabulary:
            return form
    return ""
