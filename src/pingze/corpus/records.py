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
from pingze.verse.simplified import in_context

FOLDER = "dist/quantangshi"
"""Where the package keeps the poems of both dynasties."""

_POEMS = re.compile(r"poet\.(tang|song)\.(\d+)\.json")
_CI = {
    re.compile(r"songci/ci\.song\.(\d+)y?\.json"): "song",
    re.compile(r"wudaishici/(?:huajianji/huajianji-[1-9x]-juan|nantang/poetrys)\.json"): "wudai",
    re.compile(r"nalanxingde/[^/]+\.json"): "qing",
}
"""The package's files of 詞, beside the folder of poems, and the dynasty of each."""

_TUNE = re.compile(r"[^·・\s(（]+")


@dataclass(frozen=True, slots=True)
class Record:
    """One poem as its source has it."""

    title: str
    author: str
    paragraphs: list[str]
    tune: str = ""
    """The tune of a 詞, whose paragraphs are then its stanzas where the source tells them."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of poems of one dynasty."""

    dynasty: str
    order: tuple[int, ...]
    """Files of one dynasty are kept in this order."""
    records: list[Record]
    name: str = ""


def read(source: Path) -> Iterator[File]:
    """Read every file of poems and of 詞 in an archive or a folder of the package, in the order of the source.

    A folder of `poet.*.json` alone gives no 詞.

    Raises `CorpusError` where the source cannot be read or a file is not what it should be.
    """
    for name, content in _from_folder(source) if source.is_dir() else members(source):
        name = name.removeprefix("quantangshi/")
        if match := _POEMS.fullmatch(name):
            yield parse(name, content, match[1], (0, int(match[2])), _poem)
        else:
            for place, (pattern, dynasty) in enumerate(_CI.items()):
                if match := pattern.fullmatch(name):
                    yield parse(name, content, dynasty, (1, place, *map(int, match.groups())), _ci)


def members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Read the JSON files of a tar archive, each with its name there.

    Raises `CorpusError` where the archive cannot be read.
    """
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                if member.name.endswith(".json") and (content := archive.extractfile(member)):
                    yield member.name.removeprefix("package/dist/"), content.read()
    except (OSError, EOFError, tarfile.TarError, zlib.error, lzma.LZMAError) as error:
        raise CorpusError(f"{path} cannot be read: {error}; fetch the corpus again") from error


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
            if place.is_dir() and any(_POEMS.fullmatch(file.name) for file in place.iterdir()):
                return place
    except OSError as error:
        raise CorpusError(f"{folder} cannot be read: {error.strerror or error}") from error
    return None


def _from_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The files of poems, and those of 詞 where the folder is the package's own."""
    poems = poems_folder(folder)
    paths = {path.name: path for path in poems.iterdir() if path.suffix == ".json"}
    if poems.name == Path(FOLDER).name:
        others = (
            path
            for name in ("songci", "wudaishici", "nalanxingde")
            for path in (poems.parent / name).rglob("*.json")
        )
        paths |= {path.relative_to(poems.parent).as_posix(): path for path in others}
    for name, path in paths.items():
        try:
            yield name, path.read_bytes()
        except OSError as error:
            raise CorpusError(f"{path} cannot be read: {error.strerror or error}") from error


def parse(
    name: str,
    content: bytes,
    dynasty: str,
    order: tuple[int, ...],
    record: Callable[[dict[str, Any]], Record | None],
) -> File:
    """The records of one JSON file. Raises `CorpusError`, which names it, where it is no list of poems."""
    try:
        records = [record(value) for value in json.loads(content)]
        return File(dynasty, order, [each for each in records if each], name)
    except (ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{name} is no list of poems ({error!r}): fetch the corpus again") from error


def _poem(record: dict[str, Any]) -> Record:
    return Record(str(record["title"]), str(record["author"]), [str(part) for part in record["paragraphs"]])


def read_simplified(title: str, author: str, rows: Sequence[str], tune: str = "") -> Record:
    """A record in Traditional characters, each read by its neighbours.

    rows: parts of the text that follow each other; a row without a mark at its end gets one.
    tune: of a 詞, whose rows are its stanzas.
    """
    marked = [
        row if row[-1] in MARKS else f"{row}。" for row in ("".join(row.split()) for row in rows) if row
    ]
    parts = [title, author, tune, ("\n" if tune else "").join(marked)]
    title, author, tune, text = in_context("\0".join(parts)).split(
        "\0"
    )  # one reading: each part tells the script
    return Record(title, author, [text], tune)


def tune_of(title: str) -> str:
    """The tune that a title of a 詞 begins with, as 浣溪沙 of 浣溪沙·春日."""
    match = _TUNE.match(title)
    return match[0] if match else ""


def _ci(record: dict[str, Any]) -> Record:
    """A 詞 of the package: a sentence a row, or (under `para`) a stanza a row."""
    title = str(record["rhythmic"] if "rhythmic" in record else record["title"])
    rows = record["para"] if "para" in record else ["".join(record["paragraphs"])]
    return read_simplified(title, str(record["author"]), rows, tune_of(title))
