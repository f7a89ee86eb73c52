"""Define 集句, poems of lines quoted from the corpus, and find what can continue a quotable line.

A line can be quoted as the first or second line of a couplet only if it has that role in its own
poem. It must also fit an allowed line type, end in a rhyme that is still possible, and contain the
fixed characters. The lines are sorted, so that lines with the same beginning are adjacent and two
binary searches find them. No two quoted lines may come from the same poem or from versions of one
poem.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pingze.arrays import Array, Bool, Int
from pingze.composing.constraints.feasibility import CompiledRequest, Fixes, PartialTexts
from pingze.composing.lexicon import FREE, WANTS_LEVEL, Lexicon
from pingze.composing.originality import CorpusCodes
from pingze.composing.poem import Poem
from pingze.corpus.build import store_path
from pingze.corpus.quotable import poems_of, quotable
from pingze.corpus.store import Hit, Store
from pingze.verse.patterns import RESCUED, accepted

# if more lines than this can follow, lines of poems already quoted are not excluded yet
_MANY = 1 << 12
# a rhyme with at least so many lines for each place is unlikely to lead into a dead end
_AMPLE = 30


@dataclass(frozen=True)
class Collected(Poem):
    """A poem whose lines are quoted from the corpus."""

    sources: tuple[Hit, ...] = ()
    """The source of each line in the corpus: its poet, title, dynasty and line number."""

    __hash__ = Poem.__hash__


class WantedLine(NamedTuple):
    """What a line that is quoted must be.

    It ends a couplet if `second`, rhymes if `foot`, and may repeat characters if `repeat`.
    """

    second: bool
    line_type: str
    """The type of the line's tone pattern (see `verse.patterns`); "" if any tones are allowed."""
    strictness: str
    foot: bool
    ending: bytes
    """A mask, as bytes, of the characters that may end the line; b"" if every character may."""
    fixed: Fixes
    """The id that each position must have, or `FREE`."""
    repeat: bool


