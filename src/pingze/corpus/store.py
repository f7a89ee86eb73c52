"""Read the built store: poems, phrases, neighbours, statistics and the report's draw.

Any number of processes may read at once, also while a new store is built: an open store stays as it is.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Self
from unicodedata import normalize

import numpy as np

from pingze.corpus.build import VERSION, store_path
from pingze.corpus.clean import fault
from pingze.corpus.poem import FORMS, OWN, CorpusPoem, lines
from pingze.corpus.split import DRAWN, SPLITS
from pingze.corpus.suffix_array import SuffixArray
from pingze.errors import CorpusError, InputError
from pingze.verse.characters import MARKS
from pingze.verse.dynasties import DYNASTIES

_FULL_WIDTH = str.maketrans(",.?!;:", "，。？！；：")
_SAME_SHAPE = {"五排": "五言", "五古": "五言", "七排": "七言", "七古": "七言"}
"""Forms that only the tones distinguish, and the name of the shape that they share."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase, and a line that holds it, or in which it begins."""

    phrase: str
    """The phrase that was searched."""
    dynasty: str
    """A key of `DYNASTIES`, or own."""
    author: str
    """The poet."""
    title: str
    """The poem's."""
    line: str
    """The whole line, without its mark."""
    number: int
    """The line's number in its poem, from 1."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts of the corpus, by dynasty, then by name."""

    poems: dict[str, int]
    """The poems that were kept; "ci" counts the 詞 of all dynasties."""
    dropped: dict[str, dict[str, int]]
    """The others, by reason."""
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


