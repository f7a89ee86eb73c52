"""A person's own corpus: a folder of text and JSON files, read as poems of the dynasty `own`.

In a text file blank lines separate poems; a title, or a title and a poet, may be above one. In JSON a poem is any
object that has its verse under one of `VERSE`, as text or as a list of rows, however deep it lies; `.jsonl` holds one a
line. Verse without marks gets them, a row a line. Simplified characters become Traditional ones by their neighbours.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pingze.corpus.poem import OWN, CorpusPoem
from pingze.corpus.records import File, is_package
from pingze.errors import CorpusError
from pingze.verse.characters import MARKS
from pingze.verse.context import in_context
from pingze.verse.pasted_text import read_text, split_poems

VERSE = ("paragraphs", "para", "content", "text", "lines", "verse")
TITLE = ("title", "rhythmic", "name")
POET = ("author", "poet")
SUFFIXES = (".txt", ".json", ".jsonl")

_FULL_WIDTH = str.maketrans(",.?!;:､｡．", "，。？！；：、。。")
_SEPARATOR = re.compile(r"\s+|[·・—:：]")
_LONGEST_POET = 4


def files(folder: Path) -> list[Path]:
    """The files of a folder, and of those in it, that can hold poems, in the order of their names."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def is_own(source: Path) -> bool:
    """Whether a folder holds a person's own files, and not the package's."""
    return source.is_dir() and not is_package(source) and bool(files(source))


def read_own(folder: Path) -> Iterator[File]:
    """Read every file of a folder. Raises CorpusError on one that is no UTF-8 text or no JSON, naming it."""
    for number, path in enumerate(files(folder)):
        try:
            poems = list(_poems(path.suffix.lower(), path.read_text(encoding="utf-8-sig")))
        except (UnicodeDecodeError, ValueError, RecursionError) as error:
            kind = "UTF-8" if isinstance(error, UnicodeDecodeError) else "JSON"
            raise CorpusError("wrong_format", path=str(path), wanted=kind, reason=str(error)) from None
        yield File((0, 0, number), poems, str(path.relative_to(folder)))


def _poems(suffix: str, text: str) -> Iterator[CorpusPoem]:
    if suffix == ".txt":
        yield from map(_of_text, split_poems(text))
    else:
        for part in text.splitlines() if suffix == ".jsonl" else [text]:
            if part.strip() or suffix == ".json":
                yield from _of_json(json.loads(part))


def _of_json(value: Any) -> Iterator[CorpusPoem]:
    """The poems of a value, and of those in it that are none themselves."""
    if isinstance(value, Mapping):
        if (rows := _rows(value)) is not None:
            yield _poem(_first(value, TITLE), _first(value, POET), rows)
            return
        value = list(value.values())
    for part in value if isinstance(value, list) else ():
        yield from _of_json(part)


def _rows(value: Mapping[str, Any]) -> list[str] | None:
    """The rows of a poem's verse; None where an object has none."""
    for verse in (value.get(key) for key in VERSE):
        if isinstance(verse, str):
            return verse.splitlines()
        if isinstance(verse, list) and verse and all(isinstance(row, str) for row in verse):
            return verse
    return None


def _first(value: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    return next((value[key] for key in keys if isinstance(value.get(key), str)), "")


def _of_text(poem: str) -> CorpusPoem:
    """A poem of a text file: the rows above it that `read_text` leaves out are its title and poet."""
    read = read_text(poem)
    words = [
        word for row in read.left_out for word in _SEPARATOR.split(row.strip("#《》〈〉【】 　")) if word
    ]
    title, poet = [*words, "", ""][:2]
    if read.cut:
        return _poem(title, poet, read.lines)
    rows = [row for row in poem.splitlines() if row not in set(read.left_out)]
    return _poem(title, poet if len(poet) <= _LONGEST_POET else "", rows)


def _poem(title: str, poet: str, rows: list[str]) -> CorpusPoem:
    """A poem in Traditional characters and full-width marks, without spaces."""
    verse = [row for row in ("".join(row.split()).translate(_FULL_WIDTH) for row in rows) if row]
    if set(MARKS).isdisjoint("".join(verse)):
        verse = [row + "，。"[place % 2] for place, row in enumerate(verse)]
    elif verse[0][-1] not in MARKS:  # marks within rows alone
        verse = [row if row[-1] in MARKS else f"{row}。" for row in verse]
    return CorpusPoem(OWN, in_context(title), in_context(poet), in_context("".join(verse)))
