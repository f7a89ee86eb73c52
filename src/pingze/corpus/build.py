"""Build the store from a source of poems: a SQLite file, with an index in a folder next to it.

The tables of the file:

- `poem`: one row for each poem, in the corpus's order, with its form by shape, its split, its group
  (the id of the group's first poem) and its digest. A poem drawn for the report (see `split`) also
  has its rank in the draw, from 0;
- `dropped`: how many poems were dropped, by dynasty and reason;
- `suffix_array`: the name of the folder that holds the `SuffixArray` of all texts, in the order of
  `poem`.
"""

import shutil
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path

from pingze.corpus.clean import Cleaned, clean
from pingze.corpus.digests import write_digests
from pingze.corpus.fetch import archive_path
from pingze.corpus.poem import CorpusPoem
from pingze.corpus.sources import File, is_own, read, read_own, read_poetry_source
from pingze.corpus.split import groups, split
from pingze.corpus.suffix_array import SuffixArray
from pingze.errors import CorpusError
from pingze.files import locked, sweep, user_folder, written

VERSION_OF_ANOTHER = "version of another"
"""The reason for dropping a poem that shares two lines with an earlier poem.

Only poems that are not measured (`CorpusPoem.is_measured`) are dropped for it.
"""

# of the schema and of the rules for its content; a store of another version must be rebuilt
VERSION = 5

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
    return user_folder("data") / "corpus.sqlite"


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

    Raises CorpusError if the source cannot be read or the store cannot be written; an older store
    is then kept.
    """
    # The lock is taken and released at once, so that a folder that cannot be written is noticed
    # before the work, which takes long.
    with locked(store_path().parent, CorpusError):
        pass
    # 1) Read, clean and group the poems.
    progress("reading and cleaning the poems")
    cleaned = clean(_files(source, more))
    if not cleaned.poems:
        raise CorpusError("nothing_kept", path=str(source))
    progress(f"grouping {len(cleaned.poems):,} poems")
    # the measured poems precede all others, so that their number tells which they are
    measured = sum(poem.is_measured for poem in cleaned.poems)
    poems: list[CorpusPoem] = []
    group_ids = []
    for place, group in enumerate(groups(cleaned.poems, measured)):
        poem = cleaned.poems[place]
        if group is None:  # dropped, so that training never sees a version of a dev or test poem
            cleaned.dropped[poem.dynasty, VERSION_OF_ANOTHER] += 1
            continue
        # A group is named by the id of its first poem. Dropped poems have no id, so the id may be
        # below the poem's place among the cleaned poems. A measured poem is never dropped, so only
        # a poem that is a group alone has such an id.
        if group == place:  # this is the group's first poem
            group = len(poems)
        group_ids.append(group)
        poems.append(poem)
    on_cleaned(cleaned)
    # 2) Write the index to a new folder, then the database that names the folder; remove the older
    # store's index.
    progress("writing the store and its index")
    path = store_path()
    with locked(path.parent, CorpusError):
        folder = path.with_name(f"{path.name}.{uuid.uuid4().hex}.arrays")
        try:
            with written(path, CorpusError) as partial:
                SuffixArray.of_texts(poem.text for poem in poems).save(folder)
                _write(partial, poems, group_ids, cleaned, folder.name)
                write_digests(partial, folder)
        except BaseException as error:  # Ctrl-C too
            shutil.rmtree(folder, ignore_errors=True)
            # UnicodeError: a title or a poet's name has a lone surrogate
            if not isinstance(error, sqlite3.Error | UnicodeError):
                raise
            raise CorpusError("unwritable", name=str(path), reason=str(error)) from error
        for index_folder in path.parent.glob(f"{path.name}.*.arrays"):
            if index_folder != folder:
                shutil.rmtree(index_folder, ignore_errors=True)
    return path


def _files(source: Path, more: Path | None) -> Iterable[File]:
    """Read the files of a source, and after them those of poetry-source if `more` is its path."""
    if is_own(source):
        if more:
            raise CorpusError("more_than_own", path=str(more))
        return read_own(source)
    if more:
        return chain(read(source), read_poetry_source(more))
    return read(source)


def _write(
    path: Path, poems: list[CorpusPoem], group_ids: list[int], cleaned: Cleaned, folder: str
) -> None:
    """Write the database. `folder` is the name of the folder that holds the index."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(_SCHEMA)
        parameters = ", ".join(["?"] * 11)  # one for each column
        database.executemany(f"INSERT INTO poem VALUES ({parameters})", _rows(poems, group_ids))
        for (dynasty, reason), count in cleaned.dropped.items():
            database.execute("INSERT INTO dropped VALUES (?, ?, ?)", (dynasty, reason, count))
        database.execute("INSERT INTO suffix_array VALUES (?)", (folder,))
        database.executescript(_INDEXES)  # executescript commits the rows first


def _rows(poems: list[CorpusPoem], group_ids: list[int]) -> Iterator[tuple[object, ...]]:
    """Yield the rows of the table `poem`, with the columns in the order of the schema."""
    digests, splits, ranks = split(poems, group_ids)
    for id_, poem in enumerate(poems):
        yield (
            id_,
            poem.dynasty,
            poem.tune,
            poem.title,
            poem.author,
            poem.form,
            poem.text,
            splits[id_],
            group_ids[id_],
            digests[id_].to_bytes(8, "big"),
            ranks[id_],
        )
