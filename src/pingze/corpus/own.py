"""Read a user's own corpus, a folder of text and JSON files, as poems of the dynasty `own`.

In a text file, blank lines separate poems; a title, or a title and a poet, may precede the verse. In a JSON file, a
poem is an object, at any depth, with its verse under a key in `VERSE`, as text or as a list of rows. A `.jsonl`
file has one JSON value on each line. Verse without marks gets a mark after each row. Simplified characters are
converted to Traditional ones according to their context.
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
    """List the files of a folder and its subfolders that may hold poems, sorted by path."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def is_own(source: Path) -> bool:
    """Return whether a folder holds a user's own files rather than the package's."""
    return source.is_dir() and not is_package(source) and bool(files(source))


def read_own(folder: Path) -> Iterator[File]:
    """Read every file of a folder. Raises CorpusError, which names the file, if a file is not UTF-8 or not JSON."""
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
    if isinstance(value, Mapping):
        for verse in map(value.get, VERSE):
            rows = verse.splitlines() if isinstance(verse, str) else verse
            if isinstance(rows, list) and all(isinstance(row, str) for row in rows) and verse != []:
                yield _poem(_first(value, TITLE), _first(value, POET), rows)
                return
        value = list(value.values())
    for part in value if isinstance(value, list) else ():
        yield from _of_json(part)


def _first(value: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    return next((value[key] for key in keys if isinstance(value.get(key), str)), "")


def _of_text(poem: str) -> CorpusPoem:
    """Build a poem from a text; take the title and the poet from the rows that `read_text` leaves out."""
    read = read_text(poem)
    words = [word for row in read.left_out for word in _SEPARATOR.split(row.strip("#《》〈〉【】 　"))]
    title, poet = [*filter(None, words), "", ""][:2]
    if read.cut:
        return _poem(title, poet, read.lines)
    rows = [row for row in poem.splitlines() if row not in set(read.left_out)]
    return _poem(title, poet if len(poet) <= _LONGEST_POET else "", rows)


def _poem(title: str, poet: str, rows: list[str]) -> CorpusPoem:
    """Build a poem in Traditional characters and full-width marks, without spaces."""
    verse = [row for row in ("".join(row.split()).translate(_FULL_WIDTH) for row in rows) if row]
    if set(MARKS).isdisjoint("".join(verse)):
        verse = [row + "，。"[place % 2] for place, row in enumerate(verse)]
    elif verse[0][-1] not in MARKS:  # marks occur only within rows
        verse = [row if row[-1] in MARKS else f"{row}。" for row in verse]
    return CorpusPoem(OWN, in_context(title), in_context(poet), in_context("".join(verse)))