class Store:
    """The corpus on disk: `with Store.open() as store: ...`, in one thread.

    Args:
        database: The open database.
        index: The index of its poems' texts.
    """

    def __init__(self, database: sqlite3.Connection, index: SuffixArray) -> None:
        self._database, self.index = database, index

    @classmethod
    @contextmanager
    def open(cls, path: Path | None = None) -> Iterator[Self]:
        """Open a store to read.

        Args:
            path: Its file; by default the user's own store, which `pingze corpus fetch` built.

        Raises CorpusError, here or where the block meets the damage, if it is absent, damaged or of another version.
        """
        path = path or store_path()
        try:
            database, index = _opened(path)
            with closing(database):
                yield cls(database, index)
        except sqlite3.ProgrammingError:  # a mistake in the caller's code, not in the file
            raise
        except sqlite3.DatabaseError as error:
            raise CorpusError("corpus_damaged", path=str(path), reason=str(error)) from error

    def dynasties(self) -> tuple[str, ...]:
        """The dynasties of its poems 詩, Tang and Song among them; or own alone."""
        found = {name for (name,) in self._select("DISTINCT dynasty FROM poem WHERE tune = ''")}
        return (OWN,) if OWN in found else tuple(n for n in DYNASTIES if n in found | {"tang", "song"})

    def poems(self, *, dynasty: str | None = None, split: str | None = None) -> Iterator[CorpusPoem]:
        """Poems 詩 in the corpus's order.

        Args:
            dynasty: A key of `DYNASTIES`, or own; all by default.
            split: train, dev or test; all by default.

        Raises InputError on another dynasty or split.
        """
        where, values = _where(tune="", dynasty=_dynasty(dynasty), split=_one_of("split", split, SPLITS))
        rows = self._select(f"dynasty, title, author, text FROM poem {where} ORDER BY id", values)
        return (CorpusPoem(*row) for row in rows)

    def ci(self, *, split: str | None = None) -> Iterator[CorpusPoem]:
        """The 詞 of all dynasties in the corpus's order.

        Args:
            split: train, dev or test; all by default.

        Raises InputError on another split.
        """
        where, values = _where(split=_one_of("split", split, SPLITS))
        rows = self._select(f"dynasty, title, author, text, tune FROM poem {where} ORDER BY id", values)
        return (CorpusPoem(*row) for row in rows if row[-1])

    def report_draw(self, split: str) -> list[str]:
        """The texts of the report's draw, in its order: 16,384 of train, 2,730 of dev.

        Args:
            split: train or dev.

        Raises InputError on another split.
        """
        where, values = _where(split=_one_of("split", split, DRAWN))
        return [
            text for (text,) in self._select(f"text FROM poem {where} AND draw NOTNULL ORDER BY draw", values)
        ]

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
            dynasty: A key of `DYNASTIES`, or own; all by default.
            form: A form 體 of 詩, by shape alone: 五排 finds what 五古 finds.
            author: The poet's name.
            limit: How many lines at most.

        Raises InputError for a phrase or a filter that can match nothing.
        """
        # 1) The phrase as texts have it, without marks at its ends. SQLite refuses a lone surrogate in a name.
        text = "".join(normalize("NFC", phrase).split()).translate(_FULL_WIDTH).strip(MARKS)
        if not text or fault(text) not in (None, "too short"):
            raise InputError("no_phrase", has=phrase[:20])
        where, values = _where(
            dynasty=_dynasty(dynasty),
            form=_one_of("form", _SAME_SHAPE.get(form or "", form), FORMS),
            author=normalize("NFC", author).strip().encode(errors="replace").decode() if author else None,
        )
        # 2) Where it begins, in poems that pass the filters.
        places = np.sort(self.index.places(self.index.encode(text)))
        poems = np.searchsorted(self.index.texts, places, side="right") - 1
        if values:
            passing = np.zeros(len(self.index.texts), bool)
            passing[[id_ for (id_,) in self._select(f"id FROM poem {where}", values)]] = True
            places, poems = places[passing[poems]], poems[passing[poems]]
        # 3) The lines there, each once.
        hits: dict[tuple[int, int], Hit] = {}
        for place, poem in zip(places.tolist(), poems.tolist(), strict=True):
            if len(hits) >= limit:
                break
            hit = self.hit(place, text)
            hits.setdefault((poem, hit.number), hit)
        return list(hits.values())

    def hit(self, place: int, phrase: str = "") -> Hit:
        """The line at a place of the index.

        Args:
            place: Where the phrase begins.
            phrase: The phrase; by default the whole line.
        """
        poem = int(np.searchsorted(self.index.texts, place, side="right")) - 1
        begins = place - int(self.index.texts[poem])
        ((dynasty, author, title, text),) = self._select(
            "dynasty, author, title, text FROM poem WHERE id = ?", (poem,)
        )
        if not text.startswith(phrase, begins):
            raise sqlite3.DatabaseError("its index is of other poems")
        number = len(lines(text[: begins + 1]))
        line = lines(text)[number - 1]
        return Hit(phrase or line, dynasty, author, title, line, number)

    def beside(self, before: str = "", after: str = "") -> dict[str, int]:
        """Count the characters that Tang poets, or a person, put after one character, before another, or both.

        The most usual comes first. Between two neighbours the count is the lesser of the two.

        Args:
            before: The character before; "" for any.
            after: The character after; "" for any.
        """
        # The poems of Tang are the corpus's first.
        ((poems,),) = self._select("count(*) FROM poem WHERE dynasty IN ('tang', ?) AND tune = ''", (OWN,))
        end = self.index.texts[poems] if poems < len(self.index.texts) else len(self.index.text)
        found = []
        for character, step in ((before, 1), (after, -1)):
            if character:
                at = self.index.places(self.index.encode(character))
                found.append(self.index.counts(at[at < end] + step))
        both = set.intersection(*map(set, found)) if found else set()
        counts = {character: min(times[character] for times in found) for character in both}
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def statistics(self, *, poets: int = 10) -> Statistics:
        """Count the poems that the store holds.

        Args:
            poets: How many of the most prolific poets of each dynasty are named.
        """
        by = "iif(tune = '', dynasty, 'ci'), {0}, count(*) AS n FROM poem GROUP BY 1, 2 ORDER BY n DESC, 2"
        splits, forms, authors = (self._counts(by.format(column)) for column in ("split", "form", "author"))
        sizes = "SELECT count(*) AS size FROM poem GROUP BY group_id"
        ((groups, largest),) = self._select(f"count(*), max(size) FROM ({sizes})")
        return Statistics(
            poems={dynasty: sum(counts.values()) for dynasty, counts in splits.items()},
            dropped=self._counts("dynasty, reason, count FROM dropped ORDER BY count DESC, reason"),
            forms=forms,
            splits=splits,
            poets={dynasty: dict(islice(counts.items(), poets)) for dynasty, counts in authors.items()},
            lines=len(self.index.lines),
            groups=groups,
            largest_group=largest,
        )

    def _counts(self, query: str) -> dict[str, dict[str, int]]:
        counts: dict[str, dict[str, int]] = {dynasty: {} for dynasty in self.dynasties()}
        for dynasty, name, count in self._select(query):
            counts.setdefault(dynasty, {})[name] = count
        return counts

    def _select(self, query: str, values: Any = ()) -> sqlite3.Cursor:
        return self._database.execute(f"SELECT {query}", values)


def _opened(path: Path) -> tuple[sqlite3.Connection, SuffixArray]:
    """Open a store's database, and the index that it names."""
    if not path.exists():
        raise CorpusError("no_corpus", path=str(path))
    if not path.is_file():  # opening a pipe would wait for a writer
        raise CorpusError("not_a_file", path=str(path))
    before = path.stat().st_ino
    with ExitStack() as stack:
        # A built store never changes in place, so SQLite need neither lock it nor look for a journal.
        uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        database = stack.enter_context(closing(sqlite3.connect(uri, uri=True)))
        ((version,),) = database.execute("PRAGMA user_version")
        if version != VERSION:
            raise CorpusError("corpus_version", path=str(path))
        ((folder,),) = database.execute("SELECT folder FROM suffix_array")
        try:
            index = SuffixArray.load(path.with_name(folder))
        except (OSError, ValueError, EOFError, IndexError) as error:
            if path.exists() and path.stat().st_ino != before:
                return _opened(path)  # a build has just replaced both
            raise CorpusError("corpus_damaged", path=str(path), reason=str(error)) from error
        stack.pop_all()
        return database, index


@contextmanager
def usual_neighbours() -> Iterator[Callable[[str, str], dict[str, int]] | None]:
    """Give `Store.beside` of the store, None where there is no store."""
    with ExitStack() as stack:
        try:
            store = stack.enter_context(Store.open())
        except CorpusError:
            yield None
        else:
            yield store.beside


def _where(**filters: str | None) -> tuple[str, dict[str, str]]:
    """The condition of a query for the filters that are given, and their values."""
    given = {name: value for name, value in filters.items() if value is not None}
    return "WHERE " + (" AND ".join(f"{name} = :{name}" for name in given) or "TRUE"), given


def _dynasty(name: str | None) -> str | None:
    return _one_of("dynasty", name, (*DYNASTIES, OWN))


def _one_of(field: str, value: str | None, known: Collection[str]) -> str | None:
    if value is not None and value not in known:
        raise InputError("choice", field=field, has=value, choices=list(known))
    return value
