"""Work on a finished poem 推敲: rewrite some of its characters, list alternatives, and explain each character."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from numbers import Integral
from typing import Unpack

import numpy as np

from pingze.composing.composer import Composer, composer, seeds
from pingze.composing.options import (
    LARGEST_SEED,
    MOST_LINES,
    Composing,
    Options,
    Revising,
    check_bounds,
)
from pingze.composing.poem import Poem, divided_as, divided_as_tune
from pingze.composing.request import Fixed, Request, read_request
from pingze.composing.typed_text import read_character, tell_converted
from pingze.composing.words import Inclusion
from pingze.deadline import check_deadline
from pingze.errors import InputError, wrong_type
from pingze.network.checkpoint import Model
from pingze.verse.checking import check
from pingze.verse.forms import COUPLET, FORMS, Layout, find_form
from pingze.verse.patterns import CUSTOMARY
from pingze.verse.standard import PINGSHUI, STANDARDS
from pingze.verse.verdict import Verdict

Target = int | tuple[int, int]
"""A line number, or a line number and a position in that line; both count from 1."""
TRIED = 64
"""The maximum number of candidates that `alternatives` tries in the whole poem: the likeliest after the text before."""


@dataclass(frozen=True)
class Alternative:
    """A character that could replace a given character of a poem."""

    character: str
    """The character."""
    log_probability: float
    """ln p of the whole poem with this character, including marks and the end token."""


@dataclass(frozen=True)
class Reason:
    """One character of a poem, with its probability, tone, rhyme groups and alternatives."""

    line: int
    """The number of the character's line, from 1."""
    position: int
    """The position of the character in its line, from 1."""
    character: str
    """One Han character."""
    probability: float
    """The probability of the character given all the text before it, at temperature 1."""
    rank: int
    """The rank of this probability among those of all tokens in the vocabulary.

    The highest probability has rank 1.
    """
    tone: str
    """The tone in which the character is read: 平, 仄, or "" if it is ambiguous and the position allows both."""
    rhyme_group: str
    """The labels of the rhyme groups, as 下平七陽; "" if unknown.

    A character that rhymes has only the poem's group.
    """
    alternatives: list[str]
    """The other characters that the form allows here, likeliest first.

    Mood and antithesis also affect the order.
    """


def read_poem(
    text: str, *, form: str | None = None, level: str = CUSTOMARY, standard: str = PINGSHUI.name
) -> Poem:
    """Read a poem from plain text, and find its form, template and rhyme group.

    Args:
        text: The poem, with or without marks, one or more lines per row.
        form: The form 體, as 七古, if the poem's shape fits several forms.
        level: How strictly tones are judged: customary or strict.
        standard: How characters are read: pingshui, tongyun or xinyun.

    Raises InputError if the text has the shape of no form, or the form, level or standard is
    unknown.
    """
    verdict = check(text, form=form, level=level, standard=standard)
    if verdict.form in (None, COUPLET):
        notes = [note for note in verdict.notes if note.cause["code"] != "chosen"]  # not a failure
        raise InputError("no_poem", field="poem", has=notes)
    return poem_of(verdict)


def poem_of(verdict: Verdict, title: str | None = None, poet: str | None = None) -> Poem:
    """Build a poem from the checker's verdict on a text.

    Warns (ConversionWarning) if characters were converted.
    """
    one = verdict.form not in FORMS or verdict.rhyme in STANDARDS[verdict.standard].groups
    rhyme = verdict.rhyme if one else None  # old-style verse may mix several groups
    lines = [*verdict.read]
    tell_converted("poem", "".join(verdict.lines), "".join(lines))
    return Poem(verdict.form or "", verdict.template, rhyme, title, poet, 0, "", lines, 0.0)


def revise(
    poem: Poem, targets: Iterable[Target], *, model: Model | None = None, **options: Unpack[Options]
) -> Poem:
    """Rewrite the targets of a poem and keep everything else, including its form, template and rhyme group.

    The text after a target counts as much as the text before it, since the weight of a particle is
    the probability of the whole poem. Each target position gets a new character, unless only the
    old one is possible.

    Args:
        poem: A poem returned by `compose` or `read_poem`.
        targets: What to rewrite: lines, as 2, and characters, as (line, position); both count from
            1.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export.
        **options: The options of `compose` except start, form, pattern and count. By default the
            poem's number of lines, template, rhyme, title, poet, theme and mood are kept.

    Raises InputError if a target is outside the poem or a value is invalid, InfeasibleError if the
    kept characters break the constraints, UnfinishedError if no particle was finished,
    CheckpointError if the model cannot be read.
    """
    asked = Composing(**options)
    chosen, inclusion = prepare_poem(poem, [] if targets is None else targets, asked, model)
    written = chosen.write(inclusion, asked, seeds(asked)[0])
    return divided_as(written, poem) if find_form(poem.form).tune else written


