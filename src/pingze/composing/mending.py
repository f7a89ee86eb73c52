"""Mend a poem by changing as few characters as possible so that no fault remains.

Under a template and a rhyme group, three sorts of positions must change: positions with the wrong
tone, rhymes outside the group, and repeated rhymes. If several rhymes have the same character, one
of them may keep it. Each couplet takes the tone patterns that leave the fewest wrong tones. The
smallest set of positions, over all templates and groups, gives the fewest changes. If several sets
are equally small, the model rewrites each, and the likeliest poem is chosen.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice, product

import numpy as np

from pingze.composing.composer import composer, seeds
from pingze.composing.constraints.masks import Constraints
from pingze.composing.options import Revising
from pingze.composing.poem import Poem, divided_as
from pingze.composing.revision import poem_of, poem_request
from pingze.errors import Clash, InfeasibleError, InputError, UnfinishedError
from pingze.messages import here
from pingze.network.checkpoint import Model
from pingze.verse.checking import check
from pingze.verse.ci import best_shape
from pingze.verse.context import in_context
from pingze.verse.forms import COUPLET, FORMS, Layout, find_form, opening_name, wrong_shape
from pingze.verse.patterns import CUSTOMARY
from pingze.verse.standard import PINGSHUI

MOST_TRIED = 12  # the maximum number of sets of positions, all equally small, that are rewritten
FEWEST = 16  # the minimum number of particles for each set of positions

Places = frozenset[int]


@dataclass(frozen=True)
class Change:
    """The replacement of one character."""

    line: int
    """The number of the character's line, from 1."""
    position: int
    """The position of the character in its line, from 1."""
    old: str
    """The character of the draft."""
    new: str
    """The new character."""
    rules: tuple[str, ...]
    """The rules, such as 孤平, that the mended poem would or might break if it still had the old character."""

    def __str__(self) -> str:
        return here("change", **asdict(self))


@dataclass(frozen=True)
class Mended:
    """A poem without faults, and its differences from the draft."""

    poem: Poem
    """The poem without faults."""
    changes: tuple[Change, ...]
    """The changed characters in the order of their positions; () if the draft had no faults."""


Repair = tuple[str, str, Places]
"""A way to mend a draft: the opening of a template, a rhyme group, and the positions in the text that change."""


