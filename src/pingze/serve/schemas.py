"""Define the JSON of the API's requests and answers, and thus the OpenAPI schema."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pingze.composing.collecting import Collected
from pingze.composing.couplets import Couplet
from pingze.composing.desk import Alternative
from pingze.composing.explaining import Reason
from pingze.composing.judging import Judged
from pingze.composing.mending import Mended
from pingze.composing.options import (
    MOODS,
    MOST_LINES,
    Bounded,
    Collecting,
    Composing,
    Coupling,
    Finding,
    option,
)
from pingze.composing.poem import Poem
from pingze.composing.reading import read_poem
from pingze.composing.sheet import LONGEST_LINE, Sheet
from pingze.corpus.store import Shared
from pingze.errors import Cause, Clash
from pingze.network import checkpoint
from pingze.verse.forms import find_form, wrong_shape
from pingze.verse.patterns import CUSTOMARY
from pingze.verse.standard import PINGSHUI

LONGEST_POEM = MOST_LINES
LONGEST_REACH = 16  # lines; each token before the chosen one takes two products of H × H matrices
LONGEST_MENDED = 400  # characters: a poem of twenty lines with its title
LONGEST_PATTERN = 240  # characters: thirty lines, whose clashes are found in seconds
MOST_CHECKED = 100
"""The most poems that one request checks one by one."""
MOST_DRAFTS = 64
MOST_WAYS = 8  # of mending a draft
MOST_COUPLET_TEXTS = 1280  # the default number of particles times the most couplets
MOST_PARTICLES = 256
MOST_TEXTS = 8192  # the most texts that a request may need: particles times count
LARGEST_CODE = 2953  # bytes that the largest QR code holds


def shared(name: str, **bounds: Any) -> Any:
    """Copy a field of `Composing` with different bounds."""
    field = Composing.__dataclass_fields__[name]
    extra = field.metadata["json_schema_extra"] | bounds
    return option(field.default, field.metadata["description"], **extra)


# -- Requests -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class GivenPoem(Bounded):
    """A poem in a request: as the API returns it, or lines only.

    `seed`, `model` and `log_probability` are ignored.
    """

    lines: list[str] = option(..., "Its lines, without marks.", maxItems=LONGEST_POEM)
    form: str | None = option(None, "Its form, such as 七絕; null detects it.", maxLength=20)
    template: str | None = option(None, "Its template; null detects it.", maxLength=20)
    rhyme: str | None = option(None, "Its rhyme group; null detects it.", maxLength=60)
    title: str | None = option(None, "Its title, for models that know titles.", maxLength=200)
    about: str | None = option(None, "Its theme, for models that know themes.", maxLength=200)
    mood: str | None = option(None, "The mood it was written in.", enum=[None, *MOODS])
    poet: str | None = option(
        None, "The poet it imitates, for models that know poets.", maxLength=20
    )
    seed: int | None = None
    model: str | None = None
    log_probability: float | None = None
    score: float | None = None
    number: int | None = None
    count: int | None = None

    def read(self, level: str = CUSTOMARY, standard: str = PINGSHUI.name) -> Poem:
        """Parse the poem.

        Raises InputError if the lines fit no form, or if they do not fit the given `form`.
        """
        text = "，".join(self.lines[:LONGEST_POEM])
        poem = read_poem(text, form=self.form, level=level, standard=standard)
        form = find_form(poem.form)
        # A text may be read with other line breaks than it has, but these lines are final.
        widths_read = [len(line) for line in poem.lines]
        widths_given = [len(line) for line in self.lines]
        if widths_read != widths_given or not form.cut(self.lines):
            raise wrong_shape("poem", form)
        # What the request says of its poem counts more than what is read from the lines.
        stated = {name: getattr(self, name) for name in ("title", "poet", "about", "mood")}
        template = self.template or poem.template
        rhyme = self.rhyme or poem.rhyme
        return replace(poem, template=template, rhyme=rhyme, **stated)


@dataclass(frozen=True, kw_only=True)
class OfModel(Bounded):
    """A request that may name one of the shipped models. A path to a model is not allowed."""

    model: str | None = option(
        None, "The model; null means the default.", enum=[None, *checkpoint.SHIPPED]
    )


@dataclass(frozen=True, kw_only=True)
class OfPoem(OfModel):
    """A request about a poem."""

    poem: GivenPoem


@dataclass(frozen=True, kw_only=True)
class ServerBounds(Bounded):
    """The options of a poem that have narrower bounds on a server."""

    particles: int = shared("particles", maximum=MOST_PARTICLES)
    pattern: str | None = shared("pattern", maxLength=LONGEST_PATTERN)
    count: int = shared("count", maximum=MOST_DRAFTS)


@dataclass(frozen=True, kw_only=True)
class SheetBody(ServerBounds, Sheet):
    """The wishes for a poem, and what is written of it."""


@dataclass(frozen=True, kw_only=True)
class OfSheet(OfModel):
    """A request about a sheet."""

    sheet: SheetBody


@dataclass(frozen=True, kw_only=True)
class FillRequest(OfSheet):
    """A sheet to fill: its blanks are written, in `count` different ways."""


@dataclass(frozen=True, kw_only=True)
class ConflictsRequest(OfSheet):
    """A sheet whose wishes may clash."""


@dataclass(frozen=True, kw_only=True)
class AlternativesRequest(OfSheet):
    """A sheet, and the places of a line for which to list what else could stand there."""

    line: int = option(..., "The line's number.", minimum=1, maximum=LONGEST_POEM)
    start: int = option(1, "The first place in the line.", minimum=1, maximum=LONGEST_LINE)
    end: int | None = option(
        None,
        "The last place; null: the end of the line. Beyond the line it is in the next one.",
        minimum=1,
        maximum=2 * LONGEST_LINE,
    )
    limit: int = option(12, "The most alternatives to return.", minimum=1, maximum=64)


@dataclass(frozen=True, kw_only=True)
class CollectRequest(OfModel, ServerBounds, Collecting):
    """The constraints and options of poems to put together from lines of the corpus."""


@dataclass(frozen=True, kw_only=True)
class CoupletRequest(OfModel, Coupling):
    """A request for a couplet, which matches a given line or follows a theme."""

    particles: int = shared("particles", maximum=MOST_PARTICLES)
    count: int = shared("count", maximum=10)


@dataclass(frozen=True, kw_only=True)
class FindRequest(OfModel, Finding):
    """A search for characters and words."""


@dataclass(frozen=True, kw_only=True)
class ExplainRequest(OfPoem):
    """A poem whose characters are to be explained."""

    limit: int = option(
        5, "How many alternatives to list for each character.", minimum=0, maximum=64
    )
    level: str = shared("level")
    standard: str = shared("standard")


@dataclass(frozen=True, kw_only=True)
class GivenText(Bounded):
    """One poem of several to check."""

    id: str | None = option(None, "A name that comes back with the verdict.", maxLength=100)
    text: str = option(..., "The poem, as plain text.", maxLength=4000)
    form: str | None = option(
        None, "The form to check it against; null: that of the request.", maxLength=20
    )


@dataclass(frozen=True, kw_only=True)
class CheckRequest(Bounded):
    """Poems to check, as plain text, one by one, or a sheet."""

    text: str = option("", "One poem, or several separated by blank lines.", maxLength=4000)
    poems: list[GivenText] = option(
        [],
        "Poems, each with an id: there is a verdict for each, in the same order.",
        maxItems=MOST_CHECKED,
    )
    sheet: SheetBody | None = None
    form: str | None = option(
        None, "The form to check against, instead of the detected one.", maxLength=20
    )
    level: str = shared("level")
    standard: str = shared("standard")
    fine: bool = option(False, "Also note 撞韻, 擠韻, 冒韻, 四字目孤平, 合掌 and weak 對仗.")
    explain: bool = option(False, "Also explain each line: its pattern, rescue and readings.")


@dataclass(frozen=True, kw_only=True)
class ReadRequest(Bounded):
    """A text to read as sheets."""

    text: str = option(..., "One poem, or several separated by blank lines.", maxLength=4000)
    form: str | None = option(None, "The form; null finds it by shape.", maxLength=20)
    level: str = shared("level")
    standard: str = shared("standard")


@dataclass(frozen=True, kw_only=True)
class MendRequest(OfModel):
    """A faulty poem to mend, as plain text or on a sheet."""

    text: str = option("", "The poem, as plain text.", maxLength=LONGEST_MENDED)
    sheet: SheetBody | None = None
    count: int = option(1, "The most ways to mend it.", minimum=1, maximum=MOST_WAYS)
    keep: str = option("", "Words of the poem to keep, separated by spaces.", maxLength=100)
    form: str | None = option(None, "The form to mend to; null finds it by shape.", maxLength=20)
    level: str = shared("level")
    standard: str = shared("standard")
    title: str | None = shared("title")
    poet: str | None = shared("poet")
    seed: int | None = shared("seed")


@dataclass(frozen=True, kw_only=True)
class CodeRequest(Bounded):
    """A text to draw as a QR code."""

    text: str = option(..., f"The text, such as a link; at most {LARGEST_CODE} bytes in UTF-8.")


@dataclass(frozen=True, kw_only=True)
class OriginalityRequest(Bounded):
    """A poem to compare with the corpus."""

    poem: GivenPoem


@dataclass(frozen=True, kw_only=True)
class UnitsRequest(OfPoem):
    """A poem, and the layer whose units are to be shown."""

    layer: int = option(1, "The LSTM layer, from 1.", minimum=1, maximum=16)


@dataclass(frozen=True, kw_only=True)
class CharacterRequest(OfPoem):
    """A poem, and one of its characters."""

    line: int = option(1, "The line's number.", minimum=1, maximum=LONGEST_POEM)
    position: int = option(
        1, "The character's number in the line.", minimum=1, maximum=LONGEST_LINE
    )


@dataclass(frozen=True, kw_only=True)
class ReachRequest(UnitsRequest, CharacterRequest):
    """A poem, and the character whose gradient is to be traced back."""


@dataclass(frozen=True, kw_only=True)
class NextRequest(CharacterRequest):
    """A poem, and the position whose character is to be predicted."""

    limit: int = option(12, "How many characters to return.", minimum=1, maximum=64)


# -- Answers: `remarks` and `cause` repeat notes and details as codes with parameters -------------


@dataclass(frozen=True)
class FormChoice:
    """A form that a request may name."""

    name: str
    width: int
    lines: int | None
    default_lines: int
    regulated: bool
    antithetical: bool
    templates: Sequence[str]


@dataclass(frozen=True)
class TuneChoice:
    """A tune that a request may name as its form."""

    name: str
    names: Sequence[str]
    """The tune's names, the usual one first. All shapes (格) of a tune have the same names."""
    widths: Sequence[int]
    marks: str
    stanzas: Sequence[int]
    """The numbers (from 1) of the lines that end a stanza, except the tune's last line."""
    tones: Sequence[str]
    """The tones of each line by the book: P level, Z oblique, x either."""
    leads: Sequence[int]
    """The numbers (from 1) of the lines whose first character leads the words after it 領字."""
    rhymes: Sequence[str]
    """The class of each rhyme: level 平, oblique 仄, or 平仄 if both rhyme together."""
    pieces: int
    """The number of pieces in this shape that were counted in the corpus."""


