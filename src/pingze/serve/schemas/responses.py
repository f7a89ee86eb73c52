"""What the API answers, beside what composing gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pingze.composing import Alternative, Poem, Reason
from pingze.corpus.originality import Shared
from pingze.errors import Cause, Clash
from pingze.verse.verdict import Note


@dataclass(frozen=True)
class Health:
    """Whether the server answers, and how much waits."""

    status: str
    model: str
    queue: int


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
    """An option of /v1/compose: what it is if nobody says, and its bounds in the words of JSON Schema."""

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
class Script:
    """For each Traditional character that has one its Simplified form."""

    simplified: dict[str, str]


@dataclass(frozen=True)
class Poems:
    """Composed poems, and how what was asked for was read: which characters as others, and what without."""

    poems: Sequence[Poem]
    notes: Sequence[str]
    remarks: Sequence[Cause]
    """The notes, each as a code with parameters."""

    @classmethod
    def noted(cls, poems: Sequence[Poem], notes: Sequence[Note]) -> "Poems":
        """Poems with their notes."""
        return cls(poems, notes, [note.cause for note in notes])


@dataclass(frozen=True)
class Conflicts:
    """Whether a poem can keep all that is asked for, and if not, what clashes."""

    possible: bool
    detail: str
    clashes: Sequence[Clash]
    cause: Cause | None
    """The detail as a code with parameters."""


@dataclass(frozen=True)
class Alternatives:
    """What could stand at a place, the best first."""

    alternatives: Sequence[Alternative]


@dataclass(frozen=True)
class Reasons:
    """A row for each character of a poem."""

    reasons: Sequence[Reason]


@dataclass(frozen=True)
class Fault:
    """One fault, at one character, and the characters that would fit there."""

    rule: str
    line: int
    position: int
    char: str
    readings: Sequence[str]
    definition: str
    """What the broken rule asks for."""
    fitting: Sequence[str]
    cause: Cause
    """What the place wants and has, as a code with parameters."""


@dataclass(frozen=True)
class Judged:
    """A checked poem, as `pingze check --json` has it, with what would fit at each fault."""

    ok: bool
    """Whether it fits a form, and nothing is broken."""
    judged: str
    """tones and rhyme, rhyme of old-style verse, shape where it is wrong, or nothing."""
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


@dataclass(frozen=True)
class Verdicts:
    """A verdict for each poem."""

    verdicts: Sequence[Judged]


@dataclass(frozen=True)
class Originality:
    """What each line shares with the corpus."""

    lines: Sequence[Shared]


@dataclass(frozen=True)
class Example:
    """A poem of the corpus."""

    author: str
    title: str
    text: str
