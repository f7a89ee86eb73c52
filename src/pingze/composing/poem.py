"""Define a composed poem, and lay it out in punctuated lines."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from html import escape

from pingze.verse.characters import mark_after
from pingze.verse.forms import Layout, find_form

_UPRIGHT = "writing-mode: vertical-rl; font-size: 150%; line-height: 1.8; max-height: 24em"


@dataclass(frozen=True)
class Poem:
    """A composed poem; its JSON form is an object with these fields."""

    form: str
    """The form 體, as 七絕 or 浣溪沙."""
    template: str | None
    """The name of the tone template that the poem follows, as 平起首句入韻.

    None if it follows none.
    """
    rhyme: str | None
    """The rhyme group 韻部. For a 詞, the groups of its rhymes in order, as 第一部、第七部.

    None if there is none.
    """
    title: str | None
    """The title for which the poem was written."""
    poet: str | None
    """The poet whose manner the poem imitates."""
    seed: int
    """The seed that reproduces the poem."""
    model: str
    """The name of the model that wrote the poem."""
    lines: list[str]
    """The lines 句, without marks."""
    log_probability: float
    """ln p of the text, including marks and the end token, at temperature 1, in nats."""
    about: str | None = None
    """The theme on which the poem was written."""
    mood: str | None = None
    """The mood in which the poem was written."""
    score: float = 0.0
    """What drafts are ranked by: the sum of the terms, such as taste; 0 if no term counts."""
    number: int = 1
    """The draft's number among `count` drafts of the seed."""
    count: int = 1
    """The number of drafts that were asked for; with the seed and the number it names the draft."""

    def __str__(self) -> str:
        return punctuate(self.lines, self.form)

    def __hash__(self) -> int:
        return hash((self.form, *self.lines, self.seed, self.model))

    def _repr_html_(self) -> str:
        """Return HTML for a notebook: title and punctuated verse, in columns from right to left."""
        title = f"<b>{escape(self.title)}</b><br>" if self.title else ""
        verse = escape(str(self)).replace("\n", "<br>")
        return f'<div lang="zh-Hant" style="{_UPRIGHT}">{title}{verse}</div>'

    def as_json(self) -> dict[str, object]:
        """Return the fields by name."""
        return asdict(self)


def divided_as_tune(poem: Poem) -> Poem:
    """Divide the lines of a 詞 as its tune does; the user may have put marks in other places."""
    lines = find_form(poem.form).cut(poem.lines) if poem.form else None  # 詩 stays as it is
    return replace(poem, lines=list(lines)) if lines else poem


def divided_as(poem: Poem, other: Poem) -> Poem:
    """Divide the lines of a poem as those of another with as many characters."""
    layout = Layout(len(line) for line in other.lines)
    return replace(poem, lines=layout.cut("".join(poem.lines)))


def marked(lines: Sequence[str], form: str = "") -> list[str]:
    """Append a punctuation mark to each line.

    A 詞 gets its tune's marks; any other poem gets ， and 。 in turn.
    """
    tune = find_form(form).tune if form else None
    lines_with_marks = []
    end = 0  # where the line ends in the text; a tune knows the mark that follows there
    for index, line in enumerate(lines):
        end += len(line)
        mark = tune.mark_at(end) if tune else mark_after(index)
        lines_with_marks.append(line + mark)
    return lines_with_marks


def punctuate(lines: Sequence[str], form: str = "") -> str:
    """Join the lines with punctuation marks.

    Each row has one couplet 聯 or, in a 詞, one stanza 片.
    """
    tune = find_form(form).tune if form else None
    lines_with_marks = marked(lines, form)
    if tune is None:
        starts = range(0, len(lines_with_marks), 2)
        couplets = ["".join(lines_with_marks[start : start + 2]) for start in starts]
        return "\n".join(couplets)
    text = ""
    end = 0
    for line in lines_with_marks:
        text += line
        end += len(line) - 1  # the mark is not counted
        if end in tune.stanza_ends:
            text += "\n"
    return text
