"""A request as masks: places and what was written so far come in, the characters that may follow go out.

A poem is written under hypotheses: pairs of an opening template and a rhyme group, and within the current couplet
the ways (pairs of tone patterns) in which its two lines may be written. A character may follow if some hypothesis
survives it and can still be completed; so no choice leads into a dead end.

Whether a hypothesis can be completed without a character standing twice is a matching of places to characters. The
sets that places draw from are nested (rhymes of a group ⊂ rhymes of its class ⊂ level ⊂ all, oblique ⊂ all), and for
nested sets Hall's theorem needs only counts: no set may be smaller than the number of places that draw from it or
from a part of it.

Axes: N candidates or particles, T templates, G rhyme groups, K couplets, W ways, V characters, P places.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from jaxtyping import Bool, Int

from pingze.arrays import Array
from pingze.composing.copying import Copying
from pingze.composing.lexicon import FREE, GROUP_NAMES, Lexicon, with_lenders, with_neighbours
from pingze.composing.request import Request
from pingze.prosody.forms import line_types
from pingze.prosody.patterns import RESCUED, accepted

WANTS = WANTS_ANY, WANTS_LEVEL, WANTS_OBLIQUE = range(3)
_TONES = {"x": WANTS_ANY, "P": WANTS_LEVEL, "Z": WANTS_OBLIQUE}
_NAMES = ("", "平", "仄")
_MOST_WAYS = 6
Fixes = tuple[int, ...]
"""For each place the id that must stand there, or `FREE`."""


@dataclass(frozen=True)
class Plan:
    """What is left of the hypotheses when some places are fixed, before the first character."""

    fixed: Fixes
    alive: Bool[Array, "T G"]
    ways: Bool[Array, "T K W"]
    feet: Int[Array, "P T"]
    """Free feet from each place on, but for a first line's."""
    first_feet: Int[Array, "P T"]
    """A first line's free foot from each place on."""
    others: Int[Array, "P T"]
    """Free places from each place on that are no feet."""


@dataclass
class Stock:
    """How many characters each set still has for N texts."""

    rhymes: Int[Array, "N G"]
    first_rhymes: Int[Array, "N G"]
    level: Int[Array, "N"]
    oblique: Int[Array, "N"]
    total: Int[Array, "N"]

    def take(self, rows: Array) -> "Stock":
        """Those of some rows."""
        return Stock(
            *(a[rows] for a in (self.rhymes, self.first_rhymes, self.level, self.oblique, self.total))
        )


@dataclass
class Histories:
    """What N texts have written, as far as it bears on what may follow."""

    plans: list[Plan]
    alive: Bool[Array, "N T G"]
    """Hypotheses that fit so far and can be completed."""
    ways: Bool[Array, "N T W"]
    """Ways of the current couplet that fit so far."""
    unused: Bool[Array, "N V"]
    """Characters neither used nor fixed at another place; with repetition, not used as a rhyme."""
    last: Int[Array, "N 2"]
    """The two characters before in this line, or `FREE`."""
    stock: Stock

    def take(self, rows: Array) -> "Histories":
        """Those of some rows, each as often as it is named."""
        alive, ways, unused, last = (a[rows] for a in (self.alive, self.ways, self.unused, self.last))
        return Histories([self.plans[row] for row in rows], alive, ways, unused, last, self.stock.take(rows))


