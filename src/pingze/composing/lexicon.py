"""Decide which characters may come next in a text so that the text can still keep its constraints.

This file looks up what the other modules need: the prosody of a vocabulary, that is, each
character's tone and rhymes. A character's usable tone is its only tone or, if it has two, the tone
that verse nearly always gives it. The model writes a character only in its usable tone. A character
that has none, such as 看, is written only where any tone is allowed. The model rhymes on a
character only in groups in which Tang poets rhyme on it. Of several variants of a character, only
the one on which poets rhyme most often may rhyme. The model writes no character that would be read
as another that it knows (`to_traditional`): 靜 and never 静. A character that the user fixed is
read as generously as the checker reads it: in any tone or group that it can have. If the model's
vocabulary lacks a fixed character, the network reads a variant of the character or, if it knows no
variant, `<unk>`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from pingze.arrays import Array, Bool, Int
from pingze.composing.request import Request
from pingze.files import table
from pingze.network.vocabulary import UNK, Vocabulary
from pingze.verse.character_table import forms, to_traditional
from pingze.verse.rhyme_book import rhyme_counts
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE
from pingze.verse.standard import PINGSHUI, Standard
from pingze.verse.word_tones import OPEN

WANTS = WANTS_ANY, WANTS_LEVEL, WANTS_OBLIQUE = range(3)  # the tones that a position may want
FREE = -1  # the id that marks a position of a text as still free
DOUBLED_OFTEN = 40  # a character may be doubled if verse doubles it at least this many times


@cache
def doublings() -> dict[str, tuple[int, int]]:
    """Load the number of times that verse doubles each character 疊字: anywhere, and at the end of a line."""
    rows = (
        (one, cells.split("\t"))
        for one, cells in table("doublings", "pingze.composing.terms").items()
    )
    return {one: (int(times), int(at_end)) for one, (times, at_end) in rows}


@cache
def group_names(standard: Standard) -> tuple[str, ...]:
    """Return the names on axis G: the standard's groups, then each part of 詞林正韻 with each class it has (平仄入)."""
    kinds = [
        (part, kind)
        for part in standard.parts.groups
        for kind in "平仄入"
        if standard.parts.class_in(part, kind) == kind
    ]
    return *standard.groups, *map("".join, kinds)


def network_ids(vocabulary: Vocabulary, text: str) -> list[int]:
    """Return an id for each character: its own, a variant's if the vocabulary lacks the character, or else `UNK`."""
    known = ([form for form in forms(character) if form in vocabulary] for character in text)
    return [vocabulary.ids[found[0]] if found else UNK for found in known]


