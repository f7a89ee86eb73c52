"""Build the store: one SQLite file of cleaned, grouped and split poems.

The tables:

- `poem`: one row a poem, in the corpus's order, with its form by shape, its split, its group (named by the
  group's first poem), its digest, and its place in the report's draw, from 0, where it was drawn;
- `line`: one row a line, counted from 1, and where it starts in the poem's text, from 1;
- `phrase`: the full-text index of whole poems (its rowid is the poem's id): each character and each mark is
  a token, and dynasty, form and author stand beside the text; it keeps no copy of what it indexes;
- `pair`: how often Tang poets, or those of a person's own corpus, set one character after another within a line;
- `runs`: the arrays of the `corpus.suffix_array.SuffixArray` of all lines, in the order of `line`, by name, and their
  `checksum`;
- `dropped`: how many poems cleaning took away, by dynasty and reason.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import reduce
from itertools import chain, pairwise
from pathlib import Path
from zlib import crc32

from pingze.corpus.clean import VERSION_OF_ANOTHER, Cleaned, clean
from pingze.corpus.deduplicate import groups, versions
from pingze.corpus.fetch import archive_path
from pingze.corpus.own import is_own, read_own
from pingze.corpus.poem import OWN, CorpusPoem, form
from pingze.corpus.poetry_source import read_poetry_source
from pingze.corpus.records import read
from pingze.corpus.split import split
from pingze.corpus.suffix_array import SuffixArray
from pingze.errors import CorpusError
from pingze.files import sweep, written
from pingze.paths import data_folder

VERSION = 4
"""The number of the schema, and of the rules that filled it: a store with another one is built anew."""

_SCHEMA = f"""
PRAGMA user_version = {VERSION};
CREATE TABLE poem (
    id INTEGER PRIMARY KEY, dynasty TEXT, tune TEXT, title TEXT, author TEXT, form TEXT, text TEXT,
    split TEXT, group_id INTEGER, digest BLOB, draw INTEGER
);
CREATE TABLE line (
    poem INTEGER, number INTEGER, start INTEGER, text TEXT, PRIMARY KEY (poem, number)
) WITHOUT ROWID;
CREATE VIRTUAL TABLE phrase USING fts5 (
    text, dynasty, form, author, content = '', columnsize = 0, tokenize = 'ascii'
);
CREATE TABLE pair (first TEXT, second TEXT, count INTEGER, PRIMARY KEY (first, second)) WITHOUT ROWID;
CREATE TABLE runs (name TEXT PRIMARY KEY, array BLOB);
CREATE TABLE dropped (dynasty TEXT, reason TEXT, count INTEGER);
"""
# The tokenizer `ascii` takes every character beyond ASCII for a letter; `unicode61` would skip the marks and
# the Han characters that are younger than its tables.

_INDEXES = """
CREATE INDEX pair_second ON pair (second, first, count);
CREATE INDEX drawn ON poem (split, draw) WHERE draw IS NOT NULL;
INSERT INTO phrase (phrase) VALUES ('optimize');
"""


CHECKSUM = "checksum"


def store_path() -> Path:
    """Where the store stands."""
    return data_folder() / "corpus.sqlite"


def remove_unfinished() -> None:
    """Remove what fetches and builds that were killed have left."""
    for path in (archive_path(), store_path()):
        sweep(path)


def build(
    source: Path,
    more: Path | None = None,
    *,
    progress: Callable[[str], None] = lambda _: None,
    on_cleaned: Callable[[Cleaned], None] = lambda _: None,
) -> Path:
    """Build the store, and give its path; an older one is replaced.

    Args:
        source: An archive or a folder of poems, as `fetch` gives it.
        more: A clone or an archive of poetry-source, whose poems are added to those of the package.
        progress: Hears one line at the start of each part.
        on_cleaned: Hears what was kept and dropped.

    Raises CorpusError where the source cannot be read or the store cannot be written; the older store then stays.
    """
    progress("reading and cleaning the poems")
    if is_own(source) and more:
        raise CorpusError(f"{more} is added to the package's poems only, not to your own: leave out --more")
    files = (
        read_own(source) if is_own(source) else chain(read(source), read_poetry_source(more) if more else ())
    )
    cleaned = clean(files)
    if not cleaned.poems:
        raise CorpusError(f"{source} holds no poem that can be kept: name another source")
    progress(f"grouping {len(cleaned.poems):,} poems")
    poems, grouped = grouped_poems(cleaned)
    on_cleaned(cleaned)
    progress("writing the store and its index")
    path = store_path()
    with written(path, CorpusError) as partial:
        try:
            _write(partial, poems, cleaned.dropped, grouped)
        except (sqlite3.Error, UnicodeError) as error:
            raise CorpusError(f"{path} cannot be written: {error}") from error
    return path


def grouped_poems(cleaned: Cleaned) -> tuple[list[CorpusPoem], list[int]]:
    """The poems with their groups: poems of Tang, Song or a person in groups of versions, each of the others alone.

    Of the others, those that share two lines with another poem are dropped, so that none stands near a poem of dev or
    test, and counted in `cleaned`.
    """
    first = sum(poem.is_measured for poem in cleaned.poems)
    found = versions(cleaned.poems, first)
    cleaned.dropped.update((cleaned.poems[place].dynasty, VERSION_OF_ANOTHER) for place in found)
    poems = [poem for place, poem in enumerate(cleaned.poems) if place not in found]
    return poems, [*groups(poems[:first]), *range(first, len(poems))]


def _write(path: Path, poems: list[CorpusPoem], dropped: Counter[tuple[str, str]], groups: list[int]) -> None:
    with closing(sqlite3.connect(path)) as database:
        # The file is thrown away when anything fails, and flushed by `written`: no journal, no waiting.
        database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA)
        insert = database.executemany
        insert("INSERT INTO poem VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _poems(poems, groups))
        insert("INSERT INTO line VALUES (?, ?, ?, ?)", _lines(poems))
        insert(
            "INSERT INTO phrase (rowid, text, dynasty, form, author) VALUES (?, ?, ?, ?, ?)",
            _index(poems),
        )
        insert("INSERT INTO pair VALUES (?, ?, ?)", _pairs(poems))
        insert("INSERT INTO runs VALUES (?, ?)", _runs(poems))
        insert("INSERT INTO dropped VALUES (?, ?, ?)", ((*key, count) for key, count in dropped.items()))
        database.executescript(_INDEXES)  # which first commits what was inserted


def _poems(poems: list[CorpusPoem], groups: list[int]) -> Iterator[tuple[object, ...]]:
    places = split(poems, groups)
    for place, poem in enumerate(poems):
        placed = (places.splits[place], groups[place], places.digests[place].to_bytes(8, "big"))
        text = (poem.title, poem.author, "" if poem.tune else form(poem.lines), poem.text)
        yield place, poem.dynasty, poem.tune, *text, *placed, places.ranks[place]


def _lines(poems: Iterable[CorpusPoem]) -> Iterator[tuple[int, int, int, str]]:
    for place, poem in enumerate(poems):
        end = 0
        for number, line in enumerate(poem.lines, start=1):
            start = poem.text.index(line, end)
            end = start + len(line)
            yield place, number, start + 1, line


def _index(poems: Iterable[CorpusPoem]) -> Iterator[tuple[int, str, str, str, str]]:
    for place, poem in enumerate(poems):
        yield place, " ".join(poem.text), poem.dynasty, form(poem.lines), poem.author


def _pairs(poems: Iterable[CorpusPoem]) -> Iterator[tuple[str, str, int]]:
    counts: Counter[tuple[str, str]] = Counter()
    for poem in poems:
        if poem.dynasty in ("tang", OWN) and not poem.tune:
            for line in poem.lines:
                counts.update(pairwise(line))
    for (first, second), count in sorted(counts.items()):
        yield first, second, count


def _runs(poems: Iterable[CorpusPoem]) -> Iterator[tuple[str, bytes]]:
    index = SuffixArray.of_lines(line for poem in poems for line in poem.lines)
    arrays = {name: getattr(index, name).tobytes() for name in ("characters", "text", "order")}
    yield from arrays.items()
    yield CHECKSUM, checksum(arrays.values())


def checksum(arrays: Iterable[bytes]) -> bytes:
    """What tells whether the arrays, in this order, are still those that were written."""
    return reduce(lambda crc, array: crc32(array, crc), arrays, 0).to_bytes(4, "big")
