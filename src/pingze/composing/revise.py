"""推敲: write some places of a poem again and keep all else."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path
from typing import Unpack

import numpy as np

from pingze.arrays import Array
from pingze.composing.compose import refuse_conditions, seeds
from pingze.composing.composer import Composer, composer
from pingze.composing.constraints.inclusion import Inclusion
from pingze.composing.constraints.lexicon import FREE
from pingze.composing.poem import Poem
from pingze.composing.request.input_characters import known_character, tell_converted
from pingze.composing.request.options import MOST_LINES, Composing, Kept, Revising, check_bounds, too_long
from pingze.composing.request.parse import in_order, read_request
from pingze.composing.request.request import Fixed, Request
from pingze.deadline import check_deadline
from pingze.errors import InputError, wrong_type
from pingze.verse import Verdict, check
from pingze.verse.context import lines_in_context
from pingze.verse.patterns import CUSTOMARY
from pingze.verse.rhyme_groups import GROUPS

Target = int | tuple[int, int]
"""A line, or a line and a position in it; both count from 1."""

TRIED = 64
"""Of the characters that may stand at a place so many are weighed by the whole poem: those likeliest there."""


@dataclass(frozen=True)
class Alternative:
    """A character that could stand at a place, and what the poem would be worth."""

    character: str
    """One Han character."""
    log_probability: float
    """ln p of the whole poem with it, marks and end included."""


def read_poem(text: str, *, form: str | None = None, level: str = CUSTOMARY) -> Poem:
    """A poem as a person writes it; its form, template and rhyme as the checker finds them.

    Args:
        text: The poem, with or without marks, one or more lines a row.
        form: Its form 體, as 七古, where its shape leaves a choice.
        level: How strictly tones are judged, customary or strict.

    Raises InputError on a text that has no form's shape, or an unknown form or level.
    """
    verdict = check(text, form=form, level=level)
    if verdict.form is None:
        # How it was read is no reason.
        notes = [note for note in verdict.notes if note.cause["code"] != "chosen"]
        raise InputError(
            f"this is no poem to revise: {'; '.join(notes) or 'it has no lines'}",
            field="poem",
            code="no_poem",
        )
    return poem_of(verdict)


def poem_of(verdict: Verdict, title: str | None = None, poet: str | None = None) -> Poem:
    """The poem that was checked; its Simplified characters are read as Traditional ones, with a ConversionWarning."""
    rhyme = verdict.rhyme if verdict.rhyme in GROUPS else None  # old-style verse may mix several
    lines = traditional_lines(verdict.lines)
    return Poem(verdict.form or "", verdict.template, rhyme, title, poet, 0, "", lines, 0.0)


def traditional_lines(lines: Sequence[str]) -> list[str]:
    """A poem's lines in Traditional characters, each read beside its neighbours; what changes is told."""
    read = lines_in_context(lines)
    tell_converted("poem", "".join(lines), "".join(read))
    return read


def revise(
    poem: Poem,
    targets: Iterable[Target],
    *,
    temperature: float = Revising.temperature,
    top_p: float = Revising.top_p,
    particles: int = Revising.particles,
    seed: int | None = None,
    model: str | Path | None = None,
    **constraints: Unpack[Kept],
) -> Poem:
    """The poem with the targets written again: everything else, its form, template and rhyme group are kept.

    What follows a target weighs as much as what comes before it: a particle is worth the probability of the whole
    poem. At each place another character is drawn than stood there, unless only that one can stand.

    Args:
        poem: As `compose` and `read_poem` give it.
        targets: What is written again: lines, as 2, and characters as (line, position); both count from 1.
        temperature: 0 takes the likeliest character, 1 draws as the model would; up to 100.
        top_p: Below 1, the likeliest characters that together have this share at each place; above 0.
        particles: How many texts are written side by side, 1 to 4096.
        seed: From 0; the same seed writes the same again.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export.
        **constraints: Those of `compose`: lines, level, template, rhyme, acrostic, acrostic_at, include, exclude,
            repeat, original, antithesis, taste, title, poet, about, mood. What is not given stays as the poem has it.

    Raises InputError on a target outside the poem or a bad value, InfeasibleError when what is kept breaks the
    constraints, UnfinishedError when no draft came to an end, CheckpointError on a model that cannot be read.
    """
    asked = Composing(temperature=temperature, top_p=top_p, particles=particles, seed=seed, **constraints)
    return revise_as(poem, targets, asked, model)


def revise_as(
    poem: Poem, targets: Iterable[Target], asked: Revising, model: str | Path | None = None
) -> Poem:
    """The poem with the targets written again as it is asked; raises as `revise` does."""
    chosen, inclusion = prepare_revision(poem, targets, asked, model)
    return chosen.write(inclusion, asked.sampling, seeds(asked)[0])


