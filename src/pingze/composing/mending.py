"""Mend a poem by changing as few characters as possible so that no fault remains.

Under a template and a rhyme group, three sorts of positions must change: positions with the wrong
tone, rhymes outside the group, and repeated rhymes. If several rhymes have the same character, one
of them may keep it. Each couplet takes the tone patterns that leave the fewest wrong tones. Two
couplets, or two words of a line, may also change places; that counts as one change. The model
writes the characters that change, and of ways with equally many changes the likeliest poem comes
first.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations, groupby, islice, product

import numpy as np

from pingze.arrays import Array, Bool
from pingze.composing.composer import Composer, load_composer
from pingze.composing.constraints.feasibility import Fixes
from pingze.composing.constraints.masks import Constraints
from pingze.composing.desk import MOST_DRAFTS, Filling
from pingze.composing.judging import judge
from pingze.composing.lexicon import FREE
from pingze.composing.options import Composing, check_bounds
from pingze.composing.poem import Poem
from pingze.composing.read_request import read_request
from pingze.composing.reading import poem_of
from pingze.composing.sheet import BLANK, Sheet
from pingze.composing.typed_text import noted, tell
from pingze.errors import Clash, InfeasibleError, InputError, UnfinishedError
from pingze.messages import here
from pingze.network.checkpoint import Model
from pingze.verse.checking import check
from pingze.verse.ci import best_shape
from pingze.verse.context import in_context
from pingze.verse.forms import COUPLET, FORMS, Layout, find_form, opening_name, wrong_shape
from pingze.verse.patterns import CUSTOMARY, word_starts
from pingze.verse.shi import rule_at
from pingze.verse.standard import PINGSHUI
from pingze.verse.verdict import Note, Verdict

MOST_TRIED = 12  # the maximum number of repairs with equally many changes that are written
FEWEST = 16  # the minimum number of particles for each repair

Places = frozenset[int]


@dataclass(frozen=True)
class Change:
    """The replacement of one character."""

    line: int
    """The number of the character's line, from 1."""
    position: int
    """The position of the character in its line, from 1."""
    old: str
    """The character of the draft, after any swap."""
    new: str
    """The new character."""
    rules: tuple[str, ...]
    """The rules, such as 孤平, that the old character breaks under the mended poem's template."""

    def __str__(self) -> str:
        return here("change", **asdict(self))


@dataclass(frozen=True)
class Swap:
    """Two parts of a draft that change places: couplets, or words or characters of a line."""

    line: int
    """The number of the line in which the first part begins, from 1."""
    position: int
    """The position in that line at which the part begins, from 1."""
    other_line: int
    """The line in which the second part begins."""
    other_position: int
    """The position at which the second part begins."""
    text: str
    """The first part, without marks."""
    other: str
    """The second part, which is as long."""
    rules: tuple[str, ...] = ()
    """The rules that the draft breaks less often after the swap; if none, those that it breaks."""

    def __str__(self) -> str:
        code = "swap_words" if self.line == self.other_line else "swap_couplets"
        ends = {"end": self.line + 1, "other_end": self.other_line + 1}
        return here(code, **asdict(self), **ends)


@dataclass(frozen=True)
class Mended:
    """A poem without faults, and its differences from the draft."""

    poem: Poem
    """The poem without faults."""
    changes: tuple[Change, ...]
    """The changed characters in the order of their positions; () if none changed."""
    swaps: tuple[Swap, ...] = ()
    """The parts that changed places, before any character changed."""


@dataclass(frozen=True)
class Repair:
    """A way to mend a draft."""

    ids: Fixes
    """The draft's characters, after the swap."""
    swap: Swap | None
    opening: str
    """The opening of a template; "" if the form has none."""
    rhyme: str
    reasons: dict[int, str]
    """The positions in the text that change, each with the rule that its character breaks."""

    @property
    def cost(self) -> int:
        """The number of changes; a swap is one."""
        return len(self.reasons) + (self.swap is not None)


