"""Define the API's JSON, requests and answers, as dataclasses from which OpenAPI is made."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from pingze.composing import Poem, read_poem
from pingze.composing.request.options import MOODS, Bounded, Composing, Revising, option
from pingze.errors import Cause, Clash, InputError
from pingze.network import checkpoint
from pingze.verse.forms import find_form, wrong_shape
from pingze.verse.patterns import CUSTOMARY

LONGEST_POEM = 200
MOST_PARTICLES = 256
MOST_POEMS = 256
MOST_TEXTS = 8192
"""The most texts of one request: particles times count."""


def shared(name: str, **bounds: Any) -> Any:
    """Make a field of `Composing` once more, with other bounds."""
    each = next(each for each in fields(Composing) if each.name == name)
    bounds = each.metadata["json_schema_extra"] | bounds
    return option(each.default, each.metadata["description"], **bounds)


# -- Requests ---------------------------------------------------------------------------------------------------


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
class OfModel(Bounded):
    """A request that may name a model."""

    model: str | None = option(None, "A model that /v1/forms names; null takes the default.", maxLength=40)

    @property
    def model_name(self) -> str:
        """The shipped model to use. Raises InputError on any other name: none becomes a path."""
        if self.model is not None and self.model not in checkpoint.SHIPPED:
            raise InputError("choice", field="model", has=self.model, choices=list(checkpoint.SHIPPED))
        return self.model or checkpoint.DEFAULT


@dataclass(frozen=True, kw_only=True)
class OfPoem(OfModel):
    """A request about a poem."""

    poem: GivenPoem


@dataclass(frozen=True, kw_only=True)
class ReviseOptions(OfModel, Revising):
    """The options of writing poems, with this API's bounds."""

    particles: int = shared("particles", maximum=MOST_PARTICLES)


@dataclass(frozen=True, kw_only=True)
class ComposeRequest(ReviseOptions, Composing):
    """Poems to write."""

    count: int = shared("count", maximum=MOST_POEMS)


@dataclass(frozen=True, kw_only=True)
class ReviseRequest(OfPoem, ReviseOptions):
    """A poem, and the places to write again."""

    targets: list[Place]


@dataclass(frozen=True, kw_only=True)
class AlternativesRequest(OfPoem, ReviseOptions):
    """A poem, and a place to find characters for."""

    line: int = option(..., "The line's number.", minimum=1, maximum=LONGEST_POEM)
    position: int = option(..., "The character's.", minimum=1, maximum=7)
    limit: int = option(10, "How many characters at most.", minimum=1, maximum=64)


@dataclass(frozen=True, kw_only=True)
class ExplainRequest(OfPoem):
    """A poem whose characters to explain."""

    limit: int = option(5, "How many other characters are named.", minimum=0, maximum=64)
    level: str = option(CUSTOMARY, Revising.sentence("level"), maxLength=20)


@dataclass(frozen=True, kw_only=True)
class CheckRequest(Bounded):
    """Poems to check, as a person writes them."""

    text: str = option(..., "One poem, or several with blank lines between.", maxLength=4000)
    form: str | None = option(None, "The form to check for, instead of the one found.", maxLength=20)
    level: str = option(CUSTOMARY, Revising.sentence("level"), maxLength=20)


@dataclass(frozen=True, kw_only=True)
class MendRequest(OfModel):
    """A faulty poem to mend."""

    text: str = option(..., "The poem, as a person writes it.", maxLength=4000)
    keep: str = option("", "Words of it that stay; a space separates them.", maxLength=100)
    form: str | None = option(None, "The form to mend it to, instead of its shape's.", maxLength=20)
    level: str = option(CUSTOMARY, Revising.sentence("level"), maxLength=20)
    title: str | None = shared("title")
    poet: str | None = shared("poet")
    seed: int | None = shared("seed")


@dataclass(frozen=True, kw_only=True)
class OriginalityRequest(Bounded):
    """A poem to compare with the corpus."""

    poem: GivenPoem