class Constraints:
    """A request compiled against a lexicon.

    `old` holds what stood at places that are written again, `copying` the runs that may not be written where the
    request asks for originality.
    """

    def __init__(
        self,
        lexicon: Lexicon,
        request: Request,
        old: dict[int, int] | None = None,
        copying: Copying | None = None,
    ) -> None:
        self.lexicon, self.request, self.old = lexicon, request, old or {}
        self.copying = copying if request.original else None
        self.width, self.places = request.form.width, request.lines * request.form.width
        self.kinds = [line_types(opening, request.lines) if opening else () for opening in request.openings]
        groups = [GROUP_NAMES.index(name) for name in request.groups]
        borrow = request.strictness == "customary" and request.form.regulated
        self.base = lexicon.han.copy()
        self.base[[lexicon.vocabulary.ids[c] for c in request.exclude if c in lexicon.vocabulary]] = False
        self.rhymes, self.can_rhyme = lexicon.rhymes[groups], lexicon.can_rhyme[groups]
        self.first_rhymes, self.first_can_rhyme = (
            (with_near(table) if borrow else table)[groups]
            for table, with_near in (
                (lexicon.rhymes, with_lenders),
                (lexicon.can_rhyme, with_neighbours),
            )
        )
        # A borrowed rhyme that could also be read oblique would leave it open whether the first line rhymes.
        self.first_rhymes = self.rhymes | (self.first_rhymes & ~lexicon.can_be_oblique)
        self.first_rhymed = np.array([bool(kinds) and kinds[0].isupper() for kinds in self.kinds])
        self.asked, self.exists = self._ways()
        sets = (lexicon.han, lexicon.level, lexicon.oblique)
        self.by_wanted_tones = np.zeros((8, len(self.base)), bool)
        for wanted, tone in product(range(8), WANTS):
            if wanted >> tone & 1:
                self.by_wanted_tones[wanted] |= sets[tone] & self.base

    # -- what the forms ask for ---------------------------------------------------------------------------------

    def _ways(self) -> tuple[Int[Array, "T K W P2"], Bool[Array, "T K W"]]:
        """The tone that each way asks for at each place of each couplet, and which ways there are."""
        T, K = len(self.kinds), self.request.lines // 2
        asked = np.zeros((T, K, _MOST_WAYS, 2 * self.width), np.int8)
        exists = np.zeros((T, K, _MOST_WAYS), bool)
        for t, k in product(range(T), range(K)):
            for w, tones in enumerate(self._couplet_tones(self.kinds[t][2 * k : 2 * k + 2])):
                asked[t, k, w] = [_TONES[tone] for tone in tones]
                exists[t, k, w] = True
        return asked, exists

    def _couplet_tones(self, kinds: tuple[str, ...]) -> list[str]:
        if not kinds:
            return ["x" * 2 * self.width]
        couplets = [kinds]
        if kinds == tuple(RESCUED):
            couplets.append(tuple(RESCUED.values()))
        return [
            first.tones + second.tones
            for couplet in couplets
            for first, second in product(
                *(accepted(kind, self.width, self.request.strictness) for kind in couplet)
            )
        ]

    def tones_of(self, fixed: Fixes) -> list[str]:
        """The tone, 平 or 仄, that a text keeps at each place, "" where the place takes any."""
        plan = self.plan(fixed)
        assert plan is not None, "the text keeps the constraints"
        t = int(np.argwhere(plan.alive)[0, 0])
        ways = plan.ways[t].argmax(axis=1)
        asked = self.asked[t, np.arange(len(ways)), ways].ravel()
        return [_NAMES[tone] for tone in asked.tolist()]

    def is_foot(self, place: int) -> Bool[Array, "T"]:
        """For each template whether a place carries the rhyme."""
        line, position = divmod(place, self.width)
        if position != self.width - 1 or (line % 2 == 0 and line > 0):
            return np.zeros(len(self.kinds), bool)
        return self.first_rhymed if line == 0 else np.ones(len(self.kinds), bool)

    def opposite(self, place: int) -> int | None:
        """The place in a couplet's first line that stands opposite one in its second; None where none need."""
        k, at = divmod(place, 2 * self.width)
        needed = at >= self.width and k in self.request.form.antithetical(self.request.lines)
        return place - self.width if needed else None

    def rhymes_at(self, place: int, *, generous: bool = False) -> Bool[Array, "G V"]:
        """The rhymes of each group that may stand at a foot; generous as the checker for what was fixed."""
        if place < self.width:
            return self.first_can_rhyme if generous else self.first_rhymes
        return self.can_rhyme if generous else self.rhymes

    # -- before the first character -----------------------------------------------------------------------------

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
        rhymed: set[tuple[int, int]] = set()
        for place, id_ in enumerate(fixed):
            if id_ == FREE:
                continue
            k, at = divmod(place, 2 * self.width)
            ways[:, k] &= self.fits(self.asked[:, k, :, at], np.array(id_), np.array(True))
            foot = self.is_foot(place)
            alive &= ~foot[:, None] | self.rhymes_at(place, generous=True)[:, id_]
            for t in np.flatnonzero(foot).tolist():
                alive[t] &= (t, id_) not in rhymed
                rhymed.add((t, id_))
        alive &= np.all(ways.any(axis=2), axis=1, keepdims=True)
        return alive, ways

    def plan(self, fixed: Fixes) -> Plan | None:
        """The hypotheses that agree with fixed places and can be completed; None where there are none."""
        if self.copying and self.copying.holds(fixed):
            return None
        plan = Plan(fixed, *self.agreeing(fixed), *self._places_left(fixed))
        alive = plan.alive
        alive &= self._can_complete(self.start([plan]), 0)[0]
        return plan if alive.any() else None

    def _places_left(self, fixed: Fixes) -> tuple[Int[Array, "P T"], Int[Array, "P T"], Int[Array, "P T"]]:
        """How many free places there are from each place on: feet, a first line's foot, others."""
        free = np.array([id_ == FREE for id_ in fixed])[:, None]
        foot = np.stack([self.is_foot(place) for place in range(self.places)])
        first = np.arange(self.places)[:, None] < self.width
        kinds = (free & foot & ~first, free & foot & first, free & ~foot)
        feet, first_feet, others = (
            np.vstack([kind[::-1].cumsum(axis=0)[::-1], np.zeros((1, len(self.kinds)), int)])
            for kind in kinds
        )
        return feet, first_feet, others

    def start(self, plans: list[Plan]) -> Histories:
        """The histories of texts that are still empty."""
        N, V = len(plans), len(self.base)
        unused = np.ones((N, V), bool)
        for row, plan in enumerate(plans):
            unused[row, self._taken(plan.fixed)] = False
        alive = np.stack([plan.alive for plan in plans])
        ways = np.stack([plan.ways[:, 0] for plan in plans])
        return Histories(plans, alive, ways, unused, np.full((N, 2), FREE), self.stock(unused & self.base))

    def _taken(self, fixed: Fixes) -> list[int]:
        """The characters that may not be composed: those fixed, or with repetition fixed as rhymes, and their words."""
        feet = [id_ for place, id_ in enumerate(fixed) if id_ != FREE and self.is_foot(place).any()]
        given = feet if self.request.repeat else [id_ for id_ in fixed if id_ != FREE]
        return [*given, *self.lexicon.word[feet].tolist()]

    def free_without(self, fixed: Fixes, words: Sequence[tuple[int, ...]]) -> Bool[Array, "1 V"]:
        """What is left to compose with when places are fixed and words set apart."""
        free = self.base[None].copy()
        free[0, self._taken(fixed)] = False
        if not self.request.repeat:
            free[0, [id_ for word in words for id_ in word]] = False
        return free

    def stock(self, free: Bool[Array, "N V"]) -> Stock:
        """How many of some free characters each set has."""
        others = np.broadcast_to(self.base, free.shape) if self.request.repeat else free
        sets = (self.lexicon.level, self.lexicon.oblique, self.lexicon.han)
        rhymes, first_rhymes = (
            (free.astype(np.float32) @ table.T.astype(np.float32)).astype(int)
            for table in (self.rhymes, self.first_rhymes)
        )
        return Stock(rhymes, first_rhymes, *((others & which).sum(axis=1) for which in sets))

    # -- character by character ---------------------------------------------------------------------------------

    def allowed(self, histories: Histories, place: int) -> Bool[Array, "N V"]:
        """The characters that may stand at a place, after which every text can still be completed."""
        allowed = self._fitting(histories, place)
        fixed = _of_plans(histories.plans, lambda plan: plan.fixed[place])
        rows = np.flatnonzero(fixed != FREE)
        allowed[rows] = False
        allowed[rows, fixed[rows]] = True
        for row in self._nearly_used_up(histories, place):
            ids = np.flatnonzero(allowed[row])
            if not len(ids):
                continue
            futures = histories.take(np.full(len(ids), row))
            self.advance(futures, place, ids)
            allowed[row, ids] = futures.alive.any(axis=(1, 2))
        return allowed

    def allowed_alone(self, fixed: Fixes, place: int) -> Bool[Array, "V"]:
        """The characters that may stand at one place of a text that is fixed everywhere else."""
        plan = self.plan((*fixed[:place], FREE, *fixed[place + 1 :]))
        if plan is None:
            return np.zeros_like(self.base)
        histories = self.start([plan])
        histories.ways = plan.ways[None, :, place // (2 * self.width)]
        allowed = self.allowed(histories, place)
        original: Array = self.original(allowed, np.array([plan.fixed]), [plan], place)[0]
        return original

    def original(
        self, allowed: Bool[Array, "N V"], texts: Int[Array, "N P"], plans: list[Plan], place: int
    ) -> Bool[Array, "N V"]:
        """Of the characters allowed at a place those that copy no run of the corpus; it may lead into a dead end."""
        if self.copying is None:
            return allowed
        original: Array = allowed & ~self.copying.copied(
            texts, _of_plans(plans, lambda plan: plan.fixed), place
        )
        return original

    def renewed(self, allowed: Bool[Array, "N V"], place: int) -> Bool[Array, "N V"]:
        """Of the characters allowed at a place those that are not what stood there, unless only that may stand."""
        if place not in self.old:
            return allowed
        others = allowed.copy()
        others[:, self.old[place]] = False
        return np.where(others.any(axis=1, keepdims=True), others, allowed)

    def _nearly_used_up(self, histories: Histories, place: int) -> Int[Array, "rows"]:
        """The texts of which some set of characters is so small that one more could be one too many."""
        feet, first_feet, others = self._left(histories, place)
        stock, most = histories.stock, (feet + first_feet).max(axis=1)
        narrow = (stock.rhymes <= most[:, None]) & histories.alive.any(axis=1)
        few = self._are_few(stock, most + others.max(axis=1) + 1)
        return np.flatnonzero(narrow.any(axis=1) | few)

    def _left(self, histories: Histories, place: int) -> tuple[Array, ...]:
        """Free places from `place` on, each (N, T): feet, a first line's foot, others."""
        feet, first_feet, others = _of_plans(
            histories.plans, lambda plan: (plan.feet[place], plan.first_feet[place], plan.others[place])
        ).swapaxes(0, 1)
        return feet, first_feet, others

    def _fitting(self, histories: Histories, place: int) -> Bool[Array, "N V"]:
        """The characters that some hypothesis takes at a place, whatever comes after."""
        k, at = divmod(place, 2 * self.width)
        asked, foot = self.asked[:, k, :, at], self.is_foot(place)
        living = histories.ways & histories.alive.any(axis=2, keepdims=True) & ~foot[:, None]
        wanted = sum(
            (living & (asked == tone)).any(axis=(1, 2)) << tone
            for tone in (WANTS_ANY, WANTS_LEVEL, WANTS_OBLIQUE)
        )
        fitting: Array = self.by_wanted_tones[wanted]
        if foot.any():
            groups = histories.alive[:, foot].any(axis=1).astype(np.float32)
            fitting |= (groups @ self.rhymes_at(place) > 0) & self.base
        if self.request.repeat and not foot.any():
            return fitting
        rows, doubled = self._reduplication(histories, place)
        kept = fitting[rows, doubled]
        fitting &= histories.unused
        fitting[rows, doubled] = kept
        return fitting

    def _reduplication(
        self, histories: Histories, place: int
    ) -> tuple[Int[Array, "rows"], Int[Array, "rows"]]:
        """The texts and the characters that may be doubled 疊字 at a place: the one before, or one fixed after.

        Three in a row are too many.
        """
        if self.request.repeat:
            return np.zeros(0, int), np.zeros(0, int)
        end = (place // self.width + 1) * self.width
        after = _of_plans(histories.plans, lambda plan: (*plan.fixed[place + 1 : end], FREE, FREE)[:2])
        before = histories.last[:, ::-1]
        rows, doubled = [], []
        for (near, far), other in (
            ((before[:, 0], before[:, 1]), after[:, 0]),
            ((after[:, 0], after[:, 1]), before[:, 0]),
        ):
            may = np.flatnonzero((near != FREE) & (near != far) & (near != other))
            rows.append(may)
            doubled.append(near[may])
        return np.concatenate(rows), np.concatenate(doubled)

    def advance(self, histories: Histories, place: int, ids: Int[Array, "N"]) -> None:
        """Write one more character of each text into its history."""
        k, at = divmod(place, 2 * self.width)
        given = _of_plans(histories.plans, lambda plan: plan.fixed[place]) != FREE
        fits = self.fits(self.asked[None, :, k, :, at], ids[:, None, None], given[:, None, None])
        histories.ways &= fits
        histories.alive &= histories.ways.any(axis=2, keepdims=True)
        foot = self.is_foot(place)
        if foot.any():
            rhyming = np.where(
                given[:, None],
                self.rhymes_at(place, generous=True)[:, ids].T,
                self.rhymes_at(place)[:, ids].T,
            )
            histories.alive &= ~foot[:, None] | rhyming[:, None, :]
        if not self.request.repeat or foot.any():
            self._use(histories, ids)
        histories.last = np.stack([histories.last[:, 1], ids], axis=1)
        if (place + 1) % self.width == 0:
            histories.last[:] = FREE
        if (place + 1) % (2 * self.width) == 0 and place + 1 < self.places:
            histories.ways = np.stack([plan.ways[:, k + 1] for plan in histories.plans])
        histories.alive &= self._can_complete(histories, place + 1)

    def _use(self, histories: Histories, ids: Int[Array, "N"]) -> None:
        rows = np.arange(len(ids))
        newly = histories.unused[rows, ids] & self.base[ids]
        histories.unused[rows, ids] = False
        stock = histories.stock
        stock.rhymes -= newly[:, None] & self.rhymes[:, ids].T
        stock.first_rhymes -= newly[:, None] & self.first_rhymes[:, ids].T
        if not self.request.repeat:
            stock.level -= newly & self.lexicon.level[ids]
            stock.oblique -= newly & self.lexicon.oblique[ids]
            stock.total -= newly

    def fits(
        self, asked: Int[Array, "... T W"], ids: Int[Array, "..."], given: Bool[Array, "..."]
    ) -> Bool[Array, "... T W"]:
        """Whether characters have the tone asked for: the usable one, or any reading of what was given."""
        level = np.where(given, self.lexicon.can_be_level[ids], self.lexicon.level[ids])
        oblique = np.where(given, self.lexicon.can_be_oblique[ids], self.lexicon.oblique[ids])
        fits: Array = (
            (asked == WANTS_ANY) | ((asked == WANTS_LEVEL) & level) | ((asked == WANTS_OBLIQUE) & oblique)
        )
        return fits

    # -- can it be completed? -----------------------------------------------------------------------------------

    def _can_complete(self, histories: Histories, place: int) -> Bool[Array, "N T G"]:
        """For each hypothesis whether the places from `place` on can be filled: Hall's condition on nested sets."""
        feet, first_feet, others = self._left(histories, place)
        stock = histories.stock
        result = stock.rhymes[:, None] >= feet[:, :, None]
        result &= stock.first_rhymes[:, None] >= (feet + first_feet)[:, :, None]
        few = self._are_few(stock, (feet + first_feet + others).max(axis=1))
        for row, t in np.argwhere(few[:, None] & histories.alive.any(axis=2)):
            left = int(feet[row, t] + first_feet[row, t]), int(others[row, t])
            result[row, t] &= self._tones_suffice(histories, int(row), int(t), place, *left)
        return result

    def _are_few(self, stock: Stock, places: Int[Array, "N"]) -> Bool[Array, "N"]:
        """Whether there are fewer characters of a tone than places, or with repetition none at all."""
        fewest: Array = np.minimum(stock.level, stock.oblique)
        return fewest < (1 if self.request.repeat else places)

    def _tones_suffice(
        self, histories: Histories, row: int, t: int, place: int, feet: int, others: int
    ) -> bool:
        """Whether some choice of ways asks for no more characters of a tone than there are."""
        plan, stock = histories.plans[row], histories.stock
        demands = {(0, 0)}
        for k in range(place // (2 * self.width), self.request.lines // 2):
            ways = histories.ways[row, t] if k == place // (2 * self.width) else plan.ways[t, k]
            asked = {self._asks(plan.fixed, t, k, int(w), place) for w in np.flatnonzero(ways)}
            demands = {(a + c, b + d) for a, b in demands for c, d in asked}
        level, oblique, total = (int(count[row]) for count in (stock.level, stock.oblique, stock.total))
        if self.request.repeat:
            return (total > 0 or not others) and any(
                (level or not a) and (oblique or not b) for a, b in demands
            )
        level -= feet * self.request.form.regulated
        return total >= feet + others and any(a <= level and b <= oblique for a, b in demands)

    def _asks(self, fixed: Fixes, t: int, k: int, w: int, place: int) -> tuple[int, int]:
        """How many level and oblique characters a way asks for at free places from `place` on, feet apart."""
        start = 2 * k * self.width
        tones = [
            self.asked[t, k, w, at - start]
            for at in range(max(start, place), start + 2 * self.width)
            if fixed[at] == FREE and not self.is_foot(at)[t]
        ]
        return tones.count(WANTS_LEVEL), tones.count(WANTS_OBLIQUE)


def _of_plans(plans: list[Plan], value: Callable[[Plan], object]) -> Int[Array, "N ..."]:
    """A value of each text's plan, found once where all have the same."""
    distinct = plans[:1] if all(plan is plans[0] for plan in plans) else plans
    values = np.array([value(plan) for plan in distinct])
    return np.broadcast_to(values, (len(plans), *values.shape[1:]))
