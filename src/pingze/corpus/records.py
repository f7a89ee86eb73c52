"""Read the raw records of the corpus, file by file, from its archive or folder."""

import json
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pingze.errors import CorpusError

FOLDER = "dist/quantangshi"
"""Where the package keeps the poems of both dynasties."""

_FILE = re.compile(r"poet\.(tang|song)\.(\d+)\.json")
_MEMBER = re.compile(rf"package/{FOLDER}/({_FILE.pattern})")


@dataclass(frozen=True, slots=True)
class Record:
    """One poem as the package has it."""

    title: str
    author: str
    paragraphs: list[str]


@dataclass(frozen=True, slots=True)
class File:
    """One file of the package, `poet.<dynasty>.<number>.json`, or of a person's folder."""

    dynasty: str
    number: int
    records: list[Record]
    name: str = ""
    """What a person's file is called."""


def read(source: Path) -> Iterator[File]:
    """Read every file of poems in an archive or a folder of the package, in whatever order they stand there.

    Raises `CorpusError` where the source cannot be read or a file is not what it should be.
    """
    try:
        for name, content in _from_folder(source) if source.is_dir() else _from_archive(source):
            yield _parse(name, content)
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise CorpusError(f"{source} cannot be read: {error}; fetch the corpus again") from error


def poems_folder(folder: Path) -> Path:
    """The folder of `poet.*.json`: the one given, or its place in the package, unpacked there.

    Raises `CorpusError` where there is none or it cannot be read.
    """
    if place := _place(folder):
        return place
    raise CorpusError(
        f"{folder} holds no {FOLDER}/poet.tang.0.json and no .txt or .json: name the folder of the unpacked package, "
        "or one of poems"
    )


def has_package(folder: Path) -> bool:
    """Whether a folder holds the package's poems. Raises `CorpusError` where it cannot be read."""
    return _place(folder) is not None


def _place(folder: Path) -> Path | None:
    try:
        for place in (folder, folder / FOLDER, folder / "package" / FOLDER):
            if place.is_dir() and any(_FILE.fullmatch(file.name) for file in place.iterdir()):
                return place
    except OSError as error:
        raise CorpusError(f"{folder} cannot be read: {error.strerror or error}") from error
    return None


def _from_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    for file in poems_folder(folder).iterdir():
        if _FILE.fullmatch(file.name):
            yield file.name, file.read_bytes()


def _from_archive(path: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path, "r|gz") as archive:
        for member in archive:
            if (match := _MEMBER.fullmatch(member.name)) and (content := archive.extractfile(member)):
                yield match[1], content.read()


def _parse(name: str, content: bytes) -> File:
    _, dynasty, number, _ = name.split(".")
    try:
        return File(dynasty, int(number), [_record(record) for record in json.loads(content)])
    except (ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{name} is no list of poems ({error!r}): fetch the corpus again") from error


def _record(record: dict[str, Any]) -> Record:
    return Record(str(record["title"]), str(record["author"]), [str(part) for part in record["paragraphs"]])
