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

from pingze.composing.constraints.masks import Ban, Constraints
from pingze.composing.lexicon import FREE, Lexicon
from pingze.composing.request import Fixed, Request
from pingze.composing.words import Effort, Inclusion
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
    """List the parts (constraints) that must be dropped from an infeasible request so that a poem can satisfy the rest.

    The set is minimal: if any dropped part is restored, the request is infeasible again.

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
        return Inclusion(constraints, effort=effort).is_possible

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

    # 1. Order the parts.
    free = replace(request, template=None, rhyme=None, original=None)
    asked = (
        replace(free, strictness=strictness)
        for strictness in dict.fromkeys((request.strictness, CUSTOMARY))
    )
    readings = [_best_reading(Constraints(lexicon, each), request) for each in asked]
    against = min(readings, key=lambda reading: reading[0])[1]
    ordered = sorted(request.parts, key=lambda part: part in against)
    # 2. Keep as many parts as possible. A fixed character need not be composed, so a part that was
    #    impossible can become possible once a later part is kept.
    kept = grown([], ordered)
    while more := [part for part in ordered if part not in kept and can_keep([*kept, part])]:
        kept.append(more[0])
    # 3. Explain why fixed characters are dropped.
    constraints = keeping(kept)
    fixed = {fix.clash: fix for fix in request.fixed}
    dropped = (part for part in request.parts if part not in kept)
    return [
        _explained(part, constraints, fixed[part]) if part in fixed else part for part in dropped
    ]


def _best_reading(constraints: Constraints, request: Request) -> tuple[float, set[Clash]]:
    """Find the reading for which dropping the conflicting parts costs least.

    Return this cost and these parts.
    """
    width, openings = constraints.request.form.width, constraints.request.openings
    names = [opening_name(width, opening[0]) if opening else "" for opening in openings]
    T, G = len(names), len(constraints.rhyming.of_row)
    # 1. Add the cost of dropping each fixed character: to ways if its tone is wrong, to groups if
    #    it does not rhyme.
    bend, rhyme = np.where(constraints.exists, 0.0, np.inf), np.zeros((T, G))
    misfits = []
    for number, fix in enumerate(request.fixed):
        place = constraints.place_of(fix)
        id_, foot = (
            constraints.lexicon.vocabulary.ids[fix.character],
            constraints.feet[place][:, None],
        )
        fits = constraints.fits(place, id_)
        rhymes = constraints.rhyming.fitting(place, generous=True)[:, id_] & fits.any(
            axis=1, keepdims=True
        )
        tone, unrhymed = ~fits & ~foot, foot & ~rhymes
        cost, k = 1 - _LATE * number / len(request.fixed), place // constraints.size
        bend[:, k] += cost * tone
        rhyme += cost * unrhymed
        misfits.append((fix.clash, k, tone, unrhymed))
    # 2. Add the cost of dropping options, each for the templates (rows) and groups (columns) that
    #    disagree with it.
    rhymes_asked = dict(enumerate((request.rhyme or "").split("、")))
    unlike = {
        "strictness": np.array([[constraints.request.strictness != request.strictness]]),
        "template": np.array([[(request.template or "") not in name] for name in names]),
        "rhyme": np.array(
            [[rhymes_asked.get(n, "") not in ("", name) for n, name in constraints.request.rows]]
        ),
    }
    dropped = {
        name: np.broadcast_to(no, (T, G)) for name, no in unlike.items() if name in request.options
    }
    rhyme += sum(no * (1 + _LATE) for no in dropped.values())
    # 3. Choose the cheapest template, and for each rhyme the cheapest group.
    best, first = bend.argmin(axis=2), constraints.rhyming.first_rows
    costs = bend.min(axis=2).sum(axis=1) + np.minimum.reduceat(rhyme, first, axis=1).sum(axis=1)
    t = int(costs.argmin())
    g = [
        start + int(part.argmin())
        for start, part in zip(first, np.split(rhyme[t], first[1:]), strict=True)
    ]
    against = {
        clash for clash, k, tone, unrhymed in misfits if tone[t, best[t, k]] or unrhymed[t, g].any()
    }
    return float(costs[t]), against | {
        request.options[name][0] for name, no in dropped.items() if no[t, g].any()
    }


def _explained(part: Clash, constraints: Constraints, fix: Fixed) -> Clash:
    """Return the dropped `part`.

    Add the reason if the position of `fix` requires another character, tone or rhyme.
    """
    place, fixed = constraints.place_of(fix), constraints.fixed
    # no poem is possible, whatever is dropped
    if fixed is None or not (begun := constraints.begin(fixed)):
        return part

    def needing(wanted: str | None, words: str) -> Clash:
        reason = f"line {fix.line}, character {fix.position} must {words}"
        return replace(
            part, constraint=f"{fix.option}'s {fix.character}", wanted=wanted, reason=reason
        )

    # 1. Another character.
    if fixed[place] != FREE:
        other = constraints.lexicon.vocabulary.tokens[fixed[place]]
        return needing(other, f"be {other}")
    # 2. Another tone.
    standard = constraints.request.standard
    tones, has = constraints.tones_at(begun, place), "".join(sorted(standard.tones(fix.character)))
    if len(tones) == 1 and has and not has.count(tone := tones.pop()):
        return needing(tone, f"be {tone}; {fix.character} is {has}")
    # 3. Another rhyme, or an oblique tone where the line need not rhyme.
    alive = begun.alive[0]
    rows = alive.any(axis=0) & constraints.rhyming.concerned[constraints.rhyming.kind[place]]
    names = [constraints.request.groups[g] for g in np.flatnonzero(rows)]
    tune, feet = constraints.request.form.tune, constraints.feet[place][alive.any(axis=1)]
    parts = {part: None for part, _ in sorted(standard.parts.rhymes(fix.character))} if tune else {}
    own = parts.keys() or standard.rhymes(fix.character)
    if not (feet.any() and own and not own & set(names) and (feet.all() or OBLIQUE not in has)):
        return part
    few = len(names) <= _MOST_NAMED
    rhyme = f"rhyme in {''.join(names)}" if few else "rhyme with the others"
    oblique = "" if feet.all() else f"be {OBLIQUE}, or "
    wanted = "".join(names) if feet.all() and few else None
    its_own = "".join(parts) or standard.joined(own)
    return needing(wanted, f"{oblique}{rhyme}; {fix.character} rhymes in {its_own}")
