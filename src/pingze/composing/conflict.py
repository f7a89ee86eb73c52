"""Find a minimal set of constraints to drop from an infeasible request.

Constraints are tried one after another. A constraint is kept if some poem can satisfy it together
with all constraints kept so far; otherwise it is dropped. The order therefore decides which
constraints are dropped. A reading is a template, a rhyme group and a pair of tone patterns for each
couplet. Each reading conflicts with some constraints, and dropping these has a cost. The
constraints that agree with the cheapest reading are tried first.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pingze.arrays import Array, Bool
from pingze.composing.constraints.feasibility import Fixes, PartialTexts
from pingze.composing.constraints.masks import Ban, Constraints
from pingze.composing.lexicon import FREE, Lexicon
from pingze.composing.request import Fixed, Request
from pingze.composing.sheet import BLANK
from pingze.composing.words import Effort, Starts
from pingze.deadline import check_deadline
from pingze.errors import Clash
from pingze.messages import Parameter, say
from pingze.verse.forms import opening_name
from pingze.verse.patterns import CUSTOMARY
from pingze.verse.rhyme_groups import OBLIQUE

_MOST_NAMED = 3  # rhyme groups that a message names
_MAY_CHANGE = 1e-4  # the cost of dropping what merely stands on a sheet: all of it costs less than what is kept
_LATE = 1e-4  # the amount by which dropping the last constraint costs less than dropping the first


def find_clashes(
    lexicon: Lexicon, request: Request, ban: Ban | None = None, effort: Effort | None = None
) -> list[Clash]:
    """List the parts (constraints) to drop from an infeasible request.

    A poem can satisfy the rest. The set is minimal: if any dropped part is restored, none can.

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
    dropped = [part for part in request.parts if part not in kept]
    # 3) Explain why fixed characters are dropped.
    constraints = keeping(kept)
    begun = None if constraints.fixed is None else constraints.begin(constraints.fixed)
    if begun is None:  # no poem is possible, whatever is dropped
        return dropped
    return _Explaining(constraints, begun, request).explain(dropped)


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
        rhymes = rhyming.fitting(place, id_, generous=True) & fits.any(axis=1, keepdims=True)
        wrong_tone = ~fits & ~foot  # templates and ways
        unrhymed = foot & ~rhymes  # templates and groups
        cost = 1 - _LATE * number / len(request.fixed)
        if fix.option == "lines":
            cost *= _MAY_CHANGE
        k = place // constraints.couplet_size
        way_costs[:, k] += cost * wrong_tone
        # of two rhymes that differ, the first line's is the odd one: that line need not rhyme
        rhyme_cost = cost
        if fix.line == 1 and constraints.request.form.regulated:
            rhyme_cost -= 2 * _LATE * cost
        group_costs += rhyme_cost * unrhymed
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
    wanted = (request.rhyme or "").split("、")  # "" if any group will do
    groups = []
    for n, name in constraints.request.rows:
        wanted_name = wanted[n] if n < len(wanted) else ""
        groups.append(wanted_name not in ("", name))
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