def prepare_revision(
    poem: Poem, targets: Iterable[Target], asked: Revising, model: str | Path | None = None
) -> tuple[Composer, Inclusion]:
    """The model that is to write, and what it is to keep; raises as `revise` does."""
    chosen = composer(model)
    refuse_conditions(chosen.name, chosen.conditions, asked)
    places = _places(poem, targets)
    request = poem_request(chosen, poem, places, asked)
    width = request.form.width
    old = {
        place: chosen.vocabulary.ids.get(poem.lines[place // width][place % width], FREE) for place in places
    }
    return chosen, chosen.prepare(request, {place: id_ for place, id_ in old.items() if id_ != FREE})


def alternatives(
    poem: Poem,
    line: int,
    position: int,
    *,
    limit: int = 10,
    model: str | Path | None = None,
    **constraints: Unpack[Kept],
) -> list[Alternative]:
    """What could stand at a place while the poem keeps its constraints, by the probability of the whole poem.

    The poem's mood weighs in the order, and antithesis where the place answers another, as they do in composing.
    The `TRIED` characters that are likeliest after what comes before are weighed.

    Args:
        poem: As `compose` and `read_poem` give it.
        line: The line's number, from 1.
        position: The character's in its line, from 1.
        limit: How many characters at most, from 0.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export.
        **constraints: Those of `revise`.

    Raises as `revise` does.
    """
    return alternatives_as(poem, (line, position), Composing(**constraints), limit, model)


def alternatives_as(
    poem: Poem, target: tuple[int, int], asked: Revising, limit: int, model: str | Path | None = None
) -> list[Alternative]:
    """What could stand at a line's position while the poem keeps what is asked; raises as `revise` does."""
    check_bounds("limit", limit, {"minimum": 0})
    chosen = composer(model)
    refuse_conditions(chosen.name, chosen.conditions, asked)
    (place,) = _places(poem, [target])
    compiled = chosen.prepare(poem_request(chosen, poem, [place], asked)).constraints
    assert compiled.fixed is not None, "a request that can be met fixes one character a place"
    candidates = np.flatnonzero(compiled.allowed_alone(compiled.fixed, place))
    ids = chosen.token_ids(poem.lines)
    at = place + place // compiled.width  # the marks of the lines before stand between
    tried, scores = _score_each(chosen, ids, at, candidates, chosen.prefix(compiled.request))
    ranked = np.argsort(-(scores + chosen.answering(compiled, place)[tried]), kind="stable")[:limit]
    return [Alternative(chosen.vocabulary.tokens[tried[n]], float(scores[n])) for n in ranked]


def _score_each(
    chosen: Composer, ids: Array, at: int, candidates: Array, prefix: Sequence[int]
) -> tuple[Array, Array]:
    """The `TRIED` candidates that are likeliest at `at`, and ln p of the whole text with each."""
    state, before = chosen.network.start(prefix=prefix), 0.0
    for id_ in ids[:at]:
        check_deadline()
        before += float(state.log_p[0, id_])
        state = chosen.network.step(state, id_[None])
    log_p = state.log_p[0, candidates]
    likeliest = np.argsort(-log_p)[:TRIED]
    tried, scores = candidates[likeliest], before + log_p[likeliest].astype(np.float64)
    states = state.take(np.zeros(len(tried), int))
    states = chosen.network.step(states, tried)
    for id_ in ids[at + 1 :]:
        check_deadline()
        scores += states.log_p[:, id_]
        states = chosen.network.step(states, np.full(len(tried), id_))
    return tried, scores


def check_poem(poem: Poem) -> None:
    """Raises InputError on what is no Poem."""
    if not isinstance(poem, Poem):
        raise wrong_type("poem", poem, "a Poem, as compose and read_poem give")


def _places(poem: Poem, targets: Iterable[Target]) -> list[int]:
    """The targets as places from 0, each once and in order."""
    check_poem(poem)
    if not isinstance(targets, Iterable):
        raise wrong_type("targets", targets, "a list of lines and places, as [2, (3, 5)]")
    width = len(poem.lines[0])
    places: set[int] = set()
    for target in targets:
        line, position = _line_and_position(target)
        if not 1 <= line <= len(poem.lines):
            raise InputError(
                f"line {line} is not in the poem, which has {len(poem.lines)} lines",
                field="line",
                code="range",
                has=line,
                least=1,
                most=len(poem.lines),
            )
        if position is not None and not 1 <= position <= width:
            raise InputError(
                f"character {position} is not in a line, which has {width}",
                field="position",
                code="range",
                has=position,
                least=1,
                most=width,
            )
        start = (line - 1) * width
        places.update(range(start, start + width) if position is None else [start + position - 1])
    if not places:
        raise InputError(
            "nothing to revise: name a line, or a line and a character", field="targets", code="empty"
        )
    return sorted(places)


def _line_and_position(target: Target) -> tuple[int, int | None]:
    match target:
        case Integral():
            return int(target), None
        case Integral() as line, Integral() as position:
            return int(line), int(position)
    raise wrong_type("targets", target, "lines and places, as [2, (3, 5)]")


def poem_request(
    chosen: Composer, poem: Poem, places: Iterable[int] = (), asked: Revising = Revising()
) -> Request:
    """The poem as a request that leaves some places free; what is not asked otherwise stays as the poem has it."""
    width, has, free = len(poem.lines[0]), len(poem.lines), set(places)
    if has > MOST_LINES:
        raise too_long(f"the poem has {has} lines; give {MOST_LINES} at most", "poem", has, MOST_LINES)
    fixed = (
        Fixed("pattern", line, position, known_character("pattern", character, chosen.vocabulary))
        for line, row in enumerate(poem.lines, 1)
        for position, character in enumerate(row, 1)
        if (line - 1) * width + position - 1 not in free
    )
    whole = asked if isinstance(asked, Composing) else Composing.of(asked)
    own = ("template", "rhyme", "title", "poet", "about", "mood")
    kept = {name: getattr(poem, name) for name in own if getattr(whole, name) is None}
    lines = whole.lines or has
    if lines < has:
        message = f"lines is {lines}, and the poem has {has}"
        raise InputError(message, field="lines", code="range", has=lines, least=has)
    request = read_request(chosen.vocabulary, replace(whole, form=poem.form, lines=lines, **kept))
    return replace(request, fixed=in_order([*request.fixed, *fixed]))
