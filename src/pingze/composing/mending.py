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
from pingze.composing.poem import Poem, divided_as
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
from pingze.verse.forms import COUPLET, FORMS, find_form, opening_name, wrong_shape
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
        level, standard, title, poet: Options of a `Sheet`, which explains them.
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
        composer = load_composer(model, asked, form=form or verdict.form)
        if not verdict.ok:
            # the template and rhyme that fit the faulty draft best may not be those of the mended
            poem = replace(poem, form=_form(verdict, form), template=None, rhyme=None)
        sheet = Sheet.of(poem, **vars(asked))
    sheet = _kept(sheet, verdict.lines, keep)
    if verdict.ok and sheet.is_full:
        return [Mended(poem, ())]
    # 2. Find the changes.
    mending = Mending(composer, sheet, verdict)
    repairs = mending.repairs(mending.locked)
    if not repairs:
        raise InfeasibleError(sheet.form, mending.given_up())
    mending.tell_cost(repairs[0].cost)
    # 3. Let the model write them.
    if seed is None:
        seed = sheet.seed or 0
    found = mending.write(repairs, count, seed)
    if sheet.shape.tune:  # the user may have divided the lines in other places
        found = [replace(mended, poem=divided_as(mended.poem, poem)) for mended in found]
    return found


def _form(verdict: Verdict, name: str | None) -> str:
    """Return the name of the form to which a draft with faults is mended.

    Raises InputError if the draft has the shape of no such form.
    """
    lines = verdict.read
    # 1. A form that is named. Of a 詞 to a tune, the checker's shape is taken; of 詩, the checker
    #    may say 古 where a 律 with faults is meant.
    if name is None and verdict.form and find_form(verdict.form).tune:
        name = verdict.form
    if name is not None:
        form = best_shape(lines, find_form(name), CUSTOMARY, PINGSHUI)  # of a tune's shapes
        if not form.regulated and not form.tune:
            raise InputError("not_regulated", field="text")
        if not form.cut(lines):
            raise wrong_shape("text", form)
        return form.name
    # 2. Else the regulated form with lines of this number and width.
    for form in FORMS.values():
        if form.regulated and form.cut(lines):
            return form.name
    raise InputError("not_regulated", field="text")


def _kept(sheet: Sheet, typed: Sequence[str], words: Sequence[str]) -> Sheet:
    """Keep the words of a draft on its sheet.

    A word that is not in the lines as typed is looked up in the lines as read. Raises InputError if
    it is in neither.
    """
    rows = sheet.rows
    masks = []
    for number, row in enumerate(rows):
        kept = sheet.kept[number] if number < len(sheet.kept) else ""
        mask = []
        for character, is_kept in zip(row, kept.ljust(len(row), "0"), strict=True):
            mask.append("0" if character == BLANK else is_kept)
        masks.append(mask)
    for typed_word in words:
        word = typed_word.strip()
        found = False
        for lines, wanted in ((typed, word), (rows, in_context(word))):
            if found or not wanted:
                continue
            for mask, line in zip(masks, lines, strict=True):
                for at in range(len(line)):
                    if line.startswith(wanted, at):
                        mask[at : at + len(wanted)] = "1" * len(wanted)
                        found = True
        if word and not found:
            raise InputError("not_in_poem", field="keep", has=word)
    return replace(sheet, kept=["".join(mask) for mask in masks])


