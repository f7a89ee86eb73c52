"""Define a composed poem, and lay it out in punctuated lines."""

from dataclasses import asdict, dataclass
from html import escape

from pingze.verse.characters import mark_after

_UPRIGHT = "writing-mode: vertical-rl; font-size: 150%; line-height: 1.8; max-height: 24em"


@dataclass(frozen=True)
class Poem:
    """A composed poem; its JSON form is an object with these fields."""

    form: str
    """The form 體, as 七絕."""
    template: str | None
    """The name of the opening template; None if the poem keeps none."""
    rhyme: str | None
    """The rhyme group 韻部; None if the poem keeps none."""
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
    """ln p of the text, including marks and the end token, under the model at temperature 1, in nats."""
    about: str | None = None
    """The theme on which the poem was written."""
    mood: str | None = None
    """The mood in which the poem was written."""

    def __str__(self) -> str:
        return punctuate(self.lines)

    def __hash__(self) -> int:
        return hash((self.form, *self.lines, self.seed, self.model))

    def _repr_html_(self) -> str:
        """Return HTML for a notebook: the title and the punctuated verse, in columns from right to left."""
        title = f"<b>{escape(self.title)}</b><br>" if self.title else ""
        verse = escape(str(self)).replace("\n", "<br>")
        return f'<div lang="zh-Hant" style="{_UPRIGHT}">{title}{verse}</div>'

    def as_json(self) -> dict[str, object]:
        """Return the fields by name."""
        return asdict(self)


def punctuate(lines: list[str]) -> str:
    """Join lines with alternating marks ， and 。, one couplet 聯 per row."""
    marked = [line + mark_after(number) for number, line in enumerate(lines)]
    return "\n".join("".join(marked[start : start + 2]) for start in range(0, len(marked), 2))


def in_lines(text: str, width: int) -> list[str]:
    """Cut a text without marks into lines of the given width."""
    return [text[start : start + width] for start in range(0, len(text), width)]