def prepare_poem(
    poem: Poem, targets: Iterable[Target] | None, asked: Revising, model: Model | None = None
) -> tuple[Composer, Inclusion]:
    """Return the loaded model and a compiled request that rewrites `targets` (None: none).

    Raises as `revise` does.
    """
    if not isinstance(poem, Poem):
        raise wrong_type("poem", poem, "a Poem, as compose and read_poem give")
    places = [] if targets is None else _places(poem, targets)
    chosen = composer(model, asked, form=poem.form)
    text, ids = "".join(poem.lines), chosen.vocabulary.ids
    old = {place: ids[text[place]] for place in places if text[place] in ids}
    return chosen, chosen.prepare(poem_request(chosen, poem, places, asked), old)


def alternatives(
    poem: Poem,
    line: int,
    position: int,
    *,
    limit: int = 10,
    model: Model | None = None,
    **options: Unpack[Options],
) -> list[Alternative]:
    """List the characters that could replace one character of a poem, ordered by the probability of the whole poem.

    Every listed character keeps the constraints. The order also depends on the poem's mood, and on
    antithesis in couplets that require it. Only the `TRIED` candidates that are likeliest after the
    preceding text are scored.

    Args:
        poem: A poem returned by `compose` or `read_poem`.
        line: The number of the line, from 1.
        position: The position of the character in its line, from 1.
        limit: The maximum number of characters to list, from 0.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export.
        **options: The options of `revise`.

    Raises the same errors as `revise`.
    """
    asked = Composing(**options)
    check_bounds("limit", limit, {"minimum": 0, "maximum": LARGEST_SEED})
    chosen, inclusion = prepare_poem(poem, [(line, position)], asked, model)
    compiled = inclusion.constraints
    place = Layout(map(len, poem.lines)).places(line - 1)[position - 1]
    poem = divided_as_tune(poem)
    assert compiled.fixed is not None, "a request that can be met fixes one character a place"
    # 1. Read the text before the position.
    ids = chosen.token_ids(poem.lines, poem.form)
    at = place + compiled.layout.line[place]  # each earlier line is followed by a mark
    state, before = chosen.network.start(prefix=chosen.prefix(compiled.request)), 0.0
    for id_ in ids[:at]:
        check_deadline()
        before += float(state.log_p[0, id_])
        state = chosen.network.step(state, id_[None])
    # 2. Read the rest of the text after each of the likeliest candidates.
    candidates = np.flatnonzero(compiled.allowed_alone(compiled.fixed, place))
    log_p = state.log_p[0, candidates]
    likeliest = np.argsort(-log_p)[:TRIED]
    tried, scores = candidates[likeliest], before + log_p[likeliest].astype(np.float64)
    state = chosen.network.step(state.take(np.zeros(len(tried), int)), tried)
    for id_ in ids[at + 1 :]:
        check_deadline()
        scores += state.log_p[:, id_]
        state = chosen.network.step(state, np.full(len(tried), id_))
    # 3. Rank the candidates.
    ranked = np.argsort(-(scores + chosen.weighed(compiled, place)[tried]), kind="stable")[:limit]
    return [Alternative(chosen.vocabulary.tokens[tried[n]], float(scores[n])) for n in ranked]


