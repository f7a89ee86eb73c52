"""Define the verdict on a poem, build its notes, and write it as JSON or HTML.

Notes are remarks on a text that are not faults: on its shape, its reading, its repeated or unknown
characters.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING

from pingze.errors import Cause
from pingze.files import table
from pingze.messages import Language, Parameter, here, language, say
from pingze.verse.character_table import mandarin_readings, one_form, to_traditional
from pingze.verse.forms import COUPLET, FORMS
from pingze.verse.rhyme_book import EITHER
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE, OPPOSITE
from pingze.verse.standard import PINGSHUI, STANDARDS, Standard

if TYPE_CHECKING:  # importing it takes time, which composing does not spend
    from pingze.verse.pasted_text import ReadText

# another character of the rhyme group can correct their violations
RHYME_RULES = ("出韻", "鄰韻", "重韻")
REPEAT_RULES = ("疊句", "疊韻")  # the tune repeats a character
SHAPE_RULES = ("句數", "字數")
"""The rules on the number and length of lines; a poem that breaks one is not judged further."""

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
    """The character's readings, each as a tone and a rhyme group, such as 平東."""

    @classmethod
    def at(
        cls, rule: str, lines: Sequence[str], number: int, place: int, standard: Standard
    ) -> "Violation":
        """Build a violation at a position, even if no character is there.

        Args:
            number: The line's number, from 0.
            place: The position in the line, from 0.
        """
        char = ""
        if number < len(lines):
            char = lines[number][place : place + 1]
        readings = tuple(str(reading) for reading in standard.readings(char))
        return cls(rule=rule, line=number + 1, position=place + 1, char=char, readings=readings)

    def as_cause(self, rhyme: str | None) -> Cause:
        """Return the fault as a code (tone, rhyme, repetition or shape) with parameters.

        Args:
            rhyme: The poem's rhyme group, such as 東; None if it has none.
        """
        if self.rule in SHAPE_RULES:
            code = "shape"
        elif self.rule in ("重字", *REPEAT_RULES):
            code = "repetition"
        elif self.rule in RHYME_RULES:
            code = "rhyme"
        else:
            code = "tone"
        cause: Cause = {
            "code": code,
            "rule": self.rule,
            "line": self.line,
            "position": self.position,
        }
        if code == "rhyme":
            cause["wanted"] = rhyme
            cause["has"] = [reading[1:] for reading in self.readings]  # 東 of 平東
        elif code == "tone":
            tones = {LEVEL if reading[0] == LEVEL else OBLIQUE for reading in self.readings}
            has = "".join(sorted(tones))
            # None if it has both tones and its word decides, or if it has no known reading
            cause["wanted"] = OPPOSITE.get(has)
            cause["has"] = has
        return cause


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
        parameters = dict(self.cause)
        code = str(parameters.pop("code"))
        return (code,), parameters

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
    """Notes on rare readings: places that fit only in a tone that is rare for character or word."""
    standard: str = PINGSHUI.name
    """The standard by which characters were read: a key of `standard.STANDARDS`."""
    kinds: tuple[str, ...] = ()
    """The type of each line (a B c D, or a' B' for a rescue); () for old-style verse and 詞."""
    read: tuple[str, ...] = ()
    """The lines as they were read, in Traditional characters."""

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
        """What was judged: "tones and rhyme", "rhyme", "tones" (couplet), "shape", "nothing"."""
        if self.form is None:
            return "nothing"
        if any(violation.rule in SHAPE_RULES for violation in self.violations):
            return "shape"
        if self.form == COUPLET:
            return "tones"
        if self.template or self.form not in FORMS:
            return "tones and rhyme"
        return "rhyme"

    def _repr_html_(self) -> str:
        """Return HTML: the poem with tone signs and faults in red, then faults and notes."""
        # 1) The poem.
        faulty = {(fault.line, fault.position) for fault in self.violations}
        rows = []
        for number, (line, read) in enumerate(zip(self.lines, self.read, strict=True), 1):
            row = ""
            for position, (written, character) in enumerate(zip(line, read, strict=True), 1):
                style = ""
                if (number, position) in faulty:
                    style = _FAULTY
                tone = sign(character, self.standard)
                row += f"<ruby{style}>{escape(written)}<rt>{tone}</rt></ruby>"
            rows.append(row)
        verse = (
            f'<div lang="zh-Hant" style="font-size: 150%; line-height: 2">{"<br>".join(rows)}</div>'
        )
        # 2) The faults and notes.
        items = []
        for fault in self.violations:
            place = here("fault_at", **asdict(fault), has=fault.char)
            items.append(place + here(fault.rule))
        items += [note.text(language()) for note in self.doubts]
        items += [note.text(language()) for note in self.notes]
        listed = "".join(f"<li>{escape(item)}</li>" for item in items)
        return f"<b>{escape(heading(self))}</b>{verse}<ul>{listed}</ul>{escape(summary(self))}"

    def as_json(self) -> dict[str, object]:
        """Return the fields by name, together with `ok`, `regulated` and `judged`."""
        properties = {"ok": self.ok, "regulated": self.regulated, "judged": self.judged}
        return properties | asdict(self)


def sign(character: str, standard: str = PINGSHUI.name) -> str:
    """Return the sign of a character's tone: ○ level 平, ● oblique 仄, ◐ either, ? unknown."""
    return _SIGNS.get(STANDARDS[standard].tone(character), "?")


