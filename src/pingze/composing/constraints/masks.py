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
from pingze.composing.lexicon import FREE, WANTS, Lexicon
from pingze.composing.request import Request
from pingze.deadline import check_deadline
from pingze.verse.character_table import forms

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
            if fix.character in ids:  # the model writes no other
                self.old[self.place_of(fix)] = ids[fix.character]
        """The former character of each position that is being rewritten."""
        self.unwanted: list[tuple[int, ...]] = []
        """The excluded words as ids of `Lexicon.word`, so that any form of a character counts."""
        for word in request.exclude_words:
            known = []
            for character in word:
                known_forms = [ids[form] for form in forms(character) if form in ids]
                known.append(known_forms[0] if known_forms else FREE)
            if FREE not in known:  # the model writes no other
                self.unwanted.append(tuple(lexicon.word[known].tolist()))

    def decisions(self) -> Iterator[Fixes]:
        """Yield the fixed ids under each way to decide the choices that fits a template and group.

        Ways that follow each other differ in every choice, so that the first few are a fair sample.
        """
        fixed = self.fixed
        if fixed is None:
            return
        ids = self.lexicon.vocabulary.ids
        places = [
            self.layout.starts[limit.line - 1] + (limit.position or 1) - 1
            for limit in self.request.choices
        ]
        options = [
            [ids[character] for character in limit.characters if self.base[ids[character]]]
            for limit in self.request.choices
        ]
        ways = math.prod(len(ids) for ids in options)
        # the step has no divisor in common with the number of ways, so that each comes exactly once
        step = next(
            n for n in range(int(ways * GOLDEN) + 1, 2 * ways + 2) if math.gcd(n, ways) == 1
        )
        for turn in range(ways):
            check_deadline()
            # each digit of the way's number is the index of a choice
            digits = turn * step % ways
            chosen = []
            for ids_of_place in options:
                digits, at = divmod(digits, len(ids_of_place))
                chosen.append(ids_of_place[at])
            decided = list(fixed)
            for place, id_ in zip(places, chosen, strict=True):
                for same in self.request.form.same(place):
                    decided[same] = id_
            is_new = self.request.repeat or len({*chosen} - {*fixed}) == len(chosen)
            if not is_new or self.spells_unwanted(decided, fixed):
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
        begun = PartialTexts(
            fixed=np.array([fixed]),
            texts=np.array([fixed]),
            alive=alive[None],
            ways=ways[None],
            unused=unused[None],
            stock=self.stock(unused)[None],
        )
        begun.alive = self.rhyming.jointly_possible(begun.alive & self.can_complete(begun, 0))
        return begun if begun.alive.any() else None

    def unused(self, fixed: Fixes, words: Sequence[tuple[int, ...]] = ()) -> Bool[Array, "V"]:
        """Mark characters with no variant in `fixed` or `words`.

        If characters may repeat, check only fixed rhymes.
        """
        repeat = self.request.repeat
        used = []
        for place, id_ in enumerate(fixed):
            if id_ != FREE and (not repeat or self.feet[place].any()):
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
        # forbid all forms of the former character, unless nothing else may follow
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
        """Forbid, in place, the character that would complete a word at a free position."""
        free = partial_texts.fixed[:, place] == FREE
        line = self.layout.places(self.layout.line[place])
        for at, id_ in enumerate(word):
            start = place - at
            if start < line.start or start + len(word) > line.stop:
                continue
            ids = partial_texts.texts[:, start : start + len(word)]
            others = (ids != FREE) & (self.lexicon.word[ids] == word)
            others[:, at] = True
            rows = np.flatnonzero(others.all(axis=1) & free)
            allowed[np.ix_(rows, self.lexicon.forms[id_])] = False

    def _completable(self, partial_texts: PartialTexts, place: int) -> Bool[Array, "N V"]:
        """Return a mask of the characters after which each text can still be completed."""
        source = partial_texts.texts[:, [self.echoes.get(place, place)]]
        if place in self.echoes and FREE not in source:
            return np.arange(len(self.base)) == source
        # 1. Allow the characters that some hypothesis allows, or only the fixed one.
        allowed = self._fitting(partial_texts, place)
        fixed = partial_texts.fixed[:, place]
        rows = np.flatnonzero(fixed != FREE)
        allowed[rows] = False
        allowed[rows, fixed[rows]] = True
        # 2. If some set of characters is nearly used up, try one remaining character of each kind.
        narrow = self.nearly_used_up(partial_texts, place)
        for start in range(0, len(narrow), _TRIED):
            some = narrow[start : start + _TRIED]
            at, ids = allowed[some].nonzero()  # `at` counts the texts of `some`
            # a number for each combination of text, kind, and whether the character is unused
            text_and_kind = at * len(self.alike) + self.alike[ids]
            combined = 2 * text_and_kind + partial_texts.unused[some[at], ids]
            # the first character of each combination is tried for all that are like it
            _, first, like = np.unique(combined, return_index=True, return_inverse=True)
            futures = partial_texts.take(some[at[first]])
            self.advance(futures, place, ids[first])
            allowed[some[at], ids] = np.take(futures.alive.any(axis=(1, 2)), like)
        # 3. Where a character leads 領字, allow only characters that often do, if there are any.
        if place in self.leads:
            leading = allowed & self.leading
            allowed = np.where(
                leading.any(axis=1, keepdims=True) & (fixed == FREE)[:, None], leading, allowed
            )
        # 4. Forbid a word that verse reads in other tones, unless nothing else may follow.
        line, position = self.layout.where(place)
        if position - 1 not in self.word_starts(2, line):  # no word starts at the previous place
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
        sets = self.members[lexicon.forms].any(axis=1).T
        seen: dict[bytes, int] = {}
        kinds = np.packbits(np.vstack([self.base, *lexicon.fits, rhymes, sets]), axis=0).T
        return np.array([seen.setdefault(kind.tobytes(), len(seen)) for kind in kinds])

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
        wanted = np.zeros(len(ways), np.int64)  # a bit for each of `WANTS`
        for tone in WANTS:
            is_wanted = (ways & (asked == tone)).any(axis=(1, 2))
            wanted |= is_wanted << tone
        fitting: Array = self.by_wanted_tones[wanted]
        # 2. Allow the rhymes, under the templates with a foot here. Look up equal sets of groups
        #    once.
        if foot.any():
            kind = self.rhyming.kind[place]  # of the foot
            rhymes = self.rhyming.rhymes[Lexicon.COMPOSED, kind] & self.base
            groups = partial_texts.alive[:, foot].any(axis=1)
            distinct, number = np.unique(groups, axis=0, return_inverse=True)
            allowed = np.array([rhymes[rows].any(axis=0) for rows in distinct])
            fitting |= allowed[number.ravel()]
        # 3. Forbid characters used before: at a foot if others may be repeated, else all but those
        #    that are doubled.
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
        # 2. If this place may be a foot, collect the fixed feet, else no column.
        fixed_feet = partial_texts.fixed[:, self.feet.any(axis=1) & self.feet[place].any()]
        # 3. Double the neighbour `near`. `far` is beyond it, `other` on the other side, and `last`
        #    is the place at which the pair ends.
        rows, doubled = [], []
        for near, far, other, last in (
            (before, before_last, after, place),
            (after, after_next, before, place + 1),
        ):
            doubles = self.lexicon.doubles[int(last + 1 == line.stop)]
            may = (near != FREE) & (near != far) & (near != other) & doubles[near]
            rhymed = (fixed_feet != FREE) & (
                self.lexicon.word[fixed_feet] == self.lexicon.word[near][:, None]
            )
            may &= ~rhymed.any(axis=1)
            rows.append(may.nonzero()[0])
            doubled.append(near[may])
        return np.concatenate(rows), np.concatenate(doubled)

    def advance(self, partial_texts: PartialTexts, place: int, ids: Int[Array, "N"]) -> None:
        """Update `partial_texts`, in place, after each text has taken a character at a position."""
        # 1. Keep the hypotheses and ways that allow the character.
        given = partial_texts.fixed[:, self.echoes.get(place, place)] != FREE
        ways = partial_texts.ways[:, :, place // self.couplet_size]
        ways &= self.fits(place, ids, given)
        partial_texts.alive &= ways.any(axis=2, keepdims=True)
        foot = self.feet[place]
        if foot.any():
            generous = self.rhyming.fitting(place, ids, generous=True)
            usual = self.rhyming.fitting(place, ids)
            partial_texts.alive &= (
                ~foot[:, None] | np.where(given[:, None], generous, usual)[:, None]
            )
        # 2. Use up every form of the character.
        if not self.request.repeat or foot.any():
            everyone = np.arange(len(ids))
            for column in self.lexicon.forms[ids].T:
                rows = np.flatnonzero(partial_texts.unused[everyone, column])
                partial_texts.unused[rows, column[rows]] = False
                partial_texts.stock[rows] -= self.members[column[rows]]
        # 3. Move on to the next position.
        partial_texts.texts[:, place] = ids
        partial_texts.alive = self.rhyming.jointly_possible(
            partial_texts.alive & self.can_complete(partial_texts, place + 1)
        )
