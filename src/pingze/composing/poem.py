"""Define a composed poem, and lay it out in lines with marks."""

from dataclasses import asdict, dataclass
from html import escape

from pingze.verse.characters import mark_after

_UPRIGHT = "writing-mode: vertical-rl; font-size: 150%; line-height: 1.8; max-height: 24em"


@dataclass(frozen=True)
class Poem:
    """A composed poem; as JSON it is this dataclass's fields."""

    form: str
    """Its form 體, as 七絕."""
    template: str | None
    """The name of its opening template, where one was kept."""
    rhyme: str | None
    """Its rhyme group 韻部, where one was kept."""
    title: str | None
    """The title it was written to."""
    poet: str | None
    """The poet in whose manner it was written."""
    seed: int
    """The seed that writes it again."""
    model: str
    """The model that wrote it."""
    lines: list[str]
    """Its lines 句, without marks."""
    log_probability: float
    """ln p of the poem's text, marks and end included, under the model at temperature 1, in nats."""
    about: str | None = None
    """The theme it was written to."""
    mood: str | None = None
    """The mood that it was written in."""

    def __str__(self) -> str:
        return punctuate(self.lines)

    def __hash__(self) -> int:
        return hash((self.form, *self.lines, self.seed, self.model))

    def _repr_html_(self) -> str:
        """In a notebook: from top to bottom and right to left, with its title and marks."""
        title = f"<b>{escape(self.title)}</b><br>" if self.title else ""
        verse = escape(str(self)).replace("\n", "<br>")
        return f'<div lang="zh-Hant" style="{_UPRIGHT}">{title}{verse}</div>'

    def as_json(self) -> dict[str, object]:
        """The fields by name."""
        return asdict(self)


def punctuate(lines: list[str]) -> str:
    """Lines with ，and 。 in turn, a couplet 聯 a row."""
    marked = [line + mark_after(number) for number, line in enumerate(lines)]
    return "\n".join("".join(marked[start : start + 2]) for start in range(0, len(marked), 2))


def in_lines(text: str, width: int) -> list[str]:
    """A text without marks, cut into lines of a width."""
    return [text[start : start + width] for start in range(0, len(text), width)]
