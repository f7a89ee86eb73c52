"""Compile a request, and decide whether a partly written text can still be completed.

A hypothesis is an opening template with a group for each rhyme (see `rhyme_places`). A way to write
a couplet is a pair of tone patterns for its two lines. A hypothesis is alive while all remaining
positions can be filled under it, each with a different character. Each position draws its character
from a set. In regulated verse these sets are nested: a group's rhymes ⊂ the group's rhymes and
borrowed rhymes ⊂ level ⊂ all, and oblique ⊂ all. For nested sets, counting is enough (Hall's
theorem): each set needs as many characters as there are positions that draw from the set or from
its subsets. In a 詞 several rhymes may use the same group, so that their sets overlap. There,
positions of all rhymes of one tone are counted together, which makes the sets nested.

Axes: N candidates or particles, T templates, G rhyme groups, K couplets, W ways, V characters, P
    positions in the text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from pingze.arrays import Array, Bool, Int
from pingze.cached import cached_property
from pingze.composing.constraints.rhyme_places import RhymePlaces
from pingze.composing.lexicon import FREE, WANTS_ANY, WANTS_LEVEL, WANTS_OBLIQUE, Lexicon, form_ids
from pingze.composing.request import Fixed, Request
from pingze.composing.sheet import BLANK
from pingze.verse.forms import line_types
from pingze.verse.patterns import RESCUED, STRICT, accepted, word_starts
from pingze.verse.tunes import LEADING

_TONES = {"x": WANTS_ANY, "P": WANTS_LEVEL, "Z": WANTS_OBLIQUE}
Fixes = tuple[int, ...]  # the id that is required at each position of the text, or `FREE`


@dataclass
class PartialTexts:
    """The state of N partly written texts that determines which characters may follow."""

    fixed: Int[Array, "N P"]
    """The id that is required at each position, or `FREE`."""
    texts: Int[Array, "N P"]
    """The id that is written or required at each position, or `FREE`."""
    alive: Bool[Array, "N T G"]
    """Whether each hypothesis fits the text so far and can be completed."""
    ways: Bool[Array, "N T K W"]
    """Whether each way to write each couplet fits the text so far."""
    unused: Bool[Array, "N V"]
    """Whether no variant of a character is written or fixed.

    If characters may repeat, only rhymes are checked.
    """
    stock: Int[Array, "N S"]
    """The number of unused characters in each set of `CompiledRequest.members`.

    All variants of a character count as one.
    """

    def take(self, rows: Array) -> "PartialTexts":
        """Copy the given rows; a row that is listed several times is copied that many times."""
        return PartialTexts(**{name: array[rows] for name, array in vars(self).items()})

    def put(self, rows: Sequence[int], texts: "PartialTexts") -> None:
        """Replace the given rows, in place, by those of `texts`."""
        for name, array in vars(texts).items():
            getattr(self, name)[rows] = array

    @classmethod
    def joined(cls, parts: Sequence["PartialTexts"]) -> "PartialTexts":
        """Concatenate the states of texts that belong to the same request."""
        joined = {}
        for name in vars(parts[0]):
            joined[name] = np.concatenate([getattr(part, name) for part in parts])
        return cls(**joined)


class CompiledRequest:
    """A request compiled against a lexicon, before anything is written."""

    def __init__(self, lexicon: Lexicon, request: Request) -> None:
        self.lexicon = lexicon
        self.request = request
        self.layout = request.form.layout(request.lines)
        self.places = len(self.layout.line)
        self.couplet_size = 2 * request.form.width
        """The number of positions whose tones depend on one another: a couplet's, or in 詞 all."""
        self.echoes: Mapping[int, int] = {}
        self.leads = frozenset[int]()
        """The positions of the characters that lead 領字."""
        if request.form.tune:
            self.couplet_size = self.places
            self.echoes = request.form.tune.echoes
            self.leads = request.form.tune.leads
        self.repeated = np.isin(np.arange(self.places), list(self.echoes))
        self.leading = np.isin(lexicon.vocabulary.tokens, list(LEADING))
        """Whether a character often leads."""
        self.tokens = self.places + request.lines  # a mark after each line
        # 1) the characters that are not excluded
        self.base = lexicon.vocabulary.is_han.copy()
        for character in request.exclude:
            self.base[form_ids(lexicon.vocabulary, character)] = False
        # 2) for each set of wanted tones, the characters that fit one of these tones: an axis for
        #    each tone, with index 1 where it is wanted, and one for the characters
        self.by_wanted_tones = np.zeros((2, 2, 2, len(self.base)), bool)
        fits_any, fits_level, fits_oblique = lexicon.fits[Lexicon.COMPOSED] & self.base
        self.by_wanted_tones[1] |= fits_any
        self.by_wanted_tones[:, 1] |= fits_level
        self.by_wanted_tones[:, :, 1] |= fits_oblique
        # 3) the feet under each template with their rhymes, and the ways to write each couplet
        self.line_types: list[Sequence[str]] = []
        for opening in request.openings:
            self.line_types.append(line_types(opening, request.lines) if opening else ())
        self.rhyming = RhymePlaces(lexicon, request, self.line_types)
        # the places of fixed characters that are not judged, which therefore need not rhyme
        starts = self.layout.starts
        self.waived = {starts[line - 1] + position - 1 for line, position in request.waived}
        self.feet = self.rhyming.at.copy()
        self.feet[list(self.waived)] = False
        self.asked, self.exists = self._ways()
        # 4) the sets from which positions draw their characters: for each kind of foot, the rhymes
        #    of each of G groups, then the level, the oblique and all characters. `members` has a
        #    row for each character, and a column for each set.
        rhymes = self.rhyming.rhymes[Lexicon.COMPOSED].reshape(-1, len(self.base))
        sets = np.concatenate([rhymes, lexicon.one_form])
        self.members = sets.T & self.base[:, None]
        self.whole = self.members.sum(axis=0)  # the size of each set
        # If characters may repeat, writing a character uses it up as a rhyme, but not for its tone.
        # `stock` is `whole` less the used members, so clear the members of the last three sets, the
        # tones, after these sets have been counted.
        self.members[:, -3:] &= not request.repeat

    def _ways(self) -> tuple[Int[Array, "T K W P2"], Bool[Array, "T K W"]]:
        """Return the tone at each position for each way to write each couplet.

        Also return a mask of the ways that exist.
        """
        T = len(self.line_types)
        K = self.places // self.couplet_size
        # 1) list the patterns of each couplet under each template
        patterns_of: dict[tuple[int, int], list[str]] = {}
        for t, types in enumerate(self.line_types):
            for k in range(K):
                types_of_couplet = types[2 * k : 2 * k + 2]
                patterns_of[t, k] = self._patterns(types_of_couplet)
        # 2) write them into arrays, in which couplets with fewer than W ways are padded
        W = max(len(patterns) for patterns in patterns_of.values())
        asked = np.full((T, K, W, self.couplet_size), WANTS_ANY, np.int8)
        exists = np.zeros((T, K, W), bool)
        for (t, k), patterns in patterns_of.items():
            exists[t, k, : len(patterns)] = True
            for w, pattern in enumerate(patterns):
                asked[t, k, w] = [_TONES[tone] for tone in pattern]
        return asked, exists

    def _patterns(self, types: Sequence[str]) -> list[str]:
        """List the tone patterns of a couplet with lines of these types, or of a whole tune.

        A tune's lines have no types, nor have those of a form without rules of tone, whose
        positions may have any tone.
        """
        form = self.request.form
        if form.tune:
            # The model writes only the tones of the book. A person's characters may also have the
            # other tones that the request's strictness accepts.
            tones = list(form.tune.tones(STRICT))
            accepted_tones = form.tune.tones(self.request.strictness)
            for fix in self.request.fixed:
                for place in form.same(self.place_of(fix)):
                    tones[place] = accepted_tones[place]
            return ["".join(tones)]
        if not types:
            return ["x" * self.couplet_size]
        couplets = [tuple(types)]
        if tuple(types) == ("a", "B"):
            # a fault of tone in the upper line may be rescued 拗救 in the lower, so that both lines
            # together have another pair of types
            couplets.append((RESCUED["a"], RESCUED["B"]))
        patterns = []
        for upper_type, lower_type in couplets:
            upper = accepted(upper_type, form.width, self.request.strictness)
            lower = accepted(lower_type, form.width, self.request.strictness)
            for upper_line, lower_line in product(upper, lower):
                patterns.append(upper_line.tones + lower_line.tones)
        return patterns

    def word_starts(self, length: int, line: int) -> frozenset[int]:
        """Return the positions, from 0, at which a word may begin in a line.

        A character that leads 領字 stands alone, unless the word is the whole line: words begin
        after this character.
        """
        width = self.layout.widths[line]
        if self.layout.starts[line] not in self.leads or length == width:
            return word_starts(length, width)
        return frozenset(1 + start for start in word_starts(length, width - 1))

    def asked_at(self, place: int) -> Int[Array, "T W"]:
        """Return the tone that each way to write a couplet requires at a position."""
        k, at = divmod(place, self.couplet_size)
        return self.asked[:, k, :, at]

    def opposite(self, place: int) -> int | None:
        """Return the position in the upper line that `place` must match by antithesis.

        None if there is none.
        """
        k, at = divmod(place, self.couplet_size)
        width = self.request.form.width
        if at >= width and k in self.request.form.antithetical(self.request.lines):
            return place - width
        return None

    def named(self, alive: Bool[Array, "G"]) -> list[str]:
        """Return the name of one group for each rhyme: the first group that is still possible."""
        rows = np.flatnonzero(alive)
        _, first = np.unique(self.rhyming.of_row[rows], return_index=True)
        return [self.request.groups[row] for row in rows[first].tolist()]

    def fits(
        self, place: int, ids: Array | int, given: Array | bool = True
    ) -> Bool[Array, "... T W"]:
        """Check which tone patterns allow `ids` at `place`.

        A character that is given by a person may have any of its readings, another character only
        its usable tone.
        """
        asked = self.asked_at(place)  # T, W
        if place in self.waived:  # the character there is not judged
            return np.ones((*np.shape(ids), *asked.shape), bool)
        # as row numbers of `Lexicon.fits`, with axes for T and W
        given = np.asarray(given, int)[..., None, None]
        ids = np.asarray(ids, int)[..., None, None]
        return self.lexicon.fits[given, asked, ids]

    def misfits(
        self, places: Sequence[int], ids: Sequence[int]
    ) -> tuple[Bool[Array, "n T W"], Bool[Array, "n T G"]]:
        """Mark the characters of the wrong tone in each way, and those unrhymed in each group.

        `ids` has the character at each of `places`, or `FREE`, which fits. A character is read in
        any of its tones, as the checker reads it.
        """
        place_array = np.array(places)
        id_array = np.array(ids)
        is_written = (id_array != FREE)[:, None, None]  # n, 1, 1
        foot = self.feet[place_array][:, :, None]  # n, T, 1
        # n, T, W: NumPy puts the axis of two index arrays first if a slice is between them
        couplets, offsets = np.divmod(place_array, self.couplet_size)
        asked = self.asked[:, couplets, :, offsets]
        fits = self.lexicon.fits[Lexicon.GIVEN, asked, id_array[:, None, None]]
        kind = self.rhyming.kind[place_array]
        groups = np.arange(len(self.rhyming.of_row))
        rhymes = self.rhyming.rhymes[Lexicon.GIVEN, kind[:, None], groups, id_array[:, None]]
        rhymes |= ~self.rhyming.concerned[kind]  # n, G: a group of another rhyme does not matter
        wrong_tone = is_written & ~foot & ~fits
        unrhymed = is_written & foot & ~rhymes[:, None]
        return wrong_tone, unrhymed

    def costs(
        self, ids: Sequence[int]
    ) -> tuple[Int[Array, "T K W"], Int[Array, "T G"], Int[Array, "T"]]:
        """Count the characters that do not fit each way and each group.

        Also return, for each template, the sum over its best ways and groups.

        A way that does not exist costs as much as the whole text. That two rhymes are the same
        character is no fault here.
        """
        wrong_tone, unrhymed = self.misfits(range(self.places), ids)
        shape = (-1, self.couplet_size, *wrong_tone.shape[1:])
        by_couplet = wrong_tone.reshape(shape).sum(axis=1)  # K, T, W
        by_way = np.where(self.exists, by_couplet.swapaxes(0, 1), self.places)  # T, K, W
        by_group = unrhymed.sum(axis=0)  # T, G
        # T, rhymes: the cost of the best group of each rhyme
        by_rhyme = np.minimum.reduceat(by_group, self.rhyming.first_rows, axis=1)
        by_template = by_way.min(axis=2).sum(axis=1) + by_rhyme.sum(axis=1)
        return by_way, by_group, by_template

    @cached_property
    def fixed(self) -> Fixes | None:
        """The ids that the request fixes.

        None if the request fixes an excluded character, or two characters at one position.
        """
        fixed = [FREE] * self.places
        for fix in self.request.fixed:
            id_ = self.lexicon.vocabulary.ids[fix.character]
            for place in self.request.form.same(self.place_of(fix)):
                has_other = fixed[place] not in (FREE, id_)
                if has_other or not self.base[id_]:
                    return None
                if id_ in self.excluded_at.get(place, ()):
                    return None
                fixed[place] = id_
        return tuple(fixed)

    @cached_property
    def excluded_at(self) -> dict[int, list[int]]:
        """The ids that may not stand at a position, by position."""
        excluded: dict[int, list[int]] = {}
        for limit in self.request.exclude_at:
            places = self.layout.places(limit.line - 1)
            if limit.position is not None:
                places = places[limit.position - 1 : limit.position]
            ids = []
            for character in limit.characters:
                ids += form_ids(self.lexicon.vocabulary, character)
            for place in places:
                for same in self.request.form.same(place):  # repeated lines 疊句 too
                    excluded.setdefault(same, []).extend(ids)
        return excluded

    def lines_of(self, fixed: Sequence[int]) -> list[str]:
        """Return the lines of a text, with ＿ at each free position."""
        tokens = self.lexicon.vocabulary.tokens
        return self.layout.cut("".join(BLANK if id_ == FREE else tokens[id_] for id_ in fixed))

    def place_of(self, fix: Fixed) -> int:
        """Return the position, from 0, at which a character is fixed."""
        return self.layout.starts[fix.line - 1] + fix.position - 1

    def agreeing(self, fixed: Fixes) -> tuple[Bool[Array, "T G"], Bool[Array, "T K W"]]:
        """Return masks of the hypotheses and of the couplets' ways that agree with `fixed`."""
        ways = self.exists.copy()
        alive = np.ones((len(self.line_types), len(self.rhyming.of_row)), bool)
        for place, id_ in enumerate(fixed):
            if id_ == FREE:
                continue
            ways[:, place // self.couplet_size] &= self.fits(place, id_)
            foot = self.feet[place]
            alive &= ~foot[:, None] | self.rhyming.fitting(place, id_, generous=True)
            if self.request.form.tune is None:
                # no character rhymes twice; in 詞, poets may repeat one
                same_before = [earlier for earlier in range(place) if fixed[earlier] == id_]
                rhymes_twice = foot & self.feet[same_before].any(axis=0)  # for each template
                alive &= ~rhymes_twice[:, None]
        # a template needs a way for every couplet
        alive &= np.all(ways.any(axis=2), axis=1, keepdims=True)
        return self.rhyming.jointly_possible(alive), ways

    def free(self, texts: Int[Array, "... P"]) -> Bool[Array, "... P"]:
        """Return a mask of the positions to fill, without lines that repeat earlier ones 疊句."""
        return (texts == FREE) & ~self.repeated

    def left(self, texts: Int[Array, "... P"], place: int) -> Int[Array, "D ... T"]:
        """Count the free positions from `place` onward, by kind of foot, then the unrhymed ones."""
        return self.free(texts)[..., place:] @ self.rhyming.drawing[:, place:]

    def stock(self, unused: Bool[Array, "V"]) -> Int[Array, "S"]:
        """Count the unused characters in each set of `members`.

        If characters repeat, only used rhymes are left out.
        """
        return self.whole - self.members[~unused].sum(axis=0)

    def nearly_used_up(self, partial_texts: PartialTexts, place: int) -> Int[Array, "rows"]:
        """Return the rows of texts that one more character might make impossible to complete."""
        left = self.left(partial_texts.texts, place)  # D, N, T
        stock = partial_texts.stock
        # the most free feet of each text under any template, and the most other free places
        feet = left[:-1].sum(axis=0).max(axis=1)
        others = left[-1].max(axis=1)
        alive_groups = np.logical_or.reduce(partial_texts.alive, axis=1)  # N, G
        alive_rhymes = alive_groups[:, None] & self.rhyming.concerned  # N, F, G
        lacks_rhymes = alive_rhymes & (self._stock_of_rhymes(stock) <= feet[:, None, None])
        # If there are exactly as many characters as places, one more may be one too many. Therefore
        # `<=` above; `_are_few` compares with `<`, so it gets one place more.
        lacks_tones = self._are_few(stock, feet + others + 1)
        return np.flatnonzero(lacks_rhymes.any(axis=(1, 2)) | lacks_tones)

    def _stock_of_rhymes(self, stock: Int[Array, "N S"]) -> Int[Array, "N F G"]:
        """Select from `stock` the numbers of unused rhymes, by kind of foot and group."""
        # the last three columns are level, oblique, all
        return stock[:, :-3].reshape(len(stock), *self.rhyming.concerned.shape)

    def still_possible(self, partial_texts: PartialTexts, place: int) -> Bool[Array, "N T G"]:
        """Return the hypotheses under which each text can be completed from `place` on.

        They are those of `alive` that meet Hall's condition.
        """
        left = self.left(partial_texts.texts, place)  # D, N, T
        stock = partial_texts.stock
        # 1) the rhymes: those of each kind of foot (f) must suffice for its feet and for all feet
        #    (of kinds k) that draw from them
        free_feet = left[:-1]
        demand = np.einsum("fk,knt->ntf", self.rhyming.within, free_feet)[..., None]
        supply = self._stock_of_rhymes(stock)[:, None]  # N, 1, F, G
        # a group of another rhyme than the foot's does not matter
        enough = np.logical_or(supply >= demand, ~self.rhyming.concerned)  # N, T, F, G
        alive: Array = partial_texts.alive & enough.all(axis=2)
        # 2) the tones, which are slow to check: only where there are fewer characters than places,
        #    and under templates that are alive
        most_places = left.sum(axis=0).max(axis=1)
        few = self._are_few(stock, most_places)
        to_check = few[:, None] & alive.any(axis=2)
        for row, t in np.argwhere(to_check).tolist():
            alive[row, t] &= self._tones_suffice(partial_texts, row, t, place, left[:, row, t])
        return self.rhyming.jointly_possible(alive)

    def _are_few(self, stock: Int[Array, "N S"], places: Int[Array, "N"]) -> Bool[Array, "N"]:
        """Check whether fewer than `places` level or oblique characters are left.

        If characters may repeat, check whether none is left.
        """
        needed = 1 if self.request.repeat else places
        stock_of_tones = stock[:, -3:-1]  # the columns level and oblique
        return stock_of_tones.min(axis=1) < needed

    def _tones_suffice(
        self, partial_texts: PartialTexts, row: int, t: int, place: int, counts: Int[Array, "D"]
    ) -> bool:
        """Check whether the characters left of each tone suffice for the rest of a text.

        The text is that of a row, under template `t`. `counts` has its free positions from `place`
        onward, by kind of foot, then the unrhymed positions.
        """
        couplet_size = self.couplet_size
        is_free = self.free(partial_texts.texts[row])
        # 1) Collect the pairs of numbers of level and oblique characters that the possible ways of
        #    all couplets require, not counting feet.
        needed = {(0, 0)}
        for k in range(place // couplet_size, self.places // couplet_size):
            start = k * couplet_size
            # the free places of the couplet that are no feet, counted from its start
            offsets = [
                offset
                for offset in range(max(0, place - start), couplet_size)
                if is_free[start + offset] and not self.feet[start + offset, t]
            ]
            possible_ways = self.asked[t, k, partial_texts.ways[row, t, k]]
            tones = possible_ways[:, offsets]
            levels = (tones == WANTS_LEVEL).sum(axis=1).tolist()
            obliques = (tones == WANTS_OBLIQUE).sum(axis=1).tolist()
            # add each requirement of this couplet to each of the couplets before
            sums: set[tuple[int, int]] = set()
            for level, oblique in set(zip(levels, obliques, strict=True)):
                for level_before, oblique_before in needed:
                    sums.add((level + level_before, oblique + oblique_before))
            needed = sums
        # 2) Compare them with the stock.
        level_left, oblique_left, total_left = partial_texts.stock[row, -3:].tolist()
        *feet_by_kind, unrhymed_places = counts.tolist()
        if self.request.repeat:
            if unrhymed_places and total_left <= 0:
                return False
            # a single character is enough for all places of its tone
            return any(
                (level_left or not level) and (oblique_left or not oblique)
                for level, oblique in needed
            )
        # the feet take their characters first, since nothing else can rhyme
        for tone, count in zip(self.rhyming.tones, feet_by_kind, strict=True):
            if tone == WANTS_LEVEL:
                level_left -= count
            elif tone == WANTS_OBLIQUE:
                oblique_left -= count
        if total_left < counts.sum():
            return False
        return any(level <= level_left and oblique <= oblique_left for level, oblique in needed)
