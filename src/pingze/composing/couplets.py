"""Write couplets 對聯: the other line to a given line, or two lines and a banner 橫批 on a theme.

The two lines have the same length, and pauses divide both into the same parts. The rhythm positions
of a part are every second position and the last position. At rhythm positions, the two lines have
opposite tones. The lines share no character, and one line repeats a character exactly where the
other does. If neither line is given, the upper line is written first. Its tones alternate from one
rhythm position to the next, and it ends oblique.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pingze.arrays import Array, Bool
from pingze.composing.composer import Composer, first_seed, load_composer
from pingze.composing.constraints.feasibility import CompiledRequest, Fixes, PartialTexts
from pingze.composing.constraints.masks import Constraints
from pingze.composing.lexicon import WANTS_LEVEL, Lexicon
from pingze.composing.options import Composing, Coupling, with_options
from pingze.composing.poem import Poem, punctuate
from pingze.composing.read_request import read_condition, read_unwanted
from pingze.composing.request import Fixed, Request
from pingze.composing.terms.antithesis import antithesis_table
from pingze.composing.terms.taste import contradicts
from pingze.composing.typed_text import read_characters, tell
from pingze.composing.words import Starts
from pingze.errors import InputError
from pingze.files import table
from pingze.network.checkpoint import Model
from pingze.verse.characters import MARKS, mark_after
from pingze.verse.couplets import parts_of, rhythm
from pingze.verse.forms import COUPLET, COUPLET_WIDTHS, Form
from pingze.verse.patterns import word_starts
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE, OPPOSITE
from pingze.verse.standard import PINGSHUI
from pingze.verse.verdict import Note

_TRIES = 4
"""The maximum number of seeds to try for each couplet or banner."""


@dataclass(frozen=True)
class Couplet:
    """A couplet 對聯."""

    upper: str
    """The upper line 上聯, which ends oblique."""
    lower: str
    """The lower line 下聯, which ends level."""
    banner: str | None
    """The four characters above the door 橫批; None if one of the lines was given."""
    tones: tuple[str, str]
    """The tones of both lines, 平 or 仄; 中 for a character whose tone is not certain."""
    antithesis: tuple[float, ...]
    """How well each pair of characters matches, by the table of antithesis.

    It is ln p(lower | upper) - ln p(lower).
    """
    seed: int
    """The seed of the call, which gives the same couplets again if as many are asked for."""
    model: str
    """The name of the model."""
    log_probability: float
    """ln p of both lines, in the order in which the model wrote them."""

    def __str__(self) -> str:
        return punctuate([self.upper, self.lower]) + (f"\n{self.banner}" if self.banner else "")


@with_options(Coupling)
def couplet(line: str = "", *, model: Model | None = None, **options: Any) -> list[Couplet]:
    """Write lower lines 下聯 that answer an upper line.

    Without `line`, write couplets 對聯 with 橫批 on a theme.

    Pauses divide a line into parts. At every second character of a part and at the last character
    of a part, the two lines have opposite tones. The lines share no character, and one line repeats
    a character exactly where the other does. A given line that ends level is read as a lower line,
    as if `upper` were set. Couplets with near-synonyms 合掌 in two places, or with the name of a
    place opposite other words, are returned only if there are too few others. If too few different
    couplets are found, fewer than `count` are returned. A ConversionWarning tells if a line is read
    as a lower line, and if fewer couplets are returned.

    Args:
        line: The upper line, of 4 to 11 characters, which ends oblique; marks in it show its
            pauses.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export.
        options: `write` (the theme), `length` (of lines on a theme), `upper` (write upper lines for
            a lower one), `count`, `temperature`, `top_p`, `particles`, `antithesis`, `exclude`,
            `mood` and `seed`: see `pingze couplet --help`.

    Raises InputError if a value cannot be used, or a lower line ends oblique; UnfinishedError
    if every particle came to a dead end; CheckpointError if the model cannot be read.
    """
    asked = Coupling(line=line, **options)
    composer = load_composer(model, Composing(about=asked.write))
    given, part_lengths, given_end = _read_given_line(asked, composer)
    width = sum(part_lengths)
    request = Request(
        CoupletForm.of(*part_lengths),
        lines=2,
        # The given line is line 1 of the request even if it is the lower line, since the model
        # writes line 2 as the answer to line 1.
        fixed=tuple(
            Fixed("line", 1, position, character) for position, character in enumerate(given, 1)
        ),
        repeat=True,  # `Facing` decides which characters repeat
        about=read_condition("about", asked.write, composer.vocabulary),
        exclude=read_unwanted("exclude", asked.exclude),
        mood=asked.mood,
        antithesis=asked.antithesis,
        taste=1.0,  # as strong as in poems: couplets have no such option
    )
    lexicon = composer.lexicon(request)
    facing = Facing(lexicon, part_lengths, given, OPPOSITE[given_end])
    starts = Starts(Constraints(lexicon, request, ban=facing))
    first = first_seed(asked.seed)
    texts_found: set[str] = set()
    found: list[Couplet] = []
    weak: list[Couplet] = []  # used only if too few others are found
    # Each seed gives one couplet at most: it may be one that was found before, or a weak one.
    for seed in range(first, first + _TRIES * asked.count):
        # 1) Write the other line, or both; take the best that has not been found.
        poems = _write_best_first(composer, starts, asked, seed)
        new = [poem for poem in poems if "".join(poem.lines) not in texts_found]
        if not new:
            continue
        poem = new[0]
        text = "".join(poem.lines)
        texts_found.add(text)
        upper = text[:width]
        lower = text[width:]
        if given_end == LEVEL:  # the line that was written first is the lower one
            upper, lower = lower, upper
        # 2) Write the banner: the first four characters of a line of seven to the theme, since the
        #    model knows no lines of four.
        banner = None
        if not given:
            exclude = request.exclude + upper + lower
            of_seven = replace(request, form=CoupletForm.of(7), exclude=exclude)
            banner_starts = Starts(Constraints(lexicon, of_seven, ban=Facing(lexicon, (7,))))
            # Try again if a word of the banner names another season or hour than the lines.
            for number in range(_TRIES):
                banner = composer.write(banner_starts, asked, seed + number).lines[0][:4]
                if not contradicts([upper, lower, banner], asked.write or ""):
                    break
        # 3) Score each pair of characters.
        antithesis = antithesis_table()
        pairs = zip(upper, lower, strict=True)
        scores = [round(antithesis.score(above, below), 3) for above, below in pairs]
        written = Couplet(
            upper=upper,
            lower=lower,
            banner=banner,
            tones=(tones_of(upper), tones_of(lower)),
            antithesis=tuple(scores),
            seed=first,
            model=composer.name,
            log_probability=poem.log_probability,
        )
        if _is_weak(upper, lower):
            weak.append(written)
        else:
            found.append(written)
        if len(found) == asked.count:
            break
    found += weak[: asked.count - len(found)]
    if len(found) < asked.count:
        tell(Note("fewer_couplets", field="count", has=len(found), wanted=asked.count))
    return found


def _write_best_first(composer: Composer, starts: Starts, asked: Coupling, seed: int) -> list[Poem]:
    """Write couplets with one population, and return them best first.

    On a theme, the best couplet has the highest score, which counts the theme's characters. If a
    line is given, the best couplet is the likeliest of those without a flaw: antithesis has already
    weighted what is drawn, and the score would count antithesis once more. Of the lines with the
    highest score, readers found that 73 of 85 make sense, and of the likeliest lines 81
    (`lab/LOG.md`, 2026-12-03).
    """
    if not starts.constraints.request.fixed:
        return [composer.write(starts, asked, seed)]
    (texts,) = composer.texts(starts, asked, [(seed, 0)], most=asked.particles)
    poems = [composer.poem(starts.constraints, text, seed) for text in texts]

    def worth(poem: Poem) -> tuple[bool, bool, float]:
        # `lines` has the parts of both lines, each line of the couplet being half of the text
        text = "".join(poem.lines)
        half = len(text) // 2
        weak = _is_weak(text[:half], text[half:])
        return not contradicts(poem.lines), not weak, poem.log_probability

    return sorted(poems, key=worth, reverse=True)


def _is_weak(line: str, other: str) -> bool:
    """Check for near-synonyms 合掌 in two places, or a place's name opposite none."""
    alike = antithesis_table().alike(line, other)
    return len(alike) > 1 or places_in(line) != places_in(other)