@dataclass(frozen=True, eq=False)
class Lexicon:
    """The prosody of V tokens in a standard of rhyme; G is the number of `group_names`."""

    # rows for how a character is read: strictly if composed, generously if a person gave it
    COMPOSED, GIVEN = 0, 1
    vocabulary: Vocabulary
    standard: Standard
    fits: Bool[Array, "2 3 V"]
    """Whether a character fits each of `WANTS` (any tone, level, oblique): in row `COMPOSED` by its usable tone, in row
    `GIVEN` by any of its readings. In row `GIVEN`, a character of unknown reading fits all."""
    rhymes: Bool[Array, "2 G V"]
    """Whether a character rhymes in each group: by poets' use in row `COMPOSED`, by any reading in row `GIVEN`.
    A character of unknown reading rhymes in all groups."""
    doubles: Bool[Array, "2 V"]
    """Whether verse often doubles the character 疊字, as 年年: row 0 anywhere, row 1 at the end of a line."""
    forms: Int[Array, "V F"]
    """The ids of all variants of a character, itself included; a shorter list is padded with the character's own id."""
    word: Int[Array, "V"]
    """The id of the variant of a character on which poets rhyme most often, such as 遊 for 游."""
    one_form: Bool[Array, "3 V"]
    """Masks of the level, the oblique and all Han characters.

    Each mask has only one variant of a character.
    """
    reads: Int[Array, "V+1"]
    """The id that the network reads for each id.

    The last entry is `FREE`, so that `FREE` (-1) is mapped to itself.
    """
    misread: dict[int, list[int]]
    """The ids that may not follow each id, such as 酒 after 中: in 中酒, 中 does not have its usable tone."""

    @classmethod
    def of(
        cls, vocabulary: Vocabulary, standard: Standard = PINGSHUI, unknown: str = ""
    ) -> "Lexicon":
        """Build the lexicon of a vocabulary and of `unknown` characters, whose ids follow those of the vocabulary."""
        composed, model = len(vocabulary), vocabulary
        vocabulary = Vocabulary((*model.tokens, *unknown)) if unknown else model
        V, tokens = len(vocabulary), vocabulary.tokens
        ids = np.flatnonzero(vocabulary.is_han).tolist()

        def mask(has: Iterable[bool]) -> Bool[Array, "V"]:
            found = np.zeros(V, bool)
            found[ids] = list(has)
            return found

        # 1) The tones and doublings of every character. One assignment for all is quicker than one
        # for each character.
        written = np.zeros(V, bool)
        written[:composed] = [
            (read := to_traditional(one)) == one or read not in model for one in model.tokens
        ]
        tones = [standard.usable_tone(tokens[id_]) if written[id_] else None for id_ in ids]
        readings = [standard.tones(tokens[id_]) or {LEVEL, OBLIQUE} for id_ in ids]
        times = [doublings().get(tokens[id_], (0, 0)) for id_ in ids]
        fits = np.ones((2, len(WANTS), V), bool)
        for want, side in ((WANTS_LEVEL, LEVEL), (WANTS_OBLIQUE, OBLIQUE)):
            fits[:, want] = (
                mask(tone == side for tone in tones),
                mask(side in each for each in readings),
            )
        fits[cls.COMPOSED, :, ~written] = False
        doubles = np.array([mask(each[row] >= DOUBLED_OFTEN for each in times) for row in (0, 1)])
        # 2) The forms of each character's word, and its rhymes: lists of rows of the masks, and of
        # the id for each row.
        number, word = {name: row for row, name in enumerate(group_names(standard))}, np.arange(V)
        all_forms, groupless = dict[int, list[int]](), list[int]()
        able, usable = (list[int](), list[int]()), (list[int](), list[int]())
        for id_, tone in zip(ids, tones, strict=True):
            main = token = tokens[id_]
            known = [form for form in forms(token) if form in vocabulary]
            if known[1:]:
                composable = [form for form in known if written[vocabulary.ids[form]]] or known
                main = max(composable, key=lambda form: (sum(rhyme_counts(form).values()), form))
                word[id_], all_forms[id_] = (
                    vocabulary.ids[main],
                    [vocabulary.ids[form] for form in known],
                )
            if not (names := standard.rhymes(token)):
                groupless.append(id_)
            for name in names:
                part = standard.parts.of(token, name) + standard.parts.class_of(name)
                is_usable = (
                    main == token
                    and standard.groups[name].side == tone
                    and standard.is_practised(token, name)
                )
                for rows, of in (able, usable) if is_usable else (able,):
                    rows += number[name], number[part]
                    of += id_, id_
        rhymes = np.zeros((2, len(number), V), bool)
        rhymes[cls.COMPOSED, *usable] = rhymes[cls.GIVEN, *able] = rhymes[
            cls.GIVEN, :, groupless
        ] = True
        padded = np.repeat(
            np.arange(V)[:, None], max(map(len, all_forms.values()), default=1), axis=1
        )
        for id_, own in all_forms.items():
            padded[id_, : len(own)] = own
        # 3) One form of each word, and the words that verse reads in other tones.
        every, level, oblique = fits[cls.COMPOSED]
        one_form = np.zeros((3, V), bool)
        for row, which in zip(one_form, (level, oblique, every & vocabulary.is_han), strict=True):
            able_ids = np.flatnonzero(which)
            row[able_ids[np.unique(word[able_ids], return_index=True)[1]]] = True
        one_form[1] &= ~np.isin(word, word[one_form[0]])  # count a word of both tones as level
        misread: dict[int, list[int]] = {}
        # characters usable only in the other tone
        other = {LEVEL: oblique, OBLIQUE: level, OPEN: np.zeros_like(level)}
        for pair, read in standard.words.tones.items():
            one, next_one = vocabulary.ids.get(pair[0], 0), vocabulary.ids.get(pair[1], 0)
            if one and next_one and (other[read[0]][one] or other[read[1]][next_one]):
                misread.setdefault(one, []).append(next_one)
        reads = np.array([*range(composed), *network_ids(model, unknown), FREE])
        return cls(
            vocabulary, standard, fits, rhymes, doubles, padded, word, one_form, reads, misread
        )

    def reading(self, request: Request) -> "Lexicon":
        """Copy the lexicon, but give fixed and included characters only the tones that their context allows."""
        fits = self.fits.copy()
        lines = [["　"] * width for width in request.form.widths(request.lines)]
        for fix in request.fixed:
            lines[fix.line - 1][fix.position - 1] = fix.character
        for character, read in self.standard.words.tones_within(
            request.include, map("".join, lines)
        ).items():
            fits[self.GIVEN, WANTS_LEVEL:, self.vocabulary.ids[character]] = (
                LEVEL in read,
                OBLIQUE in read,
            )
        return replace(self, fits=fits)
