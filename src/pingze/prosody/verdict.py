"""What checking a poem gives."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from pingze.prosody.tones import readings


@dataclass(frozen=True, slots=True)
class Violation:
    """One fault, at one character; lines and positions count from 1."""

    rule: str
    """The rule's name, as 孤平: a key of `rules.RULES` or `rules.SHAPE_RULES`."""
    line: int
    position: int
    char: str
    """The character there, as it was written; "" where one is missing."""
    readings: tuple[str, ...]
    """Its readings, tone and rhyme group, as 平東; () where none is known."""

    @classmethod
    def at(cls, rule: str, lines: Sequence[str], number: int, place: int) -> "Violation":
        """A violation at a line and a place from 0, where a character may be missing."""
        char = lines[number][place : place + 1] if number < len(lines) else ""
        found = tuple(str(reading) for reading in readings(char)) if char else ()
        return cls(rule, number + 1, place + 1, char, found)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A poem's form, template and rhyme, and all that breaks them; as JSON it is this dataclass's fields."""

    form: str | None
    """As 七絕; None for a poem of another shape, which a note describes."""
    template: str | None
    """The name of the opening that fits best, as 平起首句入韻; None for old-style verse."""
    rhyme: str | None
    """The rhyme group, as 東; several where old-style verse mixes neighbours, None where it changes rhyme."""
    level: str
    """customary or strict."""
    lines: tuple[str, ...]
    """The poem's lines as they were written, without marks."""
    violations: tuple[Violation, ...]
    """In the order of their places."""
    notes: tuple[str, ...]
    """What is no fault but worth knowing."""

    @property
    def ok(self) -> bool:
        """Whether nothing is broken."""
        return not self.violations

    def as_json(self) -> dict[str, object]:
        """The fields by name."""
        return asdict(self)
