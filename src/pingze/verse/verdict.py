"""Define the verdict on a poem (form, template, rhyme, faults, notes), build its notes, and write it as JSON or HTML.

Notes are remarks on a text that are not faults: on its shape, its reading, its repeated or unknown
characters.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from html import escape
from itertools import chain
from typing import TYPE_CHECKING

from pingze.errors import Cause
from pingze.files import table
from pingze.messages import Language, Parameter, here, language, say
from pingze.verse.character_table import mandarin_readings, one_form, to_traditional
from pingze.verse.forms import COUPLET, FORMS
from pingze.verse.rhyme_book import EITHER
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE
from pingze.verse.standard import PINGSHUI, STANDARDS, Standard

if TYPE_CHECKING:  # importing it takes time, which composing does not spend
    from pingze.verse.pasted_text import ReadText

# another character of the rhyme group can correct their violations
RHYME_RULES = ("出韻", "鄰韻", "重韻")
SHAPE_RULES = ("句數", "字數")
"""The rules on the number and the length of lines; a poem that breaks one is not checked further."""

_SIGNS = {LEVEL: "○", OBLIQUE: "●", EITHER: "◐"}
_FAULTY = ' style="color: #b33a2b; font-weight: bold"'
_MANY = 12  # a note lists at most this many items
_NAMES = {4: "四言", 5: "五言", 6: "六言", 7: "七言"}


@dataclass(frozen=True, slots=True)
class Violation:
    """A fault at one character."""

    rule: str
    """The name of the rule, such as 孤平; messages.toml states the rule under this name."""
    line: int
    """The line's number, from 1."""
    position: int
    """The character's position in the line, from 1."""
    char: str
    """The character at the position, as it was written; "" if it is missing."""
    readings: tuple[str, ...]
    """The character's readings, each as a tone and a rhyme group, such as 平東; () if the character is unknown."""

    @classmethod
    def at(
        cls, rule: str, lines: Sequence[str], number: int, place: int, standard: Standard = PINGSHUI
    ) -> "Violation":
        """Build a violation at a position, even if no character is there.

        Args:
            rule: The name of the rule.
            lines: The poem's lines.
            number: The line's number, from 0.
            place: The position in the line, from 0.
            standard: The standard by which characters are read.
        """
        char = lines[number][place : place + 1] if number < len(lines) else ""
        found = tuple(str(reading) for reading in standard.readings(char)) if char else ()
        return cls(rule, number + 1, place + 1, char, found)

    def as_cause(self, rhyme: str | None) -> Cause:
        """Return the fault as a code (tone, rhyme or shape) with parameters, such as the required and the actual tone.

        Args:
            rhyme: The poem's rhyme group, such as 東; None if it has none.
        """
        found: Cause = {"rule": self.rule, "line": self.line, "position": self.position}
        if self.rule in SHAPE_RULES:
            return {"code": "shape", **found}
        if self.rule == "重字":
            return {"code": "repetition", **found}
        if self.rule in RHYME_RULES:
            return {
                "code": "rhyme",
                **found,
                "wanted": rhyme,
                "has": [reading[1:] for reading in self.readings],
            }
        tones = "".join(
            sorted({LEVEL if reading[0] == LEVEL else OBLIQUE for reading in self.readings})
        )
        return {
            "code": "tone",
            **found,
            "wanted": {LEVEL: OBLIQUE, OBLIQUE: LEVEL}.get(tones),
            "has": tones,
        }


