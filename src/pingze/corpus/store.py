"""The built store, to read: phrases, neighbours, statistics, poems and the report's draw.

Any number of processes may read at once, also while a new store is built: it takes the old one's name, and
who reads the old one reads on.
"""

import sqlite3
import stat
import threading
from collections.abc import Callable, Collection, Hashable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pingze.corpus.build import CHECKSUM, VERSION, checksum, store_path
from pingze.corpus.phrases import BEGINS_HERE, LINES, Hit, encodable, matching, searchable
from pingze.corpus.poem import FORMS, OWN, CorpusPoem
from pingze.corpus.split import DRAWN, SPLITS
from pingze.corpus.suffix_array import SuffixArray
from pingze.errors import CorpusError, InputError
from pingze.verse.dynasties import DYNASTIES

_REBUILD = "run `pingze corpus fetch --rebuild`"

_LARGEST = 2**63 - 1
"""SQLite's largest number."""

_SAME_SHAPE = {"五排": "五言", "五古": "五言", "七排": "七言", "七古": "七言"}
"""Forms that only the tones tell apart, and the name of the shape that they share."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the corpus holds; every count is by dynasty, then by name."""

    poems: dict[str, int]
    """The poems that stayed; "ci" counts the 詞 of all dynasties."""
    dropped: dict[str, dict[str, int]]
    """Those that did not, by reason."""
    forms: dict[str, dict[str, int]]
    """By form, as the shape names it; "" for lines of other lengths."""
    splits: dict[str, dict[str, int]]
    """train, dev and test."""
    poets: dict[str, dict[str, int]]
    """The most prolific, in that order."""
    lines: int
    """Lines 句 of all poems."""
    groups: int
    """Groups of versions of one poem."""
    largest_group: int
    """Poems in the largest of them."""


_HELD: dict[Hashable, SuffixArray] = {}
"""The suffix array that was read last, by its file: 100 MB, and more than a second to read."""
_LOADING = threading.Lock()


def let_go() -> None:
    """Hold the corpus's suffix array no longer."""
    with _LOADING:
        _HELD.clear()


@contextmanager
def usual_neighbours() -> Iterator[Callable[[str, str], dict[str, int]] | None]:
    """`Store.beside` of the store, None where there is no store."""
    with ExitStack() as stack:
        try:
            store = stack.enter_context(Store.open())
        except CorpusError:
            yield None
        else:
            yield store.beside


