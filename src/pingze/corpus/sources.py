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
mark after each row. Simplified characters are converted to Traditional ones according to their
context.
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
from pingze.verse.characters import MARKS
from pingze.verse.context import in_context
from pingze.verse.pasted_text import read_text, split_poems

MOST_INFLATED = 2 * 10**9
"""The most bytes of an archive when it is inflated; the package has 0.4 GB."""
MOST_OF_FILE = 50 * 10**6
"""The most bytes of one of its files that holds poems; the largest of the package has 4 MB."""

_POEMS = re.compile(r"(?:(?:.*/)?quantangshi/)?poet\.(tang|song)\.(\d+)\.json")
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


class File(NamedTuple):
    """A file of poems as the source has them, before cleaning."""

    order: tuple[int, ...]
    """The sort key: source (0: package 詩 or own poems, 1: package 詞, 2: poetry-source), dynasty, number."""
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


def _kind(name: str) -> Kind | None:
    if match := _POEMS.fullmatch(name):
        return (0, _ORDER.index(match[1]), int(match[2])), partial(_poem, match[1])
    for place, (pattern, dynasty) in enumerate(_CI.items()):
        if match := pattern.fullmatch(name):
            return (1, _ORDER.index(dynasty), place, *map(int, match.groups())), partial(
                _ci, dynasty
            )
    return None


