"""Read options into a `Request`, which holds all constraints on a poem and can drop some of them if they clash."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from itertools import chain

from pingze.composing.options import MOST_LINES, Collecting, Composing, check_bounds
from pingze.composing.sheet import BLANK, BLANKS, CHOICE, Limit, Sheet
from pingze.composing.title_moods import mood_of
from pingze.composing.typed_text import (
    read_character,
    read_characters,
    read_known,
    read_pattern,
    tell,
)
from pingze.errors import ON_SHEET, Clash, InputError
from pingze.network.conditions import LONGEST_THEME, LONGEST_TITLE, Conditions
from pingze.network.vocabulary import Vocabulary
from pingze.verse.character_table import in_use, one_form, to_traditional, traditional_candidates
from pingze.verse.characters import MARKS
from pingze.verse.context import in_context
from pingze.verse.forms import FORMS, OPENINGS, Form, Layout, find_form, opening_name
from pingze.verse.patterns import CUSTOMARY
from pingze.verse.rhyme_groups import LEVEL
from pingze.verse.standard import PINGSHUI, STANDARDS, Standard
from pingze.verse.verdict import Note

CHOSEN = "〓"  # stands for a choice, as [靜晚夜], while a pattern is read
MOST_INCLUDED = 28  # the maximum number of characters to include: those of a whole 七絕
LONGEST = {"title": LONGEST_TITLE, "about": LONGEST_THEME}


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
        """The option, as a message names it before the character; "" for what is written on a sheet."""
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

    @cached_property
    def openings(self) -> tuple[str, ...]:
        """The allowed tone types of the first two lines: all of `OPENINGS` that fit `template`; ("",) in 古 and 詞."""
        if not self.form.regulated:
            return ("",)
        return tuple(
            opening
            for opening in OPENINGS
            if (self.template or "") in opening_name(self.form.width, opening[0])
        )

    @cached_property
    def rows(self) -> tuple[tuple[int, str], ...]:
        """Pairs: a rhyme's number, from 0, and an allowed group.

        Only a 詞 has several rhymes; its groups are 部.
        """
        if tune := self.form.tune:
            asked, able = (
                dict(enumerate((self.rhyme or "").split("、"))),
                tune.rhymes(self.standard),
            )
            every = ((rhyme, part) for rhyme, parts in enumerate(able) for part in parts)
            return tuple(
                (rhyme, part) for rhyme, part in every if asked.get(rhyme, "") in ("", part)
            )
        groups = self.standard.groups.values()
        level = [each.name for each in groups if not self.form.regulated or each.side == LEVEL]
        return tuple((0, name) for name in ([self.rhyme] if self.rhyme else level))

    @property
    def groups(self) -> tuple[str, ...]:
        """The rhyme group in each pair of `rows`."""
        return tuple(name for _, name in self.rows)

    @property
    def options(self) -> dict[str, tuple[Clash, object]]:
        """The constraints, except `fixed` and `include`, that can be dropped if the request cannot be met.

        Maps a field's name to a pair: the constraint as a `Clash`, and the field's value without
        the constraint.
        """
        asked: dict[str, tuple[str, str, object, object]] = {
            # field of Request: name of the option, words for it, its value, its value when given up
            "repeat": ("repeat", "no character twice", not self.repeat, True),
            "strictness": (
                "level",
                "level {}",
                self.strictness != CUSTOMARY and self.strictness,
                CUSTOMARY,
            ),
            "template": ("template", "template {}", self.template, None),
            "rhyme": ("rhyme", "rhyme {}", self.rhyme, None),
            "exclude": ("exclude", "excluding {}", self.exclude, ""),
            "exclude_words": (
                "exclude_words",
                "excluding {}",
                " ".join(self.exclude_words),
                (),
            ),
            "original": ("original", "original {}", self.original, None),
        }
        return {
            name: (Clash(words.format(has), option, has=None if has is True else str(has)), without)
            for name, (option, words, has, without) in asked.items()
            if has
        }

    @property
    def parts(self) -> tuple[Clash, ...]:
        """The constraints other than the form.

        If they cannot all be met, some are dropped, the last of them first.
        """
        options = (clash for clash, _ in self.options.values())
        return (
            *options,
            *(fix.clash for fix in self.fixed),
            *(_choice(limit) for limit in self.choices),
            *(_inclusion(word) for word in self.include),
        )

    def keeping(self, parts: Collection[Clash]) -> "Request":
        """Copy the request, but drop those of its constraints (the property `parts`) that are not given."""
        kept = frozenset(parts)
        without = {
            name: value for name, (clash, value) in self.options.items() if clash not in kept
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


def read_request(vocabulary: Vocabulary, asked: Composing) -> Request:
    """Check every option against the form and the model's vocabulary, and return the request.

    Raises InputError, which names the option, if a name or character is unknown, a text is too
    long, or a line, pattern or acrostic does not fit.
    """
    # 1. Find the form, and the number of lines.
    form = find_form(asked.form)
    if form.tune and isinstance(asked, Collecting):
        raise InputError("choice", field="form", has=asked.form, choices=list(FORMS))
    sheet = asked if isinstance(asked, Sheet) else None
    count = (sheet.count_of_lines if sheet else asked.lines) or form.default_lines
    if not form.takes(count) or (count % 2 and not form.tune):
        code = "line_count" if form.lines else "even_lines"
        least = next((even for even in range(2, MOST_LINES, 2) if form.takes(even)), None)
        raise InputError(
            code, field="lines", form=form.name, has=count, wanted=form.lines, least=least
        )
    # 2. Fix characters; if two options require the same character at a position, the first one is
    #    recorded.
    layout = form.layout(count)
    opening, acrostic = (
        read_characters(name, text, vocabulary) if text.strip() else ""
        for name, text in (("start", asked.start), ("acrostic", asked.acrostic or ""))
    )
    check_bounds("start", opening, {"maxLength": len(layout.line)})
    check_bounds("acrostic", acrostic, {"maxLength": count})
    pattern, choices = _pattern(asked.pattern or "", form, count, vocabulary)
    was: list[Fixed] = []
    kept: list[Fixed] = []
    exclude_at: list[Limit] = []
    if sheet:
        kept = _written(sheet, vocabulary)
        was = [
            Fixed("was", line, position, read_character("was", one, vocabulary))
            for line, row in enumerate(sheet.was, 1)
            for position, one in enumerate(row, 1)
            if one not in BLANKS
        ]
        choices += _limits("choices", sheet.choices, layout, vocabulary)
        exclude_at = _limits("exclude_at", sheet.exclude_at, layout, vocabulary)
    fixed = [
        *(Fixed("start", *layout.numbered(place), one) for place, one in enumerate(opening)),
        *(
            Fixed(
                "acrostic",
                line,
                {"head": 1, "middle": (width + 1) // 2, "end": width}[asked.acrostic_at],
                one,
            )
            for line, (one, width) in enumerate(zip(acrostic, layout.widths, strict=False), 1)
        ),
        *pattern,
        *kept,
    ]
    settled = {(fix.line, fix.position) for fix in fixed}
    choices = [limit for limit in choices if (limit.line, limit.position) not in settled]
    # 3. If no mood is requested and taste counts, find a mood in the title and theme.
    title, about = (read_condition(name, getattr(asked, name), vocabulary) for name in LONGEST)
    mood = asked.mood
    if not mood and asked.taste and (mood := mood_of(title, about)):
        tell(Note(f"mood_{mood}", field="mood", has=mood))
    if isinstance(asked, Collecting) and asked.original:
        raise InputError("quotes_original", field="original")
    unchanged = ("repeat", "usual_forms", "like", "unlike", "original", "antithesis", "taste")
    return Request(
        form=form,
        lines=count,
        strictness=asked.level,
        standard=STANDARDS[asked.standard],
        template=_template(asked.template, form),
        rhyme=_rhyme(asked.rhyme, form, STANDARDS[asked.standard]),
        # what merely stands is given up before what is kept
        fixed=tuple(
            sorted(
                dict.fromkeys(fixed),
                key=lambda fix: (fix.option == "lines", fix.line, fix.position),
            )
        ),
        choices=tuple(choices),
        exclude_words=_unwanted_words(asked.exclude_words),
        exclude_at=tuple(exclude_at),
        was=tuple(was),
        include=_words(asked.include, form, count, vocabulary),
        exclude=_unwanted(asked.exclude),
        title=title,
        poet=read_poet(asked.poet, vocabulary),
        about=about,
        mood=mood,
        poets=asked.poets if isinstance(asked, Collecting) else None,
        **{name: getattr(asked, name) for name in unchanged},
    )


def _template(name: str | None, form: Form) -> str | None:
    if not name:
        return None
    name, names = (
        to_traditional(name.strip()),
        [opening_name(form.width, opening[0]) for opening in form.openings],
    )
    if not names:
        raise InputError("no_templates", field="template", form=form.name)
    if not any(name in known for known in names):
        raise InputError("choice", field="template", has=name, choices=names)
    return name


def _rhyme(name: str | None, form: Form, standard: Standard) -> str | None:
    if not name:
        return None
    if form.tune:
        parts = [standard.parts.find(one) or "" for one in name.split("、")]
        for part, able in zip(parts, form.tune.rhymes(standard), strict=False):
            if part not in able:
                raise InputError("no_part", field="rhyme", has=name, form=form.name, choices=able)
        return "、".join(parts)
    if (group := standard.find_group(name)) is None:
        known = standard.groups.values()
        choices = [each.name for each in known if each.side == LEVEL or not form.regulated]
        raise InputError("choice", field="rhyme", has=name, choices=choices)
    if form.regulated and group.side != LEVEL:
        raise InputError("oblique_rhyme", field="rhyme", has=group.label, form=form.name)
    return group.name


def read_condition(field: str, text: str | None, vocabulary: Vocabulary) -> str | None:
    """Convert a title or theme to characters that the model knows.

    Raises InputError if it is too long.
    """
    if not text or not vocabulary.condition_tokens:
        return text or None
    read = read_known(field, text, vocabulary)
    check_bounds(field, read, {"maxLength": LONGEST[field]})
    return read or None


def read_poet(name: str | None, vocabulary: Vocabulary) -> str | None:
    """Return a poet's name in the model's spelling.

    Raises InputError with similar names if the poet is unknown.
    """
    if not name:
        return None
    poets, read = Conditions(vocabulary).poets, to_traditional(name.strip())
    known = {one_form(to_traditional(poet)): poet for poet in reversed(poets)}
    if poets and one_form(read) not in known:
        near = [
            known[key] for key in get_close_matches(one_form(read), known, cutoff=0.3)
        ] or poets[:3]
        raise InputError("choice", field="poet", has=name, choices=near)
    return known.get(one_form(read), read)


def _words(text: str, form: Form, lines: int, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Read the words to include, separated by spaces and marks; drop a word that another word contains."""
    words: dict[str, None] = {}
    for block in "".join(" " if c in MARKS else c for c in text).split():
        read = read_characters("include", block, vocabulary)
        if len(read) > form.width:
            tell(Note("one_by_one", field="include", has=read, width=form.width))
        words |= dict.fromkeys([read] if len(read) <= form.width else read)
    most = min(MOST_INCLUDED, sum(form.widths(lines)))
    if (has := sum(map(len, words))) > most:
        raise InputError(
            "no_room", field="include", has=has, form=form.name, lines=lines, most=most
        )
    return tuple(
        word for word in words if not any(word in other for other in words if word != other)
    )


