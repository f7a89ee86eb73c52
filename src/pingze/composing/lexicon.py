"""What a model's characters are in prosody: a vocabulary comes in, arrays over its ids go out.

A character is counted on only in its one usable tone; one that stays open, as 看, is for places that take any tone.
What a person fixed is read as generously as the checker reads it: in any tone or group that it can have.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from pingze.arrays import Array
from pingze.prosody.groups import GROUPS, LEVEL, NEIGHBOURS, OBLIQUE
from pingze.prosody.tones import groups, sides, usable_tone
from pingze.vocabulary import Vocabulary

GROUP_NAMES = tuple(GROUPS)
"""The rhyme groups in the order of every group axis."""

FREE = -1
"""The id of no character: what stands at a place of a text that is still free."""


@dataclass(frozen=True)
class Lexicon:
    """The prosody of V tokens; G is the number of rhyme groups."""

    vocabulary: Vocabulary
    han: Bool[Array, "V"]
    """Han characters: what a line may hold."""
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

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> "Lexicon":
        """Look up every character of a vocabulary."""
        V = len(vocabulary)
        han, level, oblique, can_be_level, can_be_oblique = flags = np.zeros((5, V), bool)
        rhymes, can_rhyme = np.zeros((2, len(GROUP_NAMES), V), bool)
        number = {name: row for row, name in enumerate(GROUP_NAMES)}
        for id_, token in enumerate(vocabulary.tokens):
            if not vocabulary.is_han(id_):
                continue
            usable, can_be = usable_tone(token), sides(token) or {LEVEL, OBLIQUE}
            flags[:, id_] = (True, usable == LEVEL, usable == OBLIQUE, LEVEL in can_be, OBLIQUE in can_be)
            names = groups(token)
            for name in names:
                can_rhyme[number[name], id_] = True
                rhymes[number[name], id_] = GROUPS[name].side == usable
            if not names:
                can_rhyme[:, id_] = True
        return cls(vocabulary, han, level, oblique, can_be_level, can_be_oblique, rhymes, can_rhyme)


def with_neighbours(rhymes: Bool[Array, "G V"]) -> Bool[Array, "G V"]:
    """For each group the characters of its whole class 鄰韻, from which a first line may borrow."""
    result = rhymes.copy()
    number = {name: row for row, name in enumerate(GROUP_NAMES)}
    for names in NEIGHBOURS:
        rows = [number[name] for name in names]
        result[rows] = rhymes[rows].any(axis=0)
    return result
