"""Read the patterns of the tunes 詞牌 to which 詞 are written, as they were counted in the corpus (`data/tunes.tsv`).

A tune with several shapes 格 has one pattern for each shape, the most frequent shape first.
`tools/tunes.py` describes the columns of the table and how they are counted.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, cached_property, lru_cache
from itertools import accumulate

from pingze.errors import InputError
from pingze.files import table
from pingze.verse.character_table import one_form, to_traditional
from pingze.verse.standard import PINGSHUI, Standard

# the share of line ends that may differ between text and tune: editions put marks in different
# places
_MOVED = 0.5
_LINE = re.compile(r"(=?)([PZx]+)(?:(\d+)([平仄入]))?([，。、])(\|?)")
_SHAPE = re.compile("[·・ ]?(格.+)")


@dataclass(frozen=True, slots=True)
class TuneLine:
    """A line of a tune."""

    tones: str
    """P (level), Z (oblique) or x (either) for each character."""
    rhyme: int | None
    """The index of the line's rhyme among the tune's rhymes; None if the line need not rhyme."""
    kind: str
    """The class of the line's rhymes, 平, 仄 or 入; "" if the line need not rhyme."""
    mark: str
    ends_stanza: bool
    repeats: bool
    """Whether the line repeats 疊, character by character, the text just before it."""
    level: tuple[int, ...]
    """For each position, the percentage of level tones in the counted pieces."""
    rhymed: int
    """The percentage of pieces in which the line rhymes; 0 if the line need not rhyme."""


@dataclass(frozen=True, eq=False)
class Tune:
    """A tune in one of its shapes."""

    name: str
    """The name of the shape, such as 臨江仙 or 柳梢青·格二."""
    names: tuple[str, ...]
    """The names of the tune, the usual one first."""
    pieces: int
    """The number of counted pieces that are written to the tune."""
    shaped: int
    """The number of the counted pieces that have this shape."""
    lines: tuple[TuneLine, ...]

    @property
    def size(self) -> int:
        """The number of characters."""
        return sum(self.widths)

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """The number of characters in each line."""
        return tuple(len(line.tones) for line in self.lines)

    @cached_property
    def ends(self) -> frozenset[int]:
        """For each line, the number of characters from the start of the tune to the end of the line."""
        return frozenset(accumulate(self.widths))

    def divides(self, lines: Sequence[str]) -> bool:
        """Return whether lines have the tune's shape: as many characters, and mostly the same line ends (`_MOVED`)."""
        ends = {*accumulate(map(len, lines))}
        return max(ends, default=0) == self.size and len(ends ^ self.ends) <= _MOVED * len(
            self.ends
        )

    @cached_property
    def echoes(self) -> dict[int, int]:
        """Map each position of a repeating line to the earlier position that it repeats.

        Positions start at 0.
        """
        ends, found = sorted(self.ends), dict[int, int]()
        for line, end in zip(self.lines, ends, strict=True):
            if line.repeats:
                size = len(line.tones)
                found |= {
                    place: found.get(place - size, place - size) for place in range(end - size, end)
                }
        return found

    @cached_property
    def tones(self) -> str:
        """The tone of each position: P, Z or x.

        If a line repeats another, a tone fixed in either is fixed in both.
        """
        tones = list("".join(line.tones for line in self.lines))
        for place, source in self.echoes.items():
            tones[source] = min(tones[source], tones[place])
        return "".join(tones[self.echoes.get(place, place)] for place in range(len(tones)))

    def kinds(self, rhyme: int) -> frozenset[str]:
        """Return the classes (平, 仄, 入) of the lines with a given rhyme: two if level and oblique lines mix."""
        return frozenset(line.kind for line in self.lines if line.rhyme == rhyme)

    @cache  # noqa: B019 (tunes are few, and live as long as the program)
    def rhymes(self, standard: Standard = PINGSHUI) -> tuple[tuple[str, ...], ...]:
        """Return, for each rhyme of the tune in order, the parts 部 in which all lines of that rhyme can rhyme."""
        return tuple(
            tuple(
                part
                for part in standard.parts.groups
                if all(standard.parts.class_in(part, kind) for kind in self.kinds(rhyme))
            )
            for rhyme in range(1 + max(line.rhyme for line in self.lines if line.rhyme is not None))
        )