def _unwanted(text: str) -> str:
    """Read the characters to exclude, which the model need not know, and add their possible Traditional forms."""
    typed = "".join(text.split())
    forms = [
        (one, read, to_traditional(one), *(() if in_use(one) else traditional_candidates(one)))
        for one, read in zip(typed, in_context(typed), strict=True)
    ]
    return "".join(dict.fromkeys(chain(*forms)))


def _unwanted_words(text: str) -> tuple[str, ...]:
    """Read the words to exclude, each as it is typed and as it is read; a single character is a word too."""
    words: dict[str, None] = {}
    for word in "".join(" " if one in MARKS else one for one in text).split():
        words[word] = None
        words[in_context(word)] = None
    return tuple(words)


def _limits(
    field: str, limits: Sequence[Limit], layout: Layout, vocabulary: Vocabulary
) -> list[Limit]:
    """Read the characters of limits, and check that their places exist."""
    read = []
    for limit in limits:
        if limit.line > len(layout.widths):
            raise InputError("no_line", field=field, has=limit.line, most=len(layout.widths))
        width = layout.widths[limit.line - 1]
        if limit.position is not None and limit.position > width:
            raise InputError("no_position", field=field, has=limit.position, most=width)
        characters = read_characters(field, limit.characters, vocabulary)
        read.append(replace(limit, characters=characters))
    return read


