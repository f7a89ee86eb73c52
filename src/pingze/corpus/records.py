"""Read the raw records of the corpus, file by file, from the package's archive or folder.

The package holds the poems of Tang and Song in Traditional characters, and 詞 in Simplified ones, which are read by
context. `poetry_source` reads further poems into the same records.
"""

import json
import lzma
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pingze.errors import CorpusError
from pingze.verse.characters import MARKS
from pingze.verse.context import in_context

_POEMS = re.compile(r"(?:(?:.*/)?quantangshi/)?poet\.(tang|song)\.(\d+)\.json")
_CI = {
    re.compile(r"(?:.*/)?songci/ci\.song\.(\d+)y?\.json"): "song",
    re.compile(r"(?:.*/)?wudaishici/(?:huajianji/huajianji-[1-9x]-juan|nantang/poetrys)\.json"): "wudai",
    re.compile(r"(?:.*/)?nalanxingde/[^/]+\.json"): "qing",
}
"""The package's files of 詞, and the dynasty of each."""
_TUNE = re.compile(r"[^·・\s(（]+")


@dataclass(frozen=True, slots=True)
class Record:
    """One poem as its source has it."""

    title: str
    author: str
    text: str
    """The verse; a line end separates the stanzas of a 詞, where the source has them."""
    tune: str = ""
    """The tune of a 詞."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of poems of one dynasty."""

    dynasty: str
    order: tuple[int, ...]
    """Files of one dynasty are kept in this order."""
    records: list[Record]
    name: str


Parse = Callable[[dict[str, Any]], Record | None]
"""Makes a record of a JSON object; None of one that is left out."""
Kind = tuple[str, tuple[int, ...], Parse]
"""The dynasty and the order of a file, and how its poems are parsed."""


def read(source: Path) -> Iterator[File]:
    """Read every file of poems and of 詞 in an archive or a folder of the package.

    Raises CorpusError where the source cannot be read or a file does not hold poems.
    """
    return read_files(source, _kind)


def is_package(folder: Path) -> bool:
    """Whether a folder holds the package's poems: it is unpacked there, or its `poet.*.json` alone."""
    return any(_POEMS.fullmatch(path.relative_to(folder).as_posix()) for path in folder.rglob("poet.*.json"))


def _kind(name: str) -> Kind | None:
    if match := _POEMS.fullmatch(name):
        return match[1], (0, int(match[2])), _poem
    for place, (pattern, dynasty) in enumerate(_CI.items()):
        if match := pattern.fullmatch(name):
            return dynasty, (1, place, *map(int, match.groups())), _ci
    return None


def read_files(source: Path, kind_of: Callable[[str], Kind | None]) -> Iterator[File]:
    """Read the JSON files of a folder or a tar archive whose names have a kind.

    Raises CorpusError where the source cannot be read or a file does not hold poems.
    """
    try:
        for name, content in _in_folder(source, kind_of) if source.is_dir() else _in_archive(source, kind_of):
            dynasty, order, parse = kind_of(name) or ("", (), _poem)
            try:
                records = [parse(value) for value in json.loads(content)]
            except (ValueError, KeyError, TypeError) as error:
                raise CorpusError("no_poems", name=name, reason=repr(error)) from error
            yield File(dynasty, order, [record for record in records if record], name)
    except (OSError, EOFError, tarfile.TarError, zlib.error, lzma.LZMAError) as error:
        raise CorpusError("unreadable_corpus", path=str(source), reason=str(error)) from error


def _in_folder(source: Path, kind_of: Callable[[str], Kind | None]) -> Iterator[tuple[str, bytes]]:
    for path in source.rglob("*.json"):
        if kind_of(name := path.relative_to(source).as_posix()):
            yield name, path.read_bytes()


def _in_archive(source: Path, kind_of: Callable[[str], Kind | None]) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(source, "r|*") as archive:
        for member in archive:
            if kind_of(member.name) and (content := archive.extractfile(member)):
                yield member.name, content.read()


def _poem(record: dict[str, Any]) -> Record:
    return Record(str(record["title"]), str(record["author"]), "".join(map(str, record["paragraphs"])))


def _ci(record: dict[str, Any]) -> Record:
    """A 詞 of the package: a sentence a row, or (under `para`) a stanza a row."""
    title = str(record["rhythmic"] if "rhythmic" in record else record["title"])
    rows = record["para"] if "para" in record else ["".join(record["paragraphs"])]
    return read_simplified(title, str(record["author"]), rows, tune_of(title))


def read_simplified(title: str, author: str, rows: Sequence[str], tune: str = "") -> Record:
    """Make a record in Traditional characters, each read by its neighbours.

    rows: Parts of the text that follow each other; a row without a mark at its end gets one.
    tune: Of a 詞, whose rows are its stanzas.
    """
    unspaced = ("".join(row.split()) for row in rows)
    marked = [row if row[-1] in MARKS else f"{row}。" for row in unspaced if row]
    parts = (title, author, tune, ("\n" if tune else "").join(marked))
    # One reading for all: each part shows which script the others are in.
    title, author, tune, text = in_context("\0".join(parts)).split("\0")
    return Record(title, author, text, tune)


def tune_of(title: str) -> str:
    """The tune that a title of a 詞 begins with, as 浣溪沙 of 浣溪沙·春日."""
    match = _TUNE.match(title)
    return match[0] if match else ""