class Note(str):
    """A remark that is not a fault, in English.

    `cause` holds the code and parameters of the message.
    """

    cause: Cause

    def __new__(cls, code: str, **parameters: Parameter) -> "Note":
        """Build a note from a message's code and parameters."""
        note = super().__new__(cls, say(code, parameters))
        note.cause = {"code": code, **parameters}
        return note

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Parameter]]:
        """Return the arguments that copying and unpickling pass to `__new__`."""
        return (str(self.cause["code"]),), {k: v for k, v in self.cause.items() if k != "code"}

    def text(self, language: Language) -> str:
        """Return the message in a language."""
        return say(str(self.cause["code"]), self.cause, language)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A poem's form, template and rhyme, with every violation of them."""

    form: str | None
    """The name of the form, such as 七絕.

    None if the poem fits no form, in which case a note describes its shape.
    """
    template: str | None
    """The name of the template that fits best, such as 平起首句入韻; None for old-style verse."""
    rhyme: str | None
    """The rhyme group, such as 東. Several groups if old-style verse mixes groups.

    None if the rhyme changes.

    For a 詞, the part of 詞林正韻 to which each rhyme belongs, in the order of the rhymes, such as
    第一部、第七部.
    """
    level: str
    """How strictly the poem was judged, such as customary, strict or customary-孤平."""
    lines: tuple[str, ...]
    """The poem's lines as they were written, without marks."""
    violations: tuple[Violation, ...]
    """The faults, in the order of their positions."""
    notes: tuple[Note, ...]
    """Remarks that are not faults."""
    doubts: tuple[Note, ...] = ()
    """Notes on rare readings: places that fit only in a tone that verse hardly ever gives the character or word."""
    standard: str = PINGSHUI.name
    """The standard by which characters were read: a key of `standard.STANDARDS`."""
    kinds: tuple[str, ...] = ()
    """The type of each line (a B c D, or a' B' for a rescue); () for old-style verse and 詞."""
    read: tuple[str, ...] = ()
    """The lines as they were read, with Simplified characters replaced by the words for which they stand."""

    @property
    def ok(self) -> bool:
        """Whether the poem fits a form without a violation."""
        return self.form is not None and not self.violations

    @property
    def regulated(self) -> bool:
        """Whether the form by which the poem was judged is regulated verse 近體."""
        return self.form in FORMS and FORMS[self.form].regulated

    @property
    def judged(self) -> str:
        """What was judged: "tones and rhyme", "rhyme" (old-style), "tones" (couplet), a wrong "shape", or "nothing"."""
        if self.form is None:
            return "nothing"
        if any(violation.rule in SHAPE_RULES for violation in self.violations):
            return "shape"
        if self.form == COUPLET:
            return "tones"
        return "tones and rhyme" if self.template or self.form not in FORMS else "rhyme"

    def _repr_html_(self) -> str:
        """Return HTML: the poem with tone signs, its faulty characters in red, then a list of faults and notes."""
        faulty = {(fault.line, fault.position) for fault in self.violations}
        rows = [
            "".join(
                f"<ruby{_FAULTY if (number, place) in faulty else ''}>"
                f"{escape(character)}<rt>{sign(read, self.standard)}</rt></ruby>"
                for place, (character, read) in enumerate(zip(*line, strict=True), 1)
            )
            for number, line in enumerate(zip(self.lines, self.read, strict=True), 1)
        ]
        faults = [
            here("fault_at", **asdict(each), has=each.char) + here(each.rule)
            for each in self.violations
        ]
        notes = [note.text(language()) for note in (*self.doubts, *self.notes)]
        items = "".join(f"<li>{escape(item)}</li>" for item in (*faults, *notes))
        verse = (
            f'<div lang="zh-Hant" style="font-size: 150%; line-height: 2">{"<br>".join(rows)}</div>'
        )
        return f"<b>{escape(heading(self))}</b>{verse}<ul>{items}</ul>{escape(summary(self))}"

    def as_json(self) -> dict[str, object]:
        """Return the fields by name, together with `ok`, `regulated` and `judged`."""
        found = {"ok": self.ok, "regulated": self.regulated, "judged": self.judged}
        return found | asdict(self)


def sign(character: str, standard: str = PINGSHUI.name) -> str:
    """Return the sign of a character's tone: ○ level 平, ● oblique 仄, ◐ either, ? unknown."""
    return _SIGNS.get(STANDARDS[standard].tone(character), "?")


def heading(verdict: Verdict) -> str:
    """Return one line: form, kind (古絕, 折腰體), template, rhyme, strictness, and the standard unless it is 平水韻."""
    standard, rhyme = STANDARDS[verdict.standard], verdict.rhyme or ""
    if verdict.form in FORMS:
        rhyme = "、".join(standard.groups[name].label for name in rhyme)
    level = re.sub("^[a-z]+", lambda found: here(found[0]), verdict.level)
    form, named = verdict.form or here("formless"), standard.label if standard.rimes else ""
    kinds = [
        str(note.cause["name"]) for note in verdict.notes if verdict.form and "name" in note.cause
    ]
    return " · ".join(filter(None, (form, *kinds, verdict.template, rhyme, level, named)))


