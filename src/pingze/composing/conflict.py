"""Find a minimal set of constraints to drop from an infeasible request.

Constraints are tried one after another. A constraint is kept if some poem can satisfy it together
with all constraints kept so far; otherwise it is dropped. The order therefore decides which
constraints are dropped. A reading is a template, a rhyme group and a pair of tone patterns for each
couplet. Each reading conflicts with some constraints, and dropping these has a cost. The
constraints that agree with the cheapest reading are tried first.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pingze.arrays import Array, Bool
from pingze.composing.constraints.masks import Ban, Constraints
from pingze.composing.lexicon import FREE, Lexicon
from pingze.composing.request import Fixed, Request
from pingze.composing.words import Effort, Starts
from pingze.deadline import check_deadline
from pingze.errors import Clash
from pingze.verse.forms import opening_name
from pingze.verse.patterns import CUSTOMARY
from pingze.verse.rhyme_groups import OBLIQUE

_MOST_NAMED = 3  # rhyme groups that a message names
_LATE = 1e-4  # the amount by which dropping the last constraint costs less than dropping the first


def find_clashes(
    lexicon: Lexicon, request: Request, ban: Ban | None = None, effort: Effort | None = None
) -> list[Clash]:
    """List the parts (constraints) to drop from an infeasible request.

    A poem can satisfy the rest. The set is minimal: if any dropped part is restored, the request is infeasible again.

    Raises InputError if the request has more words to include than can be tried with the remaining
    `effort`.
    """
    effort = effort or Effort(request)

    def keeping(parts: Sequence[Clash]) -> Constraints:
        kept = request.keeping(parts)
        is_banned = kept.original is not None or kept.poets is not None
        return Constraints(lexicon, kept, ban=ban if is_banned else None)

    def can_keep(parts: Sequence[Clash]) -> bool:
        check_deadline()
        constraints = keeping(parts)
        return Starts(constraints, effort=effort).is_possible

    def grown(kept: list[Clash], parts: Sequence[Clash]) -> list[Clash]:
        """Return `kept` followed by each of `parts` that can be kept as well.

        The parts are tried in order.
        """
        if not parts or can_keep([*kept, *parts]):
            return [*kept, *parts]
        if len(parts) == 1:
            return kept
        half = len(parts) // 2
        return grown(grown(kept, parts[:half]), parts[half:])

    # 1) Order the parts.
    free = replace(request, template=None, rhyme=None, original=None)
    readings = []
    for strictness in dict.fromkeys((request.strictness, CUSTOMARY)):
        relaxed = replace(free, strictness=strictness)
        readings.append(_best_reading(Constraints(lexicon, relaxed), request))
    _, conflicting = min(readings, key=lambda reading: reading[0])
    ordered = sorted(request.parts, key=lambda part: part in conflicting)
    # 2) Keep as many parts as possible. A fixed character need not be composed, so a part that was
    #    impossible can become possible once a later part is kept.
    kept = grown([], ordered)
    while True:
        more = [part for part in ordered if part not in kept and can_keep([*kept, part])]
        if not more:
            break
        kept.append(more[0])
    # 3) Explain why fixed characters are dropped.
    constraints = keeping(kept)
    fixed = {fix.clash: fix for fix in request.fixed}
    dropped = []
    for part in request.parts:
        if part in kept:
            continue
        dropped.append(_explained(part, constraints, fixed[part]) if part in fixed else part)
    return dropped


def _best_reading(constraints: Constraints, request: Request) -> tuple[float, set[Clash]]:
    """Find the reading for which dropping the conflicting parts costs least.

    Return this cost and these parts.
    """
    rhyming = constraints.rhyming
    T = len(constraints.request.openings)
    G = len(rhyming.of_row)
    # 1) Add the cost of dropping each fixed character: to ways if its tone is wrong, to groups if
    #    it does not rhyme.
    way_costs = np.where(constraints.exists, 0.0, np.inf)
    group_costs = np.zeros((T, G))
    misfits = []
    for number, fix in enumerate(request.fixed):
        place = constraints.place_of(fix)
        id_ = constraints.lexicon.vocabulary.ids[fix.character]
        foot = constraints.feet[place][:, None]
        fits = constraints.fits(place, id_)
        rhymes = rhyming.fitting(place, generous=True)[:, id_] & fits.any(axis=1, keepdims=True)
        wrong_tone = ~fits & ~foot
        unrhymed = foot & ~rhymes
        cost = 1 - _LATE * number / len(request.fixed)
        k = place // constraints.size
        way_costs[:, k] += cost * wrong_tone
        group_costs += cost * unrhymed
        misfits.append((fix.clash, k, wrong_tone, unrhymed))
    # 2) Add the cost of dropping each option to the templates (rows) and groups (columns) that
    #    disagree with it.
    disagreeing = _disagreeing_options(constraints, request)
    group_costs += sum(mask * (1 + _LATE) for mask in disagreeing.values())
    # 3) Choose the cheapest template, and for each rhyme the cheapest group.
    first = rhyming.first_rows
    ways = way_costs.argmin(axis=2)
    costs = way_costs.min(axis=2).sum(axis=1)
    costs += np.minimum.reduceat(group_costs, first, axis=1).sum(axis=1)
    t = int(costs.argmin())
    groups = []
    for start, part in zip(first, np.split(group_costs[t], first[1:]), strict=True):
        groups.append(start + int(part.argmin()))
    # 4) Collect the parts that conflict with this choice.
    conflicting = set()
    for clash, k, wrong_tone, unrhymed in misfits:
        if wrong_tone[t, ways[t, k]] or unrhymed[t, groups].any():
            conflicting.add(clash)
    for name, mask in disagreeing.items():
        if mask[t, groups].any():
            conflicting.add(request.options[name][0])
    return float(costs[t]), conflicting


def _disagreeing_options(
    constraints: Constraints, request: Request
) -> dict[str, Bool[Array, "T G"]]:
    """Mark, for each option of a request, the templates and groups that disagree with it."""
    strictness = constraints.request.strictness != request.strictness
    templates = []
    for opening in constraints.request.openings:
        width = constraints.request.form.width
        name = opening_name(width, opening[0]) if opening else ""
        templates.append([(request.template or "") not in name])
    wanted = dict(enumerate((request.rhyme or "").split("、")))
    groups = [wanted.get(n, "") not in ("", name) for n, name in constraints.request.rows]
    masks = {
        "strictness": np.array([[strictness]]),
        "template": np.array(templates),
        "rhyme": np.array([groups]),
    }
    shape = (len(templates), len(groups))
    return {
        name: np.broadcast_to(mask, shape)
        for name, mask in masks.items()
        if name in request.options
    }


def _explained(part: Clash, constraints: Constraints, fix: Fixed) -> Clash:
    """Return the dropped `part`.

    Add the reason if the position of `fix` requires another character, tone or rhyme.
    """
    fixed = constraints.fixed
    begun = None if fixed is None else constraints.begin(fixed)
    if fixed is None or begun is None:
        return part  # no poem is possible, whatever is dropped

    def needing(wanted: str | None, words: str) -> Clash:
        reason = f"line {fix.line}, character {fix.position} must {words}"
        return replace(
            part, constraint=f"{fix.option}'s {fix.character}", wanted=wanted, reason=reason
        )

    # 1) Another character.
    place = constraints.place_of(fix)
    if fixed[place] != FREE:
        other = constraints.lexicon.vocabulary.tokens[fixed[place]]
        return needing(other, f"be {other}")
    # 2) Another tone.
    standard = constraints.request.standard
    allowed_tones = constraints.tones_at(begun, place)
    own_tones = "".join(sorted(standard.tones(fix.character)))
    if len(allowed_tones) == 1 and own_tones:
        tone = allowed_tones.pop()
        if tone not in own_tones:
            return needing(tone, f"be {tone}; {fix.character} is {own_tones}")
    # 3) Another rhyme, or an oblique tone where the line need not rhyme.
    alive = begun.alive[0]
    feet = constraints.feet[place][alive.any(axis=1)]
    rows = alive.any(axis=0) & constraints.rhyming.concerned[constraints.rhyming.kind[place]]
    names = [constraints.request.groups[g] for g in np.flatnonzero(rows)]
    own_parts: dict[str, None] = {}
    if constraints.request.form.tune:
        own_parts = {part: None for part, _ in sorted(standard.parts.rhymes(fix.character))}
    own_rhymes = own_parts.keys() or standard.rhymes(fix.character)
    if not feet.any() or not own_rhymes or own_rhymes & set(names):
        return part
    if not feet.all() and OBLIQUE in own_tones:
        return part
    is_short = len(names) <= _MOST_NAMED
    rhyme = f"rhyme in {''.join(names)}" if is_short else "rhyme with the others"
    oblique = "" if feet.all() else f"be {OBLIQUE}, or "
    wanted = "".join(names) if feet.all() and is_short else None
    its_own = "".join(own_parts) or standard.joined(own_rhymes)
    return needing(wanted, f"{oblique}{rhyme}; {fix.character} rhymes in {its_own}")
