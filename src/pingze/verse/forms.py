"""The forms 體 of Tang verse: how long their lines are, how many there are, how they may open."""

import re
from dataclasses import dataclass
from functools import cache

from pingze.errors import InputError
from pingze.verse.character_table import to_traditional
from pingze.verse.patterns import NEXT

OPENINGS = ("aB", "DB", "cD", "BD")
"""The first couplet's line types, which settle all that follow; after D or B the first line rhymes 首句入韻."""

_USE = {"五": ("aB", "cD", "DB", "BD"), "七": ("BD", "DB", "aB", "cD")}
_SHORTEST_ROW = 10  # lines of the shortest 排律
FEWEST_LINES = 4
"""The lines of a 絕; no form has fewer."""


@dataclass(frozen=True)
class Form:
    """A form 體: regulated 近體 with its four openings, or old-style 古體 without a template."""

    name: str
    """As 七絕."""
    width: int
    """Characters a line: five or seven."""
    lines: int | None
    """How many lines; None where the number is free."""

    @property
    def regulated(self) -> bool:
        """Whether tones are set (絕 律 排), or only the rhyme (古)."""
        return not self.name.endswith("古")

    @property
    def openings(self) -> tuple[str, ...]:
        """The openings of `OPENINGS`, the one that Tang poets use most first; none for old-style verse."""
        return _USE[self.name[0]] if self.regulated else ()

    @property
    def default_lines(self) -> int:
        """How many lines a poem has unless a person says."""
        return self.lines or (_SHORTEST_ROW if self.regulated else 8)

    def takes(self, count: int) -> bool:
        """Whether a poem of this form can have this many lines."""
        if self.lines is not None:
            return count == self.lines
        return count >= _SHORTEST_ROW and count % 2 == 0 if self.regulated else count > 0

    def antithetical(self, count: int) -> range:
        """The couplets, from 0, of a poem of this many lines that need antithesis 對仗: all inner ones of 律 and 排."""
        return range(1, count // 2 - 1) if self.name[1] in "律排" else range(0)


FORMS = {
    first + name: Form(first + name, width, lines)
    for first, width in (("五", 5), ("七", 7))
    for name, lines in (("絕", 4), ("律", 8), ("排", None), ("古", None))
}
"""Every form by its name."""

_NAME = re.compile("([五七])言?(?:(絕)句?|(律)詩?|(排)律?|(古)[詩體風]?)")


def find_form(name: str) -> Form:
    """The form that a person names, in Traditional or Simplified characters, as 七絕, 七绝 or 七言絕句.

    Raises InputError on any other name.
    """
    if not (found := _NAME.fullmatch(to_traditional(name.strip()))):
        raise InputError("choice", field="form", has=name, choices=list(FORMS))
    return FORMS["".join(filter(None, found.groups()))]


def wrong_shape(field: str, form: Form) -> InputError:
    """Make the error for lines that do not have the shape of a form.

    Args:
        field: The option that holds the lines.
        form: Its number of lines, an even one from 10 of a 排, any of a 古, and their width.
    """
    code = "shape" if form.lines else "shape_long" if form.regulated else "shape_free"
    return InputError(code, field=field, form=form.name, wanted=form.lines, width=form.width)


@cache
def line_types(opening: str, count: int) -> tuple[str, ...]:
    """The type of each of `count` lines (an even number) after an opening of `OPENINGS`."""
    types = list(opening)
    while len(types) < count:
        types.append(NEXT[types[-1]])
    return tuple(types)


def opening_name(width: int, first: str) -> str:
    """The name of the template whose first line has a type, as 平起首句入韻.

    平起 and 仄起 name the tone of the line's second character.
    """
    starts_level = (first in ("B", "c")) != (width == 7)
    return f"{'平' if starts_level else '仄'}起首句{'入' if first.isupper() else '不入'}韻"
