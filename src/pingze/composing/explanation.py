"""Explain each character of a poem: its probability, tone, rhyme and alternatives."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pingze.composing.composer import composer
from pingze.composing.poem import Poem
from pingze.composing.request.options import LARGEST_SEED, Revising, check_bounds
from pingze.composing.revision import check_poem, poem_request
from pingze.deadline import check_deadline
from pingze.verse.patterns import CUSTOMARY
from pingze.verse.rhyme_groups import GROUPS
from pingze.verse.tones import groups, sides, usable_tone


@dataclass(frozen=True)
class Reason:
    """One character of a poem, as the model and the form saw it."""

    line: int
    """The line's number, from 1."""
    position: int
    """The character's, from 1."""
    character: str
    """The character."""
    probability: float
    """p of the character after all before it, at temperature 1."""
    rank: int
    """Its rank by that among all characters, from 1."""
    tone: str
    """The tone it is read in: 平, 仄, or "" where the place takes any and the character has both."""
    rhyme_group: str
    """The label of the group it is read in, as 下平七陽: the poem's where it rhymes; "" where it is unknown."""
    alternatives: list[str]
    """The likeliest other characters that the form allowed here, mood and antithesis weighed."""


def explain(
    poem: Poem, *, limit: int = 5, level: str = CUSTOMARY, model: str | Path | None = None
) -> list[Reason]:
    """Explain each character of a poem that keeps its form, template and rhyme.

    Args:
        poem: As `compose` and `read_poem` return it.
        limit: The most other characters that each row names, from 0.
        level: How strictly tones are judged, customary or strict.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export.

    Raises InfeasibleError on a poem that does not keep them, InputError on a bad value, CheckpointError on a model that
    cannot be read.
    """
    check_poem(poem)
    check_bounds("limit", limit, {"minimum": 0, "maximum": LARGEST_SEED})
    chosen = composer(model)
    text = "".join(poem.lines)
    constraints = chosen.prepare(poem_request(chosen, poem, asked=Revising(level=level))).constraints
    assert constraints.fixed is not None, "a request that can be met fixes one character a place"
    log_p, _ = chosen.score(poem.lines, chosen.prefix(constraints.request))
    asked = constraints.tones_of(constraints.fixed)
    reasons = []
    for place, id_ in enumerate(constraints.fixed):
        check_deadline()
        line, position = divmod(place, constraints.width)
        row = log_p[place + line]  # after each line before it there is a mark
        others = constraints.allowed_alone(constraints.fixed, place)
        others[id_] = False
        worth = row + chosen.weighed(constraints, place)
        ranked = np.argsort(-np.where(others, worth, -np.inf))[: min(limit, int(others.sum()))]
        rhyme = poem.rhyme if constraints.feet[place].any() else None
        tone, group = _reading(text[place], asked[place], rhyme)
        reasons.append(
            Reason(
                line=line + 1,
                position=position + 1,
                character=text[place],
                probability=float(np.exp(row[id_])),
                rank=int((row > row[id_]).sum()) + 1,
                tone=tone,
                rhyme_group=group,
                alternatives=[chosen.vocabulary.tokens[other] for other in ranked],
            )
        )
    return reasons


def _reading(character: str, asked: str, rhyme: str | None) -> tuple[str, str]:
    """Find the tone and the labels of the groups in which a character is read, by the tone that its place asks for."""
    names = groups(character)
    if rhyme in names:
        return GROUPS[rhyme].side, GROUPS[rhyme].label
    can_be = sides(character)
    tone = asked or usable_tone(character) or (next(iter(can_be)) if len(can_be) == 1 else "")
    return tone, " ".join(
        GROUPS[name].label for name in GROUPS if name in names and tone in (GROUPS[name].side, "")
    )