@dataclass(frozen=True)
class RhymeChoice:
    """A rhyme group that a request may name."""

    name: str
    label: str
    side: str


@dataclass(frozen=True)
class StandardChoice:
    """A standard of rhyme that a request may name."""

    name: str
    label: str
    rhymes: Sequence[RhymeChoice]
    parts: Sequence[RhymeChoice]
    """The parts (部). In 詞, all groups of a part rhyme together.

    A part's `side` is 入 (entering tones) or 平仄.
    """


@dataclass(frozen=True)
class ModelChoice:
    """A model that a request may name."""

    name: str
    titles: bool
    themes: bool
    poets: Sequence[str]
    tunes: Sequence[str]
    """The names of the tunes that the model knows; empty if it was not trained on 詞."""
    layers: int
    units: int


@dataclass(frozen=True)
class OptionChoice:
    """An option of a sheet, with its default and its bounds as JSON Schema keywords."""

    name: str
    description: str
    default: str | int | float | bool | None
    bounds: dict[str, Any]


@dataclass(frozen=True)
class Choices:
    """Everything that a request may choose from."""

    options: Sequence[OptionChoice]
    forms: Sequence[FormChoice]
    tunes: Sequence[TuneChoice]
    standards: Sequence[StandardChoice]
    models: Sequence[ModelChoice]
    default_model: str
    corpus: bool
    levels: Sequence[str]


