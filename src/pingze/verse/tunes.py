"""Read the patterns of the tunes 詞牌 to which 詞 are written (`data/tunes.tsv`).

The patterns are those of 《欽定詞譜》 (1715) and of 龍榆生. A tune has a pattern for each of its shapes
體. The most frequent shape has the tune's name, and every other the number that it has in its book,
as 臨江仙·格二 or 沁園春·龍譜. `tools/tunes.py` makes the table and describes its columns.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, lru_cache
from itertools import accumulate
from typing import NamedTuple

from pingze.cached import cached_property
from pingze.errors import InputError
from pingze.files import table
from pingze.verse.character_table import one_form, simplified_forms, to_traditional
from pingze.verse.patterns import SIDES, STRICT, Pattern
from pingze.verse.standard import PINGSHUI, Standard

# the share of line ends that may differ between text and tune: editions put marks in different
# places
_MOVED = 0.5
_FREQUENT = 10  # pieces
_PAUSE = "、"
_LINE = re.compile(
    r"(?P<leads>!?)(?P<tones>[PZxpz]+)(?P<rhyme>\d*)"
    r"(?:=(?P<size>\d+)@(?P<of>\d+)(?P<reversed>~?))?(?P<mark>[.,;])(?P<optional>\??)(?P<stanza>\|?)"
)
_MARKS = {".": "。", ",": "，", ";": _PAUSE}
_SHAPE = re.compile("[·・ ]?([令慢近引]?格.+|龍譜.*)")
_LONGEST_NAME = 8
LEADING = (
    "正看有問更歎嘆記但向想又算是便任怕似把只笑對聽待念盡甚見奈悵望且況恨漸自縱剩喜憶愛願料早趁"
    "爲為恰這共羨乍好試倩與被怪過到也要尚怎謾忽喚數總傍卻却信嗟莫漫說放伴借已醉不幸話帶惹一覺比"
    "慣訝遍誰恐占負那約盼仗賴忍應此每擬竟豈既若使休曾空惟方將須未"
)
"""Characters that often lead the words that follow 領字."""


@dataclass(frozen=True, slots=True)
class TuneLine:
    """A line of a tune: what stands between two marks, 讀 included."""

    tones: str
    """P (level), Z (oblique) or x (either) for each character, as the book has them."""
    customary: str
    """The same with x where 3 % of the counted pieces have the other tone."""
    rhyme: int | None
    """The index of the line's rhyme among the tune's rhymes; None if the line need not rhyme."""
    kind: str
    """The class of the line's rhymes, 平 or 仄; "" if the line need not rhyme."""
    optional: bool
    """Whether 3 % of the counted pieces do not rhyme here."""
    mark: str
    """。 after a rhyme 韻, ， after any other sentence 句, 、 after a pause 讀."""
    ends_stanza: bool
    leads: bool
    """Whether the first character leads the words that follow 領字."""
    echo: tuple[int, ...]
    """For each of the line's last characters, the position in the tune of the character that it repeats 疊."""


class Foot(NamedTuple):
    """The end of a line that rhymes."""

    line: int
    """The number of the line in the tune, from 0."""
    place: int
    """The position of the line's last character in the tune."""
    kind: str
    """`TuneLine.kind`: 平 or 仄."""
    optional: bool
    """`TuneLine.optional`."""