class _Explaining:
    """The reasons why characters are dropped: what the rest of a request wants at their places."""

    def __init__(self, constraints: Constraints, begun: PartialTexts, request: Request) -> None:
        self.constraints = constraints
        self.begun = begun
        self.request = request
        self.layout = constraints.layout
        assert constraints.fixed is not None, "the rest of a request can be met"
        self.rest: Fixes = constraints.fixed

    def explain(self, dropped: Sequence[Clash]) -> list[Clash]:
        """Give the dropped parts their reasons.

        Several characters of a line whose tones are wrong become one clash.
        """
        fixed = {fix.clash: fix for fix in self.request.fixed}
        explained: list[Clash] = []
        by_line: dict[tuple[str, int], list[Clash]] = defaultdict(list)
        for part in dropped:
            clash = part
            if part in fixed:
                fix = fixed[part]
                clash = self._character(part, fix)
                if clash.cause:
                    clash = replace(clash, constraint=f"{fix.words}{fix.character}")
                if clash.cause.get("code") != "because_character":
                    by_line[fix.option, fix.line].append(clash)
            explained.append(clash)
        for (_, line), clashes in by_line.items():
            joined = self._line(line - 1, clashes)
            if joined:
                explained[explained.index(clashes[0])] = joined
                explained = [clash for clash in explained if clash not in clashes]
        return explained

    def _character(self, part: Clash, fix: Fixed) -> Clash:
        """Return the dropped `part`, with the character, tone or rhyme that its place requires."""
        constraints = self.constraints
        # 1) Another character.
        place = constraints.place_of(fix)
        if self.rest[place] != FREE:
            other = constraints.lexicon.vocabulary.tokens[self.rest[place]]
            return replace(part, wanted=other).because("because_character")
        # 2) Another tone.
        standard = constraints.request.standard
        allowed_tones = constraints.tones_at(self.begun, place)
        own_tones = "".join(sorted(standard.tones(fix.character)))
        if len(allowed_tones) == 1 and own_tones:
            tone = allowed_tones.pop()
            if tone not in own_tones:
                return replace(part, wanted=tone).because("because_tone", own=own_tones)
        # 3) Another rhyme, or an oblique tone where the line need not rhyme.
        alive = self.begun.alive[0]
        feet = constraints.feet[place][alive.any(axis=1)]
        rows = alive.any(axis=0) & constraints.rhyming.concerned[constraints.rhyming.kind[place]]
        names = [constraints.request.groups[g] for g in np.flatnonzero(rows)]
        own = standard.rhymes(fix.character)
        its_own = standard.joined(own)
        if constraints.request.form.tune:
            parts = dict.fromkeys(name for name, _ in sorted(standard.parts.rhymes(fix.character)))
            its_own = "".join(parts)
            own = frozenset(parts)
        if not feet.any() or not own or own & set(names):
            return part
        if not feet.all() and OBLIQUE in own_tones:
            return part
        groups = "".join(names[:_MOST_NAMED])
        if len(names) > _MOST_NAMED:
            groups += "…"
        elif feet.all():
            part = replace(part, wanted=groups)
        code = "because_rhyme" if feet.all() else "because_oblique"
        return part.because(code, groups=groups, own=its_own)

    def _line(self, number: int, clashes: Sequence[Clash]) -> Clash | None:
        """Join the clashes of characters of a line, counted from 0, to a clash of the whole line.

        Its reason says where the line could stand. None unless the tones of several characters are
        wrong, or the whole line fits elsewhere.
        """
        constraints = self.constraints
        places = self.layout.places(number)
        # 1) What is given of the line, and the tones that the line has and needs.
        given: dict[int, str] = {}
        for fix in self.request.fixed:
            place = constraints.place_of(fix)
            if fix.option == clashes[0].field or place not in given:
                given[place] = fix.character
        row = "".join(given.get(place, BLANK) for place in places)
        wanted = ""
        for place in places:
            tones = constraints.tones_at(self.begun, place)
            wanted += "".join(tones) if len(tones) == 1 and "" not in tones else "中"
        line = Clash(
            constraint=say("clash_line", {"line": number + 1, "has": row}),
            field=clashes[0].field,
            line=number + 1,
            has=row,
            wanted=wanted,
            positions=tuple(clash.position for clash in clashes if clash.position),
        )
        # 2) The free lines at which it fits, and the other lines of which something is kept.
        could_be = []
        partners = []
        for other in range(len(self.layout.widths)):
            if any(self.rest[place] != FREE for place in self.layout.places(other)):
                if other != number:
                    partners.append(other)
            elif self._fits(row, other, self.begun):
                could_be.append(str(other + 1))
        fits_alone = self._fits(row, number, None)  # at its own place, if nothing else is kept
        # 3) Whether the line as a whole is what clashes. A clash without a code has no reason at
        #    its own place: its tone is wrong only together with others.
        tone_codes = (None, "because_tone")
        wrong_tones = [clash for clash in clashes if clash.cause.get("code") in tone_codes]
        if not wrong_tones:
            return None
        if len(wrong_tones) == 1:
            fits_elsewhere = bool(could_be) or fits_alone
            if BLANK in row or not fits_elsewhere:
                return None
        if self._fits(row, number, self.begun):  # it clashes with something else, such as `exclude`
            return None
        # 4) The reason names a line that is kept: the other of its couplet, else the nearest.
        parameters: dict[str, Parameter] = {"own": self._tones(row), "could_be": could_be}
        if not partners:
            return line.because("because_line", **parameters)
        of_couplet = number ^ 1  # the other line of its couplet
        partner = min(partners, key=lambda other: (other != of_couplet, abs(other - number)))
        parameters["partner"] = partner + 1
        parameters["partner_tones"] = self._tones(constraints.lines_of(self.rest)[partner])
        if constraints.request.form.regulated and fits_alone:  # under another opening
            return line.because("because_opening", **parameters)
        return line.because("because_partner", **parameters)

    def _fits(self, row: str, line: int, begun: PartialTexts | None) -> bool:
        """Return whether a row fits a line of a text that is begun, or of an empty one if None."""
        constraints = self.constraints
        if len(row) != self.layout.widths[line]:
            return False
        known = constraints.lexicon.vocabulary.ids
        ids = [FREE if character == BLANK else known[character] for character in row]
        wrong, unrhymed = constraints.misfits(self.layout.places(line), ids)
        couplet = self.layout.starts[line] // constraints.couplet_size  # or the part of a 詞
        # by template: the ways to write the couplet, and the groups, that suit all characters
        ways: Bool[Array, "T W"] = constraints.exists[:, couplet] & ~wrong.any(axis=0)
        groups: Bool[Array, "T G"] = np.logical_not(unrhymed.any(axis=0))
        if begun is not None:
            ways &= begun.ways[0, :, couplet]  # `begun` has one text
            groups &= begun.alive[0]
        has_group = constraints.rhyming.jointly_possible(groups).any(axis=1)
        return bool((ways.any(axis=1) & has_group).any())

    def _tones(self, row: str) -> str:
        """Return the tones of a row; 中 where a character has both, ＿ for a blank."""
        standard = self.constraints.request.standard
        tones = ""
        for character in row:
            own = standard.tones(character)
            if character == BLANK:
                tones += BLANK
            elif len(own) == 1:
                tones += "".join(own)
            else:
                tones += "中"
        return tones
