"""Build the store: a SQLite file of cleaned, grouped and split poems, and an index of their texts next to it.

The tables:

- `poem`: one row for each poem, in the corpus's order, with its form by shape, its split, its group (the id of the
  group's first poem), its digest, and its rank in the report's draw, from 0, if it was drawn;
- `dropped`: how many poems were dropped, by dynasty and reason;
- `suffix_array`: the name of the folder that holds the `SuffixArray` of all texts, in the order of `poem`.
"""

import shutil
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from itertools import chain
from operator import attrgetter
from pathlib import Path

from pingze.corpus.clean import VERSION_OF_ANOTHER, Cleaned, clean
from pingze.corpus.fetch import archive_path
from pingze.corpus.poem import CorpusPoem
from pingze.corpus.sources import is_own, read, read_own, read_poetry_source
from pingze.corpus.split import groups, split
from pingze.corpus.suffix_array import SuffixArray
from pingze.errors import CorpusError
from pingze.files import data_folder, locked, sweep, written

VERSION = 5  # of the schema and of the rules for its content; a store of another version must be rebuilt

_SCHEMA = f"""
PRAGMA journal_mode = OFF;  -- the file is deleted if anything fails, and `written` flushes it
PRAGMA synchronous = OFF;
PRAGMA user_version = {VERSION};
CREATE TABLE poem (
    id INTEGER PRIMARY KEY, dynasty TEXT, tune TEXT, title TEXT, author TEXT, form TEXT, text TEXT,
    split TEXT, group_id INTEGER, digest BLOB, draw INTEGER
);
CREATE TABLE dropped (dynasty TEXT, reason TEXT, count INTEGER);
CREATE TABLE suffix_array (folder TEXT);
"""
_INDEXES = """
CREATE INDEX described ON poem (dynasty, tune, form, author);
CREATE INDEX drawn ON poem (split, draw) WHERE draw IS NOT NULL;
"""


def store_path() -> Path:
    """Return the path of the store's file."""
    return data_folder() / "corpus.sqlite"


def remove_unfinished() -> None:
    """Remove the unfinished files left by fetches and builds that were killed."""
    for path in (archive_path(), store_path()):
        sweep(path.parent)


def build(
    source: Path,
    more: Path | None = None,
    *,
    progress: Callable[[str], None] = lambda _: None,
    on_cleaned: Callable[[Cleaned], None] = lambda _: None,
) -> Path:
    """Build the store, replacing any older one, and return its path.

    Args:
        source: An archive or a folder of poems, as `fetch` returns it.
        more: A clone or an archive of poetry-source, whose poems are added to those of the package.
        progress: Called with a line of text at the start of each step.
        on_cleaned: Called with the kept poems and the counts of the dropped poems.

    Raises CorpusError if the source cannot be read or the store cannot be written; an older store is then kept.
    """
    # 1) Read, clean and group the poems.
    progress("reading and cleaning the poems")
    if (own := is_own(source)) and more:
        raise CorpusError("more_than_own", path=str(more))
    cleaned = clean(read_own(source) if own else chain(read(source), read_poetry_source(more) if more else ()))
    if not cleaned.poems:
        raise CorpusError("nothing_kept", path=str(source))
    progress(f"grouping {len(cleaned.poems):,} poems")
    poems, grouped = list[CorpusPoem](), list[int]()
    found = groups(cleaned.poems, sum(poem.is_measured for poem in cleaned.poems))
    for place, (poem, group) in enumerate(zip(cleaned.poems, found, strict=True)):
        if group is None:  # dropped, so that training never sees a version of a dev or test poem
            cleaned.dropped[poem.dynasty, VERSION_OF_ANOTHER] += 1
        else:
            grouped.append(len(poems) if group == place else group)
            poems.append(poem)
    on_cleaned(cleaned)
    # 2) Write the index to a new folder, then the database that names the folder; remove the older store's index.
    progress("writing the store and its index")
    path = store_path()
    with locked(path.parent, CorpusError):
        folder = path.with_name(f"{path.name}.{uuid.uuid4().hex}.arrays")
        try:
            with written(path, CorpusError) as partial:
                SuffixArray.of_texts(poem.text for poem in poems).save(folder)
                _write(partial, poems, grouped, cleaned, folder.name)
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if not isinstance(error, sqlite3.Error | UnicodeError):
                raise
            raise CorpusError("unwritable", name=str(path), reason=str(error)) from error
        for other in path.parent.glob(f"{path.name}.*.arrays"):
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)
    return path


def _write(path: Path, poems: list[CorpusPoem], groups: list[int], cleaned: Cleaned, folder: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.executescript(_SCHEMA)
        columns = attrgetter("dynasty", "tune", "title", "author", "form", "text")
        found = zip(range(len(poems)), poems, groups, *split(poems, groups), strict=True)
        rows = (
            (id_, *columns(poem), name, group, digest.to_bytes(8, "big"), rank)
            for id_, poem, group, digest, name, rank in found
        )
        database.executemany(f"INSERT INTO poem VALUES ({', '.join('?' * 11)})", rows)
        dropped = ((*key, count) for key, count in cleaned.dropped.items())
        database.executemany("INSERT INTO dropped VALUES (?, ?, ?)", dropped)
        database.execute("INSERT INTO suffix_array VALUES (?)", (folder,))
        database.executescript(_INDEXES)  # executescript commits the rows first
