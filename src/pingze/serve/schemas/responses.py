"""Define the answers of the API, beside the dataclasses of composing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pingze.composing import Poem
from pingze.errors import Cause, Clash


@dataclass(frozen=True)
class Health:
    """The server's state, and how many jobs wait."""

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


@dataclass(frozen=True)
class Example:
    """A poem of the corpus."""

    author: str
    title: str
    text: str
