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
    """Load how often verse doubles each character 疊字: anywhere, and at the end of a line."""
    times = {}
    for character, cells in table("doublings", "pingze.composing.terms").items():
        anywhere, at_end = cells.split("\t")
        times[character] = (int(anywhere), int(at_end))
    return times


@cache
def group_names(standard: Standard) -> tuple[str, ...]:
    """Return the names on axis G.

    They are the standard's groups, then each part of 詞林正韻 with each class it has (平仄入).
    """
    names = list(standard.groups)
    for part in standard.parts.groups:
        kinds = [kind for kind in "平仄入" if standard.parts.class_in(part, kind) == kind]
        names += [part + kind for kind in kinds]
    return tuple(names)


def form_ids(vocabulary: Vocabulary, character: str) -> list[int]:
    """Return the ids of a character's written forms that the vocabulary has, its own id first."""
    return [vocabulary.ids[form] for form in forms(character) if form in vocabulary]


def network_ids(vocabulary: Vocabulary, text: str) -> list[int]:
    """Return the id that the network reads for each character.

    It is the character's own id, a variant's if the vocabulary lacks the character, or else `UNK`.
    """
    ids = []
    for character in text:
        known_forms = form_ids(vocabulary, character)
        ids.append(known_forms[0] if known_forms else UNK)
    return ids


@dataclass(frozen=True, eq=False)
class Lexicon:
    """The prosody of V tokens in a standard of rhyme; G is the number of `group_names`."""

    # rows for how a character is read: strictly if composed, generously if a person gave it
    COMPOSED, GIVEN = 0, 1
    vocabulary: Vocabulary
    standard: Standard
    fits: Bool[Array, "2 3 V"]
    """Whether a character fits each of `WANTS` (any tone, level, oblique).

    In row `COMPOSED` its usable tone counts, in row `GIVEN` any of its readings. In row `GIVEN`, a
    character of unknown reading fits all.
    """
    rhymes: Bool[Array, "2 G V"]
    """Whether a character rhymes in each group.

    In row `COMPOSED` poets' use counts, in row `GIVEN` any reading. In row `GIVEN`, a character of
    unknown reading rhymes in all groups.
    """
    doubles: Bool[Array, "2 V"]
    """Whether verse often doubles the character 疊字, as 年年.

    Row 0 counts doublings anywhere, row 1 those at the end of a line.
    """
    forms: Int[Array, "V F"]
    """The ids of all variants of a character, itself included.

    A shorter list is padded with the character's own id.
    """
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
    """The ids that may not follow each id: in 中酒, 中 does not have its usable tone."""

    @classmethod
    def of(
        cls, vocabulary: Vocabulary, standard: Standard = PINGSHUI, unknown: str = ""
    ) -> "Lexicon":
        """Build the lexicon of a vocabulary.

        The lexicon also has the characters in `unknown`, which the model does not know; their ids
        follow those of the vocabulary.
        """
        model_vocabulary = vocabulary
        if unknown:
            vocabulary = Vocabulary(model_vocabulary.tokens + tuple(unknown))
        composable = _composable(model_vocabulary, len(vocabulary))
        tones = _usable_tones(vocabulary, standard, composable)
        fits = _fits(vocabulary, standard, tones, composable)
        variants = _variants(vocabulary)
        word = _words(vocabulary, variants, composable)
        own_ids = list(range(len(model_vocabulary)))  # the network reads these as they are
        reads = own_ids + network_ids(model_vocabulary, unknown) + [FREE]
        return cls(
            vocabulary=vocabulary,
            standard=standard,
            fits=fits,
            rhymes=_rhymes(vocabulary, standard, tones, word),
            doubles=_doubles(vocabulary),
            forms=_padded(variants, len(vocabulary)),
            word=word,
            one_form=_one_form(fits[cls.COMPOSED], vocabulary.is_han, word),
            reads=np.array(reads),
            misread=_misread(vocabulary, standard, fits[cls.COMPOSED]),
        )

    def reading(self, request: Request) -> "Lexicon":
        """Copy the lexicon with given characters read in context.

        Fixed and included characters have only the tones that their context allows.
        """
        # an ideographic space at each free position, which is part of no word
        characters = [["　"] * width for width in request.form.widths(request.lines)]
        for fix in request.fixed:
            characters[fix.line - 1][fix.position - 1] = fix.character
        lines = ["".join(line) for line in characters]
        tones = self.standard.words.tones_within(request.include, lines)
        fits = self.fits.copy()
        for character, allowed in tones.items():
            id_ = self.vocabulary.ids[character]
            fits[self.GIVEN, WANTS_LEVEL, id_] = LEVEL in allowed
            fits[self.GIVEN, WANTS_OBLIQUE, id_] = OBLIQUE in allowed
        return replace(self, fits=fits)

    def read_otherwise(self, in_context: "Lexicon", characters: str) -> list[str]:
        """List those of `characters` that this lexicon reads in tones they lack in context."""
        different = []
        for character in dict.fromkeys(characters):
            id_ = self.vocabulary.ids[character]
            own_fits = self.fits[self.GIVEN, :, id_]
            if (own_fits != in_context.fits[self.GIVEN, :, id_]).any():
                different.append(character)
        return different