def _read_given_line(asked: Coupling, composer: Composer) -> tuple[str, tuple[int, ...], str]:
    """Read the given line; return its text, the lengths of its parts, and the tone of its end.

    If both lines are to be written, return "", the lengths of parts that `length` asks for, and the
    tone in which the line that is written first ends.

    A line that ends level is a lower line. Raises InputError if its length does not fit, or if the
    request asks for an upper line and the given line, its lower one, ends oblique.
    """
    spaces_for_marks = {ord(mark): " " for mark in MARKS}
    typed_parts = asked.line.translate(spaces_for_marks).split()
    parts = [read_characters("line", part, composer.vocabulary) for part in typed_parts]
    line = "".join(parts)
    # the lower line, which is given if `upper` is set, ends level
    wanted_end = LEVEL if asked.upper else OBLIQUE
    if not line and asked.write:
        return "", parts_of(asked.length), wanted_end
    if len(line) not in COUPLET_WIDTHS:
        raise InputError(
            "couplet_line",
            field="line",
            has=len(line),
            least=COUPLET_WIDTHS[0],
            most=COUPLET_WIDTHS[-1],
        )
    end = tones_of(line)[-1]
    if end not in OPPOSITE:  # a character that can have both tones has the wanted one
        end = wanted_end
    if asked.upper and end == OBLIQUE:
        raise InputError("ends_oblique", field="line", has=line[-1])
    if not asked.upper and end == LEVEL:
        tell(Note("ends_level", field="line", has=line[-1]))
    lengths = tuple(len(part) for part in parts)
    if (
        len(parts) == 1
    ):  # without marks, the pauses are where lines of this length usually have them
        lengths = parts_of(len(line))
    return line, lengths, end