@cache
def tunes() -> dict[str, Tune]:
    """Return all shapes of all tunes by name, the tunes with the most pieces first."""
    found = {}
    for name, cells in table("tunes").items():
        others, pieces, shaped, patterns, level, rhymed = cells.split("\t")
        lines = []
        for pattern, shares, often in zip(
            _LINE.findall(patterns), level.split(), rhymed.split(), strict=True
        ):
            repeats, tones, rhyme, kind, mark, stanza = pattern
            number, share = int(rhyme) - 1 if rhyme else None, tuple(map(int, shares.split(".")))
            lines.append(
                TuneLine(tones, number, kind, mark, bool(stanza), bool(repeats), share, int(often))
            )
        names = (name.partition("·")[0], *others.split())
        found[name] = Tune(name, names, int(pieces), int(shaped), tuple(lines))
    return found


@cache
def _by_key() -> dict[str, Tune]:
    # so that a name that two tunes share means the most frequent one
    rarest_first = [*tunes().values()][::-1]
    return {
        _key(tune.name.replace(tune.names[0], name, 1)): tune
        for tune in rarest_first
        for name in tune.names
    }


def _key(name: str) -> str:
    """Return one key for all ways to write the characters of a name, such as 點絳唇 and 點絳脣."""
    return one_form(_SHAPE.sub(r"·\1", to_traditional(name.strip())))


def find_tune(name: str) -> Tune | None:
    """Find a tune by a name such as 浣溪沙, 浣溪纱 or 柳梢青·格二; None if no tune has the name."""
    return _by_key().get(_key(name))


def named_tune(headings: Iterable[str]) -> Tune | None:
    """Return the tune whose name stands at the start of a heading, or None.

    A longer name takes precedence.
    """
    firsts = (heading.strip("《》〈〉「」【】 　")[:8] for heading in headings)
    names = (first[:size] for first in firsts for size in range(len(first), 1, -1))
    return next(filter(None, map(find_tune, names)), None)


def near_names(name: str) -> list[str]:
    """Return the names of at most three tunes that resemble a name."""
    return get_close_matches(to_traditional(name.strip()), list(tunes()), n=3, cutoff=0.3)


def known_tune(name: str) -> Tune:
    """Find a tune by its name.

    Raises InputError, which lists similar names, if no tune has the name.
    """
    if not (tune := find_tune(name)):
        raise InputError(
            "choice", field="tune", has=name, choices=near_names(name) or list(tunes())[:10]
        )
    return tune


def shapes_of(tune: Tune) -> list[Tune]:
    """Return all shapes of a tune, the most frequent first."""
    return [other for other in tunes().values() if other.names == tune.names]


def have_shape(lines: Sequence[str]) -> bool:
    """Return whether lines differ in length and have the shape of a tune."""
    return len({*map(len, lines)}) > 1 and any(
        tune.divides(lines) for tune in of_size(sum(map(len, lines)))
    )


def have_named_shape(lines: Sequence[str], headings: Iterable[str]) -> bool:
    """Return whether lines have the shape of the tune that a heading names."""
    fitting = [tune.names for tune in of_size(sum(map(len, lines))) if tune.divides(lines)]
    return bool(fitting) and (tune := named_tune(headings)) is not None and tune.names in fitting


@lru_cache(1 << 10)
def of_size(size: int) -> list[Tune]:
    """Return all tune shapes with the given number of characters."""
    return [tune for tune in tunes().values() if tune.size == size]
