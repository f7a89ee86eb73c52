"""Why a request cannot be met: what to give up so that it can, none of which could be kept.

What is asked for is kept part after part, as long as some poem keeps all that was kept; the rest is to be given up. The
order decides what that is. So first the template, rhyme group and ways to write couplets are found with which most
agrees, and the parts that agree with them are tried before the others; late ones are given up rather than early ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pingze.arrays import Array, Float
from pingze.composing.constraints.copying import Copying
from pingze.composing.constraints.inclusion import Inclusion
from pingze.composing.constraints.lexicon import FREE, Lexicon
from pingze.composing.constraints.masks import Constraints
from pingze.composing.constraints.placement import Effort
from pingze.composing.request.request import Fixed, Request
from pingze.deadline import check_deadline
from pingze.errors import Clash
from pingze.verse.forms import opening_name
from pingze.verse.patterns import CUSTOMARY
from pingze.verse.rhyme import names as group_names
from pingze.verse.rhyme_groups import OBLIQUE
from pingze.verse.tones import groups, sides

_MOST_NAMED = 3
"""Of more rhyme groups none is named."""
_LATE = 1e-4
"""How much less it costs to give up a part than the one before it."""


def is_possible(
    lexicon: Lexicon, request: Request, copying: Copying | None = None, effort: Effort | None = None
) -> bool:
    """Whether some poem keeps the whole request; of originality only that what is fixed does not break it."""
    return Inclusion(Constraints(lexicon, request, copying=copying), effort=effort).is_possible


def clashing(
    lexicon: Lexicon, request: Request, copying: Copying | None = None, effort: Effort | None = None
) -> list[Clash]:
    """Parts of an impossible request without which it is possible, while with any one of them it is not.

    Raises InputError where the request has more words to include than can be tried with the `effort` that is left.
    """
    return _Corrections(lexicon, request, copying, effort or Effort(request)).found()


@dataclass
class _Corrections:
    lexicon: Lexicon
    request: Request
    copying: Copying | None
    effort: Effort

    def found(self) -> list[Clash]:
        parts = self.request.parts
        against = _disagreeing(self.lexicon, self.request)
        ordered = [part for part in parts if part not in against] + [
            part for part in parts if part in against
        ]
        kept = self._grown([], ordered)
        # What is fixed need not be composed, so that a part can become possible by another that was kept after it.
        while more := [part for part in ordered if part not in kept and self._can_keep([*kept, part])]:
            kept.append(more[0])
        constraints = Constraints(self.lexicon, self.request.keeping(kept), copying=self.copying)
        fixed = {fix.clash: fix for fix in self.request.fixed}
        return [
            _told(part, constraints, fixed[part]) if part in fixed else part
            for part in parts
            if part not in kept
        ]

    def _grown(self, kept: list[Clash], parts: Sequence[Clash]) -> list[Clash]:
        """What was kept, and of further parts those that can be kept as well, each after those before it."""
        if not parts or self._can_keep([*kept, *parts]):
            return [*kept, *parts]
        if len(parts) == 1:
            return kept
        half = len(parts) // 2
        return self._grown(self._grown(kept, parts[:half]), parts[half:])

    def _can_keep(self, parts: Sequence[Clash]) -> bool:
        check_deadline()
        return is_possible(self.lexicon, self.request.keeping(parts), self.copying, self.effort)


def _disagreeing(lexicon: Lexicon, request: Request) -> set[Clash]:
    """What disagrees with the hypothesis and the ways to write couplets with which most agrees."""
    readings = []
    for strictness in dict.fromkeys((request.strictness, CUSTOMARY)):
        free = replace(request, template=None, rhyme=None, strictness=strictness, original=None)
        readings.append(_best_reading(Constraints(lexicon, free), request))
    return min(readings, key=lambda reading: reading[0])[1]


def _best_reading(constraints: Constraints, request: Request) -> tuple[float, set[Clash]]:
    """The cost of what disagrees with the best reading, and what it is."""
    bend = np.where(constraints.exists, 0.0, np.inf)
    rhyme = np.zeros((len(bend), len(constraints.rhymes)))
    misfits = [_misfits(constraints, fix) for fix in request.fixed]
    for number, (fix, (tone, foot)) in enumerate(zip(request.fixed, misfits, strict=True)):
        cost = 1 - _LATE * number / len(request.fixed)
        bend[:, (fix.line - 1) // 2] += cost * tone
        rhyme += cost * foot
    best = bend.argmin(axis=2)
    options = _options(constraints, request)
    costs = bend.min(axis=2).sum(axis=1)[:, None] + rhyme + sum(options.values())
    t, g = np.unravel_index(costs.argmin(), costs.shape)
    against = {
        fix.clash
        for fix, (tone, foot) in zip(request.fixed, misfits, strict=True)
        if tone[t, best[t, (fix.line - 1) // 2]] or foot[t, g]
    }
    return float(costs[t, g]), against | {clash for clash, cost in options.items() if cost[t, g]}


def _misfits(constraints: Constraints, fix: Fixed) -> tuple[Float[Array, "T W"], Float[Array, "T G"]]:
    """1 where a fixed character has not the tone that is asked for, but for rhymes; and where it does not rhyme."""
    place = (fix.line - 1) * constraints.width + fix.position - 1
    id_ = constraints.lexicon.vocabulary.ids[fix.character]
    k, at = divmod(place, 2 * constraints.width)
    fits = constraints.fits(constraints.asked[:, k, :, at], np.array(id_), np.array(True))
    foot = constraints.is_foot(place)[:, None]
    rhymes = constraints.rhymes_at(place, generous=True)[:, id_] & fits.any(axis=1, keepdims=True)
    return (~fits & ~foot).astype(float), (foot & ~rhymes).astype(float)


def _options(constraints: Constraints, request: Request) -> dict[Clash, Float[Array, "T G"]]:
    """What it costs under each hypothesis to give up the options that it is against."""
    names = [
        opening_name(constraints.width, opening[0]) if opening else ""
        for opening in constraints.request.openings
    ]
    unlike = {
        "strictness": np.full((len(names), 1), constraints.request.strictness != request.strictness),
        "template": np.array([[(request.template or "") not in name] for name in names]),
        "rhyme": np.array([[request.rhyme not in (None, group) for group in constraints.request.groups]]),
    }
    shape = len(names), len(constraints.rhymes)
    asked = request.options
    return {
        asked[name][0]: np.broadcast_to(no, shape) * (1 + _LATE)
        for name, no in unlike.items()
        if name in asked
    }


def _told(part: Clash, constraints: Constraints, fix: Fixed) -> Clash:
    """A fixed character that is given up, with what its place wants, where that is one thing."""
    wanted, words = _wanted(constraints, fix)
    if not words:
        return part
    reason = f"line {fix.line}, character {fix.position} must {words}"
    return replace(part, constraint=f"{fix.option}'s {fix.character}", wanted=wanted, reason=reason)


def _wanted(constraints: Constraints, fix: Fixed) -> tuple[str | None, str]:
    """What the rest wants at the place of a fixed character, and in words, with what the character is."""
    place = (fix.line - 1) * constraints.width + fix.position - 1
    fixed = constraints.fixed
    plan = constraints.plan(fixed) if fixed else None
    if fixed is None or plan is None:
        return None, ""
    if fixed[place] != FREE:
        other = constraints.lexicon.vocabulary.tokens[fixed[place]]
        return other, f"be {other}"
    tones, has = constraints.tones_at(plan, place), "".join(sorted(sides(fix.character)))
    if len(tones) == 1 and has and not has.count(tone := tones.pop()):
        return tone, f"be {tone}; {fix.character} is {has}"
    names = [constraints.request.groups[g] for g in np.flatnonzero(plan.alive.any(axis=0))]
    own = groups(fix.character)
    feet = constraints.is_foot(place)[plan.alive.any(axis=1)]
    if feet.any() and own and not own & set(names) and (feet.all() or OBLIQUE not in has):
        wanted = "".join(names) if feet.all() and len(names) <= _MOST_NAMED else None
        rhyme = f"rhyme in {''.join(names)}" if len(names) <= _MOST_NAMED else "rhyme with the others"
        oblique = "" if feet.all() else f"be {OBLIQUE}, or "
        return wanted, f"{oblique}{rhyme}; {fix.character} rhymes in {group_names(own)}"
    return None, ""