def places_in(line: str) -> set[int]:
    """Return the positions, from 0, at which the name of a place such as 長安 begins in a line.

    `verse/data/SOURCES.md` says where the names come from.
    """
    names = table("places", "pingze.composing.terms")
    return {at for at in word_starts(2, len(line)) if line[at : at + 2] in names}


@dataclass(frozen=True)
class CoupletForm(Form):
    """The form of a couplet 對聯.

    The model treats undivided lines of five or seven characters as lines of a 律.
    """

    parts: tuple[int, ...] = ()
    """The lengths of a line's parts, each of which the model treats as a line of verse."""

    @property
    def regulated(self) -> bool:
        """Whether the form has templates; a couplet has none."""
        return False

    def antithetical(self, count: int) -> range:
        """Return the indices of the couplets that need antithesis: 0, the only couplet."""
        return range(1)

    def widths(self, count: int) -> tuple[int, ...]:
        """Return the number of characters in each part of both lines."""
        return self.parts * 2

    def marks(self, count: int) -> str:
        """Return the mark that follows each part."""
        return "".join(mark_after(index) for index in range(2 * len(self.parts)))

    @classmethod
    def of(cls, *parts: int) -> "CoupletForm":
        """Return the form of a couplet whose lines have parts of these lengths."""
        of_verse: dict[tuple[int, ...], str] = {(5,): "五律", (7,): "七律"}
        name = of_verse.get(parts, COUPLET)
        return cls(name, sum(parts), 2, parts=parts)


