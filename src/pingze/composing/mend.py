"""A draft with faults becomes a poem without them, by the fewest characters changed.

For each template and each rhyme group the places are found whose characters cannot stay: those of the wrong tone, by
the best way to write each couplet; feet outside the group; all but one of the feet that have the same character. What
remains fits, so the smallest such sets are the fewest changes. Among them the model chooses, by the probability of the
whole poem.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice, product
from pathlib import Path

import numpy as np

from pingze.composing.compose import refuse_conditions, seeds
from pingze.composing.composer import Composer, composer
from pingze.composing.constraints.inclusion import Inclusion
from pingze.composing.constraints.masks import Constraints
from pingze.composing.poem import Poem
from pingze.composing.request.options import Revising
from pingze.composing.revise import poem_of, poem_request
from pingze.errors import Clash, InfeasibleError, InputError, UnfinishedError
from pingze.verse import check
from pingze.verse.context import in_context
from pingze.verse.forms import FORMS, Form, find_form, opening_name
from pingze.verse.patterns import CUSTOMARY

MOST_TRIED = 12
"""Of equally small sets of places so many are written."""

FEWEST = 16
"""With so many texts at least each of them is written."""

Places = frozenset[int]


@dataclass(frozen=True)
class Change:
    """A character that another one replaced."""

    line: int
    """The line's number, from 1."""
    position: int
    """The character's, from 1."""
    old: str
    """The character of the draft."""
    new: str
    """The one that stands there now."""
    rules: tuple[str, ...]
    """What the mended poem would break with the old one, as 孤平."""

    def __str__(self) -> str:
        return (
            f"line {self.line}, character {self.position}: {self.old} → {self.new} ({'、'.join(self.rules)})"
        )


@dataclass(frozen=True)
class Mended:
    """A poem without faults, and what of the draft was changed."""

    poem: Poem
    """Without faults."""
    changes: tuple[Change, ...]
    """What differs from the draft, in the order of the places; () where it had no faults."""

    def as_json(self) -> dict[str, object]:
        """The fields by name."""
        return asdict(self)


@dataclass(frozen=True)
class _Repair:
    """One way to mend: a template, a rhyme group, and the places that change."""

    opening: str
    rhyme: str
    places: Places


def mend(
    text: str,
    *,
    keep: Sequence[str] = (),
    form: str | None = None,
    level: str = CUSTOMARY,
    title: str | None = None,
    poet: str | None = None,
    temperature: float = Revising.temperature,
    top_p: float = Revising.top_p,
    particles: int = Revising.particles,
    seed: int | None = None,
    model: str | Path | None = None,
) -> Mended:
    """A regulated poem without its faults, with the fewest characters changed.

    Args:
        text: The draft, as a person writes it.
        keep: Words of it that stay.
        form: The form 體 to mend it to, as 七律, where its shape is not to decide.
        level: How strictly tones are judged, customary or strict.
        title: A title, for models that know titles.
        poet: Whose manner, for models that know poets.
        temperature: How new characters are drawn: 0 takes the likeliest, 1 draws as the model would; up to 100.
        top_p: Below 1, the likeliest characters that together have this share at each place; above 0.
        particles: How many texts are written side by side, over all ways to mend, 1 to 4096.
        seed: From 0; the same seed mends the same again.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export.

    Raises InputError on a draft with faults that has no regulated form's shape, a word to keep that is not in it, or a
    character that the model does not know; InfeasibleError where what is to be kept leaves a fault; UnfinishedError
    where no draft came to an end; CheckpointError on a model that cannot be read.
    """
    asked = Revising(
        level=level,
        title=title,
        poet=poet,
        temperature=temperature,
        top_p=top_p,
        particles=particles,
        seed=seed,
    )
    chosen = composer(model)
    refuse_conditions(chosen.name, chosen.conditions, asked)
    verdict = check(text, form=form, level=level)
    written = poem_of(verdict, title, poet)
    draft = written if verdict.ok else _draft(written, form)
    texts = verdict.lines, draft.lines
    locked = _locked(texts, keep)
    if verdict.ok:
        return Mended(draft, ())
    constraints = Constraints(chosen.lexicon, poem_request(chosen, draft, asked=Revising(level=level)))
    repairs = fewest(constraints, locked)
    if not repairs:
        raise InfeasibleError(draft.form, _given_up(constraints, texts, keep))
    poem = _best(chosen, draft, repairs, asked)
    return Mended(poem, tuple(_changes(draft.lines, poem, level)))