class Quoting:
    """The ban on all but the lines of `width` characters that may be quoted.

    `poets` names the poets or dynasties to quote, separated by spaces; "" allows all.

    Raises InputError if a named poet or dynasty has no poem in the corpus.
    """

    dead_end = "unquoted"

    def __init__(self, store: Store, lexicon: Lexicon, width: int, poets: str) -> None:
        self.corpus = store.index
        self.codes = CorpusCodes(store.index, lexicon.vocabulary)
        self.width = width
        self.table = quotable(store, width)
        # the codes of the lines as one column for each place of a line, sorted by the first column,
        # then by the second one and so on
        self.columns = np.ascontiguousarray(self.table["codes"].T)
        self.run = np.array(self.table["run"])
        self.place = np.array(self.table["place"])
        self.second = np.array(self.table["second"])
        # the model must know every character of a line
        self.usable = self.codes.known[self.columns].all(axis=0)
        # Whether each character of a line occurs once. Neighbours may be equal, since a doubled
        # character 疊字 is no repetition.
        self.once = np.ones_like(self.usable)
        for at, column in enumerate(self.columns):
            for later_column in self.columns[at + 2 :]:
                self.once &= column != later_column
        if poets.strip():
            self.usable &= np.isin(self.corpus.texts_at(self.place), poems_of(store, poets))
        # masks of the level and of the oblique characters: first by id, then by code of the corpus
        fits = lexicon.fits[Lexicon.COMPOSED, WANTS_LEVEL:]
        level, oblique = fits.take(self.codes.ids, axis=1)
        self.tones = {"P": level, "Z": oblique}
        self.ends = lru_cache(maxsize=256)(self._ends)
        self.lines = lru_cache(maxsize=256)(self._lines)
        self.next = lru_cache(maxsize=1 << 14)(self._next)
        self.excluded = lru_cache(maxsize=1 << 10)(self._excluded)

    def rules_out_word(self, word: Sequence[int]) -> bool:
        """Return whether no line of the corpus contains a word."""
        return not len(self.corpus.places(self.codes.of(word)))

    def possible(self, compiled: CompiledRequest, fixed: Fixes) -> Bool[Array, "T G"]:
        """Return a mask of the hypotheses under which `_AMPLE` lines can be quoted at every place.

        If there is no such hypothesis, return a mask of those under which 1 line can be quoted.
        """
        # under each hypothesis, the fewest lines for any place; at first all lines
        counts = np.full((len(compiled.line_types), len(compiled.rhyming.of_row)), len(self.run))
        for number in range(compiled.request.lines):
            fixed_in_line = fixed[number * self.width : (number + 1) * self.width]
            last = (number + 1) * self.width - 1
            # for each group and id; a rhyme that the user fixes may have any of its readings
            rhymes = compiled.rhyming.fitting(last, generous=fixed_in_line[-1] != FREE).T
            for t in range(len(counts)):
                # the number of lines that end in each id
                times = self.ends(self._wanted_line(compiled, t, number, fixed_in_line))
                lines_left = rhymes @ times if compiled.feet[last, t] else times.sum()
                counts[t] = np.minimum(counts[t], lines_left)
        ample: Array = counts >= _AMPLE
        return ample if ample.any() else counts > 0

    def forbidden(
        self, compiled: CompiledRequest, partial_texts: PartialTexts, place: int
    ) -> Bool[Array, "N V"]:
        """Return, for each text, a mask of the characters that continue no quotable line."""
        number, at = divmod(place, self.width)
        start = place - at
        forbidden = np.ones_like(partial_texts.unused)
        # texts under the same hypotheses with the same fixed characters want the same lines
        wanted_lines: dict[object, set[WantedLine]] = {}
        for row, alive in enumerate(partial_texts.alive):
            # 1) What the line must be under each template that is left; `alive` has the axes T, G.
            fixed = tuple(partial_texts.fixed[row, start : start + self.width].tolist())
            key = (alive.tobytes(), fixed)
            if key not in wanted_lines:
                wanted_lines[key] = set()
                for t in np.flatnonzero(alive.any(axis=1)).tolist():
                    wanted = self._wanted_line(compiled, t, number, fixed, alive[t])
                    wanted_lines[key].add(wanted)
            # 2) What may follow the beginning of the line, after the lines that are complete.
            codes = tuple(self.codes.of(partial_texts.texts[row, :place].tolist()))
            written = tuple(codes[n : n + self.width] for n in range(0, start, self.width))
            for wanted in wanted_lines[key]:
                forbidden[row, self.next(wanted, codes[start:], written)] = False
        return forbidden

    def _wanted_line(
        self,
        compiled: CompiledRequest,
        t: int,
        number: int,
        fixed: Fixes,
        alive: Bool[Array, "G"] | None = None,
    ) -> WantedLine:
        """Return what line `number` (from 0) must be under template `t`.

        `fixed` has the fixed ids of this line. `alive`, if given, limits the rhyme groups.
        """
        types = compiled.line_types[t]
        end = (number + 1) * self.width - 1
        foot = bool(compiled.feet[end, t])
        ending = b""
        if foot and alive is not None:
            # (id, group); a rhyme that the user fixes may have any of its readings
            rhymes = compiled.rhyming.fitting(end, generous=fixed[-1] != FREE)
            ending = rhymes[:, alive].any(axis=1).tobytes()
        return WantedLine(
            second=number % 2 == 1,
            line_type=types[number] if types else "",
            strictness=compiled.request.strictness,
            foot=foot,
            ending=ending,
            fixed=fixed,
            repeat=compiled.request.repeat,
        )

    def _ends(self, wanted: WantedLine) -> Int[Array, "V"]:
        """Count how many of the wanted lines end in each character."""
        ends = self.codes.ids[self.columns[-1][self.lines(wanted)]]
        return np.bincount(ends, minlength=len(self.codes.codes))

    def _lines(self, wanted: WantedLine) -> Int[Array, "rows"]:
        """List the table rows of all wanted lines, in ascending order."""
        # 1) By the line's place in its couplet, its rhyme, and the fixed characters.
        usable = self.usable & (self.second == wanted.second) & (self.once | wanted.repeat)
        rows = np.flatnonzero(usable)
        if wanted.ending:
            may_end = np.frombuffer(wanted.ending, bool)  # a mask of ids
            ends = self.codes.ids[self.columns[-1][rows]]
            rows = rows[may_end[ends]]
        for at, id_ in enumerate(wanted.fixed):
            if id_ != FREE:
                rows = rows[self.columns[at][rows] == self.codes.codes[id_]]
        # 2) By the tones, if the form has templates: a line fits if it has any accepted pattern of
        #    its type, or of the type that replaces its type in a rescued couplet.
        if not wanted.line_type:
            return rows
        places_with_tones = self.width
        if wanted.foot:  # the rhyme decides the tone of the last character
            places_with_tones -= 1
        fits = np.zeros(len(rows), bool)
        for line_type in {wanted.line_type, RESCUED.get(wanted.line_type, wanted.line_type)}:
            for pattern in accepted(line_type, self.width, wanted.strictness):
                # `left` has indices into `rows`; places of either tone and fixed ones exclude none
                left = np.arange(len(rows))
                for at, tone in enumerate(pattern.tones[:places_with_tones]):
                    if tone in self.tones and wanted.fixed[at] == FREE:
                        codes = self.columns[at][rows[left]]
                        has_tone = self.tones[tone][codes]
                        left = left[has_tone]
                fits[left] = True
        return rows[fits]

    def _next(
        self, wanted: WantedLine, begun: tuple[int, ...], written: tuple[tuple[int, ...], ...]
    ) -> Int[Array, "n"]:
        """List the ids that can continue the line `begun` after the lines `written`.

        Both are given as codes of the corpus.
        """
        rows = _narrowed(self.lines(wanted), self.columns, begun)
        at = len(begun)
        # With so many lines left, it is not worth the time to look for those to exclude.
        if len(rows) > _MANY:
            return self.codes.ids[np.unique(self.columns[at][rows])]
        if written:
            runs, used = self.excluded(written)
            # `runs` is sorted, so that a run is excluded if it is where it would be inserted.
            runs_of_rows = self.run[rows]
            allowed = runs[np.searchsorted(runs, runs_of_rows)] != runs_of_rows
            if not wanted.repeat or wanted.foot:
                # Even if characters may repeat, the last one may not, since no character rhymes
                # twice.
                first_column = self.width - 1 if wanted.repeat else at
                codes = self.columns[first_column:, rows]  # (column, row)
                allowed &= ~used[codes].any(axis=0)
            rows = rows[allowed]
        return self.codes.ids[self.columns[at][rows]]

    def _rows(self, line: Sequence[int]) -> Int[Array, "rows"]:
        """List the table rows of a line that is given as codes."""
        return np.array(_narrowed(range(len(self.run)), self.columns, line), int)

    def _excluded(
        self, written: tuple[tuple[int, ...], ...]
    ) -> tuple[Int[Array, "runs"], Bool[Array, "codes"]]:
        """Return the `run` numbers of lines not to quote, and a mask of the written characters.

        Equal lines of the table share a `run` number. A line is excluded if it is in a poem that
        contains a written line, or in a version of such a poem. The numbers are sorted and end with
        a sentinel larger than all others.
        """
        by_group = self.table["by_group"]  # the rows of the table, in the order of their groups
        group = self.table["group"]
        runs = [np.array([np.iinfo(np.int32).max])]
        used = np.zeros(len(self.codes.ids), bool)
        for line in written:
            used[list(line)] = True
            for quoted_group in np.unique(group[self._rows(line)]).tolist():
                rows = _narrowed(by_group, [group], [quoted_group])
                runs.append(self.run[rows])
        return np.sort(np.concatenate(runs)), used

    def sources(self, lines: Sequence[str]) -> list[Hit]:
        """Find the first place in the corpus from which each line of a poem may be quoted.

        Raises CorpusError if the corpus has been removed since the poem was composed.
        """
        with Store.open() as store:
            found = []
            for number, line in enumerate(lines):
                rows = self._rows(self.corpus.encode(line))
                is_second = number % 2 == 1
                rows = rows[self.usable[rows] & (self.second[rows] == is_second)]
                found.append(store.line_at(int(self.place[rows].min())))
            return found


def _narrowed(
    rows: Array | range, columns: Iterable[Array], values: Sequence[int]
) -> Array | range:
    """Narrow sorted rows to those whose columns begin with the given values."""
    for column, value in zip(columns, values, strict=False):
        # rows that begin alike are in the order of their next column
        low = bisect_left(rows, value, key=column.__getitem__)
        rows = rows[low : bisect_right(rows, value, low, key=column.__getitem__)]
    return rows


def quoting(lexicon: Lexicon, width: int, poets: str) -> Quoting:
    """Return the lines of the user's corpus that may be quoted, cached until the store changes.

    Raises CorpusError if there is no corpus, and InputError if a named poet or dynasty has no poem
    in the corpus.
    """
    path = store_path()
    changed_at = path.stat().st_mtime_ns if path.exists() else 0
    return kept_lines(lexicon, width, poets, path, changed_at)


@lru_cache(maxsize=2)  # each holds up to 100 MB
def kept_lines(lexicon: Lexicon, width: int, poets: str, path: Path, changed_at: int) -> Quoting:
    """Read the lines of a store.

    `changed_at` is the time of the last change to the store, used only as a cache key.
    """
    with Store.open(path) as store:
        return Quoting(store, lexicon, width, poets)
