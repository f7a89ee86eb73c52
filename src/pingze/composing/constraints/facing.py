"""Forbid the characters that break a rule of couplets 對聯.

The two lines have the same length, and pauses divide both into the same parts. At every second position of a part, and
at its end, their tones are opposite. They share no character, and the second line repeats a character exactly where the
first one does. If neither line is given, the upper line is written first: the tones of its rhythm (these positions)
alternate, and it ends oblique.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from pingze.arrays import Array, Bool
from pingze.composing.constraints.copying import Copying
from pingze.composing.constraints.feasibility import Demands, Fixes, Histories
from pingze.composing.constraints.lexicon import WANTS_LEVEL, Lexicon
from pingze.verse.characters import mark_after
from pingze.verse.context import tones_in
from pingze.verse.forms import Form
from pingze.verse.patterns import word_starts
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE

OPPOSITE = {LEVEL: OBLIQUE, OBLIQUE: LEVEL}


@dataclass(frozen=True)
class CoupletForm(Form):
    """The form of a couplet 對聯; the model writes undivided lines of five or seven characters as part of a 律."""

    parts: tuple[int, ...] = ()
    """The lengths of the parts between the pauses of a line; the model reads and writes each as a line of verse."""

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
        return "".join(map(mark_after, range(2 * len(self.parts))))

    @classmethod
    def of(cls, *parts: int) -> "CoupletForm":
        """Return the form of a couplet whose lines have parts of these lengths."""
        name = {"5": "五律", "7": "七律"}.get("+".join(map(str, parts)), "對聯")
        return cls(name, sum(parts), 2, parts=parts)


def parts_of(size: int) -> tuple[int, ...]:
    """Return the usual lengths of a line's parts: 4 + 4, 4 + 5, 5 + 5 and 7 + 4; a shorter line is one part."""
    return {8: (4, 4), 9: (4, 5), 10: (5, 5), 11: (7, 4)}.get(size, (size,))


def tones_of(line: str) -> list[str]:
    """Return the tone in which each character of a line is read, 平 or 仄; "" if it is not certain."""
    read = tones_in(line, word_starts(2, len(line)))
    return [next(iter(tones)) if len(tones) == 1 else "" for tones in read]


class Facing(Copying):
    """The rules of a couplet: `parts` are the lengths of a line's parts, and `upper` is the upper line, if it is given.

    The lower line ends in the tone `end`.
    """

    dead_end = "unfaced"

    def __init__(self, lexicon: Lexicon, parts: Sequence[int], upper: str = "", end: str = LEVEL) -> None:
        self.end, self.width = end, sum(parts)
        # The rhythm: every second position of a part, and its last position, needs opposite tones.
        ends = zip(parts, accumulate(parts), strict=True)
        self.points = sorted({at for size, stop in ends for at in (*range(stop - size + 1, stop, 2), stop - 1)})
        self.of_tone = dict(zip(OPPOSITE, lexicon.fits[Lexicon.COMPOSED, WANTS_LEVEL:], strict=True))
        self.of_tone[""] = self.of_tone[LEVEL] | self.of_tone[OBLIQUE]
        self.forms, self.given = lexicon.forms, tones_of(upper) if upper else None

    def leaves(self, demands: Demands, fixed: Fixes) -> Bool[Array, "#T #G"]:
        """Return a mask that marks every hypothesis as possible."""
        return np.ones((1, 1), bool)

    def forbidden(self, demands: Demands, histories: Histories, place: int) -> Bool[Array, "N V"]:
        """Return a mask of the characters that may not stand at the given position of each text."""
        forbidden = np.zeros_like(histories.unused)
        if place < self.width and self.given is not None:
            return forbidden
        for mask, text in zip(forbidden, histories.texts.tolist(), strict=True):
            upper, lower, at = text[: self.width], text[self.width : place], place % self.width
            # 1) In an upper line that is not given, no character is repeated. The tones of the rhythm alternate.
            if place < self.width:
                mask[self.forms[text[:at]]] = True
                before = ["", *(self._tone(text[point]) for point in self.points if point < at)][-1]
                if at in self.points:
                    mask |= ~self.of_tone[OPPOSITE.get(self.end if at == self.width - 1 else before, "")]
                continue
            # 2) In the lower line, a character is repeated exactly where the upper line repeats one.
            if upper[at] in upper[:at]:
                mask[:] = True
                mask[lower[upper.index(upper[at])]] = False
            else:
                mask[self.forms[[*upper, *lower]]] = True
            # 3) If the upper character, or a repetition of it, is at a position of the rhythm, the tone is opposite.
            for same in (n for n, id_ in enumerate(upper) if id_ == upper[at] and n in self.points):
                has = self._tone(upper[same]) if self.given is None else self.given[same]
                if wanted := self.end if same == self.width - 1 else OPPOSITE.get(has):
                    mask |= ~self.of_tone[wanted]
        return forbidden

    def _tone(self, id_: int) -> str:
        return next((tone for tone in OPPOSITE if self.of_tone[tone][id_]), "")