def mend(
    draft: str | Sheet,
    count: int = 1,
    *,
    keep: Sequence[str] = (),
    form: str | None = None,
    level: str = CUSTOMARY,
    standard: str = PINGSHUI.name,
    title: str | None = None,
    poet: str | None = None,
    particles: int = Composing.particles,
    seed: int | None = None,
    model: Model | None = None,
) -> list[Mended]:
    """Mend a regulated poem or a 詞 in up to `count` ways, those with the fewest changes first.

    Two couplets, or two words of a line, that change places count as one change. What is kept stays
    at its place; a ConversionWarning tells how many more changes keeping it costs. A draft without
    faults is returned as it is.

    Args:
        draft: The draft, as a person writes it, or a sheet; the blanks of a sheet are filled.
        count: The maximum number of ways, from 1 to 1000.
        keep: Words of the draft that must not change, beside what a sheet keeps.
        form: The form 體 of the mended poem, as 七律; by default the form that has the draft's
            shape. A sheet has its own form, level, standard, title, poet and particles.
        level, standard, title, poet: The options of the same names of a `Sheet`.
        particles: The total number of particles, divided among the ways with equally many changes;
            from 1 to 4096.
        seed: A whole number from 0; the same seed gives the same mended poems. By default the
            sheet's seed, or 0.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export.

    Raises InputError if a draft with faults has the shape of no regulated form, or a word to keep
    is not in the draft; InfeasibleError if every way to keep the words leaves a fault;
    UnfinishedError if no particle was finished; CheckpointError if the model cannot be read.
    """
    check_bounds("count", count, {"minimum": 1, "maximum": MOST_DRAFTS})
    # 1. Read the draft as a sheet.
    if isinstance(draft, Sheet):
        verdict = judge(draft)
        poem = poem_of(verdict, draft.title, draft.poet)
        composer = load_composer(model, draft)
        # the lines as they were judged, which have Traditional characters
        layout = draft.shape.layout(draft.count_of_lines)
        sheet = replace(draft, lines=layout.cut("".join(verdict.read)))
    else:
        asked = Composing(
            level=level,
            standard=standard,
            title=title,
            poet=poet,
            particles=particles,
        )
        verdict = check(draft, form=form, level=level, standard=standard)
        if verdict.form == COUPLET:
            raise InputError("not_regulated", field="text")
        poem = poem_of(verdict, title, poet)
        # the default model depends on the form
        composer = load_composer(model, asked, form=form or verdict.form)
        if not verdict.ok:
            # The mended poem may have another template and rhyme than those that fit the faulty
            # draft best.
            poem = replace(poem, form=_form_to_mend(verdict, form), template=None, rhyme=None)
        sheet = Sheet.of(poem, **vars(asked))
    sheet = _keep_words(sheet, verdict.lines, keep)
    if verdict.ok and sheet.is_full:
        return [Mended(poem, ())]
    # 2. Find the changes.
    mending = Mending(composer, sheet, verdict)
    repairs = mending.repairs(mending.locked)
    if not repairs:
        raise InfeasibleError(sheet.form, mending.given_up())
    mending.tell_cost(repairs[0].cost)  # the first repair has the fewest changes
    # 3. Let the model write the characters that change.
    if seed is None:
        seed = sheet.seed or 0
    return mending.write(repairs, count, seed)


def _form_to_mend(verdict: Verdict, name: str | None) -> str:
    """Return the name of the form to which a draft with faults is mended.

    Raises InputError if the draft has the shape of no such form.
    """
    lines = verdict.read
    # 1. The form that the user names or, for a 詞, the tune that the checker found. What the
    #    checker found for 詩 does not count, since it calls a 律 with many faults a 古.
    if name is None and verdict.form and find_form(verdict.form).tune:
        name = verdict.form
    if name is not None:
        # a tune has several shapes 體; any other form is returned as it is
        form = best_shape(lines, find_form(name), CUSTOMARY, PINGSHUI)
        if not form.regulated and not form.tune:
            raise InputError("not_regulated", field="text")
        if not form.cut(lines):
            raise wrong_shape("text", form)
        return form.name
    # 2. Otherwise the regulated form whose lines have this number and width.
    for form in FORMS.values():
        if form.regulated and form.cut(lines):
            return form.name
    raise InputError("not_regulated", field="text")