@dataclass(frozen=True)
class Health:
    """Whether the server runs, its default model, and the number of waiting jobs."""

    status: str
    model: str
    queue: int


@dataclass(frozen=True)
class Script:
    """Characters in other scripts."""

    simplified: dict[str, str]
    """The Simplified form of each Traditional character that has one."""
    variants: dict[str, str]
    """The form that Simplified text uses of each variant character."""
    usual: dict[str, str]
    """The variant that is usual in Traditional text, of characters that it is read as: 群 of 羣."""


@dataclass(frozen=True)
class Example:
    """A Tang poem, as an example text for the check."""

    author: str
    title: str
    text: str


@dataclass(frozen=True)
class Couplets:
    """Composed couplets."""

    couplets: Sequence[Couplet]


@dataclass(frozen=True)
class Alternatives:
    """What else could stand at some places, best first."""

    alternatives: Sequence[Alternative]


@dataclass(frozen=True)
class MendedPoems:
    """The ways to mend a draft, those with the fewest changes first, and notes."""

    mended: Sequence[Mended]
    notes: Sequence[str]
    remarks: Sequence[Cause]


@dataclass(frozen=True)
class Reasons:
    """An explanation of each character of a poem."""

    reasons: Sequence[Reason]


@dataclass(frozen=True)
class Originality:
    """What each line of a poem shares with the corpus."""

    lines: Sequence[Shared]


