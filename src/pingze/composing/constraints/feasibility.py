"""Compile a request, and decide whether a partly written text can still be completed.

A hypothesis is an opening template with a group for each rhyme (see `feet`). A way to write a
couplet is a pair of tone patterns for its two lines. A hypothesis is alive while all remaining
positions can be filled under it, each with a different character. Each position draws its character
from a set. In regulated verse these sets are nested: a group's rhymes ⊂ the group's rhymes and
borrowed rhymes ⊂ level ⊂ all, and oblique ⊂ all. For nested sets, counting is enough (Hall's
theorem): each set needs as many characters as there are positions that draw from the set or from
its subsets. In a 詞 several rhymes may use the same group, so that their sets overlap. There,
positions of all rhymes of one tone are counted together, which makes the sets nested.

Axes: N candidates or particles, T templates, G rhyme groups, K couplets, W ways, V characters, P
    positions in the text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from pingze.arrays import Array, Bool, Int
from pingze.composing.constraints.rhyme_places import RhymePlaces
from pingze.composing.lexicon import FREE, WANTS, WANTS_ANY, WANTS_LEVEL, WANTS_OBLIQUE, Lexicon
from pingze.composing.request import Fixed, Request
from pingze.verse.character_table import forms
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

    @classmethod
    def joined(cls, parts: Sequence["PartialTexts"]) -> "PartialTexts":
        """Concatenate the states of texts that belong to the same request."""
        names = vars(parts[0])
        return cls(**{name: np.concatenate([vars(part)[name] for part in parts]) for name in names})


class CompiledRequest:
    """A request compiled against a lexicon, before anything is written."""

    def __init__(self, lexicon: Lexicon, request: Request) -> None:
        self.lexicon, self.request = lexicon, request
        self.layout = request.form.layout(request.lines)
        self.places = len(self.layout.line)
        self.size = self.places if request.form.tune else 2 * request.form.width
        """The number of positions whose tones depend on one another: in 詩 those of a couplet 聯, in 詞 all."""
        self.echoes = request.form.tune.echoes if request.form.tune else {}
        self.repeated = np.isin(np.arange(self.places), list(self.echoes))
        self.leads = request.form.tune.leads if request.form.tune else frozenset()
        """The positions of the characters that lead 領字."""
        self.leading = np.isin(lexicon.vocabulary.tokens, list(LEADING))
        """Whether a character often leads."""
        self.tokens = self.places + request.lines  # a mark after each line
        # 1. The characters that are not excluded and, for each set of wanted tones, those that fit
        #    one of them.
        self.base = lexicon.vocabulary.is_han.copy()
        excluded = {form for character in request.exclude for form in forms(character)}
        self.base[[lexicon.vocabulary.ids[c] for c in excluded if c in lexicon.vocabulary]] = False
        wanted = np.arange(8)[:, None] >> np.array(WANTS) & 1
        self.by_wanted_tones = (wanted @ lexicon.fits[Lexicon.COMPOSED] > 0) & self.base
        # 2. The feet under each template with their rhymes, and the ways to write each couplet.
        self.kinds = [
            line_types(opening, request.lines) if opening else () for opening in request.openings
        ]
        self.rhyming = RhymePlaces(lexicon, request, self.kinds)
        self.feet = self.rhyming.at
        self.asked, self.exists = self._ways()
        # 3. The sets from which positions draw, as columns: G for each kind of foot, then level,
        #    oblique, all.
        rhymes = self.rhyming.rhymes[Lexicon.COMPOSED].reshape(-1, len(self.base))
        self.members = np.concatenate([rhymes, lexicon.one_form]).T & self.base[:, None]
        self.whole = self.members.sum(axis=0)
        self.members[:, -3:] &= not request.repeat

    def _ways(self) -> tuple[Int[Array, "T K W P2"], Bool[Array, "T K W"]]:
        """Return the tone at each position for each way to write each couplet.

        Also return a mask of the ways that exist.
        """
        T = len(self.kinds)
        K = self.places // self.size
        every: list[list[str]] = []
        for kinds in self.kinds:
            couplets = [kinds[2 * k : 2 * k + 2] for k in range(K)]
            every += [self._patterns(couplet) for couplet in couplets]
        W = max(len(patterns) for patterns in every)
        asked = np.full((T * K, W, self.size), WANTS_ANY, np.int8)
        exists = np.zeros((T * K, W), bool)
        for row, patterns in enumerate(every):
            exists[row, : len(patterns)] = True
            for w, tones in enumerate(patterns):
                asked[row, w] = [_TONES[tone] for tone in tones]
        return asked.reshape(T, K, W, self.size), exists.reshape(T, K, W)

    def _patterns(self, kinds: Sequence[str]) -> list[str]:
        """List the tone patterns of a couplet with lines of these types; () allows any tones."""
        form = self.request.form
        if form.tune:
            # What is composed keeps the book; a given character may have what is customary too.
            tones = list(form.tune.tones(STRICT))
            customary = form.tune.tones(self.request.strictness)
            for fix in self.request.fixed:
                for place in form.same(self.place_of(fix)):
                    tones[place] = customary[place]
            return ["".join(tones)]
        if not kinds:
            return ["x" * self.size]
        couplets = [tuple(kinds)]
        if tuple(kinds) == tuple(RESCUED):
            couplets.append(tuple(RESCUED.values()))
        patterns = []
        for first, second in couplets:
            upper = accepted(first, form.width, self.request.strictness)
            lower = accepted(second, form.width, self.request.strictness)
            patterns += [one.tones + other.tones for one, other in product(upper, lower)]
        return patterns

    def word_starts(self, length: int, line: int) -> frozenset[int]:
        """Return the positions, from 0, at which a word may begin in a line: after a character that leads 領字."""
        width = self.layout.widths[line]
        if self.layout.starts[line] not in self.leads or length == width:
            return word_starts(length, width)
        return frozenset(1 + start for start in word_starts(length, width - 1))

    def asked_at(self, place: int) -> Int[Array, "T W"]:
        """Return the tone that each way to write a couplet requires at a position."""
        k, at = divmod(place, self.size)
        return self.asked[:, k, :, at]

    def opposite(self, place: int) -> int | None:
        """Return the position in the upper line that `place` must match by antithesis.

        None if there is none.
        """
        k, at = divmod(place, self.size)
        width = self.request.form.width
        needed = at >= width and k in self.request.form.antithetical(self.request.lines)
        return place - width if needed else None

    def named(self, alive: Bool[Array, "G"]) -> list[str]:
        """Return the name of one group for each rhyme: the first group that is still possible."""
        rows = np.flatnonzero(alive)
        _, first = np.unique(self.rhyming.of_row[rows], return_index=True)
        return [self.request.groups[row] for row in rows[first].tolist()]

    def fits(
        self, place: int, ids: Array | int, given: Array | bool = True
    ) -> Bool[Array, "... T W"]:
        """Check which tone patterns allow `ids` at `place`: in any reading if `given`, otherwise in the usable tone."""
        given, ids = (np.asarray(each, int)[..., None, None] for each in (given, ids))
        return self.lexicon.fits[given, self.asked_at(place), ids]

    @cached_property
    def fixed(self) -> Fixes | None:
        """The ids that the request fixes.

        None if it fixes an excluded character, or two characters at one position.
        """
        places = [FREE] * self.places
        for fix in self.request.fixed:
            id_ = self.lexicon.vocabulary.ids[fix.character]
            for place in self.request.form.same(self.place_of(fix)):
                if places[place] not in (FREE, id_) or not self.base[id_]:
                    return None
                places[place] = id_
        return tuple(places)

    def place_of(self, fix: Fixed) -> int:
        """Return the position, from 0, at which a character is fixed."""
        return self.layout.starts[fix.line - 1] + fix.position - 1

    def agreeing(self, fixed: Fixes) -> tuple[Bool[Array, "T G"], Bool[Array, "T K W"]]:
        """Return two masks: the hypotheses and the ways to write each couplet that agree with the fixed characters."""
        ways = self.exists.copy()
        alive = np.ones((len(self.kinds), len(self.rhyming.of_row)), bool)
        for place, id_ in enumerate(fixed):
            if id_ == FREE:
                continue
            ways[:, place // self.size] &= self.fits(place, id_)
            foot = self.feet[place]
            before = [other for other in range(place) if fixed[other] == id_]
            alive &= ~foot[:, None] | self.rhyming.fitting(place, generous=True)[:, id_]
            if (
                self.request.form.tune is None
            ):  # no character rhymes twice; in 詞, poets may repeat one
                alive &= ~(foot & self.feet[before].any(axis=0))[:, None]
        alive &= np.all(ways.any(axis=2), axis=1, keepdims=True)
        return self.rhyming.settle(alive), ways

    def free(self, texts: Int[Array, "... P"]) -> Bool[Array, "... P"]:
        """Return a mask of the positions to fill, except in a repeating line 疊句, which copies earlier positions."""
        return (texts == FREE) & ~self.repeated

    def left(self, texts: Int[Array, "... P"], place: int) -> Int[Array, "D ... T"]:
        """Count the free positions from `place` onward, by kind of foot; a last row counts the unrhymed positions."""
        return self.free(texts)[..., place:] @ self.rhyming.drawing[:, place:]

    def stock(self, unused: Bool[Array, "V"]) -> Int[Array, "S"]:
        """Count the unused characters in each set of `members`.

        If characters repeat, only used rhymes are left out.
        """
        return self.whole - self.members[~unused].sum(axis=0)

    def nearly_used_up(self, partial_texts: PartialTexts, place: int) -> Int[Array, "rows"]:
        """Return the rows of the texts that might become impossible to complete if one more character is added."""
        left = self.left(partial_texts.texts, place)
        stock, most = partial_texts.stock, left[:-1].sum(axis=0).max(axis=1)
        alive = np.logical_or.reduce(partial_texts.alive, axis=1)[:, None] & self.rhyming.concerned
        narrow = alive & (self._of_feet(stock) <= most[:, None, None])
        return np.flatnonzero(
            narrow.any(axis=(1, 2)) | self._are_few(stock, most + left[-1].max(axis=1) + 1)
        )

    def _of_feet(self, stock: Int[Array, "N S"]) -> Int[Array, "N F G"]:
        """Select from `stock` (numbers of unused characters) the numbers of rhymes, by kind of foot and group."""
        return stock[:, :-3].reshape(len(stock), *self.rhyming.concerned.shape)

    def can_complete(self, partial_texts: PartialTexts, place: int) -> Bool[Array, "N T G"]:
        """Check for each hypothesis, by Hall's condition, whether the positions from `place` onward can be filled."""
        left, stock = self.left(partial_texts.texts, place), partial_texts.stock
        # 1. The rhymes: those of each kind of foot must suffice for its feet and for all feet that
        #    draw from them.
        demand = np.einsum("fk,knt->ntf", self.rhyming.within, left[:-1])[..., None]
        enough = np.logical_or(self._of_feet(stock)[:, None] >= demand, ~self.rhyming.concerned)
        result: Array = self.rhyming.settle(enough.all(axis=2))
        # 2. The tones.
        few = self._are_few(stock, left.sum(axis=0).max(axis=1))
        for row, t in np.argwhere(few[:, None] & partial_texts.alive.any(axis=2)).tolist():
            result[row, t] &= self._tones_suffice(partial_texts, row, t, place, left[:, row, t])
        return result

    def _are_few(self, stock: Int[Array, "N S"], places: Int[Array, "N"]) -> Bool[Array, "N"]:
        """Check whether either tone has fewer than `places` characters left; if characters may repeat, fewer than 1."""
        return stock[:, -3:-1].min(axis=1) < (1 if self.request.repeat else places)

    def _tones_suffice(
        self, partial_texts: PartialTexts, row: int, t: int, place: int, counts: Int[Array, "D"]
    ) -> bool:
        """Check whether the remaining characters of each tone suffice to write the rest of a text."""
        size = self.size
        blank = self.free(partial_texts.texts[row])
        # 1) Collect the numbers of level and oblique characters that the possible ways require, not
        #    counting feet.
        needed = {(0, 0)}
        for k in range(place // size, self.places // size):
            places = range(max(place, k * size), (k + 1) * size)
            free = [at - k * size for at in places if blank[at] and not self.feet[at, t]]
            tones = self.asked[t, k, partial_texts.ways[row, t, k]][:, free]
            levels = (tones == WANTS_LEVEL).sum(axis=1).tolist()
            obliques = (tones == WANTS_OBLIQUE).sum(axis=1).tolist()
            of_couplet = set(zip(levels, obliques, strict=True))
            sums = product(needed, of_couplet)
            needed = {(one[0] + other[0], one[1] + other[1]) for one, other in sums}
        # 2) Compare them with the stock.
        level, oblique, total = partial_texts.stock[row, -3:].tolist()
        feet = counts[:-1].tolist()
        others = int(counts[-1])
        if self.request.repeat:
            if others and total <= 0:
                return False
            return any((level or not a) and (oblique or not b) for a, b in needed)
        for tone, count in zip(self.rhyming.tones, feet, strict=True):
            if tone == WANTS_LEVEL:
                level -= count
            elif tone == WANTS_OBLIQUE:
                oblique -= count
        if total < sum(feet) + others:
            return False
        return any(a <= level and b <= oblique for a, b in needed)