def _draft(written: Poem, form: str | None) -> Poem:
    """The draft as a poem of the regulated form that it is to have, with neither template nor rhyme."""
    lines = written.lines
    found = find_form(form) if form else _regulated_form(lines)
    if found is None or not found.regulated:
        raise InputError(
            "a draft to mend has the lines of 絕, 律 or 排, of five or seven characters",
            field="text",
            code="not_regulated",
        )
    if not found.takes(len(lines)) or any(len(line) != found.width for line in lines):
        raise InputError(
            f"a {found.name} has {found.size}, of {found.width} characters each: add or take away what differs",
            field="text",
            code="shape",
            form=found.name,
            wanted=found.lines,
            width=found.width,
        )
    return replace(written, form=found.name, template=None, rhyme=None)


def _regulated_form(lines: Sequence[str]) -> Form | None:
    widths = {len(line) for line in lines}
    return next(
        (
            form
            for form in FORMS.values()
            if form.regulated and form.takes(len(lines)) and widths == {form.width}
        ),
        None,
    )


def _locked(texts: tuple[Sequence[str], Sequence[str]], keep: Sequence[str]) -> Places:
    """The places of every occurrence of the words to keep, in the lines as they were written or as they were read.

    Raises InputError where one does not occur.
    """
    written, read = texts
    locked = set[int]()
    for word in filter(None, map(str.strip, keep)):
        starts = _starts(written, word) or _starts(read, in_context(word))
        if not starts:
            raise InputError(f"{word} is to be kept, but no line of the poem has it", field="keep", has=word)
        locked |= {start + at for start in starts for at in range(len(word))}
    return frozenset(locked)


def _starts(lines: Sequence[str], word: str) -> list[int]:
    width = len(lines[0])
    return [
        number * width + at
        for number, line in enumerate(lines)
        for at in range(width)
        if line.startswith(word, at)
    ]


def _given_up(
    constraints: Constraints, texts: tuple[Sequence[str], Sequence[str]], keep: Sequence[str]
) -> list[Clash]:
    """The words to give up so that the others can be kept, late ones first; none of them could be kept."""
    kept: list[str] = []
    given_up = []
    for word in keep:
        if fewest(constraints, _locked(texts, [*kept, word])):
            kept.append(word)
        else:
            given_up.append(Clash(f"keep {word}", "keep", has=word))
    return given_up


# -- the fewest places ------------------------------------------------------------------------------------------