@dataclass(frozen=True, kw_only=True)
class UnitsRequest(OfPoem):
    """A poem, and the layer whose units to watch."""

    layer: int = option(1, "The LSTM layer, from 1.", minimum=1, maximum=16)


@dataclass(frozen=True, kw_only=True)
class CharacterRequest(OfPoem):
    """A poem, and a character of it."""

    line: int = option(1, "The line's number.", minimum=1, maximum=LONGEST_POEM)
    position: int = option(1, "The character's.", minimum=1, maximum=7)


@dataclass(frozen=True, kw_only=True)
class ReachRequest(UnitsRequest, CharacterRequest):
    """A poem, and the character from which to look back."""


@dataclass(frozen=True, kw_only=True)
class NextRequest(CharacterRequest):
    """A poem, and a place whose next character to predict."""

    limit: int = option(12, "How many characters are named.", minimum=1, maximum=64)


# -- Answers ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FormChoice:
    """A form that may be asked for."""

    name: str
    width: int
    lines: int | None
    default_lines: int
    acrostic_positions: dict[str, int]
    """For each place of an acrostic the position in the line, from 1."""
    regulated: bool
    antithetical: bool
    templates: Sequence[str]


@dataclass(frozen=True)
class RhymeChoice:
    """A rhyme group that may be asked for."""

    name: str
    label: str
    side: str


@dataclass(frozen=True)
class ModelChoice:
    """A model that may be asked for."""

    name: str
    titles: bool
    themes: bool
    poets: Sequence[str]
    layers: int
    units: int


@dataclass(frozen=True)
class OptionChoice:
    """An option of /v1/compose: its default, and its bounds in the words of JSON Schema."""

    name: str
    description: str
    default: str | int | float | bool | None
    bounds: dict[str, Any]


@dataclass(frozen=True)
class Choices:
    """All that may be chosen."""

    options: Sequence[OptionChoice]
    forms: Sequence[FormChoice]
    rhymes: Sequence[RhymeChoice]
    models: Sequence[ModelChoice]
    default_model: str
    corpus: bool
    levels: Sequence[str]
    acrostic_places: Sequence[str]


@dataclass(frozen=True)
class Poems:
    """Composed poems, and how the request was read: characters read as others or left out."""

    poems: Sequence[Poem]
    notes: Sequence[str]
    remarks: Sequence[Cause]
    """The notes, each as a code with parameters."""


@dataclass(frozen=True)
class Conflicts:
    """Whether a poem can keep all that is asked for, and if not, what clashes."""

    possible: bool
    detail: str
    clashes: Sequence[Clash]
    cause: Cause | None
    """The detail as a code with parameters."""


@dataclass(frozen=True)
class Fault:
    """One fault, at one character, and the characters that would fit there."""

    rule: str
    line: int
    position: int
    char: str
    readings: Sequence[str]
    definition: str
    """The broken rule in words."""
    fitting: Sequence[str]
    cause: Cause
    """The wanted and the actual tone or rhyme, as a code with parameters."""


@dataclass(frozen=True)
class Judged:
    """A checked poem, as in `pingze check --json`, with the characters that would fit at each fault."""

    ok: bool
    """Whether it fits a form, and nothing is broken."""
    judged: str
    """What was judged: tones and rhyme; rhyme, of old-style verse; shape, if it is wrong; or nothing."""
    form: str | None
    template: str | None
    rhyme: str | None
    level: str
    lines: Sequence[str]
    read: Sequence[str]
    """The lines in the Traditional characters that they were read as and judged by."""
    tones: Sequence[str]
    """A sign for each character of each line: 平 level, 仄 oblique, 中 either, ？ unknown."""
    readings: Sequence[Sequence[Sequence[str]]]
    """For each character of each line its readings, tone and rhyme group, as 平東."""
    violations: Sequence[Fault]
    notes: Sequence[str]
    remarks: Sequence[Cause]
    """The notes, each as a code with parameters."""
