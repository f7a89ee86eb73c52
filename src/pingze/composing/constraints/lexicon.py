"""Look up the prosody of a vocabulary: the tone and the rhymes of each character.

A character is composed only in its one usable tone; one that stays open, as 看, only where any tone fits. It rhymes
only in groups in which Tang poets rhyme on it, and of several forms of one word only the one on which they rhyme most.
A character that a person fixed is read as generously as the checker reads it: in any tone or group that it can have.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from pingze.arrays import Array, Bool, Int
from pingze.composing.request.request import Request
from pingze.network.vocabulary import Vocabulary
from pingze.verse.character_table import forms
from pingze.verse.context import OPEN, tones_within, word_tones
from pingze.verse.rhyme import practised
from pingze.verse.rhyme import rhymes as rhymes_of
from pingze.verse.rhyme_groups import GROUPS, LEVEL, OBLIQUE
from pingze.verse.tables import table
from pingze.verse.tones import groups, sides, usable_tone

GROUP_NAMES = tuple(GROUPS)
"""The rhyme groups in the order of every group axis."""

FREE = -1
"""The id at a place of a text that is still free."""

DOUBLED_OFTEN = 40
"""The fewest times that verse doubles a character which may be doubled."""


@cache
def doublings() -> dict[str, tuple[int, int]]:
    """The characters that verse doubles, how often, and how often so at a line's end."""
    rows = (
        (one, cells.split("\t")) for one, cells in table("doublings", "pingze.composing.steering").items()
    )
    return {one: (int(times), int(at_end)) for one, (times, at_end) in rows}


@dataclass(frozen=True)
class Lexicon:
    """The prosody of V tokens; G is the number of rhyme groups."""

    vocabulary: Vocabulary
    han: Bool[Array, "V"]
    """Whether a token is a Han character."""
    level: Bool[Array, "V"]
    """Usable as level 平."""
    oblique: Bool[Array, "V"]
    """Usable as oblique 仄."""
    can_be_level: Bool[Array, "V"]
    """Level in some reading, or unknown."""
    can_be_oblique: Bool[Array, "V"]
    """Oblique in some reading, or unknown."""
    rhymes: Bool[Array, "G V"]
    """Usable as a rhyme of the group."""
    can_rhyme: Bool[Array, "G V"]
    """In the group in some reading, or unknown."""
    doubles: Bool[Array, "2 V"]
    """Verse doubles it 疊字, as 年年; and at a line's end."""
    forms: Int[Array, "V F"]
    """All forms of a character's word, itself among them; where it has fewer than F, itself again."""
    word: Int[Array, "V"]
    """The form of a character's word on which poets rhyme most: 遊 of 游."""
    one_form: Bool[Array, "3 V"]
    """One form of each word that is usable as level, one as oblique, one of any: so that words can be counted."""
    misread: dict[int, list[int]]
    """What may not follow a character: 酒 after 中, since in 中酒 it has not its usable tone."""

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> "Lexicon":
        """Look up every character of a vocabulary."""
        V, number = len(vocabulary), {name: row for row, name in enumerate(GROUP_NAMES)}
        han, level, oblique, can_be_level, can_be_oblique = flags = np.zeros((5, V), bool)
        rhymes, can_rhyme = np.zeros((2, len(GROUP_NAMES), V), bool)
        doubles, word = np.zeros((2, V), bool), np.arange(V)
        all_forms: list[tuple[int, ...]] = [(id_,) for id_ in range(V)]
        for id_, token in enumerate(vocabulary.tokens):
            if not vocabulary.is_han(id_):
                continue
            tone, can_be, names = usable_tone(token), sides(token) or {LEVEL, OBLIQUE}, groups(token)
            flags[:, id_] = (True, tone == LEVEL, tone == OBLIQUE, LEVEL in can_be, OBLIQUE in can_be)
            doubles[:, id_] = [times >= DOUBLED_OFTEN for times in doublings().get(token, (0, 0))]
            known = [form for form in forms(token) if form in vocabulary]
            main = max(known, key=lambda form: (sum(rhymes_of(form).values()), form)) if known[1:] else token
            word[id_], all_forms[id_] = vocabulary.ids[main], tuple(vocabulary.ids[form] for form in known)
            can_rhyme[:, id_] = not names
            for name in names:
                can_rhyme[number[name], id_] = True
                is_usable = main == token and GROUPS[name].side == tone
                rhymes[number[name], id_] = is_usable and practised(token, name)
        most = max(map(len, all_forms))
        padded = np.array([(*each, *each[:1] * (most - len(each))) for each in all_forms])
        one_form = np.zeros((3, V), bool)
        for row, which in zip(one_form, (level, oblique, han), strict=True):
            ids = np.flatnonzero(which)
            row[ids[np.unique(word[ids], return_index=True)[1]]] = True
        one_form[1] &= ~np.isin(word, word[one_form[0]])  # a word of both tones is counted as level
        misread: dict[int, list[int]] = {}
        for pair, tones in word_tones().items():
            if set(pair) <= vocabulary.ids.keys() and any(
                tone not in (OPEN, usable_tone(c) or tone) for c, tone in zip(pair, tones, strict=True)
            ):
                misread.setdefault(vocabulary.ids[pair[0]], []).append(vocabulary.ids[pair[1]])
        usable = vocabulary, han, level, oblique, can_be_level, can_be_oblique
        return cls(*usable, rhymes, can_rhyme, doubles, padded, word, one_form, misread)

    def reading(self, request: Request) -> "Lexicon":
        """Copy the lexicon; what a request fixes or includes can have only the tones in which verse reads it there."""
        level, oblique = self.can_be_level.copy(), self.can_be_oblique.copy()
        lines = [["　"] * request.form.width for _ in range(request.lines)]
        for fix in request.fixed:
            lines[fix.line - 1][fix.position - 1] = fix.character
        for character, read in tones_within(request.include, map("".join, lines)).items():
            id_ = self.vocabulary.ids[character]
            level[id_], oblique[id_] = LEVEL in read, OBLIQUE in read
        return replace(self, can_be_level=level, can_be_oblique=oblique)


def joined(rhymes: Bool[Array, "G V"], near: Callable[[str], Iterable[str]]) -> Bool[Array, "G V"]:
    """Join each level group's characters with those of the groups that are near it."""
    result = rhymes.copy()
    for row, name in enumerate(GROUP_NAMES):
        if GROUPS[name].side == LEVEL:
            result[row] = rhymes[[GROUP_NAMES.index(other) for other in near(name)]].any(axis=0)
    return result
