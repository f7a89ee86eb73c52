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
from pingze.composing.constraints.feasibility import PartialTexts
from pingze.composing.constraints.masks import Ban, Constraints
from pingze.composing.lexicon import FREE, Lexicon
from pingze.composing.request import Fixed, Request
from pingze.composing.sheet import BLANK
from pingze.composing.words import Effort, Starts
from pingze.deadline import check_deadline
from pingze.errors import Clash
from pingze.messages import Parameter, say
from pingze.verse.patterns import CUSTOMARY
from pingze.verse.rhyme_groups import OBLIQUE

_MOST_NAMED = 3  # rhyme groups that a message names
# the cost of dropping a character that merely stands on a sheet and may change, where a character
# that was asked for costs 1; so small that all characters of a sheet together cost less than 1
_MAY_CHANGE = 1e-4
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
        # originality and quoting are constraints too: the ban goes with them when they are dropped
        is_banned = kept.original is not None or kept.poets is not None
        return Constraints(lexicon, kept, ban=ban if is_banned else None)

    def can_keep(parts: Sequence[Clash]) -> bool:
        check_deadline()
        constraints = keeping(parts)
        return Starts(constraints, effort=effort).is_possible

    def grown(kept: list[Clash], parts: Sequence[Clash]) -> list[Clash]:
        """Return `kept` followed by each of `parts` that can be kept as well.

        The parts are tried in order. Most parts can be kept, so many are tried at once, and halved
        only if some of them clash.
        """
        if not parts or can_keep([*kept, *parts]):
            return [*kept, *parts]
        if len(parts) == 1:
            return kept
        half = len(parts) // 2
        return grown(grown(kept, parts[:half]), parts[half:])

    # 1) Order the parts: first those that agree with the cheapest reading. Every reading counts, of
    #    any template and rhyme, and also at the customary strictness, as these options can be
    #    dropped too.
    unrestricted = replace(request, template=None, rhyme=None, original=None)
    readings = []
    for strictness in dict.fromkeys((request.strictness, CUSTOMARY)):
        relaxed = replace(unrestricted, strictness=strictness)
        readings.append(_best_reading(Constraints(lexicon, relaxed), request))
    _, conflicting = min(readings, key=lambda reading: reading[0])
    ordered = sorted(request.parts, key=lambda part: part in conflicting)
    # 2) Keep as many parts as possible. A fixed character need not be composed, so a part that was
    #    impossible can become possible once a later part is kept.
    kept = grown([], ordered)
    while True:
        possible = [part for part in ordered if part not in kept and can_keep([*kept, part])]
        if not possible:
            break
        kept.append(possible[0])  # only one: it can make others possible or impossible
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
    # 1) Add the cost of dropping each fixed character: to the ways for which its tone is wrong, and
    #    to the groups with which it does not rhyme.
    way_costs = np.where(constraints.exists, 0.0, np.inf)  # T, K, W
    group_costs = np.zeros((T, G))
    misfits = []
    for number, fix in enumerate(request.fixed):
        place = constraints.place_of(fix)
        id_ = constraints.lexicon.vocabulary.ids[fix.character]
        foot = constraints.feet[place][:, None]  # T, 1: whether the place is a foot
        fits = constraints.fits(place, id_)  # T, W
        # a rhyme must also have the tone that some way requires of the foot
        rhymes = rhyming.fitting(place, id_, generous=True) & fits.any(axis=1, keepdims=True)
        wrong_tone = ~fits & ~foot  # T, W
        unrhymed = foot & ~rhymes  # T, G
        # Of two characters that clash, the later one costs slightly less and is dropped.
        cost = 1 - _LATE * number / len(request.fixed)
        if fix.option == "lines":
            cost *= _MAY_CHANGE
        k = place // constraints.couplet_size
        way_costs[:, k] += cost * wrong_tone
        # If line 1 and another line end in different rhymes, drop that of line 1, which need not
        # rhyme. Lateness lowers a cost by `_LATE` at most, so twice as much makes line 1 cheaper.
        rhyme_cost = cost
        if fix.line == 1 and constraints.request.form.regulated:
            rhyme_cost -= 2 * _LATE * cost
        group_costs += rhyme_cost * unrhymed
        misfits.append((fix.clash, k, wrong_tone, unrhymed))
    # 2) Add the cost of dropping each option to the templates (rows) and groups (columns) that
    #    disagree with it.
    disagreeing = _disagreeing_options(constraints, request)
    option_cost = 1 + _LATE  # slightly more than a character
    group_costs += sum(mask * option_cost for mask in disagreeing.values())
    # 3) Choose the cheapest template, and for each rhyme the cheapest group. The groups of a rhyme
    #    are the rows from its first row to that of the next rhyme.
    first_rows = rhyming.first_rows
    cheapest_ways = way_costs.argmin(axis=2)  # T, K
    costs = way_costs.min(axis=2).sum(axis=1)
    costs += np.minimum.reduceat(group_costs, first_rows, axis=1).sum(axis=1)
    t = int(costs.argmin())
    costs_by_rhyme = np.split(group_costs[t], first_rows[1:])
    cheapest_groups = []
    for first_row, costs_of_groups in zip(first_rows, costs_by_rhyme, strict=True):
        cheapest_groups.append(first_row + int(costs_of_groups.argmin()))
    # 4) Collect the parts that conflict with this choice.
    conflicting = set()
    for clash, k, wrong_tone, unrhymed in misfits:
        has_wrong_tone = wrong_tone[t, cheapest_ways[t, k]]
        if has_wrong_tone or unrhymed[t, cheapest_groups].any():
            conflicting.add(clash)
    for name, mask in disagreeing.items():
        if mask[t, cheapest_groups].any():
            conflicting.add(request.options[name][0])
    return float(costs[t]), conflicting


