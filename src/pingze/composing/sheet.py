"""Define the sheet: the wishes for a poem, and a character or a blank at each place.

Everything that is written here is a sheet with other places filled: a new poem has only blanks, an
acrostic has the first character of each line, a revision has one line blank. `desk` says what can
be done with a sheet.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pingze.composing.options import MOST_LINES, Bounded, Composing, option
from pingze.composing.poem import Poem, divided_as_tune, punctuate
from pingze.errors import InputError, wrong_type
from pingze.verse.characters import MARKS
from pingze.verse.forms import Form, find_form

BLANK = "＿"
HOLES = "＿_□"
BLANKS = HOLES + "？?*＊.．"
"""The characters that stand for a blank in a line or a pattern."""
LONGEST_LINE = 16
"""The maximum number of characters in a line; the lines of all tunes are shorter."""
CHOICE = re.compile(r"[\[［]([^\]］]*)[\]］]")
"""A choice among characters in a line or a pattern, as [靜晚夜]."""
MOST_LIMITS = 200


@dataclass(frozen=True, kw_only=True)
class Limit(Bounded):
    """Characters that a place, or all places of a line, may or may not have."""

    line: int = option(..., "The line's number.", minimum=1, maximum=MOST_LINES)
    position: int | None = option(
        None,
        "The character's number; null, for what is excluded: every place.",
        minimum=1,
        maximum=LONGEST_LINE,
    )
    characters: str = option(..., "The characters.", maxLength=200)


@dataclass(frozen=True, kw_only=True)
class Sheet(Composing):
    """The wishes for a poem, and what is written of it.

    `keep`, `put` and `free` return a new sheet.

    Args:
        start: The opening, of any length up to the whole poem.
        form: One of 五絕 五律 五排 五古 七絕 七律 七排 七古, or a tune, as 浣溪沙.
        lines: What is written, with ＿ for a blank, one text per line, or the number of lines;
            absent lines are blank.
        kept: For each line, 1 at each character that may not change.
        was: For each line, what stood at a blank; another character is written there if one can.
        choices: What a blank may be.
        exclude_at: What may not stand there.
        template: The name of an opening template, or part of the name, as 平起 or 首句入韻.
        rhyme: The rhyme group, as 陽; for a tune a part of 詞林正韻, as 第二部.
        acrostic: One character per line, as 春夏秋冬; ＿ leaves a line free.
        acrostic_at: Where in each line the acrostic is: head 藏頭, middle 藏中, end 藏尾.
        pattern: One block of characters per line, with ＿ at each free position, and [靜晚夜] where
            one of some characters is to be: '＿＿明月＿ ＿＿[山江]＿＿'.
        count: The number of poems.
        level: How strictly tones are judged: customary or strict, with changes: +小拗 +三仄尾 +鄰韻
            enforce a rule, -孤平 drops one, -本句自救 -對句相救 reject a rescue.
        standard: How characters are read: pingshui 平水韻, tongyun 中華通韻, xinyun 中華新韻.
        include: Words that must appear, separated by spaces, as '雁 芙蓉'.
        exclude: Characters that must not appear.
        exclude_words: Words that must not appear, separated by spaces, as '匈奴 何處'.
        repeat: Allow a character to appear more than once, not only in reduplication.
        usual_forms: Write characters in their usual forms, as 猿 for 猨, unless that could break a
            tone or a rhyme.
        original: The maximum number of consecutive characters that a line may share with a line of
            the corpus.
        antithesis: How strongly antithesis 對仗 counts in the couplets that need it; 0 leaves it to
            the model.
        taste: How strongly the predicted judgement of a reader counts; 0 leaves the choice to the
            model.
        title: A title of at most 20 characters, for models that know titles.
        about: A theme of at most 8 characters, as 江雪, for models that know themes.
        mood: One of joyful, calm, sad; by default the mood of the title or theme, if it has one.
        like: Characters to prefer, as those of a poem to resemble.
        unlike: Characters to use less, as those of other poems on the subject.
        poet: The poet whose manner to imitate, for models that know poets.
        temperature: 0 always takes the likeliest character; higher values draw less likely ones
            more often.
        top_p: The nucleus: draw almost only from the smallest set of likeliest characters with this
            total probability.
        particles: The number of particles for each poem; long poems use fewer.
        seed: The same seed gives the same poem.

    Raises InputError, which names the option, if a value is out of bounds.
    """

    lines: list[str] | int | None = option(  # type: ignore[assignment]  # wider than a number
        None,
        "What is written, with ＿ for a blank, one text per line, or the number of lines; absent lines are blank.",
        strict=False,  # a union of types
        minimum=2,
        maximum=MOST_LINES,
        maxItems=MOST_LINES,
    )
    kept: list[str] = option(
        [], "For each line, 1 at each character that may not change.", maxItems=MOST_LINES
    )
    was: list[str] = option(
        [],
        "For each line, what stood at a blank; another character is written there if one can.",
        maxItems=MOST_LINES,
    )
    choices: list[Limit] = option([], "What a blank may be.", maxItems=MOST_LIMITS)
    exclude_at: list[Limit] = option([], "What may not stand there.", maxItems=MOST_LIMITS)

    def __post_init__(self) -> None:
        if not isinstance(self.lines, list | int | None) or isinstance(self.lines, bool):
            raise wrong_type("lines", self.lines, "a list of lines, or their number")
        super().__post_init__()
        for name in ("lines", "kept", "was"):
            rows = getattr(self, name)
            if not isinstance(rows, list):  # a number of lines, or None
                continue
            for row in rows:
                if not isinstance(row, str):
                    raise wrong_type(name, row, "text")

    @classmethod
    def of(cls, poem: Poem, **options: Any) -> "Sheet":
        """Return a sheet on which a poem stands, in the lines of its form.

        Args:
            poem: The poem. Its form, template, rhyme, title, poet, theme and mood become options,
                unless `options` has them.
            **options: Further options.
        """
        if not isinstance(poem, Poem):
            raise wrong_type("poem", poem, "a Poem, as compose and read_poem give")
        if len(poem.lines) > MOST_LINES:
            raise InputError("too_many_lines", field="poem", has=len(poem.lines), most=MOST_LINES)
        for name in ("template", "rhyme", "title", "poet", "about", "mood"):
            if options.get(name) is None:
                options[name] = getattr(poem, name)
        lines = list(divided_as_tune(poem).lines)
        return cls(**options | {"form": poem.form, "lines": lines})

    @property
    def shape(self) -> Form:
        """The form. Raises InputError if it is unknown."""
        return find_form(self.form)

    @property
    def count_of_lines(self) -> int:
        """The number of lines, as the form or `lines` gives it."""
        form = self.shape
        if isinstance(self.lines, int):
            return self.lines
        if form.lines is None and self.lines:
            return len(self.lines)
        return form.default_lines

    @property
    def rows(self) -> list[str]:
        """What is written in each line, with ＿ for each blank."""
        written = self.lines if isinstance(self.lines, list) else []
        return self._full("lines", written)

    @property
    def is_full(self) -> bool:
        """Whether no place is blank."""
        return BLANK not in "".join(self.rows)

    def keep(self, line: int, text: str | None = None) -> "Sheet":
        """Write a line as `put` does, and keep its characters; without `text`, keep what stands."""
        sheet = self if text is None else self.put(line, text)
        row = sheet.row(line)
        mask = "".join("0" if character == BLANK else "1" for character in row)
        return sheet._with(line, kept=mask)

    def put(self, line: int, text: str) -> "Sheet":
        """Write a line, with ＿ for blanks and [靜晚夜] for a choice; its characters may change."""
        self.row(line)  # raises an error if there is no such line
        row = ""
        # the new choices of the line replace the old ones
        choices = [limit for limit in self.choices if limit.line != line]
        # `split` returns, in turn, a text outside brackets and a text in brackets
        for number, part in enumerate(CHOICE.split(text)):
            if number % 2 == 0:
                row += _without_marks(part)
            else:
                row += BLANK
                choices.append(Limit(line=line, position=len(row), characters=part))
        sheet = replace(self, choices=choices)
        return sheet._with(line, lines=row, kept="")

    def free(self, line: int, start: int = 1, end: int | None = None) -> "Sheet":
        """Make the places of a line blank, from `start` to `end`, for other characters.

        The same places in the lines that repeat this one 疊句 become blank too.
        """
        width = len(self.row(line))
        last = width if end is None else end
        for position in (start, last):
            if not 1 <= position <= width:
                raise InputError("no_position", field="position", has=position, most=width)
        before_line = self.shape.layout(self.count_of_lines).starts[line - 1]
        return self.free_places(range(before_line + start - 1, before_line + last))

    def free_places(self, places: Iterable[int]) -> "Sheet":
        """Make places blank as `free` does; they are numbered in the whole text, from 0."""
        layout = self.shape.layout(self.count_of_lines)
        sheet = self
        for place in places:
            for same in self.shape.same(place):
                number, at = layout.where(same)
                row = sheet.rows[number]
                was = sheet._full("was", sheet.was)[number]
                kept = sheet.kept[number] if number < len(sheet.kept) else ""
                if at < len(kept):
                    kept = kept[:at] + "0" + kept[at + 1 :]
                sheet = sheet._with(
                    number + 1,
                    lines=row[:at] + BLANK + row[at + 1 :],
                    kept=kept,
                    was=was[:at] + row[at] + was[at + 1 :],
                )
        return sheet

    def __str__(self) -> str:
        return punctuate(self.rows, self.form)

    def row(self, line: int) -> str:
        """Return what is written in a line. Raises InputError if there is no such line."""
        rows = self.rows
        if not isinstance(line, int) or not 1 <= line <= len(rows):
            raise InputError("no_line", field="line", has=line, most=len(rows))
        return rows[line - 1]

    def _with(self, line: int, **new: str) -> "Sheet":
        """Copy the sheet with other rows of a line: of `lines`, `kept` or `was`, by these names."""
        changed: dict[str, Any] = {}
        for name, row in new.items():
            rows = self.rows if name == "lines" else list(getattr(self, name))
            rows += [""] * (line - len(rows))
            rows[line - 1] = row
            changed[name] = rows
        return replace(self, **changed)

    def _full(self, name: str, written: Sequence[str]) -> list[str]:
        """Return a row for each line of the form; a row that is absent or empty has blanks only."""
        widths = self.shape.widths(self.count_of_lines)
        if len(written) > len(widths):
            raise InputError("too_many_lines", field=name, has=len(written), most=len(widths))
        rows = []
        for number, width in enumerate(widths):
            row = _without_marks(written[number]) if number < len(written) else ""
            # the row of an error is cut off, since it may be of any length
            if row and len(row) != width:
                raise InputError(
                    "block_width",
                    field=name,
                    line=number + 1,
                    block=row[:20],
                    has=len(row),
                    wanted=width,
                )
            rows.append(row or BLANK * width)
        return rows


def _without_marks(text: str) -> str:
    """Remove marks and spaces from a line, and write ＿ for each blank."""
    row = ""
    for sign in text:
        if sign in BLANKS:
            row += BLANK
        elif not sign.isspace() and sign not in MARKS:
            row += sign
    return row