def _check_size(name: str, size: int) -> None:
    """Raise CorpusError if a file is too large to be read at once."""
    if size > MOST_OF_FILE:
        raise CorpusError("inflated_corpus", path=name, most=MOST_OF_FILE // 10**6)


def read(source: Path, kind_of: Callable[[str], Kind | None] = _kind) -> Iterator[File]:
    """Read the JSON files of a folder or a tar archive.

    `kind_of` takes the name of a file and returns the file's `Kind`, or None if the file must be
    skipped. The default `kind_of` skips all files except the package's files of 詩 and 詞.

    Raises CorpusError if the source cannot be read or a file does not hold poems.
    """
    try:
        for name, (order, parse), content in _contents(source, kind_of):
            try:
                poems = [poem for value in json.loads(content) if (poem := parse(value))]
            except (ValueError, KeyError, TypeError) as error:
                raise CorpusError("no_poems", name=name, reason=repr(error)) from error
            yield File(order, poems, name)
    except (OSError, EOFError, tarfile.TarError, zlib.error, lzma.LZMAError) as error:
        raise CorpusError("unreadable_corpus", path=str(source), reason=str(error)) from error


def _contents(
    source: Path, kind_of: Callable[[str], Kind | None]
) -> Iterator[tuple[str, Kind, bytes]]:
    """Yield the name, kind and content of each file in a folder or an archive, except files whose kind is None."""
    if source.is_dir():
        for path in filter(Path.is_file, source.rglob("*.json")):
            if kind := kind_of(name := path.relative_to(source).as_posix()):
                _check_size(name, path.stat().st_size)
                yield name, kind, path.read_bytes()
        return
    if source.exists() and not source.is_file():
        return  # opening a pipe would wait for a writer
    with tarfile.open(source, "r|*") as archive:
        for member in archive:
            # The archive is inflated up to the end of each member, whatever is read of it.
            if member.offset_data + member.size > MOST_INFLATED:
                most = MOST_INFLATED // 10**6
                raise CorpusError("inflated_corpus", path=str(source), most=most)
            if (kind := kind_of(member.name)) and (content := archive.extractfile(member)):
                _check_size(member.name, member.size)
                yield member.name, kind, content.read()


def _poem(dynasty: str, record: dict[str, Any]) -> CorpusPoem:
    return CorpusPoem(
        dynasty,
        str(record["title"]),
        str(record["author"]),
        "".join(map(str, record["paragraphs"])),
    )


def _ci(dynasty: str, record: dict[str, Any]) -> CorpusPoem:
    """Build a 詞 from a record of the package.

    Rows under the key `para` are stanzas; other rows are sentences.
    """
    title = str(record["rhythmic"] if "rhythmic" in record else record["title"])
    rows = record["para"] if "para" in record else ["".join(record["paragraphs"])]
    return _of_simplified(dynasty, True, title, str(record["author"]), rows)


def _of_simplified(
    dynasty: str, is_ci: bool, title: str, author: str, rows: Sequence[str]
) -> CorpusPoem:
    """Build a poem, converting each character to Traditional according to its neighbours.

    The rows are parts of a 詩 or stanzas of a 詞; a row that does not end in a mark gets one. The
    title of a 詞 begins with its tune, as 浣溪沙 in 浣溪沙·春日.
    """
    unspaced = ("".join(row.split()) for row in rows)
    marked = [row if row[-1] in MARKS else f"{row}。" for row in unspaced if row]
    tune = match[0] if is_ci and (match := _TUNE.match(title)) else ""
    parts = (title, author, tune, ("\n" if tune else "").join(marked))
    # Convert all parts at once, because each part helps to decide which script the others are in.
    title, author, tune, text = in_context("\0".join(parts)).split("\0")
    return CorpusPoem(dynasty, title, author, text, tune)


# -- poetry-source -----------------------------------------------------------------------------------------------

_FILE = re.compile(r"(?:.*/)?(诗|词)/([^/]+)/[^/]*?(\d+)\.base\.json")
_SIMPLIFIED = {"汉": "漢", "三国": "三國", "晋": "晉", "五代十国": "五代"}
_KEYS = {name: key for key, name in DYNASTIES.items()}
_NOTE = re.compile(r"[（(].*?[)）]")

_DIED_AFTER_1955 = (
    "于右任 柳亚子 沈尹默 巨赞 陈寅恪 王易 汪东 吴湖帆 陈匪石 刘永济 叶恭绰 冒广生 陈方恪 高燮 陈家庆 "
    "梁启勋"
)
PROTECTED = frozenset(_DIED_AFTER_1955.split())
"""Poets listed under 清 who died after 1955; their poems are left out, as they may still be under copyright."""


def read_poetry_source(source: Path) -> list[File]:
    """Read the files of a clone or an archive of poetry-source.

    Raises CorpusError if it cannot be read or has none.
    """
    if not (files := list(read(source, _kind_of_more))):
        raise CorpusError("no_poetry_source", path=str(source))
    return files


def _kind_of_more(name: str) -> Kind | None:
    match = _FILE.fullmatch(name)
    key = match and _KEYS.get(_SIMPLIFIED.get(match[2], match[2]))
    if not match or not key or (match[1] == "诗" and key in ("tang", "song")):
        return None
    is_ci = match[1] == "词"
    return (2, _ORDER.index(key), is_ci, int(match[3])), partial(_poem_of_more, key, is_ci)


def _poem_of_more(dynasty: str, is_ci: bool, record: dict[str, Any]) -> CorpusPoem | None:
    """Build a poem from a record, or return None if it may be under copyright."""
    author = _NOTE.sub("", str(record["authorName"]))
    if author in PROTECTED:
        return None
    return _of_simplified(dynasty, is_ci, str(record["title"]), author, record["content"])


# -- a user's own files ------------------------------------------------------------------------------------------

VERSE = ("paragraphs", "para", "content", "text", "lines", "verse")
TITLE = ("title", "rhythmic", "name")
POET = ("author", "poet")
SUFFIXES = (".txt", ".json", ".jsonl")
_FULL_WIDTH = str.maketrans(",.?!;:､｡．", "，。？！；：、。。")
_SEPARATOR = re.compile(r"\s+|[·・—:：]")
_LONGEST_POET = 4


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
            kind = "UTF-8" if isinstance(error, UnicodeDecodeError) else "JSON"
            raise CorpusError(
                "wrong_format", path=str(path), wanted=kind, reason=str(error)
            ) from None
        yield File((0, 0, number), poems, str(path.relative_to(folder)))


def _own_poems(suffix: str, text: str) -> Iterator[CorpusPoem]:
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
                yield _own_poem(_first(value, TITLE), _first(value, POET), rows)
                return
        value = list(value.values())
    for part in value if isinstance(value, list) else ():
        yield from _of_json(part)


def _first(value: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    return next((value[key] for key in keys if isinstance(value.get(key), str)), "")


def _of_text(poem: str) -> CorpusPoem:
    """Build a poem from its text.

    The title and the poet come from the rows that `read_text` does not read as verse.
    """
    read = read_text(poem)
    words = [
        word for row in read.left_out for word in _SEPARATOR.split(row.strip("#《》〈〉【】 　"))
    ]
    title, poet = [*filter(None, words), "", ""][:2]
    if read.cut:
        return _own_poem(title, poet, read.lines)
    rows = [row for row in poem.splitlines() if row not in set(read.left_out)]
    return _own_poem(title, poet if len(poet) <= _LONGEST_POET else "", rows)


def _own_poem(title: str, poet: str, rows: list[str]) -> CorpusPoem:
    """Build a poem in Traditional characters and full-width marks, without spaces."""
    verse = [row for row in ("".join(row.split()).translate(_FULL_WIDTH) for row in rows) if row]
    if set(MARKS).isdisjoint("".join(verse)):
        verse = [row + "，。"[place % 2] for place, row in enumerate(verse)]
    elif verse[0][-1] not in MARKS:  # marks occur only within rows
        verse = [row if row[-1] in MARKS else f"{row}。" for row in verse]
    return CorpusPoem(OWN, in_context(title), in_context(poet), in_context("".join(verse)))