def _composable(model: Vocabulary, size: int) -> Bool[Array, "V"]:
    """Return a mask of the ids that the model may write.

    It writes no character that would be read as another that it knows.
    """
    composable = np.zeros(size, bool)
    for id_, token in enumerate(model.tokens):
        traditional = to_traditional(token)
        composable[id_] = traditional == token or traditional not in model
    return composable


def _usable_tones(
    vocabulary: Vocabulary, standard: Standard, composable: Bool[Array, "V"]
) -> dict[int, str | None]:
    """Return the usable tone of each Han character, by id; None if it has none."""
    tones: dict[int, str | None] = {}
    for id_ in np.flatnonzero(vocabulary.is_han).tolist():
        tones[id_] = standard.usable_tone(vocabulary.tokens[id_]) if composable[id_] else None
    return tones


def _fits(
    vocabulary: Vocabulary,
    standard: Standard,
    tones: dict[int, str | None],
    composable: Bool[Array, "V"],
) -> Bool[Array, "2 3 V"]:
    """Build `Lexicon.fits` from the usable tone of each Han character."""
    ids = list(tones)  # in the order of `tones.values()`
    readings = []
    for id_ in ids:
        known_readings = standard.tones(vocabulary.tokens[id_])
        # a given character of unknown reading gets the benefit of the doubt: it fits both tones
        readings.append(known_readings or {LEVEL, OBLIQUE})
    fits = np.zeros((2, len(WANTS), len(vocabulary)), bool)
    fits[:, WANTS_ANY] = True
    for want, side in ((WANTS_LEVEL, LEVEL), (WANTS_OBLIQUE, OBLIQUE)):
        fits[Lexicon.COMPOSED, want, ids] = [tone == side for tone in tones.values()]
        fits[Lexicon.GIVEN, want, ids] = [side in reading for reading in readings]
    fits[Lexicon.COMPOSED, :, ~composable] = False  # the model writes these nowhere
    return fits


def _doubles(vocabulary: Vocabulary) -> Bool[Array, "2 V"]:
    """Build `Lexicon.doubles`."""
    doubles = np.zeros((2, len(vocabulary)), bool)
    for character, times in doublings().items():
        if character in vocabulary:
            doubles[:, vocabulary.ids[character]] = np.array(times) >= DOUBLED_OFTEN
    return doubles


def _variants(vocabulary: Vocabulary) -> dict[int, list[int]]:
    """Return the ids of all variants of each Han character that has more than one."""
    variants = {}
    for id_ in np.flatnonzero(vocabulary.is_han).tolist():
        known_forms = form_ids(vocabulary, vocabulary.tokens[id_])
        if len(known_forms) > 1:
            variants[id_] = known_forms
    return variants


def _padded(variants: dict[int, list[int]], size: int) -> Int[Array, "V F"]:
    """Build `Lexicon.forms`."""
    longest = max((len(ids) for ids in variants.values()), default=1)
    padded = np.repeat(np.arange(size)[:, None], longest, axis=1)
    for id_, ids in variants.items():
        padded[id_, : len(ids)] = ids
    return padded


def _words(
    vocabulary: Vocabulary, variants: dict[int, list[int]], composable: Bool[Array, "V"]
) -> Int[Array, "V"]:
    """Build `Lexicon.word`; a variant that the model may write goes before any other."""

    def rhymes_and_form(id_: int) -> tuple[int, str]:
        form = vocabulary.tokens[id_]
        # of forms with equal counts, the last by code point is chosen, so that the choice is stable
        return sum(rhyme_counts(form).values()), form

    word = np.arange(len(vocabulary))
    for id_, ids in variants.items():
        candidates = [variant for variant in ids if composable[variant]] or ids
        word[id_] = max(candidates, key=rhymes_and_form)
    return word


