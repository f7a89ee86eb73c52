"""Read the built store, and compare lines with it.

It gives poems, statistics, lines with a phrase, and the neighbours of a character. Any number of
processes may read at once, even while a new store is built, because an open store never changes.
"""

import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Self
from unicodedata import normalize

import numpy as np

from pingze.corpus.build import VERSION, store_path
from pingze.corpus.clean import TOO_SHORT, fault
from pingze.corpus.digests import check_digests
from pingze.corpus.poem import FORMS, OWN, CorpusPoem, lines, poet_name
from pingze.corpus.split import DRAWN, SPLITS
from pingze.corpus.suffix_array import SuffixArray
from pingze.errors import CorpusError, InputError
from pingze.verse import DYNASTIES
from pingze.verse.character_table import one_form
from pingze.verse.characters import MARKS

_FULL_WIDTH = str.maketrans(",.?!;:", "，。？！；：")
_SAME_SHAPE = {"五排": "五言", "五古": "五言", "七排": "七言", "七古": "七言"}
"""The shape of each form that has the same shape as another form.

Only the tones distinguish such forms.
"""
_BATCH = 1000  # poems to read at a time
_CHOICES = {"dynasty": [*DYNASTIES, OWN], "split": list(SPLITS), "form": list(FORMS)}


@dataclass(frozen=True, slots=True)
class Hit:
    """A line of the corpus, found by a phrase that begins in it, or by its place in the index."""

    phrase: str
    """The phrase that was searched for, or the whole line if it was found by its place."""
    dynasty: str
    """A key of `DYNASTIES`, or `own`."""
    author: str
    """The poet's name."""
    title: str
    """The poem's title."""
    line: str
    """The whole line, without its mark."""
    number: int
    """The line's number in its poem, from 1."""


