"""Define a `Request`: all constraints on a poem, some of which can be dropped if they clash."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from pingze.cached import cached_property
from pingze.composing.sheet import Limit
from pingze.errors import ON_SHEET, Clash
from pingze.verse.forms import OPENINGS, Form, opening_name
from pingze.verse.patterns import CUSTOMARY
from pingze.verse.rhyme_groups import LEVEL
from pingze.verse.standard import PINGSHUI, Standard


@dataclass(frozen=True)
class Fixed:
    """A character that is required at a position; lines and positions count from 1."""

    option: str = field(compare=False)
    """The option that requires the character: start, acrostic, pattern, kept or lines."""
    line: int
    position: int
    character: str

    @property
    def words(self) -> str:
        """The option, as a message names it; "" for what is written on a sheet."""
        return "" if self.option in ON_SHEET else f"{self.option}'s "

    @property
    def clash(self) -> Clash:
        """The `Clash` that stands for this character in an InfeasibleError."""
        words = f"{self.words}{self.character} at line {self.line}, character {self.position}"
        return Clash(words, self.option, self.line, self.position, self.character)


@dataclass(frozen=True)
class Request:
    """The checked options of one poem, in characters that the model knows.

    `Composing` describes most of the fields.
    """

    form: Form
    lines: int
    strictness: str = CUSTOMARY
    """How strictly the tones are kept: see `verse.patterns.enforced`."""
    standard: Standard = PINGSHUI
    """The standard that gives the tones and rhyme groups of characters."""
    template: str | None = None
    """Part of a template's name, as 平起 or 首句入韻.

    All templates whose names contain it are allowed.
    """
    rhyme: str | None = None
    """The name of the rhyme group.

    A 詞 may have one name for each of its rhymes, in order, joined by 、.
    """
    fixed: tuple[Fixed, ...] = ()
    include: tuple[str, ...] = ()
    """Words that must appear. Each must be within one line, and no two may overlap."""
    exclude: str = ""
    exclude_words: tuple[str, ...] = ()
    exclude_at: tuple[Limit, ...] = ()
    """Characters that may not stand at a place, or in a line."""
    choices: tuple[Limit, ...] = ()
    """The characters that a place may have."""
    was: tuple[Fixed, ...] = ()
    """What stood at places that are free now; another character is written there if one can."""
    waived: tuple[tuple[int, int], ...] = ()
    """The lines and positions of fixed characters whose tone and rhyme are not judged."""
    repeat: bool = False
    usual_forms: bool = False
    title: str | None = None
    poet: str | None = None
    about: str | None = None
    mood: str | None = None
    original: int | None = None
    poets: str | None = None
    """For a 集句, the poets whose lines may be quoted, or "" for all poets.

    For any other poem, None.
    """
    antithesis: float = 0.0
    taste: float = 0.0
    like: str = ""
    unlike: str = ""

    @property
    def given(self) -> str:
        """The characters that are fixed, included or to be chosen among."""
        given = "".join(self.include)
        for fix in self.fixed:
            given += fix.character
        for limit in self.choices:
            given += limit.characters
        return given

    @property
    def asked(self) -> str:
        """The characters that options fix or include; not what is written on a sheet."""
        asked = "".join(self.include)
        for fix in self.fixed:
            if fix.option not in ON_SHEET:
                asked += fix.character
        return asked

    @property
    def subject(self) -> str:
        """The title and the theme."""
        return f"{self.title or ''} {self.about or ''}"

    @cached_property
    def openings(self) -> tuple[str, ...]:
        """The allowed tone types of the first two lines: those of `OPENINGS` that fit `template`.

        古 and 詞 have no templates, which the single entry "" stands for.
        """
        if not self.form.regulated:
            return ("",)
        names = {opening: opening_name(self.form.width, opening[0]) for opening in OPENINGS}
        return tuple(opening for opening, name in names.items() if (self.template or "") in name)

    @cached_property
    def rows(self) -> tuple[tuple[int, str], ...]:
        """The groups that each rhyme may use, as pairs of the rhyme's number, from 0, and a group.

        Only a 詞 has several rhymes; its groups are 部.
        """
        if self.form.tune:
            rows: list[tuple[int, str]] = []
            # the user may ask for a part of each rhyme, or of the first rhymes only
            part_asked = dict(enumerate((self.rhyme or "").split("、")))
            for number, parts in enumerate(self.form.tune.rhymes(self.standard)):
                asked = part_asked.get(number, "")
                rows += [(number, part) for part in parts if asked in ("", part)]
            return tuple(rows)
        if self.rhyme:
            return ((0, self.rhyme),)
        # regulated verse rhymes level
        groups = self.standard.groups.values()
        return tuple((0, g.name) for g in groups if g.side == LEVEL or not self.form.regulated)

    @property
    def groups(self) -> tuple[str, ...]:
        """The rhyme group in each pair of `rows`."""
        return tuple(name for _, name in self.rows)

    @property
    def options(self) -> dict[str, tuple[Clash, object]]:
        """The constraints that belong to no place, and can be dropped if no poem keeps them all.

        Maps a field's name to a pair: the constraint as a `Clash`, and the value that the field has
        if the constraint is dropped.
        """
        found: dict[str, tuple[Clash, object]] = {}
        if not self.repeat:
            found["repeat"] = (Clash("no character twice", "repeat"), True)
        if self.strictness != CUSTOMARY:
            level = Clash(f"level {self.strictness}", "level", has=self.strictness)
            found["strictness"] = (level, CUSTOMARY)
        if self.template:
            template = Clash(f"template {self.template}", "template", has=self.template)
            found["template"] = (template, None)
        if self.rhyme:
            found["rhyme"] = (Clash(f"rhyme {self.rhyme}", "rhyme", has=self.rhyme), None)
        if self.exclude:
            exclude = Clash(f"excluding {self.exclude}", "exclude", has=self.exclude)
            found["exclude"] = (exclude, "")
        if self.exclude_words:
            words = " ".join(self.exclude_words)
            found["exclude_words"] = (Clash(f"excluding {words}", "exclude_words", has=words), ())
        if self.original:
            original = Clash(f"original {self.original}", "original", has=str(self.original))
            found["original"] = (original, None)
        return found

    @property
    def parts(self) -> tuple[Clash, ...]:
        """The constraints other than the form.

        If they cannot all be met, some are dropped, the last of them first.
        """
        parts = [clash for clash, _ in self.options.values()]
        parts += [fix.clash for fix in self.fixed]
        parts += [_choice(limit) for limit in self.choices]
        parts += [_inclusion(word) for word in self.include]
        return tuple(parts)

    def keeping(self, parts: Collection[Clash]) -> "Request":
        """Copy the request, and drop every constraint of its `parts` that is not given."""
        kept = frozenset(parts)
        without = {
            name: unset for name, (clash, unset) in self.options.items() if clash not in kept
        }
        fixed = tuple(fix for fix in self.fixed if fix.clash in kept)
        include = tuple(word for word in self.include if _inclusion(word) in kept)
        choices = tuple(limit for limit in self.choices if _choice(limit) in kept)
        return replace(self, fixed=fixed, choices=choices, include=include, **without)  # type: ignore[arg-type]


def _inclusion(word: str) -> Clash:
    return Clash(f"including {word}", "include", has=word)


def _choice(limit: Limit) -> Clash:
    words = f"one of {limit.characters} at line {limit.line}, character {limit.position}"
    return Clash(words, "choices", limit.line, limit.position, limit.characters)