def explain(
    poem: Poem,
    *,
    limit: int = 5,
    level: str = CUSTOMARY,
    standard: str = PINGSHUI.name,
    model: Model | None = None,
) -> list[Reason]:
    """Explain each character of a poem: its probability, tone, rhyme groups and alternatives.

    Args:
        poem: A poem returned by `compose` or `read_poem`.
        limit: The maximum number of alternatives listed for each character, from 0.
        level: How strictly tones are judged: customary or strict.
        standard: How characters are read: pingshui, tongyun or xinyun.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export.

    Raises InfeasibleError if the poem does not keep its form, template and rhyme group, InputError
    on an invalid value, CheckpointError if the model cannot be read.
    """
    check_bounds("limit", limit, {"minimum": 0, "maximum": LARGEST_SEED})
    chosen, inclusion = prepare_poem(poem, None, Revising(level=level, standard=standard), model)
    poem = divided_as_tune(poem)
    constraints, text = inclusion.constraints, "".join(poem.lines)
    assert constraints.fixed is not None, "a request that can be met fixes one character a place"
    log_p, _ = chosen.score(poem.lines, chosen.prefix(constraints.request), poem.form)
    tones, by = constraints.tones_of(constraints.fixed), constraints.request.standard
    reasons = []
    for place, id_ in enumerate(constraints.fixed):
        check_deadline()
        line, position = constraints.layout.where(place)
        row = log_p[place + line]  # each earlier line is followed by a mark
        others = constraints.allowed_alone(constraints.fixed, place)[: len(row)]
        others[id_ := constraints.lexicon.reads[id_]] = False
        worth = row + chosen.weighed(constraints, place)
        ranked = np.argsort(-np.where(others, worth, -np.inf))[: min(limit, int(others.sum()))]
        # A rhyme is read in the poem's group, any other character in the tone that its position
        # requires.
        names, tone = by.rhymes(text[place]), tones[place] or by.usable_tone(text[place]) or ""
        read = [
            each for name, each in by.groups.items() if name in names and tone in (each.side, "")
        ]
        if constraints.feet[place].any() and poem.rhyme in names:
            read = [by.groups[poem.rhyme]]
            tone = read[0].side
        labels, listed = (
            " ".join(each.label for each in read),
            [chosen.vocabulary.tokens[n] for n in ranked],
        )
        probability, rank = float(np.exp(row[id_])), int((row > row[id_]).sum()) + 1
        reasons.append(
            Reason(line + 1, position + 1, text[place], probability, rank, tone, labels, listed)
        )
    return reasons


def _places(poem: Poem, targets: Iterable[Target]) -> list[int]:
    """Convert the targets to a sorted list of distinct positions in the text, from 0."""
    if not isinstance(targets, Iterable):
        raise wrong_type("targets", targets, "a list of lines and places, as [2, (3, 5)]")
    layout, places = Layout(map(len, poem.lines)), set[int]()
    for target in targets:
        given = target if isinstance(target, tuple) else (target,)
        if len(given) > 2 or not given or not all(isinstance(number, Integral) for number in given):
            raise wrong_type("targets", target, "lines and places, as [2, (3, 5)]")
        line, *position = map(int, given)
        if not 1 <= line <= len(poem.lines):
            raise InputError("no_line", field="line", has=line, most=len(poem.lines))
        of_line = layout.places(line - 1)
        if position and not 1 <= position[0] <= len(of_line):
            raise InputError("no_position", field="position", has=position[0], most=len(of_line))
        places.update([of_line[position[0] - 1]] if position else of_line)
    if not places:
        raise InputError("no_targets", field="targets")
    return sorted(places)


def poem_request(
    chosen: Composer, poem: Poem, places: Iterable[int] = (), asked: Revising = Revising()
) -> Request:
    """Build a request that fixes the poem's characters outside `places`.

    Options not in `asked` come from the poem.
    """
    poem = divided_as_tune(poem)
    layout, has, form = Layout(map(len, poem.lines)), len(poem.lines), find_form(poem.form)
    free = {other for place in places for other in form.same(place)}
    if has > MOST_LINES:
        raise InputError("too_many_lines", field="poem", has=has, most=MOST_LINES)
    fixed = [
        Fixed("pattern", *layout.numbered(place), read_character("pattern", one, chosen.vocabulary))
        for place, one in enumerate("".join(poem.lines))
        if place not in free
    ]
    if not isinstance(asked, Composing):
        asked = Composing(**{each.name: getattr(asked, each.name) for each in fields(Revising)})
    own = ("template", "rhyme", "title", "poet", "about", "mood")
    kept = {name: getattr(poem, name) for name in own if getattr(asked, name) is None}
    lines = asked.lines or has
    if lines < has:
        raise InputError("fewer_lines", field="lines", has=lines, least=has)
    return read_request(
        chosen.vocabulary, replace(asked, form=poem.form, lines=lines, **kept), fixed
    )