def heading(verdict: Verdict) -> str:
    """Return one line: form, kind (古絕, 折腰體), template, rhyme, strictness, and another standard."""
    standard = STANDARDS[verdict.standard]
    parts = [verdict.form or here("formless")]
    if verdict.form:
        # names such as 古絕 and 折腰體
        parts += [str(note.cause["name"]) for note in verdict.notes if "name" in note.cause]
    if verdict.template:
        parts.append(verdict.template)
    if verdict.rhyme and verdict.form in FORMS:
        parts.append("、".join(standard.groups[name].label for name in verdict.rhyme))
    elif verdict.rhyme:
        parts.append(verdict.rhyme)
    parts.append(re.sub("^[a-z]+", lambda name: here(name[0]), verdict.level))
    if standard.rimes:
        parts.append(standard.label)
    return " · ".join(part for part in parts if part)


def summary(verdict: Verdict) -> str:
    """Return one line with the number of faults and what was judged."""
    if verdict.form is None:
        return here("judged_nothing")
    count = len(verdict.violations)
    code = {0: "no_faults", 1: "one_fault"}.get(count, "faults")
    line = here(code, has=count)
    if verdict.doubts:
        line += here("doubts", has=len(verdict.doubts))
    if verdict.judged == "rhyme":
        line += here("judged_rhyme")
    return line


# -- notes ----------------------------------------------------------------------------------------


def shape_note(lines: Sequence[str]) -> Note:
    """Return a note on the number and the lengths of the lines, with a name such as 五言."""
    if not lines:
        return Note("no_lines", count=0)
    widths = [len(line) for line in lines]
    least = min(widths)
    most = max(widths)
    if least == most:
        size = f"{least}"
        name = _NAMES.get(least, f"{least}言")
    else:
        size = f"{least}–{most}"
        name = "雜言"
    return Note("lines", count=len(lines), least=least, most=most, size=size, name=name)


def reading_notes(read: "ReadText", lines: Sequence[str]) -> Iterator[Note]:
    """Yield notes on how a text was read: what was left out, cut into lines or ambiguous."""
    yield from _named("left_out", read.left_out)
    if read.cut:
        yield Note("cut", width=read.cut)
    if read.lines != list(lines):
        chosen: dict[str, None] = {}  # each pair once, in the order of the text
        for typed, character in zip("".join(read.lines), "".join(lines), strict=True):
            if character != to_traditional(typed):
                chosen[f"{typed}→{character}"] = None
        yield from _named("chosen", list(chosen))


def character_notes(lines: Sequence[str], standard: Standard, *, repeated: bool) -> Iterator[Note]:
    """Yield notes on unknown characters and, if `repeated`, on words that several lines have 重字."""
    if repeated:
        yield from _named("repeated", _repeated(lines))
    text = "".join(lines)
    known = mandarin_readings() if standard.rimes else table("characters")
    if set(text).difference(known):
        unknown = [one for one in dict.fromkeys(text) if not standard.tones(one)]
        yield from _named("unknown", unknown)


def _repeated(lines: Sequence[str]) -> list[str]:
    """List the characters that several lines have, in any form, in the order of the text.

    They are listed with the forms in which they are written, and with their lines.
    """
    # for each character: its forms and the numbers of its lines, each once, in the order of the text
    forms: defaultdict[str, dict[str, None]] = defaultdict(dict)
    numbers: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for number, line in enumerate(lines, 1):
        for written, character in zip(line, one_form(line), strict=True):
            forms[character][written] = None
            numbers[character][f"{number}"] = None
    repeated = []
    for character, own_numbers in numbers.items():
        if len(own_numbers) > 1:  # repetition within a line is a figure of speech
            repeated.append(f"{' '.join(forms[character])} ({', '.join(own_numbers)})")
    return repeated


def fine_notes(lines: Sequence[str], rhyme: str, standard: Standard) -> Iterator[Note]:
    """Yield later manuals' remarks on a regulated poem in a level group: 撞韻, 擠韻, 冒韻, 四字目孤平."""
    # 1) The oblique groups whose syllables differ from those of the rhyme only in tone: the oblique
    # classes follow the level ones in the same order.
    level_classes = [names for names in standard.classes if standard.groups[names[0]].side == LEVEL]
    class_of_rhyme = next(n for n, names in enumerate(level_classes) if rhyme in names)
    same_sound = set(standard.classes[len(level_classes) + class_of_rhyme])
    # 2) The places of each remark.
    places: dict[str, list[str]] = {"撞韻": [], "擠韻": [], "冒韻": [], "四字目孤平": []}
    for number, line in enumerate(lines, 1):
        foot = standard.rhymes(line[-1])
        rhymed = number % 2 == 0 or rhyme in foot
        if not rhymed and foot & same_sound:
            places["撞韻"].append(f"{line[-1]} ({number}.{len(line)})")
        for position, character in enumerate(line[:-1], 1):
            if standard.rhymes(character) == {rhyme}:
                remark = "擠韻" if rhymed else "冒韻"
                places[remark].append(f"{character} ({number}.{position})")
        tones = [standard.tones(character) for character in line[-5:-2]]
        if tones == [{OBLIQUE}, {LEVEL}, {OBLIQUE}]:
            places["四字目孤平"].append(f"{line[-4]} ({number}.{len(line) - 3})")
    for remark, found in places.items():
        yield from _named("fine", found, rule=remark)


def _named(code: str, items: Sequence[str], **parameters: str) -> Iterator[Note]:
    """Yield one note that lists the first `_MANY` items, or no note if there are none."""
    if items:
        more = max(0, len(items) - _MANY)
        listed = list(items[:_MANY])
        if more:
            listed.append("…")
        yield Note(code, has=listed, more=more, **parameters)