@dataclass(frozen=True, eq=False)
class Tune:
    """A tune in one of its shapes 體."""

    name: str
    """The name of the shape, such as 臨江仙 or 柳梢青·格二."""
    names: tuple[str, ...]
    """The names of the tune, the usual one first."""
    number: str
    """The number of the shape in its book, such as 格二."""
    pieces: int
    """The number of counted pieces in this shape."""
    lines: tuple[TuneLine, ...]

    @cached_property
    def size(self) -> int:
        """The number of characters."""
        return sum(self.widths)

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """The number of characters in each line."""
        return tuple(len(line.tones) for line in self.lines)

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """For each line, the number of characters from the start of the tune to the end of the line."""
        return tuple(accumulate(self.widths))

    @cached_property
    def _end_masks(self) -> tuple[int, int]:
        """Bit masks of the line ends, and of those that are not pauses 讀: bit n is set after n characters."""
        every = 0
        sentences = 0
        for line, end in zip(self.lines, self.ends, strict=True):
            every |= 1 << end
            if line.mark != _PAUSE:
                sentences |= 1 << end
        return every, sentences

    @cached_property
    def stanza_ends(self) -> frozenset[int]:
        """The numbers of characters up to the end of each stanza but the last."""
        pairs = zip(self.lines, self.ends, strict=True)
        return frozenset(end for line, end in pairs if line.ends_stanza)

    def mark_at(self, end: int) -> str:
        """Return the mark after so many characters: ， where the tune has no line end."""
        return self.lines[self.ends.index(end)].mark if end in self.ends else "，"

    def moved(self, ends: int) -> int:
        """Count the line ends of a text (`ends_of`) that differ from the tune's; a pause 讀 may lack its mark."""
        every, sentences = self._end_masks
        return (sentences & ~ends).bit_count() + (ends & ~every).bit_count()

    def divides(self, lines: Sequence[str]) -> bool:
        """Return whether lines have the tune's shape: as many characters, and mostly the same line ends (`_MOVED`)."""
        return sum(map(len, lines)) == self.size and self.has_ends(ends_of(lines))

    def has_ends(self, ends: int) -> bool:
        """Return whether most of the line ends of a text are those of the tune (`_MOVED`)."""
        return self.moved(ends) <= _MOVED * len(self.ends)

    @cached_property
    def echoes(self) -> dict[int, int]:
        """Map each position that repeats a character 疊 to the first position with that character.

        Positions start at 0.
        """
        found: dict[int, int] = {}
        for echo in self.echoing:
            for place, source in echo:
                found[place] = found.get(source, source)
        return found

    @cached_property
    def echoing(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """For each line that repeats characters 疊: their positions, each with the position that it repeats."""
        found = []
        for line, end in zip(self.lines, self.ends, strict=True):
            if line.echo:
                places = range(end - len(line.echo), end)
                found.append(tuple(zip(places, line.echo, strict=True)))
        return tuple(found)

    @cached_property
    def leads(self) -> frozenset[int]:
        """The positions of the characters that lead 領字."""
        starts = (0, *self.ends)
        pairs = zip(self.lines, starts, strict=False)
        return frozenset(start for line, start in pairs if line.leads)

    @cached_property
    def rhymed(self) -> tuple[tuple[Foot, ...], ...]:
        """The lines of each rhyme."""
        found: list[list[Foot]] = []
        for number, (line, end) in enumerate(zip(self.lines, self.ends, strict=True)):
            if line.rhyme is not None:
                while len(found) <= line.rhyme:
                    found.append([])
                found[line.rhyme].append(Foot(number, end - 1, line.kind, line.optional))
        return tuple(tuple(feet) for feet in found)

    @cache  # noqa: B019 (tunes are few, and live as long as the program)
    def tones(self, strictness: str) -> str:
        """Return the tone of each position, P, Z or x, at a level of strictness.

        If a position repeats another, a tone that is set for either is set for both.
        """
        strict = strictness.startswith(STRICT)
        tones = list("".join(line.tones if strict else line.customary for line in self.lines))
        for place, source in self.echoes.items():
            # "P" < "Z" < "x": the smaller is the tone that is set
            tones[source] = min(tones[source], tones[place])
        return "".join(tones[self.echoes.get(place, place)] for place in range(len(tones)))

    @cache  # noqa: B019
    def pattern(self, strictness: str) -> Pattern:
        """Return the tones that a text requires at a level of strictness; a rhyme requires none."""
        strict = strictness.startswith(STRICT)
        tones = ""
        for line in self.lines:
            tones_of_line = line.tones if strict else line.customary
            if line.kind:  # its last character rhymes
                tones_of_line = tones_of_line[:-1] + "x"
            tones += tones_of_line
        return Pattern(tones)

    def kinds(self, rhyme: int) -> frozenset[str]:
        """Return the classes (平, 仄) of the lines with a given rhyme: two if level and oblique lines mix."""
        return frozenset(line.kind for line in self.lines if line.rhyme == rhyme)

    @cache  # noqa: B019
    def rhymes(self, standard: Standard = PINGSHUI) -> tuple[tuple[str, ...], ...]:
        """Return, for each rhyme of the tune in order, the parts 部 in which all lines of that rhyme can rhyme."""
        found = []
        for rhyme in range(len(self.rhymed)):
            kinds = self.kinds(rhyme)
            able = [
                part
                for part in standard.parts.groups
                if all(standard.parts.class_in(part, kind) for kind in kinds)
            ]
            found.append(tuple(able))
        return tuple(found)


def read_lines(pattern: str) -> tuple[TuneLine, ...]:
    """Read a pattern as it is written in the table."""
    lines: list[TuneLine] = []
    ends = [0]  # the start, and the position at which each line ends
    for match in _LINE.finditer(pattern):
        signs = match["tones"]
        # a line may repeat the last characters of an earlier line, which `of` numbers from 1
        echo = range(0)
        if match["of"]:
            end_of_source = ends[int(match["of"])]
            echo = range(end_of_source - int(match["size"]), end_of_source)
        if match["reversed"]:
            echo = echo[::-1]
        rhymes = match["mark"] == "."  # 。 follows every rhyme and nothing else
        # p and z are the book's tones P and Z where 3 % of the pieces have the other tone
        line = TuneLine(
            tones=signs.upper().replace("X", "x"),
            customary=signs.replace("p", "x").replace("z", "x"),
            rhyme=int(match["rhyme"] or 1) - 1 if rhymes else None,
            kind=SIDES[signs[-1].upper()] if rhymes else "",
            optional=bool(match["optional"]),
            mark=_MARKS[match["mark"]],
            ends_stanza=bool(match["stanza"]),
            leads=bool(match["leads"]),
            echo=tuple(echo),
        )
        lines.append(line)
        ends.append(ends[-1] + len(signs))
    return tuple(lines)


# -- the table ---------------------------------------------------------------------------------------------------


class _Tunes(Mapping[str, Tune]):
    """All shapes of all tunes by name, the tunes with the most pieces first.

    A shape is read when it is first asked for: reading all of them takes a tenth of a second.
    """

    def __init__(self) -> None:
        self.rows = table("tunes")
        self.of_tune: dict[str, list[str]] = {}
        """The names of the shapes of each tune."""
        self.of_size: dict[int, list[str]] = {}
        """The names of the shapes with each number of characters."""
        for name, cells in self.rows.items():
            self.of_tune.setdefault(name.partition("·")[0], []).append(name)
            self.of_size.setdefault(int(cells[: cells.index("\t")]), []).append(name)
        self.read: dict[str, Tune] = {}

    def __getitem__(self, name: str) -> Tune:
        if name not in self.read:
            _, number, pieces, pattern, *_ = self.rows[name].split("\t")
            self.read[name] = Tune(
                name=name,
                names=self.names(name.partition("·")[0]),
                number=number,
                pieces=int(pieces),
                lines=read_lines(pattern),
            )
        return self.read[name]

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def names(self, tune: str) -> tuple[str, ...]:
        """Return the names of a tune, the usual one first."""
        return (tune, *self.rows[tune].split("\t")[4].split())


@cache
def tunes() -> _Tunes:
    """Return all shapes of all tunes by name, the tunes with the most pieces first."""
    return _Tunes()


@cache
def _by_key() -> dict[str, str]:
    """Map the key of each name of a tune to the tune's usual name."""
    found: dict[str, str] = {}
    usual = list(tunes().of_tune)
    for tune in usual:
        found.setdefault(_key(tune), tune)
    # the name of one tune takes precedence over the other name of another
    for tune in usual:
        for name in tunes().names(tune):
            found.setdefault(_key(name), tune)
    return found


def _key(name: str) -> str:
    """Return one key for all ways to write the characters of a name, such as 點絳唇 and 點絳脣, 於中好 and 于中好."""
    simplified = simplified_forms()
    return one_form("".join(simplified.get(one, one) for one in name.strip()))


def find_tune(name: str) -> Tune | None:
    """Find a tune by a name such as 浣溪沙, 浣溪纱 or 柳梢青·格二; None if no tune has the name."""
    name = to_traditional(name.strip())
    match = _SHAPE.search(name)
    tune_name = name[: match.start()] if match else name
    usual_name = _by_key().get(_key(tune_name))
    if usual_name is None:
        return None
    tune = tunes()[usual_name]
    if match is None:
        return tune
    for shape in shapes_of(tune):
        if shape.number == match[1]:
            return shape
    return None


def named_tune(headings: Iterable[str]) -> Tune | None:
    """Return the tune whose name stands at the start of a heading, or None.

    A longer name takes precedence.
    """
    for heading in headings:
        beginning = heading.strip("《》〈〉「」【】 　#")[:_LONGEST_NAME]
        for size in range(len(beginning), 1, -1):  # every name has two characters or more
            tune = find_tune(beginning[:size])
            if tune is not None:
                return tune
    return None


def near_names(name: str) -> list[str]:
    """Return the names of at most three tunes that resemble a name."""
    return get_close_matches(to_traditional(name.strip()), list(tunes().of_tune), n=3, cutoff=0.3)


def known_tune(name: str) -> Tune:
    """Find a tune by its name.

    Raises InputError, which lists similar names, if no tune has the name.
    """
    tune = find_tune(name)
    if tune is None:
        choices = near_names(name) or list(tunes().of_tune)[:10]
        raise InputError("choice", field="tune", has=name, choices=choices)
    return tune


def shapes_of(tune: Tune) -> list[Tune]:
    """Return all shapes of a tune, the most frequent first."""
    return [tunes()[name] for name in tunes().of_tune[tune.names[0]]]


def matching_shapes(tune: Tune, lines: Sequence[str]) -> list[Tune]:
    """Return the shapes of a tune that lines have, the most frequent first."""
    return [shape for shape in shapes_of(tune) if shape.divides(lines)]


@lru_cache(1 << 10)
def of_size(size: int) -> tuple[Tune, ...]:
    """Return all tune shapes with the given number of characters."""
    return tuple(tunes()[name] for name in tunes().of_size.get(size, ()))


def ends_of(lines: Sequence[str]) -> int:
    """Return a bit mask of the ends of lines: bit n is set after n characters."""
    ends = 0
    size = 0
    for line in lines:
        size += len(line)
        ends |= 1 << size
    return ends


def with_shape(lines: Sequence[str]) -> Sequence[Tune]:
    """Return the tune shapes that lines have; a shape with few pieces must have the same line ends."""
    return _with_ends(ends_of(lines))


@lru_cache(1 << 10)
def _with_ends(ends: int) -> tuple[Tune, ...]:
    found = []
    size = ends.bit_length() - 1  # the last line ends after all characters
    for tune in of_size(size):
        is_frequent = tune.pieces >= _FREQUENT
        if tune.moved(ends) == 0 or (is_frequent and tune.has_ends(ends)):
            found.append(tune)
    return tuple(found)


def nearness(lines: Sequence[str]) -> tuple[int, int] | None:
    """Measure how near the nearest tune is to lines: a smaller pair is nearer.

    The pair is the number of line ends that differ, and the number of the tune's pieces, negative.
    Return None if the lines are of one length or have the shape of no tune.
    """
    if len({len(line) for line in lines}) == 1:
        return None
    ends = ends_of(lines)
    return min(((tune.moved(ends), -tune.pieces) for tune in with_shape(lines)), default=None)