def _disagreeing_options(
    constraints: Constraints, request: Request
) -> dict[str, Bool[Array, "T G"]]:
    """Mark, for each option of a request, the templates and groups that disagree with it."""
    # `constraints` are a relaxed request's, which has more templates and groups than the request,
    # and maybe another strictness
    relaxed = constraints.request
    masks = {
        "strictness": [[relaxed.strictness != request.strictness]],
        "template": [[opening not in request.openings] for opening in relaxed.openings],
        "rhyme": [[row not in request.rows for row in relaxed.rows]],
    }
    shape = (len(relaxed.openings), len(relaxed.rows))
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
        self.rest: list[int] = begun.fixed[0].tolist()

    def explain(self, dropped: Sequence[Clash]) -> list[Clash]:
        """Give the dropped parts their reasons.

        Several characters of a line whose tones are wrong become one clash.
        """
        fix_of_part = {fix.clash: fix for fix in self.request.fixed}
        explained: list[Clash] = []
        by_line: dict[tuple[str, int], list[Clash]] = defaultdict(list)
        for part in dropped:
            clash = part
            if part in fix_of_part:
                fix = fix_of_part[part]
                clash = self._character_clash(part, fix)
                # the reason names the line and position, so the constraint need not
                if clash.cause:
                    clash = replace(clash, constraint=f"{fix.words}{fix.character}")
                # Two characters at one place clash whatever their tones are, so that this clash
                # says nothing about the line.
                if clash.cause.get("code") != "because_character":
                    by_line[fix.option, fix.line].append(clash)
            explained.append(clash)
        for (_, line), clashes in by_line.items():
            line_clash = self._line_clash(line - 1, clashes)
            if line_clash:  # it stands in place of the clashes of the line's characters
                explained[explained.index(clashes[0])] = line_clash
                explained = [clash for clash in explained if clash not in clashes]
        return explained

    def _character_clash(self, part: Clash, fix: Fixed) -> Clash:
        """Return the dropped `part`, with the character, tone or rhyme that its place requires."""
        constraints = self.constraints
        # 1) Something else fixes another character at this place.
        place = constraints.place_of(fix)
        if self.rest[place] != FREE:
            kept_character = constraints.lexicon.vocabulary.tokens[self.rest[place]]
            return replace(part, wanted=kept_character).because("because_character")
        # 2) The rest of the request requires one tone here, which the character lacks.
        standard = constraints.request.standard
        allowed_tones = constraints.tones_at(self.begun, place)
        own_tones = "".join(sorted(standard.tones(fix.character)))
        if len(allowed_tones) == 1 and own_tones:
            tone = allowed_tones.pop()
            if tone not in own_tones:
                return replace(part, wanted=tone).because("because_tone", own=own_tones)
        # 3) The rest requires another rhyme here, or an oblique tone where the line need not rhyme.
        alive = self.begun.alive[0]  # T, G; `begun` has one text
        possible_templates = alive.any(axis=1)
        is_foot = constraints.feet[place][possible_templates]  # for each possible template
        kind_of_foot = constraints.rhyming.kind[place]
        possible_rows = alive.any(axis=0) & constraints.rhyming.concerned[kind_of_foot]
        possible_names = [constraints.request.groups[g] for g in np.flatnonzero(possible_rows)]
        own_groups = standard.rhymes(fix.character)
        own_names = standard.joined(own_groups)
        if constraints.request.form.tune:  # 詞 rhyme by part, not by group
            parts_and_classes = sorted(standard.parts.rhymes(fix.character))
            parts = dict.fromkeys(part_name for part_name, _ in parts_and_classes)
            own_names = "".join(parts)
            own_groups = frozenset(parts)
        # The rhyme is not to blame if no rhyme is wanted, if none is known, or if one is possible.
        if not is_foot.any() or not own_groups or own_groups & set(possible_names):
            return part
        # Where the line need not rhyme, an oblique character suits it.
        if not is_foot.all() and OBLIQUE in own_tones:
            return part
        groups = "".join(possible_names[:_MOST_NAMED])
        if len(possible_names) > _MOST_NAMED:
            groups += "…"
        elif is_foot.all():  # the wish can be named in full: one of these groups
            part = replace(part, wanted=groups)
        code = "because_rhyme" if is_foot.all() else "because_oblique"
        return part.because(code, groups=groups, own=own_names)

    def _line_clash(self, number: int, clashes: Sequence[Clash]) -> Clash | None:
        """Join the clashes of characters of a line, counted from 0, to a clash of the whole line.

        The reason of the clash says where the line could stand. Return None unless the tones of
        several characters are wrong, or the whole line fits elsewhere.
        """
        constraints = self.constraints
        places = self.layout.places(number)
        # 1) The characters that are given of the line, and the tones that the line needs. Where two
        #    options give a character, that of the clashing option counts.
        character_at: dict[int, str] = {}
        for fix in self.request.fixed:
            place = constraints.place_of(fix)
            if fix.option == clashes[0].field or place not in character_at:
                character_at[place] = fix.character
        row = "".join(character_at.get(place, BLANK) for place in places)
        needed_tones = ""
        for place in places:
            tones = constraints.tones_at(self.begun, place)
            is_decided = len(tones) == 1 and "" not in tones  # "" stands for either tone
            needed_tones += "".join(tones) if is_decided else "中"
        line_clash = Clash(
            constraint=say("clash_line", {"line": number + 1, "has": row}),
            field=clashes[0].field,
            line=number + 1,
            has=row,
            wanted=needed_tones,
            positions=tuple(clash.position for clash in clashes if clash.position),
        )
        # 2) The free lines at which the row fits, and the other lines of which something is kept.
        could_be = []
        kept_lines = []
        for line in range(len(self.layout.widths)):
            if any(self.rest[place] != FREE for place in self.layout.places(line)):
                if line != number:
                    kept_lines.append(line)
            elif self._fits(row, line, self.begun):
                could_be.append(str(line + 1))
        fits_alone = self._fits(row, number, None)  # at its own place, if nothing else is kept
        # 3) Decide whether the line as a whole clashes. A clash without a code has no reason at its
        #    own place: the tone of its character is wrong only together with other characters.
        tone_codes = (None, "because_tone")
        wrong_tones = [clash for clash in clashes if clash.cause.get("code") in tone_codes]
        if not wrong_tones:
            return None
        # A single wrong character is better explained by itself, unless the line is complete and
        # would be right elsewhere.
        if len(wrong_tones) == 1:
            fits_elsewhere = bool(could_be) or fits_alone
            if BLANK in row or not fits_elsewhere:
                return None
        # If the tones are right here, the line clashes with something else, such as `exclude`.
        if self._fits(row, number, self.begun):
            return None
        # 4) The reason names a line that is kept: the other line of the couplet, else the nearest.
        parameters: dict[str, Parameter] = {"own": self._tones(row), "could_be": could_be}
        if not kept_lines:
            return line_clash.because("because_line", **parameters)
        of_couplet = number ^ 1  # lines 0 and 1 are a couplet, so are 2 and 3, and so on
        partner = min(kept_lines, key=lambda line: (line != of_couplet, abs(line - number)))
        parameters["partner"] = partner + 1
        parameters["partner_tones"] = self._tones(constraints.lines_of(self.rest)[partner])
        # The line fits here by itself, so it needs another opening than the lines that are kept.
        if constraints.request.form.regulated and fits_alone:
            return line_clash.because("because_opening", **parameters)
        return line_clash.because("because_partner", **parameters)

    def _fits(self, row: str, line: int, begun: PartialTexts | None) -> bool:
        """Return whether a row fits a line beside what is begun of a text.

        If `begun` is None, the rest of the text is empty.
        """
        constraints = self.constraints
        if len(row) != self.layout.widths[line]:
            return False
        id_of = constraints.lexicon.vocabulary.ids
        ids = [FREE if character == BLANK else id_of[character] for character in row]
        wrong, unrhymed = constraints.misfits(self.layout.places(line), ids)
        couplet = self.layout.starts[line] // constraints.couplet_size  # 0 in a 詞
        # under each template, the ways to write the couplet and the groups that suit all characters
        ways: Bool[Array, "T W"] = constraints.exists[:, couplet] & ~wrong.any(axis=0)
        groups: Bool[Array, "T G"] = np.logical_not(unrhymed.any(axis=0))
        if begun is not None:
            ways &= begun.ways[0, :, couplet]  # `begun` has one text
            groups &= begun.alive[0]
        # one template must have both a way and a group for each rhyme
        has_groups = constraints.rhyming.jointly_possible(groups).any(axis=1)
        return bool((ways.any(axis=1) & has_groups).any())

    def _tones(self, row: str) -> str:
        """Return the tones of a row; 中 where a character has both, ＿ for a blank."""
        standard = self.constraints.request.standard
        tones = ""
        for character in row:
            readings = standard.tones(character)
            if character == BLANK:
                tones += BLANK
            elif len(readings) == 1:
                tones += "".join(readings)
            else:
                tones += "中"
        return tones
