"""Build the store: clean the poems, group the versions of each, split the groups, and write the poems with an index.

A digest assigns each group to a split. Digests also select the poems that are drawn for the report,
which trains and measures models on the drawn poems only (docs/the-report.md). There is no random
state: the same corpus gives the same splits on every machine. The store is a SQLite file, with its
index in a folder next to it. The tables of the file:

- `poem`: one row for each poem, in the corpus's order, with its form by shape, its split, its group
  (the id of the group's first poem) and its digest. A poem drawn for the report (see `split`) also
  has its rank in the draw, from 0;
- `dropped`: how many poems were dropped, by dynasty and reason;
- `suffix_array`: the name of the folder that holds the `SuffixArray` of all texts, in the order of
    `poem`.
"""

import hashlib
import json
import re
import shutil
import sqlite3
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import chain, combinations
from operator import attrgetter
from pathlib import Path
from unicodedata import normalize

from pingze.corpus.fetch import archive_path
from pingze.corpus.poem import CorpusPoem, digest
from pingze.corpus.sources import File, is_own, read, read_own, read_poetry_source
from pingze.corpus.suffix_array import SuffixArray
from pingze.errors import CorpusError
from pingze.files import locked, sweep, user_folder, written
from pingze.verse.characters import HAN, MARKS

# -- clean -------------------------------------------------------------------------------------------------------

DIGESTS, CHECKED = "digests.json", "checked.json"
"""Files of an index's folder: the digests of the store's parts, and which parts were last found to fit them."""
SHORTEST = 20  # a poem with fewer characters (Han characters and marks) is dropped as a fragment
REASONS = ("lost characters", "brackets, quotes or notes", "other signs", "too short")
"""The reasons for dropping a poem; each poem is counted once, under the first reason that applies."""
VERSION_OF_ANOTHER = "version of another"
"""The reason for dropping a poem that is not measured (`is_measured`) and shares two lines with an earlier poem."""
_SIGNS = (
    # 囗 is a Han character (U+56D7), but poets do not use it: the source has it in place of □
    "[□○●囗]",
    r"[()\[\]{}（）［］｛｝〈〉《》「」『』【】〔〕〖〗“”‘’\"']",
    f"[^{HAN}{MARKS}]",
)
"""Patterns of the signs for which a poem is dropped, in the order of `REASONS`."""


@dataclass(frozen=True)
class Cleaned:
    """The kept poems, in the corpus's order, and the number of dropped poems by (dynasty, reason)."""

    poems: list[CorpusPoem]
    dropped: Counter[tuple[str, str]]
    first: dict[tuple[str, str], str] = field(default_factory=dict)
    """The title and the first characters of the first poem dropped for each (dynasty, reason)."""
    without: list[str] = field(default_factory=list)
    """The names of files that contain no poem."""


def clean(files: Iterable[File]) -> Cleaned:
    """Clean every poem, in the order of the files."""
    cleaned = Cleaned([], Counter())
    for file in sorted(files, key=attrgetter("order")):
        if not file.poems:
            cleaned.without.append(file.name)
        for raw in file.poems:
            parts = (raw.title.strip(), raw.author.strip(), raw.text, raw.tune.strip())
            poem = CorpusPoem(raw.dynasty, *(normalize("NFC", part) for part in parts))
            if reason := fault(poem.text.replace("\n", "") if poem.tune else poem.text):
                cleaned.dropped[poem.dynasty, reason] += 1
                cleaned.first.setdefault(
                    (poem.dynasty, reason), f"《{poem.title}》{poem.text[:12]}"
                )
            else:
                cleaned.poems.append(poem)
    return cleaned


def fault(text: str) -> str | None:
    """Return the first of `REASONS` that applies to a text in NFC, or None if the text is kept."""
    for reason, signs in zip(REASONS, _SIGNS, strict=False):
        if re.search(signs, text):
            return reason
    return REASONS[-1] if len(text) < SHORTEST else None


# -- group and split ---------------------------------------------------------------------------------------------

SPLITS = ("train", "dev", "test")
# poems that the report trains on (train) and measures on (dev)
DRAWN = {"train": 16_384, "dev": 2_730}
# shorter lines are ignored: two poems that share such lines need not be versions of the same poem
SHORTEST_LINE = 5
# the most lines of a poem to compare in pairs; this limits the cost of a poem with many common
# lines
MOST_SHARED = 100


def groups(poems: Sequence[CorpusPoem], measured: int | None = None) -> list[int | None]:
    """Return the group of each poem, identified by the index of the group's first poem.

    Two poems are in one group if they share two or more different lines of at least five
    characters, or if a chain of such pairs connects them. Only the first `measured` poems (by
    default all) are grouped in this way. A later poem gets None if it shares two such lines with an
    earlier poem that has a group. Otherwise it forms a group alone.
    """
    measured = len(poems) if measured is None else measured
    # Union-find; the root of a set is its smallest member.
    parent = list(range(len(poems)))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]  # halve the path, so that later walks are short
            node = parent[node]
        return node

    telling = [{line for line in poem.lines if len(line) >= SHORTEST_LINE} for poem in poems]
    times = Counter(chain.from_iterable(telling))
    homes: dict[tuple[str, str], int] = {}
    versions = set()
    for place, lines in enumerate(telling):
        # lines that other poems contain too
        shared = sorted(line for line in lines if times[line] > 1)
        pairs = list(combinations(shared[:MOST_SHARED], 2))
        if place >= measured and not homes.keys().isdisjoint(pairs):
            versions.add(place)
            continue
        for pair in pairs:
            small, large = sorted(map(root, (homes.setdefault(pair, place), place)))
            parent[large] = small
    return [None if node in versions else root(node) for node in range(len(poems))]