def _keep_words(sheet: Sheet, typed: Sequence[str], words: Sequence[str]) -> Sheet:
    """Mark the words to keep in `Sheet.kept`, wherever they stand in the draft.

    A word that is not in the lines as typed is looked up in the lines as read, in Traditional
    characters. Raises InputError if neither have the word.
    """
    rows = sheet.rows
    # 1. What the sheet keeps, as a mask of all its characters: the draft may have been typed in
    #    other lines than the sheet's, which are those of the tune.
    mask: list[str] = []
    for number, row in enumerate(rows):
        kept = sheet.kept[number] if number < len(sheet.kept) else ""
        kept = kept.ljust(len(row), "0")  # a mask may be shorter than its line
        for character, is_kept in zip(row, kept, strict=True):
            # a blank has no character that could be kept
            mask.append("0" if character == BLANK else is_kept)
    # 2. What the user names.
    for typed_word in words:
        word = typed_word.strip()
        found = False
        for lines, spelling in ((typed, word), (rows, in_context(word))):
            if found or not spelling:
                continue
            line_start = 0
            for line in lines:
                for position in range(len(line)):
                    if line.startswith(spelling, position):
                        start = line_start + position
                        mask[start : start + len(spelling)] = "1" * len(spelling)
                        found = True
                line_start += len(line)
        if word and not found:
            raise InputError("not_in_poem", field="keep", has=word)
    return replace(sheet, kept=sheet.shape.layout(sheet.count_of_lines).cut("".join(mask)))


