"""Read poems, file by file, from two public sources or from a user's own files.

A public source can be an archive or a folder. The npm package holds Tang and Song poems in
Traditional characters, and 詞 in Simplified characters. The repository snowtraces/poetry-source
(MIT) holds poems of 秦 to 清 and 詞 of all dynasties in Simplified characters. Its files, such as
`source/诗/明/*.base.json` and `source/词/…`, hold lists of objects with title, authorName and
content. Its files of 诗 of 唐 and 宋 are skipped, because the package holds these poems. Simplified
characters are converted in context.

A user's own corpus is a folder of text and JSON files, read as poems of the dynasty `own`. In a
text file, blank lines separate poems; a title, or a title and a poet, may precede the verse. A JSON
file may hold poems at any depth. A poem is an object whose verse is under a key in `VERSE`, as text
or as a list of rows. A `.jsonl` file has one JSON value on each line. Verse without marks gets a
mark after each row. Simplified characters are converted in context here too.
"""

import json
import lzma
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from pingze.corpus.poem import OWN, CorpusPoem
from pingze.errors import CorpusError
from pingze.verse import DYNASTIES
from pingze.verse.characters import MARKS, mark_after
from pingze.verse.context import in_context
from pingze.verse.pasted_text import read_text, split_poems

MOST_INFLATED = 2 * 10**9
"""The most bytes of an archive when it is inflated; the package has 0.4 GB."""
MOST_OF_FILE = 50 * 10**6
"""The most bytes of one of its files that holds poems; the largest of the package has 4 MB."""

_POEMS = re.compile(r"(?:(?:.*/)?quantangshi/)?poet\.(tang|song)\.(\d+)\.json")
"""The package's files of 詩: their dynasty and number."""
_CI = {
    re.compile(r"(?:.*/)?songci/ci\.song\.(\d+)y?\.json"): "song",
    re.compile(
        r"(?:.*/)?wudaishici/(?:huajianji/huajianji-[1-9x]-juan|nantang/poetrys)\.json"
    ): "wudai",
    re.compile(r"(?:.*/)?nalanxingde/[^/]+\.json"): "qing",
}
"""Patterns of the package's files of 詞, with the dynasty of each file."""
_ORDER = list(DYNASTIES)
_TUNE = re.compile(r"[^·・\s(（]+")
"""The tune at the beginning of a title."""


class File(NamedTuple):
    """A file of poems as the source has them, before cleaning."""

    order: tuple[int, ...]
    """The sort key: source, dynasty, what kind of file of these, number.

    The source is 0 for 詩 of the package or own poems, 1 for its 詞, 2 for poetry-source. For 1 the
    kind is the pattern in `_CI`, for 2 it is 詩 or 詞; for 0 there is one kind, left out.
    """
    poems: list[CorpusPoem]
    name: str


Kind = tuple[tuple[int, ...], Callable[[dict[str, Any]], CorpusPoem | None]]
"""A file's sort key, and the parser of its JSON objects.

The parser returns None for a poem that must be left out.
"""


def is_package(folder: Path) -> bool:
    """Return whether a folder holds the package's files `poet.*.json`.

    The rest of the package may be absent.
    """
    return any(
        _POEMS.fullmatch(path.relative_to(folder).as_posix())
        for path in folder.rglob("poet.*.json")
    )


def _package_kind(name: str) -> Kind | None:
    """Return the `Kind` of one of the package's files, or None if it holds neither 詩 nor 詞."""
    match = _POEMS.fullmatch(name)
    if match:
        dynasty = match[1]
        order: tuple[int, ...] = (0, _ORDER.index(dynasty), int(match[2]))
        return order, partial(_poem, dynasty)
    for pattern_number, (pattern, dynasty) in enumerate(_CI.items()):
        match = pattern.fullmatch(name)
        if match:
            numbers = [int(number) for number in match.groups()]  # only files of 宋 have a number
            order = (1, _ORDER.index(dynasty), pattern_number, *numbers)
            return order, partial(_ci, dynasty)
    return None


