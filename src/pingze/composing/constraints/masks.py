"""Compute masks of the characters that may follow the text written so far.

A poem is written under several hypotheses (`feasibility`). A character may follow if some
hypothesis allows it and the poem can then still be completed under that hypothesis. Thus no choice
leads into a dead end. In a poem that must be original, no character that would copy a line of the
corpus may follow. This and the other bans (`Ban`) can lead into a dead end.

Axes: N candidates or particles, T templates, G rhyme groups, K couplets, W ways, V characters, P
    positions in the text.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from pingze.arrays import Array, Bool, Int
from pingze.cached import cached_property
from pingze.composing.constraints.feasibility import CompiledRequest, Fixes, PartialTexts
from pingze.composing.lexicon import FREE, WANTS, Lexicon, form_ids
from pingze.composing.request import Request
from pingze.deadline import check_deadline

_NAMES = ("", "平", "仄")
GOLDEN = 0.618  # multiples of this fraction are spread evenly over an interval
_TRIED = 8  # texts for which possible characters are tried at once


@runtime_checkable  # the tests check annotations
class Ban(Protocol):
    """A rule that forbids characters besides those for tones and rhymes.

    It forbids to copy, to write what cannot be quoted, or what a couplet's other line rules out.
    """

    dead_end: str
    """The code of the error that is raised when a ban leaves no character to any text."""

    def possible(self, compiled: CompiledRequest, fixed: Fixes) -> Bool[Array, "#T #G"]:
        """Return a mask of the hypotheses under which a text with these characters can begin."""

    def rules_out_word(self, word: Sequence[int]) -> bool:
        """Return whether no text may contain a word."""

    def forbidden(
        self, compiled: CompiledRequest, partial_texts: PartialTexts, place: int
    ) -> Bool[Array, "N V"]:
        """Return a mask of the characters that may not stand at a position of each text."""


class Constraints(CompiledRequest):
    """A compiled request that computes masks of the allowed characters.

    `ban` forbids further characters, if the request asks for originality or quoted lines, or has a
    line that the poem answers.
    """

    def __init__(self, lexicon: Lexicon, request: Request, ban: Ban | None = None) -> None:
        super().__init__(lexicon, request)
        self.ban = ban
        ids = lexicon.vocabulary.ids
        self.old = {}
        for fix in request.was:
            if fix.character in ids:  # the model cannot write a character that it does not know
                self.old[self.place_of(fix)] = ids[fix.character]
        """The former character of each position that is being rewritten."""
        self.unwanted: list[tuple[int, ...]] = []
        """The excluded words as ids of `Lexicon.word`, so that any form of a character counts."""
        for word in request.exclude_words:
            word_ids = []
            for character in word:
                known_forms = form_ids(lexicon.vocabulary, character)
                word_ids.append(known_forms[0] if known_forms else FREE)
            # the model cannot write a word with a character that it does not know
            if FREE not in word_ids:
                self.unwanted.append(tuple(lexicon.word[word_ids].tolist()))

    def decisions(self) -> Iterator[Fixes]:
        """Yield the fixed ids for each way to decide the choices that some template and group fit.

        Ways that follow each other differ in every choice, so that the first few are a fair sample.
        """
        fixed = self.fixed
        if fixed is None:  # the fixed characters contradict one another: nothing fits
            return
        ids = self.lexicon.vocabulary.ids
        places = []
        options = []
        for limit in self.request.choices:
            assert limit.position is not None, "a choice has a single place"
            place = self.layout.starts[limit.line - 1] + limit.position - 1
            excluded = self.excluded_at.get(place, ())
            ids_of_characters = [ids[character] for character in limit.characters]
            places.append(place)
            options.append(
                [id_ for id_ in ids_of_characters if self.base[id_] and id_ not in excluded]
            )
        ways = math.prod(len(ids) for ids in options)
        # Go through the numbers of the ways in equal steps, round and round. The step has no
        # divisor in common with the number of ways, so that each way comes exactly once.
        steps = range(int(ways * GOLDEN) + 1, 2 * ways + 2)
        step = next(n for n in steps if math.gcd(n, ways) == 1)
        for turn in range(ways):
            check_deadline()
            # each digit of the way's number is the index of the character chosen at a place
            digits = turn * step % ways
            chosen: dict[int, int] = {}
            decided = list(fixed)
            agrees = True
            for place, ids_of_place in zip(places, options, strict=True):
                digits, index = divmod(digits, len(ids_of_place))
                id_ = ids_of_place[index]
                # something else may fix the place, or another choice may be for it
                agrees = agrees and decided[place] in (FREE, id_)
                chosen[place] = id_
                for same_place in self.request.form.same(place):  # a repeated line 疊句 has it too
                    decided[same_place] = id_
            # unless characters may repeat, the chosen ones must differ from all others
            new_ids = set(chosen.values()) - set(fixed)
            agrees = agrees and (self.request.repeat or len(new_ids) == len(chosen))
            if not agrees or self.spells_unwanted(decided, fixed):
                continue
            alive, _ = self.agreeing(tuple(decided))
            if alive.any():
                yield tuple(decided)

    def spells_unwanted(self, decided: Sequence[int], fixed: Fixes) -> bool:
        """Return whether `decided` has an excluded word at places where `fixed` lacks it."""
        for word in self.unwanted:
            for line in range(len(self.layout.widths)):
                places = self.layout.places(line)
                for start in range(places.start, places.stop - len(word) + 1):
                    span = slice(start, start + len(word))
                    if self._is_word(decided[span], word) and not self._is_word(fixed[span], word):
                        return True
        return False

    def _is_word(self, ids: Sequence[int], word: tuple[int, ...]) -> bool:
        """Check whether ids, which may be `FREE`, are a word of `unwanted` in any forms."""
        return FREE not in ids and tuple(self.lexicon.word[list(ids)]) == word

    def tones_of(self, fixed: Fixes) -> list[str]:
        """Return the tone, 平 or 仄, that each position of a text must have; "" for either."""
        begun = self.begin(fixed)
        assert begun is not None, "the text keeps the constraints"
        t = int(np.argwhere(begun.alive[0])[0, 0])
        ways = begun.ways[0, t].argmax(axis=1)
        asked = self.asked[t, np.arange(len(ways)), ways].ravel()
        return [_NAMES[tone] for tone in asked.tolist()]

    def tones_at(self, partial_texts: PartialTexts, place: int) -> set[str]:
        """Return the tones that the first text's hypotheses require at a place; "" for either."""
        ways = partial_texts.ways[0, :, place // self.couplet_size] & partial_texts.alive[0].any(
            axis=1, keepdims=True
        )
        return {_NAMES[tone] for tone in np.unique(self.asked_at(place)[ways]).tolist()}

    def begin(self, fixed: Fixes) -> PartialTexts | None:
        """Begin a text under all hypotheses that fit `fixed` and can be completed.

        Return None if there are none.
        """
        alive, ways = self.agreeing(fixed)
        if self.ban:
            alive &= self.ban.possible(self, fixed)
        unused = self.unused(fixed)
        # the arrays have an axis of texts, here of a single one
        begun = PartialTexts(
            fixed=np.array([fixed]),
            texts=np.array([fixed]),
            alive=alive[None],
            ways=ways[None],
            unused=unused[None],
            stock=self.stock(unused)[None],
        )
        begun.alive = self.still_possible(begun, 0)
        return begun if begun.alive.any() else None

    def unused(self, fixed: Fixes, words: Sequence[tuple[int, ...]] = ()) -> Bool[Array, "V"]:
        """Mark characters with no variant in `fixed` or `words`.

        If characters may repeat, only the fixed rhymes count as used: no rhyme may repeat.
        """
        repeat = self.request.repeat
        used = []
        for place, id_ in enumerate(fixed):
            may_be_foot = self.feet[place].any()  # under some template
            if id_ != FREE and (not repeat or may_be_foot):
                used.append(id_)
        if not repeat:
            for word in words:
                used += word
        unused = np.ones_like(self.base)
        unused[self.lexicon.forms[used]] = False
        return unused

    def allowed(
        self, partial_texts: PartialTexts, place: int
    ) -> tuple[Bool[Array, "N V"], Bool[Array, "N"]]:
        """Return a mask of the characters that each text may take at a position.

        Also return a mask of the texts at a dead end.

        A text can be completed after each allowed character. An allowed character does not copy the
        corpus; in a 集句, it continues a line of the corpus. A text is at a dead end if the ban
        rules out all characters. The first mask then ignores the ban for that text.
        """
        completable = self._completable(partial_texts, place)
        allowed = self._without_banned(completable, partial_texts, place)
        dead: Array = ~np.logical_or.reduce(allowed, axis=1)
        allowed[dead] = completable[dead]
        # A place that is rewritten is to change: forbid all forms of its former character, unless
        # nothing else may follow.
        if place in self.old:
            others = allowed.copy()
            others[:, self.lexicon.forms[self.old[place]]] = False
            allowed = np.where(others.any(axis=1, keepdims=True), others, allowed)
        return allowed, dead

    def _without_banned(
        self, allowed: Bool[Array, "N V"], partial_texts: PartialTexts, place: int
    ) -> Bool[Array, "N V"]:
        allowed = allowed.copy()
        if place in self.excluded_at:
            allowed[:, self.excluded_at[place]] = False
        for word in self.unwanted:
            self._forbid_word(word, allowed, partial_texts, place)
        if self.ban is None:
            return allowed
        return allowed & ~self.ban.forbidden(self, partial_texts, place)

    def _forbid_word(
        self,
        word: tuple[int, ...],
        allowed: Bool[Array, "N V"],
        partial_texts: PartialTexts,
        place: int,
    ) -> None:
        """Forbid, in place, the character that would complete a word at a free position.

        `place` may be that of any character of the word, as later positions may be fixed.
        """
        free = partial_texts.fixed[:, place] == FREE
        line = self.layout.places(self.layout.line[place])
        for index, id_ in enumerate(word):
            start = place - index
            if start < line.start or start + len(word) > line.stop:
                continue  # no word spans two lines
            ids = partial_texts.texts[:, start : start + len(word)]
            # whether each text has each character of the word, in any form
            has_character = (ids != FREE) & (self.lexicon.word[ids] == word)
            has_character[:, index] = True  # this is the character that would complete it
            rows = np.flatnonzero(has_character.all(axis=1) & free)
            allowed[np.ix_(rows, self.lexicon.forms[id_])] = False

    def _completable(self, partial_texts: PartialTexts, place: int) -> Bool[Array, "N V"]:
        """Return a mask of the characters after which each text can still be completed."""
        # A line that repeats an earlier line 疊句 has the same characters, if those are written.
        source = partial_texts.texts[:, [self.echoes.get(place, place)]]  # N, 1
        if place in self.echoes and FREE not in source:
            return np.arange(len(self.base)) == source
        # 1. Allow the characters that some hypothesis allows, or only the fixed one.
        allowed = self._fitting(partial_texts, place)
        fixed = partial_texts.fixed[:, place]
        rows = np.flatnonzero(fixed != FREE)
        allowed[rows] = False
        allowed[rows, fixed[rows]] = True
        # 2. In the texts for which some set of characters is nearly used up, one more character may
        #    be one too many. There, try one remaining character of each kind.
        rows_to_try = self.nearly_used_up(partial_texts, place)
        for start in range(0, len(rows_to_try), _TRIED):
            some_rows = rows_to_try[start : start + _TRIED]
            index, ids = allowed[some_rows].nonzero()  # `index` counts within `some_rows`
            rows_of_ids = some_rows[index]
            # a number for each combination of text, kind, and whether the character is unused
            text_and_kind = index * len(self.alike) + self.alike[ids]
            combined = 2 * text_and_kind + partial_texts.unused[rows_of_ids, ids]
            # the first character of each combination is tried for all that are like it
            _, first, combination = np.unique(combined, return_index=True, return_inverse=True)
            futures = partial_texts.take(rows_of_ids[first])
            self.advance(futures, place, ids[first])
            is_possible = futures.alive.any(axis=(1, 2))  # for each combination
            allowed[rows_of_ids, ids] = np.take(is_possible, combination)
        # 3. Where a character leads 領字, allow only characters that often do, if there are any. A
        #    fixed character stays, whether it often leads or not.
        if place in self.leads:
            leading = allowed & self.leading
            only_leading = leading.any(axis=1) & (fixed == FREE)
            allowed = np.where(only_leading[:, None], leading, allowed)
        # 4. Forbid a word that verse reads in other tones, unless nothing else may follow.
        #    Only words of two characters are known, so such a word begins at the previous place.
        line, position = self.layout.where(place)
        if position - 1 not in self.word_starts(2, line):
            return allowed
        for row, id_ in enumerate(partial_texts.texts[:, place - 1].tolist()):
            misread = self.lexicon.misread.get(id_)
            if misread is None:
                continue
            others = allowed[row].copy()
            others[misread] = False
            if others.any():
                allowed[row] = others
        return allowed

    @cached_property
    def alike(self) -> Int[Array, "V"]:
        """The kind of each character, as a number.

        Characters of a kind, and their variants, share tones and rhymes.
        """
        lexicon = self.lexicon
        rhymes = self.rhyming.rhymes.reshape(-1, len(self.base))
        sets_of_forms = self.members[lexicon.forms].any(axis=1).T  # those of any variant
        properties = np.vstack([self.base, *lexicon.fits, rhymes, sets_of_forms])
        # Pack the bits of each character into bytes, and number the different results.
        packed = np.packbits(properties, axis=0).T
        kinds: dict[bytes, int] = {}
        return np.array([kinds.setdefault(row.tobytes(), len(kinds)) for row in packed])

    def allowed_alone(self, fixed: Fixes, place: int) -> Bool[Array, "V"]:
        """Return a mask of the characters that may stand at the only free position of a text."""
        same = self.request.form.same(place)
        begun = self.begin(tuple(FREE if at in same else id_ for at, id_ in enumerate(fixed)))
        if begun is None:
            return np.zeros_like(self.base)
        return self._without_banned(self._completable(begun, place), begun, place)[0]

    def _fitting(self, partial_texts: PartialTexts, place: int) -> Bool[Array, "N V"]:
        """Return a mask of the characters that some hypothesis allows.

        The text need not be completable after them.
        """
        asked = self.asked_at(place)
        foot = self.feet[place]
        # 1. Allow the characters of the right tone, under the templates without a foot here. `ways`
        #    has the axes N, T, W, and `alive` N, T, G.
        couplet = place // self.couplet_size
        ways = partial_texts.ways[:, :, couplet] & ~foot[:, None]
        ways &= partial_texts.alive.any(axis=2, keepdims=True)
        # for each tone, 1 for the texts of which some way asks for it, else 0
        wanted = [(ways & (asked == tone)).any(axis=(1, 2)).astype(int) for tone in WANTS]
        fitting: Array = self.by_wanted_tones[tuple(wanted)]
        # 2. Allow the rhymes, under the templates with a foot here. Most texts have the same groups
        #    left, so look up equal sets of groups once.
        if foot.any():
            kind_of_foot = self.rhyming.kind[place]
            rhymes = self.rhyming.rhymes[Lexicon.COMPOSED, kind_of_foot] & self.base  # G, V
            groups = partial_texts.alive[:, foot].any(axis=1)  # N, G
            group_sets, set_of_text = np.unique(groups, axis=0, return_inverse=True)
            allowed_by_set = np.array([rhymes[group_set].any(axis=0) for group_set in group_sets])
            fitting |= allowed_by_set[set_of_text.ravel()]
        # 3. Forbid the characters that were used before. If characters may repeat, a rhyme still
        #    may not, so forbid them at a foot only. Otherwise a character may at most be doubled.
        if self.request.repeat:
            if foot.any():
                fitting &= partial_texts.unused
            return fitting
        rows, doubled = self._reduplication(partial_texts, place)
        kept = fitting[rows, doubled]
        fitting &= partial_texts.unused
        fitting[rows, doubled] = kept
        return fitting

    def _reduplication(
        self, partial_texts: PartialTexts, place: int
    ) -> tuple[Int[Array, "rows"], Int[Array, "rows"]]:
        """Return the rows of texts that may double a character 疊字, and the characters.

        The character is the previous character, or the next character if the next position is
        fixed. It may be doubled only if verse often doubles it; at the end of a line, only if verse
        often doubles it there. No character may stand three times in a row, and no two lines may
        rhyme on the same character.
        """
        # 1. Collect the two characters on either side, `FREE` outside the line.
        line = self.layout.places(self.layout.line[place])
        inside = np.arange(max(line.start, place - 2), min(line.stop, place + 3))
        around = np.full((len(partial_texts.texts), 5), FREE)
        around[:, inside - place + 2] = partial_texts.texts[:, inside]  # column 2 is this place
        before_last, before, _, after, after_next = around.T
        # 2. If this place may be a foot, collect the characters that are fixed at feet, on which it
        #    may not rhyme again. If it is no foot, collect no column.
        may_be_foot: Array = np.logical_or.reduce(self.feet, axis=1)  # for each position
        fixed_rhymes = partial_texts.fixed[:, may_be_foot & may_be_foot[place]]
        # 3. Double the neighbour on either side. Beyond the neighbour, and on the other side of
        #    this place, there must be other characters, or three equal ones would stand in a row.
        rows, doubled = [], []
        for neighbour, beyond, other_side, pair_end in (
            (before, before_last, after, place),
            (after, after_next, before, place + 1),
        ):
            ends_line = pair_end + 1 == line.stop
            is_doubled = self.lexicon.doubles[int(ends_line)]  # V
            no_third = (neighbour != beyond) & (neighbour != other_side)
            may_double = (neighbour != FREE) & no_third & is_doubled[neighbour]
            # compare the main variants, as two variants are the same rhyme; N, feet
            same_rhyme = self.lexicon.word[fixed_rhymes] == self.lexicon.word[neighbour][:, None]
            rhymed = (fixed_rhymes != FREE) & same_rhyme
            may_double &= ~rhymed.any(axis=1)
            rows.append(may_double.nonzero()[0])
            doubled.append(neighbour[may_double])
        return np.concatenate(rows), np.concatenate(doubled)

    def advance(self, partial_texts: PartialTexts, place: int, ids: Int[Array, "N"]) -> None:
        """Update `partial_texts`, in place, after each text has taken a character at a position."""
        # 1. Keep the hypotheses and ways that allow the character. A fixed character, or one that
        #    repeats a fixed one 疊句, was given by a person and may have any of its readings.
        source = self.echoes.get(place, place)
        given = partial_texts.fixed[:, source] != FREE
        ways = partial_texts.ways[:, :, place // self.couplet_size]
        ways &= self.fits(place, ids, given)
        partial_texts.alive &= ways.any(axis=2, keepdims=True)
        foot = self.feet[place]
        if foot.any():
            generous = self.rhyming.fitting(place, ids, generous=True)
            usual = self.rhyming.fitting(place, ids)
            rhymes = np.where(given[:, None], generous, usual)  # N, G
            # a template without a foot here needs no rhyme: T, 1 with N, 1, G
            partial_texts.alive &= ~foot[:, None] | rhymes[:, None]
        # 2. Use up every form of the character. If characters may repeat, only rhymes are used up.
        if not self.request.repeat or foot.any():
            all_rows = np.arange(len(ids))
            # `form_ids` has one form of each text's character; the list of forms may be padded
            # with a form that is used up already
            for form_ids in self.lexicon.forms[ids].T:
                rows = np.flatnonzero(partial_texts.unused[all_rows, form_ids])
                partial_texts.unused[rows, form_ids[rows]] = False
                partial_texts.stock[rows] -= self.members[form_ids[rows]]
        # 3. Move on to the next position.
        partial_texts.texts[:, place] = ids
        partial_texts.alive = self.still_possible(partial_texts, place + 1)
