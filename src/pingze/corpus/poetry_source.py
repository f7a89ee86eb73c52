"""Read poems of 秦 to 清 and 詞 of all dynasties from the public repository snowtraces/poetry-source (MIT).

Its layout is `source/诗/明/*.base.json` and `source/词/…`: a list of objects with title, authorName and content, in
Simplified characters. Its 诗 of 唐 and 宋 are left out, since the package holds them.
"""

import re
from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from pingze.corpus.records import File, Record, members, parse, read_simplified, tune_of
from pingze.errors import CorpusError
from pingze.verse.dynasties import DYNASTIES

_FILE = re.compile(r"(?:^|/)(诗|词)/([^/]+)/[^/]*?(\d+)\.base\.json$")
_SIMPLIFIED = {"汉": "漢", "三国": "三國", "晋": "晉", "五代十国": "五代"}
_NAMES = {name: key for key, name in DYNASTIES.items()}
_NOTE = re.compile(r"[（(].*?[)）]")

_DIED_AFTER_1955 = (
    "于右任 柳亚子 沈尹默 巨赞 陈寅恪 王易 汪东 吴湖帆 陈匪石 刘永济 叶恭绰 冒广生 陈方恪 高燮 陈家庆 梁启勋"
)
PROTECTED = frozenset(_DIED_AFTER_1955.split(" "))
"""Poets filed under 清 who died after 1955: their poems may not be free yet everywhere, and are left out."""


def read_poetry_source(source: Path) -> Iterator[File]:
    """Read the files of a clone of the repository, or of an archive of it.

    Raises CorpusError where the source cannot be read or holds no such file.
    """
    found = False
    for name, content in _from_folder(source) if source.is_dir() else members(source):
        if match := _FILE.search(name):
            kind, dynasty, number = match.groups()
            key = _NAMES.get(_SIMPLIFIED.get(dynasty, dynasty))
            if key and not (kind == "诗" and key in ("tang", "song")):
                found = True
                order = (2, kind == "词", int(number))
                yield parse(name, content, key, order, partial(_record, kind == "词"))
    if not found:
        raise CorpusError(
            f"{source} holds no source/诗/明/*.base.json: name a clone of poetry-source or its archive"
        )


def _from_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    for place in (folder, folder / "source"):
        for path in chain(place.glob("诗/*/*.json"), place.glob("词/*/*.json")):
            try:
                yield path.relative_to(place).as_posix(), path.read_bytes()
            except OSError as error:
                raise CorpusError(f"{path} cannot be read: {error.strerror or error}") from error


def _record(is_ci: bool, record: dict[str, Any]) -> Record | None:
    """The poem, or None where it may not be free."""
    title, author = str(record["title"]), _NOTE.sub("", str(record["authorName"]))
    if author in PROTECTED:
        return None
    return read_simplified(title, author, record["content"], tune_of(title) if is_ci else "")
