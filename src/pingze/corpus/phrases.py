"""Phrases of Han characters, and the full-text queries that find the lines with them."""

from dataclasses import dataclass
from unicodedata import normalize

from pingze.corpus.clean import fault
from pingze.errors import InputError
from pingze.verse.characters import MARKS

_FULL_WIDTH = str.maketrans(",.?!;:", "，。？！；：")

_INDEXED = 8
"""So much of a phrase is looked up in the index, which is slow on long ones; the rest is compared."""

LINES = """
    SELECT poem.dynasty, poem.author, poem.title, line.text, line.number
    FROM phrase JOIN poem ON poem.id = phrase.rowid JOIN line ON line.poem = poem.id
    WHERE phrase MATCH :query
"""
"""The lines of the poems that a query finds, as a `Hit` after its phrase.

Ordered by the poem alone, SQLite stops at the limit; a poem's lines come by their primary key, so in order.
"""
BEGINS_HERE = "instr(substr(poem.text, line.start, length(line.text) + length(:phrase) - 1), :phrase)"
"""Whether a phrase begins in such a line."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase, and a line in which it stands, or begins."""

    phrase: str
    """What was looked for."""
    dynasty: str
    """tang or song."""
    author: str
    """The poet."""
    title: str
    """The poem's."""
    line: str
    """The whole line, without its mark."""
    number: int
    """The line's number in its poem, from 1."""


def searchable(phrase: str) -> str:
    """The phrase as texts have it: NFC, no spaces, full-width marks, none at its ends."""
    text = "".join(normalize("NFC", phrase).split()).translate(_FULL_WIDTH).strip(MARKS)
    if not text or fault(text) not in (None, "too short"):
        raise InputError(
            f"{phrase[:20]!r} is no phrase of Han characters: give one or more of them, as in 明月"
        )
    return text


def matching(phrase: str, **filters: str | None) -> str:
    """A full-text query; every part is a quoted string, so that nothing in it is read as syntax."""
    parts = {"text": " ".join(phrase[:_INDEXED]), **filters}
    return " AND ".join(f'{column}: "{_quoted(part)}"' for column, part in parts.items() if part)


def _quoted(part: str) -> str:
    return part.replace("\0", "").replace('"', '""')


def encodable(name: str) -> str:
    """A name as the corpus writes it; a lone surrogate, which SQLite refuses and no name has, becomes ?."""
    return normalize("NFC", name).strip().encode(errors="replace").decode()