def _check_size(name: str, size: int) -> None:
    """Raise CorpusError if a file is too large to be read at once."""
    if size > MOST_OF_FILE:
        raise CorpusError("inflated_corpus", path=name, most=MOST_OF_FILE // 10**6)


def read(source: Path, kind_of: Callable[[str], Kind | None] = _package_kind) -> Iterator[File]:
    """Read the JSON files of a folder or a tar archive.

    `kind_of` takes the name of a file and returns the file's `Kind`, or None if the file must be
    skipped. The default `kind_of` skips all files except the package's files of 詩 and 詞.

    Raises CorpusError if the source cannot be read or a file does not hold poems.
    """
    try:
        for name, (order, parse), content in _contents(source, kind_of):
            # An inner `try`, because only these errors are about the content of one file.
            try:
                poems = []
                for value in json.loads(content):
                    poem = parse(value)
                    if poem:
                        poems.append(poem)
            except (ValueError, KeyError, TypeError) as error:
                raise CorpusError("no_poems", name=name, reason=repr(error)) from error
            yield File(order, poems, name)
    except (OSError, EOFError, tarfile.TarError, zlib.error, lzma.LZMAError) as error:
        raise CorpusError("unreadable_corpus", path=str(source), reason=str(error)) from error


def _contents(
    source: Path, kind_of: Callable[[str], Kind | None]
) -> Iterator[tuple[str, Kind, bytes]]:
    """Yield the name, `Kind` and content of each file of a folder or an archive.

    Files for which `kind_of` returns None are skipped.
    """
    if source.is_dir():
        for path in source.rglob("*.json"):
            if not path.is_file():
                continue
            name = path.relative_to(source).as_posix()
            kind = kind_of(name)
            if kind:
                _check_size(name, path.stat().st_size)
                yield name, kind, path.read_bytes()
        return
    if source.exists() and not source.is_file():
        return  # nothing can be read: opening a pipe would wait for a writer
    with tarfile.open(source, "r|*") as archive:
        for member in archive:
            # The archive is inflated up to the end of each member, whatever is read of it.
            if member.offset_data + member.size > MOST_INFLATED:
                most = MOST_INFLATED // 10**6
                raise CorpusError("inflated_corpus", path=str(source), most=most)
            kind = kind_of(member.name)
            if not kind:
                continue
            content = archive.extractfile(member)
            if content:  # None for a folder
                _check_size(member.name, member.size)
                yield member.name, kind, content.read()


def _poem(dynasty: str, record: dict[str, Any]) -> CorpusPoem:
    """Build a 詩 from a record of the package."""
    return CorpusPoem(
        dynasty=dynasty,
        title=str(record["title"]),
        author=str(record["author"]),
        text="".join(str(row) for row in record["paragraphs"]),
    )


def _ci(dynasty: str, record: dict[str, Any]) -> CorpusPoem:
    """Build a 詞 from a record of the package.

    Rows under the key `para` are stanzas; other rows are sentences of a single stanza.
    """
    title_key = "rhythmic" if "rhythmic" in record else "title"
    stanzas = record["para"] if "para" in record else ["".join(record["paragraphs"])]
    title = str(record[title_key])
    return _of_simplified(dynasty, title, str(record["author"]), stanzas, is_ci=True)


def _of_simplified(
    dynasty: str, title: str, author: str, rows: Sequence[str], *, is_ci: bool
) -> CorpusPoem:
    """Build a poem, converting each character to Traditional according to its neighbours.

    The rows are parts of a 詩 or stanzas of a 詞; a row that does not end in a mark gets one. The
    title of a 詞 begins with its tune, as 浣溪沙 in 浣溪沙·春日.
    """
    unspaced = ["".join(row.split()) for row in rows]
    marked = [_with_mark(row) for row in unspaced if row]
    tune = ""
    if is_ci:
        match = _TUNE.match(title)
        if match:
            tune = match[0]
    text = "\n".join(marked) if tune else "".join(marked)  # stanzas are separated, lines are not
    # Convert all parts at once, because each part helps to decide which script the others are in.
    converted = in_context("\0".join([title, author, tune, text]))
    title, author, tune, text = converted.split("\0")
    return CorpusPoem(dynasty=dynasty, title=title, author=author, text=text, tune=tune)


def _with_mark(row: str) -> str:
    """Add 。 to a row that does not end in a mark."""
    if row[-1] in MARKS:
        return row
    return f"{row}。"


# -- poetry-source ---------------------------------------------------------------------------------

_POETRY_SOURCE = re.compile(r"(?:.*/)?(诗|词)/([^/]+)/[^/]*?(\d+)\.base\.json")
"""The files of poems: their genre, dynasty and number."""
_TRADITIONAL = {"汉": "漢", "三国": "三國", "晋": "晉", "五代十国": "五代"}
"""The names in `DYNASTIES` of the folders that have another name."""
_KEYS = {name: key for key, name in DYNASTIES.items()}
_NOTE = re.compile(r"[（(].*?[)）]")
"""A note in brackets after a poet's name."""

PROTECTED = {
    "于右任",
    "冒广生",
    "刘永济",
    "叶恭绰",
    "吴湖帆",
    "巨赞",
    "柳亚子",
    "梁启勋",
    "汪东",
    "沈尹默",
    "王易",
    "陈匪石",
    "陈家庆",
    "陈寅恪",
    "陈方恪",
    "高燮",
}
"""Poets listed under 清 who died after 1955.

Their poems are left out, as they may still be under copyright.
"""


def read_poetry_source(source: Path) -> list[File]:
    """Read the files of a clone or an archive of poetry-source.

    Raises CorpusError if it cannot be read or has none.
    """
    files = list(read(source, _poetry_source_kind))
    if not files:
        raise CorpusError("no_poetry_source", path=str(source))
    return files


def _poetry_source_kind(name: str) -> Kind | None:
    """Return the kind of a file of poetry-source, or None if it must be skipped."""
    match = _POETRY_SOURCE.fullmatch(name)
    if not match:
        return None
    genre, folder, number = match.groups()
    is_ci = genre == "词"
    # None for a folder that is not a dynasty
    dynasty = _KEYS.get(_TRADITIONAL.get(folder, folder))
    in_package = dynasty in ("tang", "song") and not is_ci
    if dynasty is None or in_package:
        return None
    parse = partial(_poetry_source_poem, dynasty, is_ci)
    return (2, _ORDER.index(dynasty), is_ci, int(number)), parse


def _poetry_source_poem(dynasty: str, is_ci: bool, record: dict[str, Any]) -> CorpusPoem | None:
    """Build a poem from a record, or return None if it may be under copyright."""
    author = _NOTE.sub("", str(record["authorName"]))
    if author in PROTECTED:
        return None
    return _of_simplified(dynasty, str(record["title"]), author, record["content"], is_ci=is_ci)


# -- a user's own files ----------------------------------------------------------------------------

VERSE = ("paragraphs", "para", "content", "text", "lines", "verse")
TITLE = ("title", "rhythmic", "name")
POET = ("author", "poet")
SUFFIXES = (".txt", ".json", ".jsonl")
_FULL_WIDTH = str.maketrans(",.?!;:､｡．", "，。？！；：、。。")
_SEPARATOR = re.compile(r"\s+|[·・—:：]")
_LONGEST_POET = 4  # characters


def _own_files(folder: Path) -> list[Path]:
    """List the files of a folder and its subfolders that may hold poems, sorted by path."""
    return sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()
    )