class Mending:
    """The work on one draft: which of its characters may not change, and the ways to mend it."""

    def __init__(self, composer: Composer, sheet: Sheet, verdict: Verdict) -> None:
        self.composer = composer
        self.verdict = verdict
        self.layout = sheet.shape.layout(sheet.count_of_lines)
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
        # 2. Repeat the lines that the tune repeats 疊句, as a kept character has them.
        text = list(self.written)
        for place in range(len(text)):
            if place in self.locked:
                continue
            same = sheet.shape.same(place)
            locked = [at for at in same if at in self.locked]
            written = [at for at in same if text[at] != BLANK]  # or copied by now
            sources = locked or written or same
            text[place] = text[sources[0]]
        # 3. Compile what is written. An excluded character that stands may stay.
        exclude = "".join(character for character in sheet.exclude if character not in text)
        self.sheet = replace(sheet, lines=self.layout.cut("".join(text)), exclude=exclude)
        bare = replace(self.sheet, include="", exclude="", exclude_at=[], was=[])
        request = read_request(composer.vocabulary, bare)
        self.constraints = Constraints(composer.lexicon(request), request)
        if self.constraints.fixed is None:
            composer.prepare(request)  # says which characters clash
        self.ids: Fixes = self.constraints.fixed or ()

    def repairs(self, locked: Places) -> list[Repair]:
        """List the repairs that change no locked position, fewest changes first.

        Parts change places only if no other repair has fewer changes.
        """
        found = self.fewest(self.ids, locked)
        least = min((repair.cost for repair in found), default=len(self.ids))
        swapped: list[Repair] = []
        for ids, swap in self._swapped(locked):
            _, _, costs = self.constraints.costs(ids)
            if costs.min() >= least:
                continue  # as it takes one more for the swap
            for repair in self.fewest(ids, locked, swap):
                if repair.cost < least:
                    least = repair.cost
                    swapped = []
                if repair.cost == least:
                    swapped.append(repair)
        found = sorted(found + swapped, key=lambda repair: repair.cost)
        # leave out what changes more than another repair does
        needed: list[Repair] = []
        for repair in found:
            same_text = [other for other in needed if other.ids == repair.ids]
            places = set(repair.reasons)
            if not any(places > set(other.reasons) for other in same_text):
                needed.append(repair)
        return needed

    def _swapped(self, locked: Places) -> Iterator[tuple[Fixes, Swap]]:
        """Yield the text with two parts in each other's place, and say which.

        The parts are two couplets, two words of a line, or the two characters of a word.
        """
        form = self.constraints.request.form
        pairs: list[tuple[range, range]] = []
        if form.regulated:
            couplet_size = self.constraints.couplet_size
            starts = range(0, len(self.ids), couplet_size)
            couplets = [range(start, start + couplet_size) for start in starts]
            pairs += combinations(couplets, 2)
        for line, width in enumerate(self.layout.widths):
            start = self.layout.starts[line]
            words = [range(start + at, start + at + 2) for at in sorted(word_starts(2, width))]
            pairs += [(word[:1], word[1:]) for word in words]  # the characters of a word
            for word, later in combinations(words, 2):
                # two words of the last three characters overlap
                overlap = later.start < word.stop
                if not overlap:
                    pairs.append((word, later))
        for first, second in pairs:
            ids = list(self.ids)
            ids[first.start : first.stop] = self.ids[second.start : second.stop]
            ids[second.start : second.stop] = self.ids[first.start : first.stop]
            moved = {*first, *second}
            if moved & locked or moved & self.constraints.echoes.keys():
                continue
            if FREE in ids or tuple(ids) == self.ids:  # a text with blanks is not rearranged
                continue
            if self.constraints.spells_unwanted(ids, self.ids):
                continue
            line, position = self.layout.numbered(first.start)
            other_line, other_position = self.layout.numbered(second.start)
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
        wrong, unrhymed = constraints.misfits(range(len(ids)), ids)
        found = []
        for t, opening in enumerate(request.openings):
            # 1. The positions of the wrong tone, under each way to write each couplet.
            by_couplet = []
            for k in range(len(ids) // constraints.couplet_size):
                couplet = range(k * constraints.couplet_size, (k + 1) * constraints.couplet_size)
                ways = np.flatnonzero(constraints.exists[t, k])
                by_way = [_marked(wrong[:, t, way], couplet) for way in ways]
                by_couplet.append(_smallest(by_way, locked))
            # 2. The groups to try for each rhyme: those that change the fewest rhymes, or one more.
            feet = np.flatnonzero(constraints.feet[:, t]).tolist()
            groups_of_request = range(len(request.groups))
            # for each group, the feet whose characters are not in it
            outside = [_marked(unrhymed[:, t, g], feet) for g in groups_of_request]
            groups_of_rhyme = []
            first_rows = constraints.rhyming.first_rows
            for rows in np.split(np.arange(len(outside)), first_rows[1:]):
                possible = [row for row in rows.tolist() if not outside[row] & locked]
                least = min((len(outside[row]) for row in possible), default=0)
                few = [row for row in possible if len(outside[row]) <= least + 1]
                if len(first_rows) > 1:  # several rhymes: keep the number of combinations small
                    few = sorted(few, key=lambda row: len(outside[row]))[:2]
                groups_of_rhyme.append(few)
            # 3. For each choice of groups, all but one of the rhymes that share a character change.
            for groups in product(*groups_of_rhyme):
                off_rhyme = Places().union(*(outside[g] for g in groups))
                # each item lists the sets of positions of which one must change
                alternatives = [*by_couplet, [off_rhyme]]
                rhyming = [at for at in feet if at not in off_rhyme]
                if request.form.tune:
                    rhyming = []  # in 詞, poets may repeat a rhyme
                for id_ in dict.fromkeys(ids[at] for at in rhyming if ids[at] != FREE):
                    same = Places(at for at in rhyming if ids[at] == id_)
                    all_but_one = [same - {at} for at in sorted(same)]
                    alternatives.append(_smallest(all_but_one, locked))
                for choice in islice(product(*alternatives), MOST_TRIED):
                    places = Places().union(*choice)
                    found.append(
                        Repair(
                            ids=ids,
                            swap=swap,
                            opening=opening,
                            rhyme="、".join(request.groups[g] for g in groups),
                            reasons={at: self._rule(t, at, off_rhyme) for at in sorted(places)},
                        )
                    )
        return found

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
        """Tell how many more changes the kept words take."""
        fewest = self.repairs(Places())[0].cost if self.kept else cost
        if fewest == cost:
            return
        words = []
        for word, places in self.kept:
            if self.repairs(self.locked - places)[0].cost < cost:
                words.append(word)
        code = "keep_costs_one" if cost - fewest == 1 else "keep_costs"
        words = words or [word for word, _ in self.kept]
        tell(Note(code, field="keep", has=words, more=cost - fewest))

    def write(self, repairs: Sequence[Repair], count: int, seed: int) -> list[Mended]:
        """Write the characters that change, until there are `count` poems without a fault."""
        found: dict[str, Mended] = {}
        refused: Exception | None = None
        for _, same_cost in groupby(repairs, key=lambda repair: repair.cost):
            tried = list(islice(same_cost, MOST_TRIED))
            needed = count - len(found)
            of_each = min(needed, math.ceil(2 * needed / len(tried)))  # some are alike
            written = []
            for repair in tried:
                try:
                    poems = self._poems(repair, len(tried), of_each, seed)
                except (InfeasibleError, UnfinishedError) as error:
                    refused = error
                    continue
                for rank, poem in enumerate(poems):
                    written.append((rank, -poem.log_probability, poem, repair))
            # the best poem of each repair, then the next best ones
            written.sort(key=lambda entry: entry[:2])
            for _rank, _log_p, poem, repair in written:
                if str(poem) not in found and self._check(poem.lines).ok:
                    found[str(poem)] = self._mended(repair, poem)
            if len(found) >= count:
                break
        if not found:
            raise refused or UnfinishedError("unmended")
        return list(found.values())[:count]

    def _poems(self, repair: Repair, repairs: int, count: int, seed: int) -> list[Poem]:
        """Write `count` poems with one of several repairs."""
        particles = max(min(FEWEST, self.sheet.particles), self.sheet.particles // repairs)
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
        for place in repair.reasons:
            line, position = self.layout.numbered(place)
            sheet = sheet.free(line, position, position)
        with noted():  # what there is to say of the sheet has been said
            starts = self.composer.prepare(read_request(self.composer.vocabulary, sheet))
            filling = Filling(self.composer, starts, sheet, seed, count)
            return filling.drafts()

    def _check(self, lines: Sequence[str]) -> Verdict:
        return check(
            "，".join(lines),
            form=self.sheet.form,
            level=self.sheet.level,
            standard=self.sheet.standard,
        )

    def _mended(self, repair: Repair, poem: Poem) -> Mended:
        """Compare a poem with the draft."""
        before = self.written
        swaps = []
        if repair.swap:
            before = "".join(self.constraints.lines_of(repair.ids))
            had = Counter(fault.rule for fault in self.verdict.violations)
            left = Counter(fault.rule for fault in self._check(self.layout.cut(before)).violations)
            mended = had - left
            if not mended:  # the swap only moves a fault to where one more change mends it
                mended = had
            swaps.append(replace(repair.swap, rules=tuple(mended)))
        changes = []
        for place, (old, new) in enumerate(zip(before, "".join(poem.lines), strict=True)):
            if old not in (new, BLANK):
                line, position = self.layout.numbered(place)
                rules = (repair.reasons.get(place, "疊句"),)
                changes.append(Change(line, position, old, new, rules))
        return Mended(poem=poem, changes=tuple(changes), swaps=tuple(swaps))


def _marked(mask: Bool[Array, "P"], places: Sequence[int]) -> Places:
    """Return those of some positions that a mask marks."""
    return Places(place for place in places if mask[place])


def _smallest(parts: Sequence[Places], locked: Places) -> list[Places]:
    """Return the smallest of some sets of positions that have no locked one, each once."""
    possible = [places for places in parts if not places & locked]
    least = min((len(places) for places in possible), default=0)
    return list(dict.fromkeys(places for places in possible if len(places) == least))