def split(
    poems: Sequence[CorpusPoem], groups: Sequence[int]
) -> tuple[list[int], list[str], list[int | None]]:
    """Assign each group of poems to a split, and draw poems for the report.

    Returns three lists over the poems: their digests, their splits, and their ranks in the draw,
    from 0 (None if a poem is not drawn). The smallest digest in a group selects the split of the
    whole group. Only the poem that has this digest can be drawn, and only if it is a Tang poem. If
    two poems of a group have this digest, only the first can be drawn (Tang poems precede Song
    poems). In each split, poems are drawn in ascending order of digest.
    """
    digests = [digest(poem.text) for poem in poems]
    smallest: dict[int, int] = {}
    for place, group in enumerate(groups):
        if group not in smallest or digests[place] < digests[smallest[group]]:
            smallest[group] = place
    splits = [
        split_of(digests[smallest[group]], is_later=not (poem.is_measured or poem.tune))
        for poem, group in zip(poems, groups, strict=True)
    ]
    tang = [
        place
        for place in smallest.values()
        if poems[place].dynasty == "tang" and not poems[place].tune
    ]
    tang.sort(key=lambda place: (digests[place], place))
    ranks: list[int | None] = [None] * len(poems)
    for name, count in DRAWN.items():
        for rank, place in enumerate([place for place in tang if splits[place] == name][:count]):
            ranks[place] = rank
    return digests, splits, ranks


def split_of(digest: int, *, is_later: bool = False) -> str:
    """Return the split that a digest selects: train for 87 % of the digests, dev for 6.5 %, test for 6.5 %.

    For a 詩 of neither Tang nor Song (`is_later`), the shares are 98 %, 1 % and 1 %, since such 詩
    are for training.
    """
    train, dev = (0.98, 0.99) if is_later else (0.87, 0.935)
    share = digest / 2**64
    return "train" if share < train else "dev" if share < dev else "test"


# -- write -------------------------------------------------------------------------------------------------------

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
    with locked(store_path().parent, CorpusError):
        pass  # a folder that cannot be written is noticed before the work
    # 1) Read, clean and group the poems.
    progress("reading and cleaning the poems")
    if (own := is_own(source)) and more:
        raise CorpusError("more_than_own", path=str(more))
    cleaned = clean(
        read_own(source) if own else chain(read(source), read_poetry_source(more) if more else ())
    )
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
    # 2) Write the index to a new folder, then the database that names the folder; remove the older
    # store's index.
    progress("writing the store and its index")
    path = store_path()
    with locked(path.parent, CorpusError):
        folder = path.with_name(f"{path.name}.{uuid.uuid4().hex}.arrays")
        try:
            with written(path, CorpusError) as partial:
                SuffixArray.of_texts(poem.text for poem in poems).save(folder)
                _write(partial, poems, grouped, cleaned, folder.name)
                digests = _digests(partial, folder)
                (folder / DIGESTS).write_text(json.dumps(digests), encoding="ascii")
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if not isinstance(error, sqlite3.Error | UnicodeError):
                raise
            raise CorpusError("unwritable", name=str(path), reason=str(error)) from error
        for other in path.parent.glob(f"{path.name}.*.arrays"):
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)
    return path


def _digests(database: Path, folder: Path) -> dict[str, str]:
    """Compute the SHA-256 of a store's database and of each array of its index."""
    found = {}
    for path in (database, *sorted(folder.glob("*.npy"))):
        with path.open("rb") as file:
            found["" if path == database else path.name] = hashlib.file_digest(
                file, "sha256"
            ).hexdigest()
    return found


def check_digests(database: Path, folder: Path) -> None:
    """Compare each part of a store with its digest, unless no part has changed since this was done.

    Raises ValueError if a part is damaged, and OSError if one cannot be read.
    """
    wanted, checked = folder / DIGESTS, folder / CHECKED
    if not wanted.exists():  # built by an earlier version
        return
    for path in folder.iterdir():
        if not path.is_file():  # opening a pipe would wait for a writer
            raise ValueError(f"{path.name} is no file")
    states = []
    for path in (database, *sorted(folder.glob("*.npy"))):
        state = path.stat()
        states.append([path.name, state.st_size, state.st_mtime_ns])
    if checked.exists() and checked.read_text(encoding="utf-8") == json.dumps(states):
        return
    if _digests(database, folder) != json.loads(wanted.read_text(encoding="ascii")):
        raise ValueError("it does not fit its digest")
    with suppress(CorpusError), written(checked, CorpusError) as partial:
        partial.write_text(json.dumps(states), encoding="utf-8")


def _write(
    path: Path, poems: list[CorpusPoem], groups: list[int], cleaned: Cleaned, folder: str
) -> None:
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