class Mending:
    """The work on one draft: which of its characters may not change, and the ways to mend it."""

    def __init__(self, composer: Composer, sheet: Sheet, verdict: Verdict) -> None:
        self.composer = composer
        self.verdict = verdict
        self.layout = sheet.shape.layout(sheet.count_of_lines)
        # The sheet has the lines of its tune; the user may have divided the draft in other places,
        # and the mended poem and its changes have the user's lines.
        self.layout_of_draft = Layout(len(line) for line in verdict.read)
        self.written = "".join(sheet.rows)
        # 1. The words that may not change, each with its positions in the text.
        self.kept: list[tuple[str, Places]] = []
        for number, mask in enumerate(sheet.kept):
            start = self.layout.starts[number]
            for run in re.finditer("1+", mask):
                places = Places(range(start + run.start(), start + run.end()))
                word = self.written[start + run.start() : start + run.end()]
                self.kept.append((word, places))
        self.locked = Places().union(*(places for _, places in self.kept))
        # 2. Where the tune repeats a line 疊句, write the same character at all places that must
        #    have the same: a kept one if there is one, else the first that is written.
        text = list(self.written)
        for place in range(len(text)):
            if place in self.locked:
                continue
            same_places = sheet.shape.same(place)
            sources = [same for same in same_places if same in self.locked]
            # `text`, not the draft, since an earlier turn of this loop may have filled a blank
            sources += [same for same in same_places if text[same] != BLANK]
            if sources:
                text[place] = text[sources[0]]
        # 3. An excluded character that stands in the draft is no fault, so that it may stay.
        exclude = "".join(character for character in sheet.exclude if character not in text)
        self.sheet = replace(sheet, lines=self.layout.cut("".join(text)), exclude=exclude)
        # 4. Compile what is written. Which characters are faults depends on the form alone; the
        #    other options only limit what is written instead of them.
        form_only = replace(self.sheet, include="", exclude="", exclude_at=[], was=[])
        request = read_request(composer.vocabulary, form_only)
        self.constraints = Constraints(composer.lexicon(request), request)
        if self.constraints.fixed is None:
            composer.prepare(request)  # raises an error that names the characters that clash
        self.ids: Fixes = self.constraints.fixed or ()
        size = self.constraints.couplet_size
        self.couplets = [range(start, start + size) for start in range(0, len(self.ids), size)]

    def repairs(self, locked: Places) -> list[Repair]:
        """List the repairs that change no locked position, those with the fewest changes first.

        A repair with a swap is listed only if no repair, with or without a swap, has fewer changes.
        """
        without_swap = self.fewest(self.ids, locked)
        least = min((repair.cost for repair in without_swap), default=len(self.ids))
        with_swap: list[Repair] = []
        for ids, swap in self._swapped(locked):
            _, _, costs = self.constraints.costs(ids)
            # the swap itself is one change more, which makes the repair cost more than `least`
            if costs.min() >= least:
                continue
            for repair in self.fewest(ids, locked, swap):
                least = min(least, repair.cost)
                with_swap.append(repair)
        repairs = without_swap + [repair for repair in with_swap if repair.cost == least]
        cheapest_first = sorted(repairs, key=lambda repair: repair.cost)
        # Leave out a repair that changes all positions of a cheaper repair, and further ones.
        needed: list[Repair] = []
        for repair in cheapest_first:
            same_text = [cheaper for cheaper in needed if cheaper.ids == repair.ids]
            places = set(repair.reasons)
            if not any(places > set(cheaper.reasons) for cheaper in same_text):
                needed.append(repair)
        return needed

    def _pairs(self) -> list[tuple[range, range]]:
        """List the pairs of parts that may change places, as ranges of positions in the text."""
        pairs: list[tuple[range, range]] = []
        # The couplets of other forms are not alike: those of a 詞 have different lengths.
        if self.constraints.request.form.regulated:
            pairs += combinations(self.couplets, 2)
        for line, width in enumerate(self.layout.widths):
            places = self.layout.places(line)
            words = [places[start : start + 2] for start in sorted(word_starts(2, width))]
            pairs += [(word[:1], word[1:]) for word in words]  # the characters of a word
            for word, later in combinations(words, 2):
                # The last three characters are read as 2 + 1 or as 1 + 2, and these two words
                # share the character in the middle.
                overlap = later.start < word.stop
                if not overlap:
                    pairs.append((word, later))
        return pairs

    def _swapped(self, locked: Places) -> Iterator[tuple[Fixes, Swap]]:
        """Yield each text in which two parts have changed places, and which parts these are.

        The parts are two couplets, two words of a line, or the two characters of a word.
        """
        if FREE in self.ids:  # a sheet with blanks is filled, but not rearranged
            return
        for first, second in self._pairs():
            ids = list(self.ids)
            ids[first.start : first.stop] = self.ids[second.start : second.stop]
            ids[second.start : second.stop] = self.ids[first.start : first.stop]
            moved = {*first, *second}
            # a place that repeats another 疊句 would differ from that one after the swap
            if moved & locked or moved & self.constraints.echoes.keys():
                continue
            if tuple(ids) == self.ids or self.constraints.spells_unwanted(ids, self.ids):
                continue
            line, position = self.layout_of_draft.numbered(first.start)
            other_line, other_position = self.layout_of_draft.numbered(second.start)
            swap = Swap(
                line=line,
                position=position,
                other_line=other_line,
                other_position=other_position,
                text=self.written[first.start : first.stop],
                other=self.written[second.start : second.stop],
            )
            yield tuple(ids), swap

    def fewest(self, ids: Fixes, locked: Places, swap: Swap | None = None) -> list[Repair]:
        """List the repairs that change the fewest positions under each template and rhyme group."""
        constraints = self.constraints
        request = constraints.request
        # masks of the positions P: wrong is (P, template, way), unrhymed is (P, template, group)
        wrong, unrhymed = constraints.misfits(range(len(ids)), ids)
        found = []
        for t, opening in enumerate(request.openings):
            # 1. For each couplet, the smallest sets of positions of the wrong tone that a way to
            #    write the couplet leaves.
            by_couplet = []
            for k, couplet in enumerate(self.couplets):
                wrong_by_way = wrong[:, t, constraints.exists[t, k]].T
                by_way = [_places_in(mask, couplet) for mask in wrong_by_way]
                by_couplet.append(_smallest_sets(by_way, locked))
            # 2. For each group, the feet whose characters are not in it.
            feet = np.flatnonzero(constraints.feet[:, t]).tolist()
            outside = [_places_in(mask, feet) for mask in unrhymed[:, t].T]
            # 3. For each choice of groups, list what must change, and combine it. Of the rhymes on
            #    the same character, all but one must change.
            for groups in product(*self._groups_to_try(outside, locked)):
                off_rhyme = Places().union(*(outside[g] for g in groups))
                # Each item lists sets of positions: all positions of one of its sets must change.
                alternatives = by_couplet.copy()
                rhyming = [foot for foot in feet if foot not in off_rhyme]
                if request.form.tune:
                    rhyming = []  # in 詞, poets may repeat a rhyme
                for id_ in dict.fromkeys(ids[foot] for foot in rhyming if ids[foot] != FREE):
                    same = Places(foot for foot in rhyming if ids[foot] == id_)
                    all_but_one = [same - {foot} for foot in sorted(same)]
                    alternatives.append(_smallest_sets(all_but_one, locked))
                # `write` tries no more repairs than these
                for choice in islice(product(*alternatives), MOST_TRIED):
                    places = off_rhyme.union(*choice)
                    reasons = {place: self._rule(t, place, off_rhyme) for place in sorted(places)}
                    found.append(
                        Repair(
                            ids=ids,
                            swap=swap,
                            opening=opening,
                            rhyme="、".join(request.groups[g] for g in groups),
                            reasons=reasons,
                        )
                    )
        return found

    def _groups_to_try(self, outside: Sequence[Places], locked: Places) -> list[list[int]]:
        """List the groups to try for each rhyme; `outside` has the feet that are not in a group.

        These are the groups outside which the fewest feet are, or one foot more, since such a group
        may have fewer rhymes on the same character.
        """
        groups_of_rhyme = []
        # the groups of each rhyme follow one another; `first_rows` says where each rhyme begins
        first_rows = self.constraints.rhyming.first_rows
        for groups_here in np.split(np.arange(len(outside)), first_rows[1:]):
            possible = [g for g in groups_here.tolist() if not outside[g] & locked]
            least = min((len(outside[g]) for g in possible), default=0)
            few = [g for g in possible if len(outside[g]) <= least + 1]
            if len(first_rows) > 1:  # several rhymes: keep the number of combinations small
                few = sorted(few, key=lambda g: len(outside[g]))[:2]
            groups_of_rhyme.append(few)
        return groups_of_rhyme

    def _rule(self, t: int, place: int, off_rhyme: Places) -> str:
        """Return the rule that the character at a position breaks under template `t`."""
        form = self.constraints.request.form
        if self.constraints.feet[place, t]:
            return "出韻" if place in off_rhyme else "重韻"
        if form.tune:
            return "失律"
        line, at = self.layout.where(place)
        return rule_at(self.constraints.line_types[t][line], line, at, form.width)

    def given_up(self) -> list[Clash]:
        """List the kept words without which the draft can be mended."""
        locked = Places()
        clashes = []
        for word, places in self.kept:
            if self.repairs(locked | places):
                locked |= places
            else:
                clashes.append(Clash(f"keep {word}", "keep", has=word))
        return clashes

    def tell_cost(self, cost: int) -> None:
        """Tell how many of the `cost` changes would not be needed if no word were kept."""
        if not self.kept:
            return
        fewest = self.repairs(Places())[0].cost
        if fewest == cost:
            return
        # Name the words each of which costs a change alone; if only several together do, name all.
        words = []
        for word, places in self.kept:
            if self.repairs(self.locked - places)[0].cost < cost:
                words.append(word)
        if not words:
            words = [word for word, _ in self.kept]
        code = "keep_costs_one" if cost - fewest == 1 else "keep_costs"
        tell(Note(code, field="keep", has=words, more=cost - fewest))

    def write(self, repairs: Sequence[Repair], count: int, seed: int) -> list[Mended]:
        """Write the characters that change, until there are `count` poems without a fault."""
        found: dict[str, Mended] = {}
        refused: Exception | None = None
        for _, same_cost in groupby(repairs, key=lambda repair: repair.cost):
            tried = list(islice(same_cost, MOST_TRIED))
            needed = count - len(found)
            # twice as many poems as are needed, since different repairs may give the same poem
            of_each = min(needed, math.ceil(2 * needed / len(tried)))
            written = []
            for repair in tried:
                try:
                    poems = self._poems(repair, len(tried), of_each, seed)
                except (InfeasibleError, UnfinishedError) as error:
                    refused = error  # raised below if no other repair gives a poem
                    continue
                for rank, poem in enumerate(poems):
                    written.append((rank, -poem.log_probability, poem, repair))
            # first the best poem of each repair, the likeliest first; then the second best ones
            written.sort(key=lambda entry: entry[:2])
            for _rank, _log_p, poem, repair in written:
                if str(poem) not in found and self._judge(poem.lines).ok:
                    found[str(poem)] = self._compare(repair, poem)
            if len(found) >= count:
                break
        if not found:
            raise refused or UnfinishedError("unmended")
        return list(found.values())[:count]

    def _poems(self, repair: Repair, repairs: int, count: int, seed: int) -> list[Poem]:
        """Write `count` poems with a repair; `repairs` of them share the sheet's particles."""
        share = self.sheet.particles // repairs
        particles = max(share, min(FEWEST, self.sheet.particles))
        template = None
        if repair.opening:
            template = opening_name(self.constraints.request.form.width, repair.opening[0])
        sheet = replace(
            self.sheet,
            lines=self.constraints.lines_of(repair.ids),
            template=template,
            rhyme=repair.rhyme,
            particles=particles,
        )
        sheet = sheet.free_places(repair.reasons)
        with noted():  # the user has been told already how the sheet was read
            starts = self.composer.prepare(read_request(self.composer.vocabulary, sheet))
            filling = Filling(self.composer, starts, sheet, seed, count)
            return filling.drafts()

    def _judge(self, lines: Sequence[str]) -> Verdict:
        return check(
            "，".join(lines),
            form=self.sheet.form,
            level=self.sheet.level,
            standard=self.sheet.standard,
        )

    def _compare(self, repair: Repair, poem: Poem) -> Mended:
        """Say by which swap and which changes a poem differs from the draft."""
        before = self.written
        swaps = []
        if repair.swap:
            before = "".join(self.constraints.lines_of(repair.ids))
            verdict_after = self._judge(self.layout.cut(before))
            rules_broken = Counter(fault.rule for fault in self.verdict.violations)
            still_broken = Counter(fault.rule for fault in verdict_after.violations)
            # A swap may mend nothing alone, and move a fault to where one more change mends it.
            mended = (rules_broken - still_broken) or rules_broken
            swaps.append(replace(repair.swap, rules=tuple(mended)))
        changes = []
        for place, (old, new) in enumerate(zip(before, "".join(poem.lines), strict=True)):
            if old not in (new, BLANK):  # a blank that is filled is no change
                line, position = self.layout_of_draft.numbered(place)
                # a place without a reason changes with a line that it repeats
                rules = (repair.reasons.get(place, "疊句"),)
                changes.append(Change(line, position, old, new, rules))
        poem = replace(poem, lines=self.layout_of_draft.cut("".join(poem.lines)))
        return Mended(poem=poem, changes=tuple(changes), swaps=tuple(swaps))


def _places_in(mask: Bool[Array, "P"], places: Sequence[int]) -> Places:
    """Return the positions among `places` that a mask marks."""
    return Places(place for place in places if mask[place])


def _smallest_sets(sets: Sequence[Places], locked: Places) -> list[Places]:
    """Return the smallest of the sets without a locked position; equal sets are listed once."""
    possible = [places for places in sets if not places & locked]
    least = min((len(places) for places in possible), default=0)
    return list(dict.fromkeys(places for places in possible if len(places) == least))