class Store:
    """The corpus on disk, opened by `with Store.open() as store: ...` and used in one thread."""

    def __init__(self, database: sqlite3.Connection, index: SuffixArray) -> None:
        self._database = database
        self.index = index

    @classmethod
    @contextmanager
    def open(cls, path: Path | None = None) -> Iterator[Self]:
        """Open a store for reading, as a context manager.

        Args:
            path: The store's file; by default the user's own store, which `pingze corpus fetch`
                builds.

        Raises CorpusError if the store is absent, damaged or of another version. Some damage is
        found only during use.
        """
        if path is None:
            path = store_path()
        try:
            database, index = _open_parts(path)
            with closing(database):
                yield cls(database, index)
        except sqlite3.ProgrammingError:  # a mistake in the caller's code, not in the file
            raise
        except sqlite3.DatabaseError as error:
            raise CorpusError("corpus_damaged", path=str(path), reason=str(error)) from error

    def dynasties(self) -> tuple[str, ...]:
        """List the dynasties of the 詩: Tang, Song and any others.

        For a user's own poems, list only `own`.
        """
        names = {name for (name,) in self.select("DISTINCT dynasty FROM poem WHERE tune = ''")}
        if OWN in names:  # a store with a user's own poems has no others
            return (OWN,)
        names |= {"tang", "song"}  # listed even if no poem of theirs was kept
        return tuple(name for name in DYNASTIES if name in names)

    def poems(
        self, *, dynasty: str | None = None, split: str | None = None
    ) -> Iterator[CorpusPoem]:
        """Iterate over the 詩 in the corpus's order.

        Args:
            dynasty: A key of `DYNASTIES`, or `own`; all by default.
            split: train, dev or test; all by default.

        Raises InputError on any other dynasty or split.
        """
        return self._poems("tune = ''", dynasty=dynasty, split=split)

    def ci(self, *, split: str | None = None) -> Iterator[CorpusPoem]:
        """Iterate over the 詞 of all dynasties in the corpus's order.

        Args:
            split: train, dev or test; all by default.

        Raises InputError on any other split.
        """
        return self._poems("tune > ''", split=split)

    def report_draw(self, split: str) -> list[str]:
        """List the texts on which docs/the-report.md trains or measures, in the order drawn.

        There are 16,384 of train and 2,730 of dev.

        Args:
            split: train or dev.

        Raises InputError on any other split.
        """
        if split not in DRAWN:
            raise InputError("choice", field="split", has=split, choices=list(DRAWN))
        rows = self.select(
            "text FROM poem WHERE split = ? AND draw NOTNULL ORDER BY draw", (split,)
        )
        return [text for (text,) in rows]

    def search(
        self,
        phrase: str,
        *,
        dynasty: str | None = None,
        form: str | None = None,
        author: str | None = None,
        limit: int = 20,
    ) -> list[Hit]:
        """Find the first lines, in the corpus's order, that contain a phrase.

        A phrase with marks inside may span several lines; the line in which it begins is returned.

        Args:
            phrase: Han characters, with marks between them if the phrase spans several lines.
            dynasty: A key of `DYNASTIES`, or `own`; all by default.
            form: A form 體 of 詩, matched by shape alone: 五排 and 五古 find the same poems.
            author: The poet's name, in any form of its characters.
            limit: The most lines to return.

        Raises InputError for a phrase or a filter that can match nothing.
        """
        # 1) Normalize the phrase, without spaces and without marks at its ends. Then check it like
        # a poem, except for the length: a text with other signs cannot be in the corpus.
        unspaced = "".join(normalize("NFC", phrase).split())
        text = unspaced.translate(_FULL_WIDTH).strip(MARKS)
        if not text or fault(text) not in (None, TOO_SHORT):
            raise InputError("no_phrase", has=phrase[:20])
        # 2) Turn the filters into a condition in SQL. SQLite refuses a lone surrogate, so encoding
        # with "replace" turns it into "?".
        poet = None
        if author:
            poet = normalize("NFC", author).strip().encode(errors="replace").decode()
        if form in _SAME_SHAPE:
            form = _SAME_SHAPE[form]
        where, values = _where(dynasty=dynasty, form=form, author=poet)
        # 3) Read the poems that contain the phrase and pass the filters, a batch at a time. CROSS
        # JOIN makes SQLite look up the ids in their order, instead of reading all poems.
        places = np.sort(self.index.places(self.index.encode(text)))
        poem_ids = np.unique(self.index.texts_at(places))
        query = f"FROM json_each(:ids) CROSS JOIN poem ON poem.id = value {where}"
        hits: list[Hit] = []
        for ids in np.array_split(poem_ids, len(poem_ids) // _BATCH + 1):
            values["ids"] = json.dumps(ids.tolist())
            # 4) Add the lines in which the phrase begins. The pattern is a lookahead, which also
            # finds occurrences that overlap. `dict.fromkeys` keeps one hit of equal hits, so that
            # each line is added once.
            for row in self.select(f"dynasty, author, title, text {query}", values):
                begins = [match.start() for match in re.finditer(f"(?={text})", row[-1])]
                hits += dict.fromkeys(_hit(text, row, begin) for begin in begins)
                if len(hits) >= limit:
                    return hits[:limit]
        return hits

    def line_at(self, place: int) -> Hit:
        """Find the line that begins at a place, which is an index from 0 into the joined texts."""
        (poem,) = self.index.texts_at(np.array([place])).tolist()
        (row,) = self.select("dynasty, author, title, text FROM poem WHERE id = ?", (poem,))
        return _hit("", row, place - int(self.index.texts[poem]))

    def beside(self, before: str = "", after: str = "") -> dict[str, int]:
        """Count the characters next to a given character in Tang poems, or in a user's own poems.

        A character is counted if it follows `before` or precedes `after`. If both arguments are
        given, only characters that do both are listed, each with the smaller of its two counts. The
        most frequent character is first.

        Args:
            before: The character before; "" for any.
            after: The character after; "" for any.
        """
        # 1) Find where these poems end in the index's text. They are the first poems of the corpus,
        # so they end where the next poem begins, or with the text if there is no other poem.
        ((poem_count,),) = self.select(
            "count(*) FROM poem WHERE dynasty IN ('tang', ?) AND tune = ''", (OWN,)
        )
        text_begins = self.index.texts
        end = len(self.index.text)
        if poem_count < len(text_begins):
            end = text_begins[poem_count]
        # 2) Count the characters one place after `before`, and those one place before `after`.
        counts_by_side = []
        for character, step in ((before, 1), (after, -1)):
            if character:
                places = self.index.places(self.index.encode(character))
                of_these_poems = places[places < end]
                counts_by_side.append(self.index.counts(of_these_poems + step))
        if not counts_by_side:
            return {}
        # 3) Keep the characters that both sides have, each with its smaller count.
        counts = counts_by_side[0]
        for other_counts in counts_by_side[1:]:
            counts = {
                character: min(count, other_counts[character])
                for character, count in counts.items()
                if character in other_counts
            }
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def statistics(self, *, poets: int = 10) -> dict[str, Any]:
        """Count the 詩 of each dynasty, and all 詞 under the key "ci".

        The poems are counted in total, and by form, split and poet. Also counted are the dropped
        poems by reason, the lines 句, the groups (the versions of one poem form a group), and the
        poems in the largest group.

        Args:
            poets: How many of the most prolific poets of each dynasty to list.
        """
        splits = self._counts_by("split")
        authors = self._counts_by("author")
        dropped_query = "dynasty, reason, count FROM dropped ORDER BY count DESC, reason"
        group_sizes_query = "SELECT count(*) AS size FROM poem GROUP BY group_id"
        ((groups, largest),) = self.select(f"count(*), max(size) FROM ({group_sizes_query})")
        return {
            # every poem is in one split
            "poems": {dynasty: sum(counts.values()) for dynasty, counts in splits.items()},
            "dropped": self._counts(dropped_query),
            "forms": self._counts_by("form"),
            "splits": splits,
            # the counts are in descending order, so the first ones are of the most prolific poets
            "poets": {
                dynasty: dict(islice(counts.items(), poets)) for dynasty, counts in authors.items()
            },
            "lines": len(self.index.lines),
            "groups": groups,
            "largest_group": largest,
        }

    def _counts_by(self, column: str) -> dict[str, dict[str, int]]:
        """Count the 詩 of each dynasty, and all 詞 (under "ci"), by the value of a column."""
        return self._counts(
            f"iif(tune = '', dynasty, 'ci'), {column}, count(*) AS n "
            "FROM poem GROUP BY 1, 2 ORDER BY n DESC, 2"
        )

    def _counts(self, query: str) -> dict[str, dict[str, int]]:
        """Read the rows (dynasty, name, count) of a query into counts by dynasty, then by name."""
        counts: dict[str, dict[str, int]] = {dynasty: {} for dynasty in self.dynasties()}
        for dynasty, name, count in self.select(query):
            counts.setdefault(dynasty, {})[name] = count
        return counts

    def _poems(self, condition: str, **filters: str | None) -> Iterator[CorpusPoem]:
        where, values = _where(**filters)
        query = "dynasty, title, author, text, tune FROM poem"
        rows = self.select(f"{query} {where} AND {condition} ORDER BY id", values)
        # The columns are in the order of the fields: by keywords, reading takes 6 % longer.
        return (CorpusPoem(*row) for row in rows)

    def select(self, query: str, values: Any = ()) -> sqlite3.Cursor:
        """Query the database, whose tables `pingze.corpus.build` describes.

        Args:
            query: A query in SQL without its first word, SELECT.
        """
        return self._database.execute(f"SELECT {query}", values)


def _open_parts(path: Path) -> tuple[sqlite3.Connection, SuffixArray]:
    """Open and verify a store's database and index."""
    if not path.exists():
        raise CorpusError("no_corpus", path=str(path))
    if not path.is_file():  # opening a pipe would wait for a writer
        raise CorpusError("not_a_file", path=str(path))
    inode = path.stat().st_ino  # changes as soon as a build has replaced the file
    with ExitStack() as stack:
        # 1) The database. A built store never changes in place, so SQLite need neither lock it nor
        # look for a journal.
        uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        database = stack.enter_context(closing(sqlite3.connect(uri, uri=True)))
        database.create_function("one_form", 1, one_form, deterministic=True)
        ((version,),) = database.execute("PRAGMA user_version")
        if version != VERSION:
            raise CorpusError("corpus_version", path=str(path))
        # 2) The index, which must be of as many poems as the database. Their ids count from 0.
        try:
            ((folder, last),) = database.execute(
                "SELECT folder, (SELECT max(id) FROM poem) FROM suffix_array"
            )
            check_digests(path, path.with_name(folder))
            index = SuffixArray.load(path.with_name(folder))
            if len(index.texts) != last + 1:
                raise ValueError("its index is of other poems")
        except sqlite3.Error:  # `Store.open` turns it into a CorpusError
            raise
        except Exception as error:  # damaged headers make NumPy raise errors of many kinds
            # A build has replaced the store meanwhile and removed the old index: open the new one.
            if path.exists() and path.stat().st_ino != inode:
                return _open_parts(path)
            raise CorpusError("corpus_damaged", path=str(path), reason=str(error)) from error
        stack.pop_all()  # so that leaving the block does not close the database
        return database, index


@contextmanager
def usual_neighbours() -> Iterator[Callable[[str, str], dict[str, int]] | None]:
    """Yield `Store.beside` of the user's store, or None if the store cannot be opened."""
    with ExitStack() as stack:
        beside = None
        with suppress(CorpusError):
            beside = stack.enter_context(Store.open()).beside
        yield beside


def _where(**filters: str | None) -> tuple[str, dict[str, str]]:
    """Return a query's condition for some filters, and the filters' values.

    Raises InputError on an unknown value.
    """
    conditions = ["TRUE"]
    values = {}
    for name, value in filters.items():
        if value is None:  # no filter
            continue
        if name in _CHOICES and value not in _CHOICES[name]:
            raise InputError("choice", field=name, has=value, choices=_CHOICES[name])
        if name == "author":  # a poet's name matches in any form of its characters
            conditions.append("one_form(author) = one_form(:author)")
        else:
            conditions.append(f"{name} = :{name}")
        values[name] = value
    return f"WHERE {' AND '.join(conditions)}", values


def _hit(phrase: str, row: tuple[str, str, str, str], begins: int) -> Hit:
    """Return the line that contains index `begins` of the row's text, as a hit for `phrase`.

    If `phrase` is "", the hit is for the line.
    """
    dynasty, author, title, text = row
    # The text up to and including this index ends within the wanted line, so its number of lines
    # is the number of this line.
    number = len(lines(text[: begins + 1]))
    line = lines(text)[number - 1]
    return Hit(
        phrase=phrase or line,
        dynasty=dynasty,
        author=poet_name(author),
        title=title,
        line=line,
        number=number,
    )


@dataclass(frozen=True)
class Shared:
    """The longest match and the nearest match of a line in the corpus.

    A hit is None if nothing matches.
    """

    line: int
    """The line's number in the poem, from 1."""
    text: str
    run: str
    """The longest part of the line that the corpus contains.

    Of equally long parts, this is the first.
    """
    run_in: Hit | None
    """The first line of the corpus that contains this part."""
    same: int
    """The number of positions at which this line and the nearest line have the same character."""
    nearest: Hit | None
    """The corpus line of the same length that agrees at the most positions.

    Of equally near lines, it is the first.
    """


def of_lines(lines: Sequence[str], store: Store) -> Iterator[Shared]:
    """Compare each line with the corpus. Raises CorpusError if the store is damaged."""
    for number, text in enumerate(lines, start=1):
        run = store.index.longest(text)
        place, same = store.index.nearest(text)
        yield Shared(
            line=number,
            text=text,
            run=run,
            run_in=store.search(run, limit=1)[0] if run else None,
            same=same,
            nearest=store.line_at(place) if same else None,
        )
