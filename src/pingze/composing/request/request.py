"""A `Request`: everything that a poem must keep, and what of it can be given up."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property

from pingze.composing.request.input_characters import FIELDS
from pingze.errors import Clash
from pingze.verse.forms import OPENINGS, Form, opening_name
from pingze.verse.patterns import CUSTOMARY
from pingze.verse.rhyme_groups import GROUPS, LEVEL


@dataclass(frozen=True)
class Fixed:
    """A character that must stand at a place; lines and positions count from 1."""

    option: str
    """Which option asks for it."""
    line: int
    position: int
    character: str

    @property
    def clash(self) -> Clash:
        """It as one of several that clash."""
        words = f"{self.option}'s {self.character} at line {self.line}, character {self.position}"
        field = FIELDS.get(self.option, self.option)
        return Clash(words, field, self.line, self.position, self.character)


@dataclass(frozen=True)
class Request:
    """Everything that a poem must keep."""

    form: Form
    lines: int
    strictness: str = CUSTOMARY
    """How strictly the tones are kept: `prosody.patterns.STRICTNESSES`."""
    template: str | None = None
    """Part of the names of the opening templates to use, as 平起 or 首句入韻."""
    rhyme: str | None = None
    """The rhyme group's name."""
    fixed: tuple[Fixed, ...] = ()
    include: tuple[str, ...] = ()
    """Words that must appear somewhere, each within a line and at places of its own."""
    exclude: str = ""
    """Characters that must not."""
    repeat: bool = False
    """Whether a composed character may stand twice apart."""
    title: str | None = None
    """The title to write to."""
    poet: str | None = None
    """The poet in whose manner to write."""
    about: str | None = None
    """The characters of the theme to write to."""
    mood: str | None = None
    """The mood to write in (`composing.mood.MOODS`)."""
    original: int | None = None
    """How many characters in a row a line may share with a line of the corpus."""
    antithesis: float = 0.0
    """How much antithesis 對仗 weighs in the couplets that need it."""
    taste: float = 0.0
    """How much it weighs what a reader would make of the text (`composing.taste`)."""

    @cached_property
    def openings(self) -> tuple[str, ...]:
        """The openings of `prosody.forms.OPENINGS` whose template is asked for; one "" for old-style verse."""
        if not self.form.regulated:
            return ("",)
        return tuple(
            opening
            for opening in OPENINGS
            if (self.template or "") in opening_name(self.form.width, opening[0])
        )

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """The rhyme groups that are asked for: level ones for regulated verse."""
        if self.rhyme:
            return (self.rhyme,)
        return tuple(name for name, group in GROUPS.items() if not self.form.regulated or group.side == LEVEL)

    @property
    def options(self) -> dict[str, tuple[Clash, object]]:
        """The options that could be given up, but for what is fixed and included, and what each is without them."""
        asked = {
            "repeat": (not self.repeat, Clash("no character twice", "repeat"), True),
            "strictness": (
                self.strictness != CUSTOMARY,
                Clash(f"level {self.strictness}", "level", has=self.strictness),
                CUSTOMARY,
            ),
            "template": (
                self.template,
                Clash(f"template {self.template}", "template", has=self.template),
                None,
            ),
            "rhyme": (self.rhyme, Clash(f"rhyme {self.rhyme}", "rhyme", has=self.rhyme), None),
            "exclude": (self.exclude, Clash(f"excluding {self.exclude}", "exclude", has=self.exclude), ""),
            "original": (
                self.original,
                Clash(f"original {self.original}", "original", has=self.original),
                None,
            ),
        }
        return {name: (clash, without) for name, (is_asked, clash, without) in asked.items() if is_asked}

    @property
    def parts(self) -> tuple[Clash, ...]:
        """All that could be given up, what is rather kept first; the form never is."""
        options = (clash for clash, _ in self.options.values())
        return (*options, *(fix.clash for fix in self.fixed), *map(_inclusion, self.include))

    def keeping(self, parts: Collection[Clash]) -> "Request":
        """The request with only some of its parts."""
        kept = frozenset(parts)
        without = {name: value for name, (clash, value) in self.options.items() if clash not in kept}
        fixed = tuple(fix for fix in self.fixed if fix.clash in kept)
        include = tuple(word for word in self.include if _inclusion(word) in kept)
        return replace(self, fixed=fixed, include=include, **without)  # type: ignore[arg-type]


def _inclusion(word: str) -> Clash:
    return Clash(f"including {word}", "include", has=word)
