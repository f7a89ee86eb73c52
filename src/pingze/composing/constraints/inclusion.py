"""Words that must appear somewhere: where each particle puts them.

What may stand only once appears at exactly one place. So to draw the places first and then to forbid the characters
elsewhere splits the target into parts that do not overlap, and a weight of 1/q for places drawn with probability q
makes up for how they were drawn. Left to the end, a word would be forced into the last place that takes it.
"""

from functools import cached_property

import numpy as np

from pingze.composing.constraints.feasibility import Plan
from pingze.composing.constraints.hypotheses import Fixes
from pingze.composing.constraints.masks import Constraints
from pingze.composing.constraints.placement import Effort, Placements, Word
from pingze.composing.particles import Start
from pingze.errors import UnfinishedError

TRIES = 100
"""So often places are drawn anew where the words would come to copy a line of the corpus."""


class Inclusion:
    """Draws places for a request's words, among those from which the poem can be completed.

    Args:
        constraints: The request compiled.
        whole: Whether a pause of the line may part no word.
        effort: What may still be done to find that out; by default as much as for a whole request.
    """

    def __init__(
        self, constraints: Constraints, *, whole: bool = False, effort: Effort | None = None
    ) -> None:
        self.constraints, self.whole, self.effort = constraints, whole, effort
        self.planned: dict[Fixes, tuple[Plan, float]] = {}

    @cached_property
    def words(self) -> list[Word]:
        """The words that do not stand in what is fixed already."""
        ids = self.constraints.lexicon.vocabulary.ids
        words = (tuple(ids[character] for character in word) for word in self.constraints.request.include)
        return [word for word in words if not self._stands(word)]

    def _stands(self, word: Word) -> bool:
        fixed, width = self.constraints.fixed or (), self.constraints.width
        return any(
            fixed[place : place + len(word)] == word
            for place in range(len(fixed) - len(word) + 1)
            if place % width + len(word) <= width
        )

    @cached_property
    def placements(self) -> Placements:
        """All ways to place the words."""
        fixed = self.constraints.fixed
        assert fixed is not None, "a request that can be met fixes one character a place"
        return Placements(self.constraints, fixed, self.words, whole=self.whole, effort=self.effort)

    @property
    def is_possible(self) -> bool:
        """Whether the request can be met at all. Raises InputError where it has too many words to find that out."""
        fixed, copying = self.constraints.fixed, self.constraints.copying
        if fixed is None or (copying and any(copying.holds(word) for word in self.words)):
            return False
        if not self.words:
            return self.constraints.plan(fixed) is not None
        if not all(self.constraints.base[id_] for word in self.words for id_ in word):
            return False
        return self.placements.log_number > -np.inf

    def draw(self, count: int, rng: np.random.Generator) -> Start:
        """Plans for `count` particles, and the logarithms of the weights that make up for their choice."""
        drawn: list[tuple[Plan, float]] = []
        for _ in range(TRIES):
            drawn += filter(None, map(self._planned, self._placed(count - len(drawn), rng)))
            if len(drawn) == count:
                return Start([plan for plan, _ in drawn], np.array([weight for _, weight in drawn]), rng)
        raise UnfinishedError(
            "every way that was found to place the words copies a line: ask for a larger number"
        )

    def _placed(self, count: int, rng: np.random.Generator) -> list[Fixes]:
        fixed = self.constraints.fixed
        assert fixed is not None, "a request that can be met fixes one character a place"
        return self.placements.draw(count, rng) if self.words else [fixed] * count

    def _planned(self, placed: Fixes) -> tuple[Plan, float] | None:
        """The plan of a placement with its weight; None where it copies a line of the corpus."""
        if placed not in self.planned and (plan := self.constraints.plan(placed)):
            self.planned[placed] = plan, self._log_weight(plan)
        return self.planned.get(placed)

    def _log_weight(self, plan: Plan) -> float:
        """-ln q, for what can be drawn under several templates, groups and ways to write couplets."""
        if not self.words:
            return 0.0
        if self.placements.limits:  # then the ways of one couplet depend on those of the others
            return self.placements.log_number - Placements(self.constraints, plan.fixed, ()).log_number
        with np.errstate(divide="ignore"):
            ways = np.log(plan.ways.sum(axis=2)).sum(axis=1)
        return self.placements.log_number - float(
            np.logaddexp.reduce(np.repeat(ways, plan.alive.sum(axis=1)))
        )