def mend(
    text: str,
    *,
    keep: Sequence[str] = (),
    form: str | None = None,
    level: str = CUSTOMARY,
    standard: str = PINGSHUI.name,
    title: str | None = None,
    poet: str | None = None,
    temperature: float = Revising.temperature,
    top_p: float = Revising.top_p,
    particles: int = Revising.particles,
    seed: int | None = None,
    model: Model | None = None,
) -> Mended:
    """Mend a regulated poem or a 詞 by changing as few characters as possible.

    Args:
        text: The draft, as a person writes it.
        keep: Words of the draft that must not change.
        form: The form 體 of the mended poem, as 七律; by default the form that has the draft's
            shape.
        level: How strictly tones are judged: customary or strict.
        standard: How characters are read: pingshui, tongyun or xinyun.
        title: A title, for models that know titles.
        poet: The poet whose manner to imitate, for models that know poets.
        temperature: How new characters are drawn: 0 takes the likeliest, 1 draws as the model
            would; up to 100.
        top_p: The probability of the nucleus from which characters are drawn, above 0; 1 for all
            characters.
        particles: The total number of particles, shared by all ways to mend, from 1 to 4096.
        seed: A whole number from 0; the same seed gives the same mended poem.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export.

    Raises InputError if a draft with faults has the shape of no regulated form, or a word to keep
    is not in the draft; InfeasibleError if every way to keep the words leaves a fault;
    UnfinishedError if no particle was finished; CheckpointError if the model cannot be read.
    """
    rules, judged = (
        Revising(level=level, standard=standard),
        partial(check, level=level, standard=standard),
    )
    asked = replace(
        rules,
        title=title,
        poet=poet,
        temperature=temperature,
        top_p=top_p,
        particles=particles,
        seed=seed,
    )
    # 1. Read the draft in the form of the mended poem.
    verdict = judged(text, form=form)
    if verdict.form == COUPLET:
        raise InputError("not_regulated", field="text")
    chosen = composer(model, asked, form=form or verdict.form)
    draft = poem_of(verdict, title, poet)
    written = draft.lines
    if not verdict.ok:
        named = form or (verdict.form if verdict.form and find_form(verdict.form).tune else None)
        forms = [each for each in FORMS.values() if each.cut(written)]
        if named:
            forms = [best_shape(written, find_form(named), CUSTOMARY, PINGSHUI)]
        if not (fitting := next((each for each in forms if each.regulated or each.tune), None)):
            raise InputError("not_regulated", field="text")
        if not fitting.cut(written):
            raise wrong_shape("text", fitting)
        draft = replace(draft, form=fitting.name, template=None, rhyme=None)
    texts = verdict.lines, draft.lines
    locked = _locked(texts, keep)
    if verdict.ok and not verdict.doubts:
        return Mended(draft, ())
    # 2. Repeat the lines that the tune repeats 疊句, if possible without changing locked positions.
    layout, characters = Layout(map(len, written)), list("".join(written))
    for same in map(find_form(draft.form).same, range(len(characters))):
        kept_place = next((each for each in same if each in locked), same[0])
        for each in same:
            characters[each] = characters[kept_place]
    draft = replace(draft, lines=layout.cut("".join(characters)))
    # 3. Find the fewest positions to change, reading characters in context if possible, or else the
    #    words to give up.
    request = poem_request(chosen, draft, asked=rules)
    lexicon = chosen.lexicon(request)
    constraints = Constraints(lexicon, request)
    # (詞 are not judged by the tones that words decide)
    reading = lexicon if request.form.tune else lexicon.reading(request)
    repairs = fewest(Constraints(reading, request), locked)
    if not repairs and verdict.ok:
        return Mended(draft, ())
    if not (repairs := repairs or fewest(constraints, locked)):
        kept, given_up = list[str](), list[Clash]()
        for word in keep:
            if fewest(constraints, _locked(texts, [*kept, word])):
                kept.append(word)
            else:
                given_up.append(Clash(f"keep {word}", "keep", has=word))
        raise InfeasibleError(draft.form, given_up)
    # 4. Rewrite these positions in at most `MOST_TRIED` of the ways to mend the draft, and choose
    #    the likeliest poem.
    poems, refused, first, tried = list[Poem](), None, seeds(asked)[0], repairs[:MOST_TRIED]
    drawn = replace(asked, particles=max(min(FEWEST, particles), particles // len(tried)))
    ids = chosen.vocabulary.ids
    for opening, rhyme, places in tried:
        template = opening_name(len(written[0]), opening[0]) if opening else None
        poem = replace(draft, template=template, rhyme=rhyme)
        old = {place: ids[characters[place]] for place in places if characters[place] in ids}
        try:
            inclusion = chosen.prepare(poem_request(chosen, poem, places, rules), old)
            poems.append(chosen.write(inclusion, drawn, first))
        except InfeasibleError as error:
            refused = error
    if not (faultless := [poem for poem in poems if judged(str(poem), form=poem.form).ok]):
        raise refused or UnfinishedError("unmended")
    poem = divided_as(max(faultless, key=lambda poem: poem.log_probability), draft)
    # 5. Name the rules that the mended poem would break with each old character.
    changes, after = [], "".join(poem.lines)
    for place, (before, now) in enumerate(zip("".join(written), after, strict=True)):
        if before != now:
            restored = layout.cut(after[:place] + before + after[place + 1 :])
            verdict = judged("，".join(restored), form=poem.form)
            broken = [fault.rule for fault in verdict.violations]
            broken += [str(doubt.cause["rule"]) for doubt in verdict.doubts]
            changes.append(
                Change(*layout.numbered(place), before, now, tuple(dict.fromkeys(broken)))
            )
    return Mended(poem, tuple(changes))


def _locked(texts: tuple[Sequence[str], Sequence[str]], keep: Sequence[str]) -> Places:
    """Return the positions of the words to keep.

    `texts` has the lines as typed, and the lines as read (Traditional).

    A word that is not in the lines as typed is looked up in the lines as read. Raises InputError if
    it is in neither.
    """
    locked, layout = set[int](), Layout(map(len, texts[0]))
    for word in filter(None, map(str.strip, keep)):
        for lines, found in zip(texts, (word, in_context(word)), strict=True):
            starts = [
                layout.starts[number] + at
                for number, line in enumerate(lines)
                for at in range(len(line))
                if line.startswith(found, at)
            ]
            if starts:
                break
        else:
            raise InputError("not_in_poem", field="keep", has=word)
        locked |= {start + at for start in starts for at in range(len(word))}
    return frozenset(locked)


def fewest(constraints: Constraints, locked: Places = frozenset()) -> list[Repair]:
    """List the repairs that change the fewest positions; [] if every repair would change a locked position."""
    request, ids = constraints.request, constraints.fixed
    size, rhyming = constraints.size, constraints.rhyming
    assert ids is not None, "a draft has one character a place"
    fits = [constraints.fits(place, id_) for place, id_ in enumerate(ids)]
    rhymes = [rhyming.fitting(place, generous=True)[:, id_] for place, id_ in enumerate(ids)]
    by_count: dict[int, list[tuple[int, list[str], list[list[Places]]]]] = defaultdict(list)
    for t in range(len(request.openings)):
        feet = np.flatnonzero(constraints.feet[:, t]).tolist()
        outside = [Places(p for p in feet if not rhymes[p][g]) for g in range(len(request.groups))]
        # 1. The groups to try for each rhyme; if there are several rhymes, only two that change the
        #    fewest positions.
        groups_of_rhyme = []
        for rows in np.split(np.arange(len(outside)), rhyming.first_rows[1:]):
            possible = [row for row in rows.tolist() if not outside[row] & locked]
            if len(rhyming.first_rows) > 1:
                least = min((len(outside[row]) for row in possible), default=0)
                possible = [row for row in possible if len(outside[row]) == least][:2]
            groups_of_rhyme.append(possible)
        for groups in product(*groups_of_rhyme):
            # 2. The rhyme feet outside the groups, and all but one of the rhyme feet that share a
            #    character.
            off = Places().union(*(outside[g] for g in groups))
            parts = [[off]]
            alone = [] if request.form.tune else feet  # in 詞, poets may repeat a rhyme
            for id_ in dict.fromkeys(ids[place] for place in alone if place not in off):
                same = [place for place in alone if ids[place] == id_]
                parts.append([Places(same) - {kept} for kept in same])
            # 3. The positions of the wrong tone, under each way to write each couplet.
            for k in range(constraints.places // size):
                places = [place for place in range(k * size, (k + 1) * size) if place not in feet]
                ways = np.flatnonzero(constraints.exists[t, k])
                parts.append([Places(p for p in places if not fits[p][t, way]) for way in ways])
            # 4. The smallest sets of each part that include no locked position.
            parts = [[places for places in part if not places & locked] for part in parts]
            if all(parts):
                smallest = [
                    [each for each in part if len(each) == min(map(len, part))] for part in parts
                ]
                named = [request.groups[g] for g in groups]
                by_count[sum(len(part[0]) for part in smallest)].append((t, named, smallest))
    repairs = (
        (request.openings[t], "、".join(named), Places().union(*chosen))
        for t, named, parts in by_count[min(by_count, default=0)]
        for chosen in islice(product(*parts), MOST_TRIED)
    )
    return list(dict.fromkeys(repairs))