@dataclass(frozen=True)
class Code:
    """A QR code without its quiet zone."""

    modules: Sequence[str]
    """The rows, each a string of 0 (light) and 1 (dark)."""


@dataclass(frozen=True)
class Poems:
    """Composed poems, and notes on how the request was read."""

    poems: Sequence[Poem]
    notes: Sequence[str]
    remarks: Sequence[Cause]


@dataclass(frozen=True)
class CollectedPoems(Poems):
    """Poems put together from lines of the corpus, and notes on how the request was read."""

    poems: Sequence[Collected]


@dataclass(frozen=True)
class Conflicts:
    """Whether a poem can meet all constraints, and if not, which of them clash."""

    possible: bool
    detail: str
    clashes: Sequence[Clash]
    cause: Cause | None


@dataclass(frozen=True)
class Verdicts:
    """The verdict on each poem of a text."""

    verdicts: Sequence[Judged]


@dataclass(frozen=True)
class ReadSheet:
    """A poem of a text, as a sheet on which it stands."""

    form: str
    template: str | None
    rhyme: str | None
    title: str | None
    poet: str | None
    lines: Sequence[str]


@dataclass(frozen=True)
class ReadText:
    """A poem of a text: the sheet, or null if the text has the form of none, and the verdict."""

    sheet: ReadSheet | None
    heading: str
    """The words above the verse, as 靜夜思　李白."""
    verdict: Judged


@dataclass(frozen=True)
class Sheets:
    """The poems of a text, as sheets with their verdicts."""

    sheets: Sequence[ReadText]
