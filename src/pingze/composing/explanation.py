"""Explain each character of a poem: its probability, tone, rhyme and alternatives."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pingze.composing.poem import Poem
from pingze.composing.request.options import LARGEST_SEED, Revising, check_bounds
from pingze.composing.revision import prepare_poem
from pingze.deadline import check_deadline
from pingze.verse.patterns import CUSTOMARY
from pingze.verse.rhyme_groups import PINGSHUI
from pingze.verse.tones import groups, usable_tone


@dataclass(frozen=True)
class Reason:
    """One character of a poem, as the model and the form judge it."""

    line: int
    """The number of the character's line, from 1."""
    position: int
    """The position of the character in its line, from 1."""
    character: str
    """The character."""
    probability: float
    """The probability of the character given all the text before it, at temperature 1."""
    rank: int
    """The rank of this probability among all tokens of the vocabulary, from 1."""
    tone: str
    """The tone in which the character is read: 平, 仄, or "" if it is ambiguous and the position allows either."""
    rhyme_group: str
    """The labels of its possible rhyme groups, as 下平七陽; only the poem's group for a rhyme; "" if unknown."""
    alternatives: list[str]
    """The likeliest other characters that the form allows here, ranked with mood and antithesis taken into account."""


def explain(
    poem: Poem,
    *,
    limit: int = 5,
    level: str = CUSTOMARY,
    standard: str = PINGSHUI.name,
    model: str | Path | None = None,
) -> list[Reason]:
    """Explain each character of a poem that keeps its form, template and rhyme group.

    Args:
        poem: A poem returned by `compose` or `read_poem`.
        limit: The maximum number of alternatives listed for each character, from 0.
        level: How strictly tones are judged: customary or strict.
        standard: How characters are read: pingshui, tongyun or xinyun.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export.

    Raises InfeasibleError if the poem does not keep its form, template and rhyme group, InputError on an invalid value,
    CheckpointError if the model cannot be read.
    """
    check_bounds("limit", limit, {"minimum": 0, "maximum": LARGEST_SEED})
    chosen, inclusion = prepare_poem(poem, (), Revising(level=level, standard=standard), model)
    constraints, text = inclusion.constraints, "".join(poem.lines)
    assert constraints.fixed is not None, "a request that can be met fixes one character a place"
    log_p, _ = chosen.score(poem.lines, chosen.prefix(constraints.request), poem.form)
    tones, by = constraints.tones_of(constraints.fixed), constraints.request.standard
    reasons = []
    for place, id_ in enumerate(constraints.fixed):
        check_deadline()
        line, position = constraints.layout.where(place)
        row = log_p[place + line]  # each earlier line is followed by a mark
        others = constraints.allowed_alone(constraints.fixed, place)
        others[id_] = False
        worth = row + chosen.weighed(constraints, place)
        ranked = np.argsort(-np.where(others, worth, -np.inf))[: min(limit, int(others.sum()))]
        # A rhyme is read in the poem's group, another character in the tone that its position requires.
        names, tone = groups(text[place], by), tones[place] or usable_tone(text[place], by) or ""
        read = [each for name, each in by.groups.items() if name in names and tone in (each.side, "")]
        if constraints.feet[place].any() and poem.rhyme in names:
            read = [by.groups[poem.rhyme]]
            tone = read[0].side
        labels, alternatives = " ".join(each.label for each in read), [chosen.vocabulary.tokens[n] for n in ranked]
        probability, rank = float(np.exp(row[id_])), int((row > row[id_]).sum()) + 1
        reasons.append(Reason(line + 1, position + 1, text[place], probability, rank, tone, labels, alternatives))
    return reasons
