"""Define the requests of the API and their bounds, beside the options of composing."""

from dataclasses import dataclass, fields
from typing import Any

from pingze.composing import Poem, read_poem
from pingze.composing.request.options import LARGEST_SEED, Bounded, Composing, Revising, option
from pingze.composing.steering.mood import MOODS
from pingze.verse.forms import find_form, wrong_shape
from pingze.verse.patterns import CUSTOMARY

LONGEST_POEM = 200
MOST_PARTICLES = 256
MOST_POEMS = 256
MOST_TEXTS = 8192
"""The most texts of one request: particles times count."""


def _model() -> Any:
    return option(None, "A model that /v1/forms names; null takes the default.", maxLength=40)


def _narrowed(name: str, most: int) -> Any:
    """Make a field of `Composing` with a lower maximum."""
    each = next(each for each in fields(Composing) if each.name == name)
    bounds = each.metadata["json_schema_extra"] | {"maximum": most}
    return option(each.default, each.metadata["description"], **bounds)


@dataclass(frozen=True, kw_only=True)
class GivenPoem(Bounded):
    """A poem: as this API answers it, or lines alone. Seed, model and log_probability are not read."""

    lines: list[str] = option(..., "Its lines, without marks.", maxItems=LONGEST_POEM)
    form: str | None = option(None, "As 七絕; null takes the one that it has.", maxLength=20)
    template: str | None = option(None, "Its template; null takes the one that it has.", maxLength=20)
    rhyme: str | None = option(None, "Its rhyme group; null takes the one that it has.", maxLength=20)
    title: str | None = option(None, "Its title, for models that know titles.", maxLength=200)
    about: str | None = option(None, "What it was to be about, for models that know themes.", maxLength=200)
    mood: str | None = option(None, "The mood that it was written in.", enum=[None, *MOODS])
    poet: str | None = option(None, "In whose manner, for models that know poets.", maxLength=20)
    seed: int | None = None
    model: str | None = None
    log_probability: float | None = None

    def read(self, level: str = CUSTOMARY) -> Poem:
        """Parse the poem. Raises InputError on lines without the shape of a form, or of the given form."""
        found = read_poem("，\n".join(self.lines[:LONGEST_POEM]), form=self.form, level=level)
        form = find_form(found.form)
        widths = [len(line) for line in self.lines]
        if not form.takes(len(widths)) or {*widths} != {form.width} or [*map(len, found.lines)] != widths:
            raise wrong_shape("poem", form)
        template, rhyme = self.template or found.template, self.rhyme or found.rhyme
        own = (self.title, self.poet, 0, "", found.lines, 0.0, self.about, self.mood)
        return Poem(form.name, template, rhyme, *own)


@dataclass(frozen=True, kw_only=True)
class Place(Bounded):
    """A line, or a character of it; both count from 1."""

    line: int = option(..., "The line's number.", minimum=1, maximum=LONGEST_POEM)
    position: int | None = option(None, "The character's; null is the whole line.", minimum=1, maximum=7)


@dataclass(frozen=True, kw_only=True)
class Served(Revising):
    """A request to write poems, beside the options of composing."""

    particles: int = _narrowed("particles", MOST_PARTICLES)
    model: str | None = _model()


@dataclass(frozen=True, kw_only=True)
class ComposeRequest(Served, Composing):
    """Poems to write."""

    count: int = _narrowed("count", MOST_POEMS)


@dataclass(frozen=True, kw_only=True)
class ReviseRequest(Served):
    """A poem, and the places to write again."""

    poem: GivenPoem
    targets: list[Place]


@dataclass(frozen=True, kw_only=True)
class AlternativesRequest(Served):
    """A poem, and a place to find characters for."""

    poem: GivenPoem
    line: int = option(..., "The line's number.", minimum=1, maximum=LONGEST_POEM)
    position: int = option(..., "The character's.", minimum=1, maximum=7)
    limit: int = option(10, "How many characters at most.", minimum=1, maximum=64)


@dataclass(frozen=True, kw_only=True)
class ExplainRequest(Bounded):
    """A poem whose characters to explain."""

    poem: GivenPoem
    limit: int = option(5, "How many other characters are named.", minimum=0, maximum=64)
    level: str = option(CUSTOMARY, Revising.sentence("level"), maxLength=20)
    model: str | None = _model()


@dataclass(frozen=True, kw_only=True)
class CheckRequest(Bounded):
    """Poems to check, as a person writes them."""

    text: str = option(..., "One poem, or several with blank lines between.", maxLength=4000)
    form: str | None = option(None, "The form to check for, instead of the one found.", maxLength=20)
    level: str = option(CUSTOMARY, Revising.sentence("level"), maxLength=20)


@dataclass(frozen=True, kw_only=True)
class MendRequest(Bounded):
    """A faulty poem to mend."""

    text: str = option(..., "The poem, as a person writes it.", maxLength=4000)
    keep: str = option("", "Words of it that stay; a space separates them.", maxLength=100)
    form: str | None = option(None, "The form to mend it to, instead of its shape's.", maxLength=20)
    level: str = option(CUSTOMARY, Revising.sentence("level"), maxLength=20)
    title: str | None = option(None, Revising.sentence("title"), maxLength=200)
    poet: str | None = option(None, Revising.sentence("poet"), maxLength=20)
    seed: int | None = _narrowed("seed", LARGEST_SEED)
    model: str | None = _model()


@dataclass(frozen=True, kw_only=True)
class OriginalityRequest(Bounded):
    """A poem to compare with the corpus."""

    poem: GivenPoem


@dataclass(frozen=True, kw_only=True)
class ReachRequest(Bounded):
    """A poem, and the character from which to look back."""

    poem: GivenPoem
    layer: int = option(1, "The LSTM layer, from 1.", minimum=1, maximum=16)
    line: int = option(
        1, "The line of the character from which to look back.", minimum=1, maximum=LONGEST_POEM
    )
    position: int = option(1, "Its position.", minimum=1, maximum=7)
    model: str | None = _model()


@dataclass(frozen=True, kw_only=True)
class UnitsRequest(Bounded):
    """A poem, and the layer whose units to watch."""

    poem: GivenPoem
    layer: int = option(1, "The LSTM layer, from 1.", minimum=1, maximum=16)
    model: str | None = _model()


@dataclass(frozen=True, kw_only=True)
class NextRequest(Bounded):
    """A poem, and a place whose next character to predict."""

    poem: GivenPoem
    line: int = option(1, "The line's number.", minimum=1, maximum=LONGEST_POEM)
    position: int = option(1, "The character's.", minimum=1, maximum=7)
    limit: int = option(12, "How many characters are named.", minimum=1, maximum=64)
    model: str | None = _model()
