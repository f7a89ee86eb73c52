"""Characters that must appear somewhere: where each particle puts them.

A character that may stand only once appears at exactly one place. So to draw that place first and then to forbid the
character elsewhere splits the target into parts that do not overlap, and a weight of 1/q for a place drawn with
probability q makes up for how it was drawn. Left to the end, the character would be forced into the last place
that takes it.
"""

import math

import numpy as np

from pingze.composing.constraints import Constraints, Fixes, Plan
from pingze.composing.deadline import check_deadline
from pingze.composing.lexicon import FREE
from pingze.composing.particles import Start


class Inclusion:
    """Draws places for a request's characters to include, among those from which the poem can be completed."""

    def __init__(self, constraints: Constraints) -> None:
        self.constraints = constraints
        ids = constraints.lexicon.vocabulary.ids
        self.characters = [ids[character] for character in constraints.request.include]
        self.plans: dict[Fixes, Plan | None] = {}
        self.options: dict[Fixes, list[Fixes]] = {}

    @property
    def is_possible(self) -> bool:
        """Whether the request can be met at all."""
        fixed = self.constraints.fixed
        if fixed is None or not self.constraints.base[self.characters].all():
            return False
        return self._extends(fixed, 0)

    def draw(self, count: int, rng: np.random.Generator) -> Start:
        """Plans for `count` particles, and the logarithms of the weights that make up for their choice."""
        drawn = [self._draw(rng) for _ in range(count)]
        return Start([plan for plan, _ in drawn], np.array([weight for _, weight in drawn]), rng)

    def _draw(self, rng: np.random.Generator) -> tuple[Plan, float]:
        fixed, log_weight = self.constraints.fixed, 0.0
        assert fixed is not None, "a request that can be met fixes one character a place"
        for depth in range(len(self.characters)):
            options = self._options(fixed, depth)
            fixed = options[rng.integers(len(options))]
            log_weight += math.log(len(options))
        plan = self._plan(fixed)
        assert plan is not None, "options lead to plans"
        return plan, log_weight

    def _options(self, fixed: Fixes, depth: int) -> list[Fixes]:
        """The ways to fix one more character after which the others still find places."""
        if fixed not in self.options:
            ways = (
                (*fixed[:place], self.characters[depth], *fixed[place + 1 :])
                for place, id_ in enumerate(fixed)
                if id_ == FREE
            )
            self.options[fixed] = [way for way in ways if self._extends(way, depth + 1)]
        return self.options[fixed]

    def _extends(self, fixed: Fixes, depth: int) -> bool:
        if self._plan(fixed) is None:
            return False
        if depth == len(self.characters):
            return True
        return any(
            self._extends((*fixed[:place], self.characters[depth], *fixed[place + 1 :]), depth + 1)
            for place, id_ in enumerate(fixed)
            if id_ == FREE
        )

    def _plan(self, fixed: Fixes) -> Plan | None:
        check_deadline()
        if fixed not in self.plans:
            self.plans[fixed] = self.constraints.plan(fixed)
        return self.plans[fixed]