def fewest(constraints: Constraints, locked: Places = frozenset()) -> list[_Repair]:
    """The ways to mend the text that a request fixes that change the fewest places, none of them locked.

    There are none where the locked places alone leave a fault.
    """
    request, ids = constraints.request, constraints.fixed
    assert ids is not None, "a draft has one character a place"
    by_count: dict[int, list[tuple[int, int, list[list[Places]]]]] = defaultdict(list)
    wrong = _wrong_tones(constraints, ids)
    for t, g in product(range(len(request.openings)), range(len(request.groups))):
        feet = [place for place in range(constraints.places) if constraints.is_foot(place)[t]]
        off = Places(
            place for place in feet if not constraints.rhymes_at(place, generous=True)[g, ids[place]]
        )
        parts = [[off], *_repeated([place for place in feet if place not in off], ids)]
        parts += [[places - Places(feet) for places in wrong[t, k]] for k in range(request.lines // 2)]
        parts = [[places for places in part if not places & locked] for part in parts]
        if all(parts):
            smallest = [[each for each in part if len(each) == min(map(len, part))] for part in parts]
            by_count[sum(len(part[0]) for part in smallest)].append((t, g, smallest))
    repairs = (
        _Repair(request.openings[t], request.groups[g], Places().union(*chosen))
        for t, g, parts in by_count[min(by_count, default=0)]
        for chosen in islice(product(*parts), MOST_TRIED)
    )
    return list(dict.fromkeys(repairs))


def _wrong_tones(constraints: Constraints, ids: Sequence[int]) -> dict[tuple[int, int], list[Places]]:
    """For each template and couplet, for each way to write it, the places whose character has the wrong tone."""
    found = {}
    size = 2 * constraints.width
    for k in range(constraints.request.lines // 2):
        places = range(k * size, (k + 1) * size)
        fits = np.stack(
            [
                constraints.fits(constraints.asked[:, k, :, at], np.array(ids[place]), np.array(True))
                for at, place in enumerate(places)
            ]
        )
        for t in range(len(constraints.kinds)):
            ways = np.flatnonzero(constraints.exists[t, k])
            found[t, k] = [
                Places(place for at, place in enumerate(places) if not fits[at, t, way]) for way in ways
            ]
    return found


def _repeated(feet: Sequence[int], ids: Sequence[int]) -> list[list[Places]]:
    """For each character that rhymes more than once, the sets of feet that leave one of them."""
    by_character: dict[int, list[int]] = defaultdict(list)
    for place in feet:
        by_character[ids[place]].append(place)
    return [
        [Places(places) - {kept} for kept in places] for places in by_character.values() if len(places) > 1
    ]


# -- what stands there instead ----------------------------------------------------------------------------------


def _best(chosen: Composer, draft: Poem, repairs: Sequence[_Repair], asked: Revising) -> Poem:
    """The likeliest of the poems that the model writes, one for each way to mend."""
    poems, refused, seed = [], None, seeds(asked)[0]
    tried = repairs[:MOST_TRIED]
    particles = max(min(FEWEST, asked.particles), asked.particles // len(tried))
    sampling = replace(asked.sampling, particles=particles)
    for repair in tried:
        try:
            inclusion = _opened(chosen, draft, repair, asked.level)
            poems.append(chosen.write(inclusion, sampling, seed))
        except InfeasibleError as error:
            refused = error
    kept = [poem for poem in poems if check(str(poem), form=poem.form, level=asked.level).ok]
    if not kept:
        raise refused or UnfinishedError("no draft came to an end: try another seed")
    return max(kept, key=lambda poem: poem.log_probability)


def _opened(chosen: Composer, draft: Poem, repair: _Repair, level: str) -> Inclusion:
    """The draft with the places of a repair free, each for another character than stood there."""
    width = len(draft.lines[0])
    template = opening_name(width, repair.opening[0])
    poem = replace(draft, template=template, rhyme=repair.rhyme)
    ids = chosen.vocabulary.ids
    old = {place: ids[draft.lines[place // width][place % width]] for place in repair.places}
    return chosen.prepare(poem_request(chosen, poem, repair.places, Revising(level=level)), old)


def _changes(lines: Sequence[str], poem: Poem, level: str) -> Iterator[Change]:
    """What differs from the draft, and what each old character would break in the mended poem."""
    for number, (old_line, line) in enumerate(zip(lines, poem.lines, strict=True)):
        for at, (old, new) in enumerate(zip(old_line, line, strict=True)):
            if old != new:
                restored = [*poem.lines]
                restored[number] = line[:at] + old + line[at + 1 :]
                faults = check("，".join(restored), form=poem.form, level=level).violations
                rules = tuple(dict.fromkeys(fault.rule for fault in faults))
                yield Change(number + 1, at + 1, old, new, rules)