def summary(verdict: Verdict) -> str:
    """Return one line with the number of faults and what was judged."""
    if verdict.form is None:
        return here("judged_nothing")
    count = len(verdict.violations)
    faults = here({0: "no_faults", 1: "one_fault"}.get(count, "faults"), has=count)
    doubts = here("doubts", has=len(verdict.doubts)) if verdict.doubts else ""
    return faults + doubts + (here("judged_rhyme") if verdict.judged == "rhyme" else "")


# -- notes -------------------------------------------------------------------------------------------------------


def shape_note(lines: Sequence[str]) -> Note:
    """Return a note on the number and the lengths of the lines, with a name such as 五言."""
    if not lines:
        return Note("no_lines", count=0)
    least, most = min(map(len, lines)), max(map(len, lines))
    size, name = (f"{least}", _NAMES.get(least)) if least == most else (f"{least}–{most}", "雜言")
    return Note(
        "lines", count=len(lines), least=least, most=most, size=size, name=name or f"{least}言"
    )


def reading_notes(read: "ReadText", lines: Sequence[str]) -> Iterator[Note]:
    """Yield notes on what was left out of a text, how it was cut into lines, and how ambiguous characters were read."""
    yield from _named("left_out", read.left_out)
    if read.cut:
        yield Note("cut", width=read.cut)
    if read.lines != list(lines):
        pairs = zip("".join(read.lines), "".join(lines), strict=True)
        chosen = dict.fromkeys(
            f"{one}→{other}" for one, other in pairs if other != to_traditional(one)
        )
        yield from _named("chosen", chosen)


def character_notes(lines: Sequence[str], standard: Standard, *, repeated: bool) -> Iterator[Note]:
    """Yield notes on unknown characters and, if `repeated` is true, on words that occur in several lines 重字."""
    text = "".join(lines)
    if repeated:
        words = one_form("\n".join(lines)).split("\n")
        # repetition within a line is a figure of speech
        times = Counter(chain.from_iterable(map(set, words)))
        whole = "".join(words)
        found = sorted((word for word, count in times.items() if count > 1), key=whole.index)
        for at, word in enumerate(found[:_MANY]):
            written = dict.fromkeys(
                own for own, read in zip(text, whole, strict=True) if read == word
            )
            places = [f"{number}" for number, line in enumerate(words, 1) if word in line]
            found[at] = f"{' '.join(written)} ({', '.join(places)})"
        yield from _named("repeated", found)
    strange = set(text).difference(mandarin_readings() if standard.rimes else table("characters"))
    yield from _named(
        "unknown", [c for c in strange and dict.fromkeys(text) if not standard.tones(c)]
    )


def fine_notes(lines: Sequence[str], rhyme: str, standard: Standard) -> Iterator[Note]:
    """Yield the remarks of later manuals on a regulated poem in a level rhyme group: 撞韻, 擠韻, 冒韻, 四字目孤平."""
    level = [names for names in standard.classes if standard.groups[names[0]].side == LEVEL]
    same_sound = set(
        standard.classes[len(level) + next(n for n, names in enumerate(level) if rhyme in names)]
    )
    found: dict[str, list[str]] = {"撞韻": [], "擠韻": [], "冒韻": [], "四字目孤平": []}
    for number, line in enumerate(lines):
        foot = standard.rhymes(line[-1])
        rhymed = number % 2 == 1 or rhyme in foot
        if not rhymed and foot & same_sound:
            found["撞韻"].append(f"{line[-1]} ({number + 1}.{len(line)})")
        for place, character in enumerate(line[:-1], 1):
            if standard.rhymes(character) == {rhyme}:
                found["擠韻" if rhymed else "冒韻"].append(f"{character} ({number + 1}.{place})")
        if [standard.tones(character) for character in line[-5:-2]] == [
            {OBLIQUE},
            {LEVEL},
            {OBLIQUE},
        ]:
            found["四字目孤平"].append(f"{line[-4]} ({number + 1}.{len(line) - 3})")
    for name, places in found.items():
        yield from _named("fine", places, rule=name)


def _named(code: str, found: Iterable[str], **more_of: str) -> Iterator[Note]:
    """Yield one note that lists the first `_MANY` items of `found`, or no note if `found` is empty."""
    if listed := list(found):
        more = len(listed) - _MANY
        yield Note(
            code, has=[*listed[:_MANY], *(["…"] if more > 0 else [])], more=max(0, more), **more_of
        )
