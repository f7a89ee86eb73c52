"""Decide whether a text that is written so far can still be completed.

A hypothesis lives while the places that are left can be filled without a character twice. That is a matching of places
to characters. The sets that places draw from are nested (rhymes of a group ⊂ rhymes of its class ⊂ level ⊂ all,
oblique ⊂ all), and for nested sets Hall's theorem needs only counts: no set may be smaller than the number of places
that draw from it or from a part of it.

Axes: N candidates or particles, T templates, G rhyme groups, K couplets, W ways, V characters, P places.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields

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
    left: Int[Array, "3 P T"]
    """Free places from each place on: feet but for a first line's, a first line's foot, others."""


@dataclass
class Stock:
    """How many words each set still has for N texts; all forms of a word are one."""

    rhymes: Int[Array, "N G"]
    first_rhymes: Int[Array, "N G"]
    level: Int[Array, "N"]
    oblique: Int[Array, "N"]
    total: Int[Array, "N"]

    def take(self, rows: Array) -> "Stock":
        """Copy some rows."""
        return Stock(*(getattr(self, each.name)[rows] for each in fields(self)))


@dataclass
class Histories:
    """What N texts have written, as far as it decides what may follow."""

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
        """Copy some rows, each as often as it is named."""
        alive, ways, unused, last = (a[rows] for a in (self.alive, self.ways, self.unused, self.last))
        return Histories([self.plans[row] for row in rows], alive, ways, unused, last, self.stock.take(rows))


def places_left(demands: Demands, fixed: Fixes) -> Int[Array, "3 P T"]:
    """Count the free places from each place on: `Plan.left`."""
    free = np.array([id_ == FREE for id_ in fixed])[:, None]
    first = np.arange(demands.places)[:, None] < demands.width
    kinds = np.stack([free & demands.feet & ~first, free & demands.feet & first, free & ~demands.feet])
    left = np.zeros((3, demands.places + 1, len(demands.kinds)), int)
    left[:, :-1] = kinds[:, ::-1].cumsum(axis=1)[:, ::-1]
    return left


def stock_of(demands: Demands, free: Bool[Array, "N V"]) -> Stock:
    """Count the characters of each set that are free."""
    others = np.broadcast_to(demands.base, free.shape) if demands.request.repeat else free
    rhymes, first_rhymes = (
        (free.astype(np.float32) @ table.T.astype(np.float32)).astype(int)
        for table in (demands.rhymes, demands.first_rhymes)
    )
    return Stock(rhymes, first_rhymes, *((others & which).sum(axis=1) for which in demands.lexicon.one_form))


def nearly_used_up(demands: Demands, histories: Histories, place: int) -> Int[Array, "rows"]:
    """Find the texts for which one more character of some set could be one too many."""
    feet, first_feet, others = _left(histories, place)
    stock, most = histories.stock, (feet + first_feet).max(axis=1)
    narrow = (stock.rhymes <= most[:, None]) & histories.alive.any(axis=1)
    return np.flatnonzero(narrow.any(axis=1) | _are_few(demands, stock, most + others.max(axis=1) + 1))


def can_complete(demands: Demands, histories: Histories, place: int) -> Bool[Array, "N T G"]:
    """Check for each hypothesis that the places from `place` on can be filled: Hall's condition on nested sets."""
    feet, first_feet, others = _left(histories, place)
    stock = histories.stock
    result: Array = stock.rhymes[:, None] >= feet[:, :, None]
    result &= stock.first_rhymes[:, None] >= (feet + first_feet)[:, :, None]
    few = _are_few(demands, stock, (feet + first_feet + others).max(axis=1))
    for row, t in np.argwhere(few[:, None] & histories.alive.any(axis=2)).tolist():
        left = int(feet[row, t] + first_feet[row, t]), int(others[row, t])
        result[row, t] &= _tones_suffice(demands, histories, row, t, place, *left)
    return result


def _are_few(demands: Demands, stock: Stock, places: Int[Array, "N"]) -> Bool[Array, "N"]:
    """Check whether there are fewer characters of a tone than places, or with repetition none."""
    fewest: Array = np.minimum(stock.level, stock.oblique)
    few: Array = fewest < (1 if demands.request.repeat else places)
    return few


def _tones_suffice(
    demands: Demands, histories: Histories, row: int, t: int, place: int, feet: int, others: int
) -> bool:
    """Check that some choice of ways asks for no more characters of a tone than there are."""
    plan, stock, size = histories.plans[row], histories.stock, 2 * demands.width
    # 1. Collect the numbers of level and oblique characters that the choices ask for, feet apart.
    needed = {(0, 0)}
    for k in range(place // size, demands.request.lines // 2):
        ways = histories.ways[row, t] if k == place // size else plan.ways[t, k]
        places = range(max(place, k * size), (k + 1) * size)
        free = [at - k * size for at in places if plan.fixed[at] == FREE and not demands.feet[at, t]]
        tones = demands.asked[t, k, ways][:, free]
        level, oblique = ((tones == tone).sum(axis=1).tolist() for tone in (WANTS_LEVEL, WANTS_OBLIQUE))
        asked = set(zip(level, oblique, strict=True))
        needed = {(a + c, b + d) for a, b in needed for c, d in asked}
    # 2. Compare them with the stock.
    level, oblique, total = (int(count[row]) for count in (stock.level, stock.oblique, stock.total))
    if demands.request.repeat:
        return (total > 0 or not others) and any((level or not a) and (oblique or not b) for a, b in needed)
    level -= feet * demands.request.form.regulated
    return total >= feet + others and any(a <= level and b <= oblique for a, b in needed)


def _left(histories: Histories, place: int) -> Int[Array, "3 N T"]:
    """Look up `Plan.left` from `place` on for each text."""
    left: Array = of_plans(histories.plans, lambda plan: plan.left[:, place]).swapaxes(0, 1)
    return left


def of_plans(plans: list[Plan], value: Callable[[Plan], object]) -> Int[Array, "N ..."]:
    """Compute a value of each text's plan, once where all have the same."""
    distinct = plans[:1] if len(set(map(id, plans))) == 1 else plans
    values = np.array([value(plan) for plan in distinct], int)
    return np.broadcast_to(values, (len(plans), *values.shape[1:]))