class Store:
    """The corpus on disk: `with Store.open() as store: ...`, in one thread.

    Args:
        database: The open database.
        path: The file that it is in.
    """

    def __init__(self, database: sqlite3.Connection, path: Path) -> None:
        self._database, self._path = database, path

    @classmethod
    @contextmanager
    def open(cls, path: Path | None = None) -> Iterator[Self]:
        """Open a store to read.

        Args:
            path: Its file; by default the user's own store, which `pingze corpus fetch` built.

        Raises CorpusError, here or where the block meets the damage, if it is absent, damaged or of another version.
        """
        path = path or store_path()
        _be_readable(path)
        # A built store never changes in place, so SQLite need neither lock it nor look for a journal.
        uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        try:
            with closing(sqlite3.connect(uri, uri=True)) as database:
                (version,) = database.execute("PRAGMA user_version").fetchone()
                if version != VERSION:
                    raise CorpusError(f"{path} is of version {version}, not {VERSION}: {_REBUILD}")
                yield cls(database, path)
        except sqlite3.ProgrammingError:  # a mistake in the caller's code, not in the file
            raise
        except sqlite3.DatabaseError as error:
            raise CorpusError(f"{path} is damaged ({error}): {_REBUILD}") from error

    def dynasties(self) -> tuple[str, ...]:
        """The dynasties of its poems 詩, Tang and Song among them; or own alone."""
        found = {
            name for (name,) in self._database.execute("SELECT DISTINCT dynasty FROM poem WHERE tune = ''")
        }
        return (OWN,) if OWN in found else tuple(n for n in DYNASTIES if n in found | {"tang", "song"})

    def poems(self, *, dynasty: str | None = None, split: str | None = None) -> Iterator[CorpusPoem]:
        """Poems 詩 in the corpus's order.

        Args:
            dynasty: A key of `DYNASTIES`, or own; all by default.
            split: train, dev or test; all by default.

        Raises InputError on another dynasty or split.
        """
        query = """
            SELECT dynasty, title, author, text FROM poem
            WHERE tune = '' AND (:dynasty IS NULL OR dynasty = :dynasty)
                AND (:split IS NULL OR split = :split) ORDER BY id
        """
        chosen = {
            "dynasty": _one_of("dynasty", dynasty, (*DYNASTIES, OWN)),
            "split": _one_of("split", split, SPLITS),
        }
        return (CorpusPoem(*row) for row in self._database.execute(query, chosen))

    def ci(self, *, split: str | None = None) -> Iterator[CorpusPoem]:
        """The 詞 of all dynasties in the corpus's order.

        Args:
            split: train, dev or test; all by default.

        Raises InputError on another split.
        """
        query = """
            SELECT dynasty, title, author, text, tune FROM poem
            WHERE tune != '' AND (:split IS NULL OR split = :split) ORDER BY id
        """
        return (
            CorpusPoem(*row)
            for row in self._database.execute(query, {"split": _one_of("split", split, SPLITS)})
        )

    def report_draw(self, split: str) -> list[str]:
        """The texts of the report's draw, in its order: 16,384 of train, 2,730 of dev.

        Args:
            split: train or dev.

        Raises InputError on another split.
        """
        query = "SELECT text FROM poem WHERE split = ? AND draw IS NOT NULL ORDER BY draw"
        return [text for (text,) in self._database.execute(query, (_one_of("split", split, DRAWN),))]

    def search(
        self,
        phrase: str,
        *,
        dynasty: str | None = None,
        form: str | None = None,
        author: str | None = None,
        limit: int = 20,
    ) -> list[Hit]:
        """The first lines, in the corpus's order, that hold a phrase.

        A phrase with marks inside may run over several lines, and is found where it begins.

        Args:
            phrase: Han characters, with marks between them where it runs over lines.
            dynasty: tang, song, or own; all by default.
            form: A form 體, by shape alone: 五排 finds what 五古 finds.
            author: The poet's name.
            limit: How many lines at most.

        Raises InputError for a phrase or a filter that can match nothing.
        """
        phrase = searchable(phrase)
        author = encodable(author) if author else None
        filters = {
            "dynasty": _one_of("dynasty", dynasty, (*DYNASTIES, OWN)),
            "form": _one_of("form", _SAME_SHAPE.get(form or "", form), FORMS),
            "author": author,
        }
        values = {
            "phrase": phrase,
            "query": matching(phrase, **filters),
            "author": author,
            "limit": min(limit, _LARGEST),
        }
        narrowed = f"{LINES} AND {BEGINS_HERE} AND (:author IS NULL OR poem.author = :author)"
        rows = self._database.execute(f"{narrowed} ORDER BY phrase.rowid LIMIT :limit", values)
        return [Hit(phrase, *row) for row in rows]

    def suffix_array(self) -> SuffixArray:
        """All lines of the corpus, indexed; it is held till `let_go`. Raises CorpusError on damage to them."""
        is_of = self._path.stat()
        key = (self._path, is_of.st_ino, is_of.st_mtime_ns)
        with _LOADING:
            if key not in _HELD:
                _HELD.clear()
                _HELD[key] = self._read_suffix_array()
            return _HELD[key]

    def _read_suffix_array(self) -> SuffixArray:
        rows = dict(self._database.execute("SELECT name, array FROM runs"))
        arrays = {name: rows.get(name, b"") for name in ("characters", "text", "order")}
        try:
            index = SuffixArray.of_arrays(arrays)
            # A store that was built before there was a checksum is looked at more closely.
            whole = rows[CHECKSUM] == checksum(arrays.values()) if CHECKSUM in rows else index.fit_each_other
        except (TypeError, ValueError):
            whole = False
        if not whole:
            raise CorpusError(f"{self._path} is damaged (its runs have changed): {_REBUILD}")
        return index

    def home(self, line: str) -> Hit:
        """The first poem of the corpus's order that has a line, which some poem must have.

        Args:
            line: The whole line, without marks.
        """
        query = f"{LINES} AND line.text = :line ORDER BY phrase.rowid, line.number LIMIT 1"
        return Hit(line, *self._database.execute(query, {"query": matching(line), "line": line}).fetchone())

    def beside(self, before: str = "", after: str = "") -> dict[str, int]:
        """The characters that Tang poets set after one character, before another, or both, with how often.

        The most usual comes first. Between two neighbours the count is the lesser of the two.

        Args:
            before: The character before; "" for any.
            after: The character after; "" for any.
        """
        following = dict(self._database.execute("SELECT second, count FROM pair WHERE first = ?", (before,)))
        preceding = dict(self._database.execute("SELECT first, count FROM pair WHERE second = ?", (after,)))
        if before and after:
            both = following.keys() & preceding.keys()
            counts = {character: min(following[character], preceding[character]) for character in both}
        else:
            counts = following or preceding
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def statistics(self, *, poets: int = 10) -> Statistics:
        """What the store holds.

        Args:
            poets: How many of the most prolific poets of each dynasty are named.
        """
        (lines,) = self._database.execute("SELECT count(*) FROM line").fetchone()
        sizes = "SELECT count(*) AS size FROM poem GROUP BY group_id"
        groups, largest = self._database.execute(f"SELECT count(*), max(size) FROM ({sizes})").fetchone()
        splits = self._counts(_by("split"))
        authors = self._counts(_by("author"))
        return Statistics(
            poems={dynasty: sum(counts.values()) for dynasty, counts in splits.items()},
            dropped=self._counts("SELECT dynasty, reason, count FROM dropped ORDER BY count DESC, reason"),
            forms=self._counts(_by("form")),
            splits=splits,
            poets={dynasty: dict(list(counts.items())[:poets]) for dynasty, counts in authors.items()},
            lines=lines,
            groups=groups,
            largest_group=largest,
        )

    def _counts(self, query: str) -> dict[str, dict[str, int]]:
        counts: dict[str, dict[str, int]] = {dynasty: {} for dynasty in self.dynasties()}
        for dynasty, name, count in self._database.execute(query):
            counts.setdefault(dynasty, {})[name] = count
        return counts


def _be_readable(path: Path) -> None:
    try:
        if stat.S_ISFIFO(path.stat().st_mode):  # opening a pipe waits for who writes into it
            raise CorpusError(f"{path} is not a file: remove it, and run `pingze corpus fetch`")
        path.open("rb").close()
    except FileNotFoundError:
        raise CorpusError(f"there is no corpus at {path}: run `pingze corpus fetch`") from None
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror or error}") from error


def _by(column: str) -> str:
    counted = f"{column}, count(*) AS n FROM poem"
    return f"SELECT iif(tune = '', dynasty, 'ci'), {counted} GROUP BY 1, 2 ORDER BY n DESC, 2"


def _one_of(name: str, value: str | None, known: Collection[str]) -> str | None:
    if value is not None and value not in known:
        raise InputError(f"{name} {value!r} is unknown: use one of {', '.join(known)}")
    return value