def is_own(source: Path) -> bool:
    """Return whether a folder holds a user's own files rather than the package's."""
    return source.is_dir() and not is_package(source) and bool(_own_files(source))


def read_own(folder: Path) -> Iterator[File]:
    """Read every file of a folder.

    Raises CorpusError, which names the file, if a file is not UTF-8 or not JSON.
    """
    for number, path in enumerate(_own_files(folder)):
        try:
            poems = list(_own_poems(path.suffix.lower(), path.read_text(encoding="utf-8-sig")))
        except (UnicodeDecodeError, ValueError, RecursionError) as error:
            # any error but that of decoding comes from the JSON
            wanted = "UTF-8" if isinstance(error, UnicodeDecodeError) else "JSON"
            raise CorpusError(
                "wrong_format", path=str(path), wanted=wanted, reason=str(error)
            ) from None
        yield File((0, 0, number), poems, str(path.relative_to(folder)))


def _own_poems(suffix: str, text: str) -> Iterator[CorpusPoem]:
    """Yield the poems of a file, given the end of its name (one of `SUFFIXES`) and its text."""
    if suffix == ".txt":
        for poem in split_poems(text):
            yield _of_text(poem)
    elif suffix == ".json":
        yield from _of_json(json.loads(text))
    else:  # .jsonl has one JSON value on each line
        for row in text.splitlines():
            if row.strip():
                yield from _of_json(json.loads(row))


def _of_json(value: Any) -> Iterator[CorpusPoem]:
    """Yield the poems in a JSON value, at any depth."""
    if isinstance(value, Mapping):
        rows = _rows_of_verse(value)
        if rows is not None:
            yield _own_poem(_first(value, TITLE), _first(value, POET), rows)
            return
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _of_json(part)


def _rows_of_verse(record: Mapping[str, Any]) -> list[str] | None:
    """Return the rows of the verse that an object has under a key in `VERSE`, or None."""
    for key in VERSE:
        verse = record.get(key)
        if isinstance(verse, str):
            return verse.splitlines()
        if isinstance(verse, list) and verse and all(isinstance(row, str) for row in verse):
            return verse
    return None


def _first(record: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    """Return the first text that an object has under one of some keys, or ""."""
    for key in keys:
        if isinstance(record.get(key), str):
            return record[key]
    return ""


def _of_text(poem: str) -> CorpusPoem:
    """Build a poem from its text.

    The title and the poet come from the rows that `read_text` does not read as verse.
    """
    read = read_text(poem)
    # The first word that is not verse is the title, and the second one is the poet.
    words = []
    for row in read.left_out:
        words += [word for word in _SEPARATOR.split(row.strip("#《》〈〉【】 　")) if word]
    title = words[0] if words else ""
    poet = words[1] if len(words) > 1 else ""
    if read.cut:  # the rows had no marks, and each holds several lines
        return _own_poem(title, poet, read.lines)
    if len(poet) > _LONGEST_POET:  # too long for a name: it may be the beginning of a preface
        poet = ""
    rows = [row for row in poem.splitlines() if row not in read.left_out]
    return _own_poem(title, poet, rows)


def _own_poem(title: str, poet: str, rows: list[str]) -> CorpusPoem:
    """Build a poem in Traditional characters and full-width marks, without spaces."""
    unspaced = ["".join(row.split()) for row in rows]
    verse = [row.translate(_FULL_WIDTH) for row in unspaced if row]
    if set(MARKS).isdisjoint("".join(verse)):  # no marks at all: each row is a line
        verse = [row + mark_after(index) for index, row in enumerate(verse)]
    elif verse[0][-1] not in MARKS:  # the first row lacks a mark at its end, so others may too
        verse = [_with_mark(row) for row in verse]
    return CorpusPoem(
        dynasty=OWN,
        title=in_context(title),
        author=in_context(poet),
        text=in_context("".join(verse)),
    )