def tones_of(line: str) -> str:
    """Return the tone of each character of a line, 平 or 仄; 中 if it is not certain."""
    read = PINGSHUI.words.tones_in(line, word_starts(2, len(line)))
    return "".join(next(iter(tones)) if len(tones) == 1 else "中" for tones in read)


class Facing:
    """The ban of one line of a couplet on characters of the other.

    `parts` has the lengths of a line's parts; `upper` is the upper line, if given; the lower line
    ends in tone `end`.
    """

    dead_end = "unfaced"

    def __init__(
        self, lexicon: Lexicon, parts: Sequence[int], upper: str = "", end: str = LEVEL
    ) -> None:
        self.end = end
        self.width = sum(parts)
        self.points = rhythm(parts)
        level, oblique = lexicon.fits[Lexicon.COMPOSED, WANTS_LEVEL:]  # a mask of ids for each
        self.of_tone = {LEVEL: level, OBLIQUE: oblique, "": level | oblique}
        """Masks of the characters that may have a tone; "" stands for either."""
        self.forms = lexicon.forms
        self.given = tones_of(upper)
        """The tones of the upper line; "" if the model writes it."""
        is_line_of_verse = tuple(parts) in ((5,), (7,))
        if is_line_of_verse and self.given.endswith("平平仄平仄"):
            # this irregular pattern 特拗 is answered like the regular one that it varies
            self.given = self.given[:-5] + "平平平仄仄"

    def possible(self, compiled: CompiledRequest, fixed: Fixes) -> Bool[Array, "#T #G"]:
        """Return a mask of the hypotheses, all True."""
        return np.ones((1, 1), bool)

    def rules_out_word(self, word: Sequence[int]) -> bool:
        """Return False: no word is asked of a couplet."""
        return False

    def forbidden(
        self, compiled: CompiledRequest, partial_texts: PartialTexts, place: int
    ) -> Bool[Array, "N V"]:
        """Return a mask of the characters that may not stand at a position of each text."""
        forbidden = np.zeros_like(partial_texts.unused)
        if place < self.width and self.given:  # the user gave the upper line
            return forbidden
        for mask, text in zip(forbidden, partial_texts.texts.tolist(), strict=True):
            if place < self.width:
                self._forbid_in_upper(mask, text, place)
            else:
                self._forbid_in_lower(mask, text[: self.width], text[self.width : place])
        return forbidden

    def _forbid_in_upper(self, mask: Bool[Array, "V"], text: list[int], at: int) -> None:
        """Forbid repeated characters, and tones that do not alternate, in an upper line."""
        mask[self.forms[text[:at]]] = True
        if at not in self.points:
            return
        before = ""
        for point in self.points:
            if point < at:
                before = self._tone(text[point])
        last = self.end if at == self.width - 1 else before
        mask |= ~self.of_tone[OPPOSITE.get(last, "")]

    def _forbid_in_lower(self, mask: Bool[Array, "V"], upper: list[int], lower: list[int]) -> None:
        """Forbid, in the lower line, what does not answer the upper line."""
        at = len(lower)
        # 1) A character is repeated exactly where the upper line repeats one.
        repeated = upper.index(upper[at])
        if repeated < at:
            mask[:] = True
            mask[lower[repeated]] = False
        else:
            mask[self.forms[[*upper, *lower]]] = True
        # 2) If the upper character, or a repetition of it, is at a position of the rhythm, the
        #    lower character, which is repeated there too, has the opposite tone.
        for point in self.points:
            if upper[point] != upper[at]:
                continue
            tone_above = self.given[point] if self.given else self._tone(upper[point])
            wanted_tone = self.end if point == self.width - 1 else OPPOSITE.get(tone_above)
            if wanted_tone:  # None if the tone above is not certain
                mask |= ~self.of_tone[wanted_tone]

    def _tone(self, id_: int) -> str:
        return next((tone for tone in OPPOSITE if self.of_tone[tone][id_]), "")
