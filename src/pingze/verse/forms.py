"""Define the forms 體 of verse: number and lengths of lines, openings (first two line types) of 詩, patterns of 詞."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise

from pingze.errors import InputError
from pingze.verse.character_table import to_traditional
from pingze.verse.characters import mark_after
from pingze.verse.patterns import NEXT
from pingze.verse.tunes import Tune, find_tune, near_names

OPENINGS = ("aB", "DB", "cD", "BD")
"""The possible types of a regulated poem's first two lines.

The first line rhymes 首句入韻 if its type is D or B.
"""

# the most frequent opening first
_USE = {"五": ("aB", "cD", "DB", "BD"), "七": ("BD", "DB", "aB", "cD")}
_SHORTEST_ROW = 10  # the number of lines of the shortest 排律
# a form of its own, and the lengths that its lines may have
COUPLET = "對聯"
COUPLET_WIDTHS = range(4, 12)
FEWEST_LINES = 4  # the number of lines of a 絕; a poem has at least this many


class Layout:
    """Convert between positions in a text and in its lines.

    `widths` has the number of characters in each line.
    """

    def __init__(self, widths: Iterable[int]) -> None:
        self.widths = tuple(widths)
        self.starts = (0, *accumulate(self.widths))
        """The position at which each line begins, then the length of the text."""
        self.line: list[int] = []
        """For each position, the number of its line, from 0."""
        for number, width in enumerate(self.widths):
            self.line += [number] * width

    def where(self, place: int) -> tuple[int, int]:
        """Return the number of the line that contains a position, and the position within that line, both from 0."""
        line = self.line[place]
        return line, place - self.starts[line]

    def numbered(self, place: int) -> tuple[int, int]:
        """Return the same as `where`, with both numbers counted from 1."""
        line, at = self.where(place)
        return line + 1, at + 1

    def places(self, line: int) -> range:
        """Return the range of positions in the text that a line occupies.

        `line` is the line's number, from 0.
        """
        return range(self.starts[line], self.starts[line + 1])

    def cut(self, text: str) -> list[str]:
        """Cut a text without marks into lines."""
        return [text[start:end] for start, end in pairwise(self.starts)]


_layout = cache(Layout)


@dataclass(frozen=True)
class Form:
    """A form 體: regulated verse 近體 with four `OPENINGS`, old-style verse 古體 with no openings, or 詞 to a tune."""

    name: str
    """The name, such as 七絕 or 浣溪沙."""
    width: int
    """The number of characters in each line of 詩 (five or seven), or in the longest line of a 詞."""
    lines: int | None
    """The number of lines; None if the form does not fix it."""
    tune: Tune | None = None
    """The tune's pattern; None for 詩."""

    @property
    def regulated(self) -> bool:
        """Whether the form is regulated verse (絕 律 排), which has templates, rather than old-style verse 古 or 詞."""
        return self.tune is None and not self.name.endswith("古")

    def widths(self, count: int) -> tuple[int, ...]:
        """Return the number of characters in each of `count` lines."""
        if self.tune:
            return self.tune.widths
        return (self.width,) * count

    def marks(self, count: int) -> str:
        """Return the punctuation marks that follow `count` lines, one per line."""
        if self.tune:
            return "".join(line.mark for line in self.tune.lines)
        return "".join(mark_after(index) for index in range(count))

    def layout(self, count: int) -> Layout:
        """Return the layout of a text of `count` lines."""
        return _layout(self.widths(count))

    def same(self, place: int) -> list[int]:
        """Return `place` and all positions that must have the same character because one line repeats another 疊句."""
        if self.tune is None:
            return [place]
        echoes = self.tune.echoes
        source = echoes.get(place, place)
        places = [source]
        places += [echo for echo, repeated in echoes.items() if repeated == source]
        return places

    def cut(self, lines: Sequence[str]) -> tuple[str, ...] | None:
        """Divide lines as the form requires, or return None if the lines do not have the form's shape.

        A 詞 must have as many characters as its tune, and most of its lines must end where a line
        of the tune ends.
        """
        if self.tune is None:
            fits = self.takes(len(lines)) and {len(line) for line in lines} == {self.width}
            return tuple(lines) if fits else None
        if not self.tune.divides(lines):
            return None
        tune_layout = _layout(self.tune.widths)
        return tuple(tune_layout.cut("".join(lines)))

    @property
    def openings(self) -> tuple[str, ...]:
        """The openings that the form allows, the most frequent in Tang verse first; () for old-style verse."""
        return _USE[self.name[0]] if self.regulated else ()

    @property
    def default_lines(self) -> int:
        """The number of lines to compose if none is requested."""
        if self.lines is not None:
            return self.lines
        return _SHORTEST_ROW if self.regulated else 8

    def takes(self, count: int) -> bool:
        """Return whether a poem of this form can have `count` lines."""
        if self.lines is not None:
            return count == self.lines
        if self.regulated:
            return count >= _SHORTEST_ROW and count % 2 == 0
        return count > 0

    def antithetical(self, count: int) -> range:
        """Return which couplets need antithesis 對仗: the inner ones of a 律 or 排.

        The first couplet has number 0.
        """
        if self.tune is None and self.name[1] in "律排":
            return range(1, count // 2 - 1)
        return range(0)


FORMS: dict[str, Form] = {}
"""Every form of 詩, by name."""
for _first, _width in (("五", 5), ("七", 7)):
    for _kind, _lines in (("絕", 4), ("律", 8), ("排", None), ("古", None)):
        FORMS[_first + _kind] = Form(name=_first + _kind, width=_width, lines=_lines)


@cache
def tune_form(tune: Tune) -> Form:
    """Return the form of the 詞 that are written to a tune."""
    return Form(name=tune.name, width=max(tune.widths), lines=len(tune.lines), tune=tune)


_NAME = re.compile("([五七])言?(?:(絕)句?|(律)詩?|(排)律?|(古)[詩體風]?)")


def is_form_name(name: str) -> bool:
    """Return whether a name is that of a form of 詩, such as 五律 or 七言绝句."""
    return _NAME.fullmatch(to_traditional(name.strip())) is not None


def find_form(name: str) -> Form:
    """Find a form by its Traditional or Simplified name, such as 七絕, 七言绝句 or 浣溪沙; raise InputError if none."""
    match = _NAME.fullmatch(to_traditional(name.strip()))
    if match:
        return FORMS["".join(part for part in match.groups() if part)]
    tune = find_tune(name)
    if tune:
        return tune_form(tune)
    raise InputError("choice", field="form", has=name, choices=list(FORMS) + near_names(name))


def wrong_shape(field: str, form: Form) -> InputError:
    """Build the error for lines that do not have the shape of a form.

    `field` is the option that holds the lines.
    """
    wanted_width: int | str = form.width
    if form.tune:
        code = "shape_tune"
        wanted_width = " ".join(str(width) for width in form.tune.widths)
    elif form.lines:
        code = "shape"
    elif form.regulated:
        code = "shape_long"
    else:
        code = "shape_free"
    return InputError(code, field=field, form=form.name, wanted=form.lines, width=wanted_width)


@cache
def line_types(opening: str, count: int) -> tuple[str, ...]:
    """Return the type of each of the `count` lines of a poem that begins with one of `OPENINGS`.

    The types a, B, c, D are those of `verse.patterns`; `count` is 2 or more.
    """
    types = list(opening)
    while len(types) < count:
        types.append(NEXT[types[-1]])
    return tuple(types)


def opening_name(width: int, first: str) -> str:
    """Return the name of the template whose first line has the type `first`, such as 平起首句入韻.

    平起 and 仄起 indicate the tone of the second character of that line.
    """
    starts_level = first in ("B", "c")
    if width == 7:  # its second character has the opposite tone (`PREFIXES`)
        starts_level = not starts_level
    side = "平" if starts_level else "仄"
    rhymes = "入" if first.isupper() else "不入"
    return f"{side}起首句{rhymes}韻"
