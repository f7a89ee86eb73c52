"""Whether what is written so far can still be completed.

A hypothesis (`demands`) lives while the places that are left can be filled without a character standing twice. That
is a matching of places to characters. The sets that places draw from are nested (rhymes of a group ⊂ rhymes of its
class ⊂ level ⊂ all, oblique ⊂ all), and for nested sets Hall's theorem needs only counts: no set may be smaller than
the number of places that draw from it or from a part of it.

Axes: N candidates or particles, T templates, G rhyme groups, K couplets, W ways, V characters, P places.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pingze.arrays import Array, Bool, Int
from pingze.composing.constraints.hypotheses import WANTS_LEVEL, WANTS_OBLIQUE, Demands, Fixes
from pingze.composing.constraints.lexicon import FREE


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
    """How many words each set still has for N texts, whose forms are one character."""

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
    """Characters neither used nor fixed at another place, in no form; with repetition, not used as a rhyme."""
    last: Int[Array, "N 2"]
    """The two characters before in this line, or `FREE`."""
    stock: Stock

    def take(self, rows: Array) -> "Histories":
        """Those of some rows, each as often as it is named."""
        alive, ways, unused, last = (a[rows] for a in (self.alive, self.ways, self.unused, self.last))
        return Histories([self.plans[row] for row in rows], alive, ways, unused, last, self.stock.take(rows))


def places_left(
    demands: Demands, fixed: Fixes
) -> tuple[Int[Array, "P T"], Int[Array, "P T"], Int[Array, "P T"]]:
    """How many free places there are from each place on: feet, a first line's foot, others."""
    free = np.array([id_ == FREE for id_ in fixed])[:, None]
    foot = demands.feet
    first = np.arange(demands.places)[:, None] < demands.width
    kinds = (free & foot & ~first, free & foot & first, free & ~foot)
    feet, first_feet, others = (
        np.vstack([kind[::-1].cumsum(axis=0)[::-1], np.zeros((1, len(demands.kinds)), int)]) for kind in kinds
    )
    return feet, first_feet, others


def stock_of(demands: Demands, free: Bool[Array, "N V"]) -> Stock:
    """How many of some free characters each set has."""
    others = np.broadcast_to(demands.base, free.shape) if demands.request.repeat else free
    rhymes, first_rhymes = (
        (free.astype(np.float32) @ table.T.astype(np.float32)).astype(int)
        for table in (demands.rhymes, demands.first_rhymes)
    )
    return Stock(rhymes, first_rhymes, *((others & which).sum(axis=1) for which in demands.lexicon.one_form))


def nearly_used_up(demands: Demands, histories: Histories, place: int) -> Int[Array, "rows"]:
    """The texts of which some set of characters is so small that one more could be one too many."""
    feet, first_feet, others = _left(histories, place)
    stock, most = histories.stock, (feet + first_feet).max(axis=1)
    narrow = (stock.rhymes <= most[:, None]) & histories.alive.any(axis=1)
    few = _are_few(demands, stock, most + others.max(axis=1) + 1)
    return np.flatnonzero(narrow.any(axis=1) | few)


def can_complete(demands: Demands, histories: Histories, place: int) -> Bool[Array, "N T G"]:
    """For each hypothesis whether the places from `place` on can be filled: Hall's condition on nested sets."""
    feet, first_feet, others = _left(histories, place)
    stock = histories.stock
    result = stock.rhymes[:, None] >= feet[:, :, None]
    result &= stock.first_rhymes[:, None] >= (feet + first_feet)[:, :, None]
    few = _are_few(demands, stock, (feet + first_feet + others).max(axis=1))
    for row, t in np.argwhere(few[:, None] & histories.alive.any(axis=2)):
        left = int(feet[row, t] + first_feet[row, t]), int(others[row, t])
        result[row, t] &= _tones_suffice(demands, histories, int(row), int(t), place, *left)
    return result


def _are_few(demands: Demands, stock: Stock, places: Int[Array, "N"]) -> Bool[Array, "N"]:
    """Whether there are fewer characters of a tone than places, or with repetition none at all."""
    fewest: Array = np.minimum(stock.level, stock.oblique)
    return fewest < (1 if demands.request.repeat else places)


def _tones_suffice(
    demands: Demands, histories: Histories, row: int, t: int, place: int, feet: int, others: int
) -> bool:
    """Whether some choice of ways asks for no more characters of a tone than there are."""
    plan, stock = histories.plans[row], histories.stock
    needed = {(0, 0)}
    for k in range(place // (2 * demands.width), demands.request.lines // 2):
        ways = histories.ways[row, t] if k == place // (2 * demands.width) else plan.ways[t, k]
        asked = {_asks(demands, plan.fixed, t, k, int(w), place) for w in np.flatnonzero(ways)}
        needed = {(a + c, b + d) for a, b in needed for c, d in asked}
    level, oblique, total = (int(count[row]) for count in (stock.level, stock.oblique, stock.total))
    if demands.request.repeat:
        return (total > 0 or not others) and any((level or not a) and (oblique or not b) for a, b in needed)
    level -= feet * demands.request.form.regulated
    return total >= feet + others and any(a <= level and b <= oblique for a, b in needed)


def _asks(demands: Demands, fixed: Fixes, t: int, k: int, w: int, place: int) -> tuple[int, int]:
    """How many level and oblique characters a way asks for at free places from `place` on, feet apart."""
    start = 2 * k * demands.width
    tones = [
        demands.asked[t, k, w, at - start]
        for at in range(max(start, place), start + 2 * demands.width)
        if fixed[at] == FREE and not demands.is_foot(at)[t]
    ]
    return tones.count(WANTS_LEVEL), tones.count(WANTS_OBLIQUE)


def _left(histories: Histories, place: int) -> tuple[Array, ...]:
    """Free places from `place` on, each (N, T): feet, a first line's foot, others."""
    feet, first_feet, others = of_plans(
        histories.plans, lambda plan: (plan.feet[place], plan.first_feet[place], plan.others[place])
    ).swapaxes(0, 1)
    return feet, first_feet, others


def of_plans(plans: list[Plan], value: Callable[[Plan], object]) -> Int[Array, "N ..."]:
    """A value of each text's plan, found once where all have the same."""
    distinct = plans[:1] if len(set(map(id, plans))) == 1 else plans
    values = np.array([value(plan) for plan in distinct])
    return np.broadcast_to(values, (len(plans), *values.shape[1:]))
