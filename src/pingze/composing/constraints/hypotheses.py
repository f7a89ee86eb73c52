"""Compile a request: the tones, rhymes and fixed characters that it asks for at each place.

A hypothesis is a pair of an opening template and a rhyme group. The two lines of a couplet may be written in several
ways (pairs of tone patterns).

Axes: T templates, G rhyme groups, K couplets, W ways, V characters, P places.
"""

from functools import cached_property
from itertools import product

import numpy as np

from pingze.arrays import Array, Bool, Int
from pingze.composing.constraints.lexicon import FREE, GROUP_NAMES, Lexicon, joined
from pingze.composing.request.request import Request
from pingze.verse.character_table import forms
from pingze.verse.forms import line_types
from pingze.verse.patterns import CUSTOMARY, RESCUED, accepted
from pingze.verse.rhyme import lenders
from pingze.verse.rhyme_groups import neighbours

WANTS = WANTS_ANY, WANTS_LEVEL, WANTS_OBLIQUE = range(3)
_TONES = {"x": WANTS_ANY, "P": WANTS_LEVEL, "Z": WANTS_OBLIQUE}
_MOST_WAYS = 6
Fixes = tuple[int, ...]
"""The id that each place must have, or `FREE`."""


class Demands:
    """A request compiled against a lexicon, before anything is written."""

    def __init__(self, lexicon: Lexicon, request: Request) -> None:
        self.lexicon, self.request = lexicon, request
        self.width, self.places = request.form.width, request.lines * request.form.width
        self.tokens = self.places + request.lines  # a mark after each line
        self.kinds = [line_types(opening, request.lines) if opening else () for opening in request.openings]
        groups = [GROUP_NAMES.index(name) for name in request.groups]
        self.base = lexicon.han.copy()
        excluded = {form for character in request.exclude for form in forms(character)}
        self.base[[lexicon.vocabulary.ids[c] for c in excluded if c in lexicon.vocabulary]] = False
        self.rhymes, self.can_rhyme = lexicon.rhymes[groups], lexicon.can_rhyme[groups]
        self.first_rhymes, self.first_can_rhyme = self.rhymes, self.can_rhyme
        if request.strictness == CUSTOMARY and request.form.regulated:
            self.first_rhymes = joined(lexicon.rhymes, lenders)[groups]
            self.first_can_rhyme = joined(lexicon.can_rhyme, neighbours)[groups]
        # A borrowed rhyme that could also be read oblique would leave it open whether the first line rhymes.
        self.first_rhymes = self.rhymes | (self.first_rhymes & ~lexicon.can_be_oblique)
        line, position = np.divmod(np.arange(self.places)[:, None], self.width)
        first_rhymed = np.array([bool(kinds) and kinds[0].isupper() for kinds in self.kinds])
        rhymed = (line % 2 == 1) | ((line == 0) & first_rhymed)
        self.feet: Array = (position == self.width - 1) & rhymed
        """The places that carry the rhyme under each template, (P, T)."""
        self.asked, self.exists = self._ways()
        sets = (lexicon.han, lexicon.level, lexicon.oblique)
        self.by_wanted_tones = np.zeros((8, len(self.base)), bool)
        for wanted, tone in product(range(8), WANTS):
            if wanted >> tone & 1:
                self.by_wanted_tones[wanted] |= sets[tone] & self.base

    def _ways(self) -> tuple[Int[Array, "T K W P2"], Bool[Array, "T K W"]]:
        """List the tone that each way asks for at each place of each couplet, and which ways there are."""
        T, K = len(self.kinds), self.request.lines // 2
        asked = np.zeros((T, K, _MOST_WAYS, 2 * self.width), np.int8)
        exists = np.zeros((T, K, _MOST_WAYS), bool)
        for t, k in product(range(T), range(K)):
            kinds = self.kinds[t][2 * k : 2 * k + 2]
            couplets = [kinds, tuple(RESCUED.values())] if kinds == tuple(RESCUED) else [kinds]
            ways = [
                first.tones + second.tones
                for couplet in couplets
                if couplet
                for first, second in product(
                    *(accepted(kind, self.width, self.request.strictness) for kind in couplet)
                )
            ]
            ways = ways or ["x" * 2 * self.width]
            for w, tones in enumerate(ways):
                asked[t, k, w] = [_TONES[tone] for tone in tones]
                exists[t, k, w] = True
        return asked, exists

    def asked_at(self, place: int) -> Int[Array, "T W"]:
        """The tone that each way to write a couplet asks for at a place."""
        k, at = divmod(place, 2 * self.width)
        asked: Array = self.asked[:, k, :, at]
        return asked

    def opposite(self, place: int) -> int | None:
        """Find the place in a couplet's first line opposite one in its second; None where antithesis is not needed."""
        k, at = divmod(place, 2 * self.width)
        needed = at >= self.width and k in self.request.form.antithetical(self.request.lines)
        return place - self.width if needed else None

    def rhymes_at(self, place: int, *, generous: bool = False) -> Bool[Array, "G V"]:
        """Find the rhymes of each group at a foot; `generous` as the checker for what was fixed."""
        if place < self.width:
            return self.first_can_rhyme if generous else self.first_rhymes
        return self.can_rhyme if generous else self.rhymes

    def fits(
        self, asked: Int[Array, "... T W"], ids: Int[Array, "..."], given: Bool[Array, "..."]
    ) -> Bool[Array, "... T W"]:
        """Check that characters have the tone asked for: their usable one, or in any reading where they are given."""
        level = np.where(given, self.lexicon.can_be_level[ids], self.lexicon.level[ids])
        oblique = np.where(given, self.lexicon.can_be_oblique[ids], self.lexicon.oblique[ids])
        fits: Array = (
            (asked == WANTS_ANY) | ((asked == WANTS_LEVEL) & level) | ((asked == WANTS_OBLIQUE) & oblique)
        )
        return fits

    @cached_property
    def fixed(self) -> Fixes | None:
        """The places that the request fixes; None where it asks for two characters at one place."""
        places = [FREE] * self.places
        for fix in self.request.fixed:
            place = (fix.line - 1) * self.width + fix.position - 1
            id_ = self.lexicon.vocabulary.ids[fix.character]
            if places[place] not in (FREE, id_) or not self.base[id_]:
                return None
            places[place] = id_
        return tuple(places)

    def agreeing(self, fixed: Fixes) -> tuple[Bool[Array, "T G"], Bool[Array, "T K W"]]:
        """The hypotheses, and the ways to write each couplet, that agree with fixed places."""
        ways = self.exists.copy()
        alive = np.ones((len(self.kinds), len(self.rhymes)), bool)
        for place, id_ in enumerate(fixed):
            if id_ == FREE:
                continue
            ways[:, place // (2 * self.width)] &= self.fits(
                self.asked_at(place), np.array(id_), np.array(True)
            )
            foot = self.feet[place]
            before = [other for other in range(place) if fixed[other] == id_]
            alive &= ~foot[:, None] | self.rhymes_at(place, generous=True)[:, id_]
            alive &= ~(foot & self.feet[before].any(axis=0))[:, None]  # no character rhymes twice
        alive &= np.all(ways.any(axis=2), axis=1, keepdims=True)
        return alive, ways