def _written(sheet: Sheet, vocabulary: Vocabulary) -> list[Fixed]:
    """Fix the characters that are written on a sheet.

    They are read as they are if the model knows them all; otherwise in context, as Simplified text.
    """
    rows = sheet.rows
    written = " ".join(rows)
    if any(one not in vocabulary and one not in (" ", BLANK) for one in written):
        rows = read_pattern(written, BLANKS, vocabulary, field="lines").split()
    fixed = []
    for number, row in enumerate(rows):
        mask = sheet.kept[number] if number < len(sheet.kept) else ""
        for at, one in enumerate(row):
            if one != BLANK:
                option = "kept" if mask[at : at + 1] == "1" else "lines"
                fixed.append(Fixed(option, number + 1, at + 1, one))
    return fixed


def _pattern(
    text: str, form: Form, lines: int, vocabulary: Vocabulary
) -> tuple[list[Fixed], list[Limit]]:
    """Read a pattern into the characters that it fixes, and its choices, as [靜晚夜]."""
    chosen = CHOICE.findall(text)
    marked = CHOICE.sub(CHOSEN, text)
    fixed: list[Fixed] = []
    choices: list[Limit] = []
    blocks = read_pattern(marked, BLANKS + CHOSEN, vocabulary).split()
    if len(blocks) > lines:
        raise InputError("too_many_lines", field="pattern", has=len(blocks), most=lines)
    for line, block in enumerate(blocks, 1):
        if (has := len(block)) != (wanted := form.widths(lines)[line - 1]):
            raise InputError(
                "block_width", field="pattern", line=line, block=block, has=has, wanted=wanted
            )
        for position, character in enumerate(block, 1):
            if character == CHOSEN:
                characters = read_characters("pattern", chosen[len(choices)], vocabulary)
                choices.append(Limit(line=line, position=position, characters=characters))
            elif character not in BLANKS:
                fixed.append(Fixed("pattern", line, position, character))
    return fixed, choices
