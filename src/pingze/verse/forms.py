"""Define the forms 體 of Tang verse: line length, number of lines, and openings."""

import re
from dataclasses import dataclass
from functools import cache

from pingze.errors import InputError
from pingze.verse.character_table import to_traditional
from pingze.verse.patterns import NEXT

OPENINGS = ("aB", "DB", "cD", "BD")
"""The first couplet's line types, which determine all later types; a first line of type D or B rhymes 首句入韻."""

_USE = {"五": ("aB", "cD", "DB", "BD"), "七": ("BD", "DB", "aB", "cD")}  # the most frequent opening first
_SHORTEST_ROW = 10  # the number of lines of the shortest 排律
FEWEST_LINES = 4
"""The number of lines of a 絕; a poem has at least this many."""


@dataclass(frozen=True)
class Form:
    """A form 體 of regulated verse 近體, which has four openings, or of old-style verse 古體, which has none."""

    name: str
    """The name, such as 七絕."""
    width: int
    """The number of characters in a line: five or seven."""
    lines: int | None
    """The number of lines; None if the form does not fix it."""

    @property
    def regulated(self) -> bool:
        """Whether the form prescribes tones (絕 律 排), not only a rhyme (古)."""
        return not self.name.endswith("古")

    @property
    def openings(self) -> tuple[str, ...]:
        """The openings that the form allows, the most frequent in Tang verse first; () for old-style verse."""
        return _USE[self.name[0]] if self.regulated else ()

    @property
    def default_lines(self) -> int:
        """The number of lines to compose if none is requested."""
        return self.lines or (_SHORTEST_ROW if self.regulated else 8)

    def takes(self, count: int) -> bool:
        """Return whether a poem of this form can have `count` lines."""
        if self.lines is not None:
            return count == self.lines
        return count >= _SHORTEST_ROW and count % 2 == 0 if self.regulated else count > 0

    def antithetical(self, count: int) -> range:
        """Return which couplets of `count` lines, from 0, need antithesis 對仗: the inner couplets of 律 and 排."""
        return range(1, count // 2 - 1) if self.name[1] in "律排" else range(0)


FORMS = {
    first + name: Form(first + name, width, lines)
    for first, width in (("五", 5), ("七", 7))
    for name, lines in (("絕", 4), ("律", 8), ("排", None), ("古", None))
}
"""Every form, by name."""

_NAME = re.compile("([五七])言?(?:(絕)句?|(律)詩?|(排)律?|(古)[詩體風]?)")


def find_form(name: str) -> Form:
    """Return the form with a name in Traditional or Simplified characters, such as 七絕, 七绝 or 七言絕句.

    Raises InputError on any other name.
    """
    if not (found := _NAME.fullmatch(to_traditional(name.strip()))):
        raise InputError("choice", field="form", has=name, choices=list(FORMS))
    return FORMS["".join(filter(None, found.groups()))]


def wrong_shape(field: str, form: Form) -> InputError:
    """Build the error for lines that do not have the shape of a form.

    Args:
        field: The option that holds the lines.
        form: The form whose shape the message describes.
    """
    code = "shape" if form.lines else "shape_long" if form.regulated else "shape_free"
    return InputError(code, field=field, form=form.name, wanted=form.lines, width=form.width)


@cache
def line_types(opening: str, count: int) -> tuple[str, ...]:
    """Return the types of all lines of a poem that begins with an opening of `OPENINGS`; `count` must be even."""
    types = list(opening)
    while len(types) < count:
        types.append(NEXT[types[-1]])
    return tuple(types)


def opening_name(width: int, first: str) -> str:
    """Return the name of the template whose first line has the type `first`, such as 平起首句入韻.

    平起 and 仄起 indicate the tone of the second character of that line.
    """
    starts_level = (first in ("B", "c")) != (width == 7)
    return f"{'平' if starts_level else '仄'}起首句{'入' if first.isupper() else '不入'}韻"
