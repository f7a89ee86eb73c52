"""Explain each character of a poem: its probability, tone, rhyme groups and alternatives."""

from dataclasses import dataclass

import numpy as np

from pingze.composing.composer import prepare
from pingze.composing.options import check_bounds
from pingze.composing.poem import Poem, divided_as_tune
from pingze.composing.sheet import Sheet
from pingze.deadline import check_deadline
from pingze.network.checkpoint import Model
from pingze.verse.patterns import CUSTOMARY
from pingze.verse.standard import PINGSHUI

MOST_LISTED = 10_000  # alternatives of a character, more than any vocabulary has


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
    """The tone, 平 or 仄; "" if it is ambiguous and the position allows both."""
    rhyme_group: str
    """The labels of the rhyme groups, as 下平七陽; "" if unknown.

    A character that rhymes has only the poem's group.
    """
    alternatives: list[str]
    """The other characters that the form allows here, likeliest first."""


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
        level, standard: The options of the same names of a `Sheet`.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export.

    Raises InfeasibleError if the poem does not keep its form, template and rhyme group, InputError
    on an invalid value, CheckpointError if the model cannot be read.
    """
    check_bounds("limit", limit, {"minimum": 0, "maximum": MOST_LISTED})
    composer, starts = prepare(Sheet.of(poem, level=level, standard=standard), model)
    poem = divided_as_tune(poem)  # as `Sheet.of` divides it, so that lines and marks agree
    constraints = starts.constraints
    fixed = constraints.fixed
    assert fixed is not None, "a request that can be met fixes one character a place"
    request = constraints.request
    standard_of_request = request.standard
    text = "".join(poem.lines)
    # a row for each token of the text, marks included, and a column for each token of the model
    log_p, _ = composer.score(poem.lines, composer.prefix(request), poem.form)
    tones = constraints.tones_of(fixed)
    reasons = []
    for place, character in enumerate(text):
        check_deadline()
        line, position = constraints.layout.where(place)
        row = log_p[place + line]  # a mark follows each earlier line
        # 1) List the other characters that may stand here, the likeliest first. The lexicon's
        #    first ids are those of the model. They are followed by the poem's characters that the
        #    model lacks; the model reads such a character as `model_id`.
        model_id = constraints.lexicon.reads[fixed[place]]
        is_alternative = constraints.allowed_alone(fixed, place)[: len(row)]
        is_alternative[model_id] = False
        count = min(limit, int(is_alternative.sum()))
        ranked = np.argsort(-np.where(is_alternative, row, -np.inf))[:count]
        # 2) Find the tone and the groups. A rhyme is read in the poem's group, any other character
        #    in the tone that its position requires; the groups are those of that tone.
        names = standard_of_request.rhymes(character)
        tone = tones[place] or standard_of_request.usable_tone(character) or ""
        groups = [
            group
            for name, group in standard_of_request.groups.items()
            if name in names and tone in (group.side, "")
        ]
        is_foot = constraints.feet[place].any()  # under any template
        if is_foot and poem.rhyme in names:
            groups = [standard_of_request.groups[poem.rhyme]]
            tone = groups[0].side
        reasons.append(
            Reason(
                line=line + 1,
                position=position + 1,
                character=character,
                probability=float(np.exp(row[model_id])),
                rank=int((row > row[model_id]).sum()) + 1,
                tone=tone,
                rhyme_group=" ".join(group.label for group in groups),
                alternatives=[composer.vocabulary.tokens[n] for n in ranked],
            )
        )
    return reasons