def _rhymes(
    vocabulary: Vocabulary,
    standard: Standard,
    tones: dict[int, str | None],
    word: Int[Array, "V"],
) -> Bool[Array, "2 G V"]:
    """Build `Lexicon.rhymes` from the usable tone of each Han character and `Lexicon.word`."""
    rows = {name: row for row, name in enumerate(group_names(standard))}
    rhymes = np.zeros((2, len(rows), len(vocabulary)), bool)
    # One assignment for all characters is quicker than one for each. So list, for both masks, the
    # entries that are True: the row (a group) and the id of each.
    composed_rows: list[int] = []
    composed_ids: list[int] = []
    given_rows: list[int] = []
    given_ids: list[int] = []
    words = word.tolist()
    for id_, tone in tones.items():
        token = vocabulary.tokens[id_]
        names = standard.rhymes(token)
        if not names:  # a given character of unknown reading may rhyme in any group
            rhymes[Lexicon.GIVEN, :, id_] = True
        for name in names:
            part_and_class = standard.parts.of(token, name) + standard.parts.class_of(name)
            group_and_part = (rows[name], rows[part_and_class])
            given_rows += group_and_part
            given_ids += (id_, id_)
            # the model rhymes only on the main variant, in its usable tone, where poets do
            is_main_variant = words[id_] == id_
            has_tone = standard.groups[name].side == tone
            if is_main_variant and has_tone and standard.is_practised(token, name):
                composed_rows += group_and_part
                composed_ids += (id_, id_)
    rhymes[Lexicon.COMPOSED, composed_rows, composed_ids] = True
    rhymes[Lexicon.GIVEN, given_rows, given_ids] = True
    return rhymes


def _one_form(
    fits: Bool[Array, "3 V"], is_han: Bool[Array, "V"], word: Int[Array, "V"]
) -> Bool[Array, "3 V"]:
    """Build `Lexicon.one_form` from the row `COMPOSED` of `Lexicon.fits`."""
    masks = (fits[WANTS_LEVEL], fits[WANTS_OBLIQUE], fits[WANTS_ANY] & is_han)
    one_form = np.zeros_like(fits)
    for row, mask in enumerate(masks):
        ids = np.flatnonzero(mask)
        # the index of the first variant of each character among `ids`
        _, first = np.unique(word[ids], return_index=True)
        one_form[row, ids[first]] = True
    # A character whose variants differ in tone is counted once, as level.
    level, oblique, _ = one_form
    oblique &= ~np.isin(word, word[level])
    return one_form


def _misread(
    vocabulary: Vocabulary, standard: Standard, fits: Bool[Array, "3 V"]
) -> dict[int, list[int]]:
    """Build `Lexicon.misread`: for each character, those that may not follow.

    Together they form a word in which one of the two is read otherwise than in the lexicon. `fits`
    is the row `COMPOSED` of `Lexicon.fits`.
    """
    # 1) Find the words that give a character another tone than the lexicon does. For each tone that
    #    a word can give, `clashing` marks the characters whose usable tone is the other one. A word
    #    that leaves the tone open clashes with no character.
    clashing = {
        LEVEL: fits[WANTS_OBLIQUE],
        OBLIQUE: fits[WANTS_LEVEL],
        OPEN: np.zeros(len(vocabulary), bool),
    }
    misread: dict[int, list[int]] = {}
    for word, tones in standard.words.tones.items():
        if word[0] not in vocabulary or word[1] not in vocabulary:
            continue
        first = vocabulary.ids[word[0]]
        second = vocabulary.ids[word[1]]
        if clashing[tones[0]][first] or clashing[tones[1]][second]:
            misread.setdefault(first, []).append(second)
    # 2) Find the words whose last character the model may rhyme in a group in which it does not
    #    rhyme as part of the word.
    for word, groups in standard.words.rhymes.items():
        if word[0] in vocabulary and word[1] in vocabulary:
            last = word[1]
            names = standard.rhymes(last)
            practised = {name for name in names if standard.is_practised(last, name)}
            if practised - groups:
                first = vocabulary.ids[word[0]]
                misread.setdefault(first, []).append(vocabulary.ids[last])
    return misread
