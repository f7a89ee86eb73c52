"""Extend a text line by line, without form or rhyme, as the report does with its model."""

import numpy as np

from pingze.composing.composer import load_composer
from pingze.composing.options import Composing, check_bounds
from pingze.composing.poem import punctuate
from pingze.composing.read_request import read_condition, read_poet
from pingze.composing.typed_text import read_characters
from pingze.errors import InputError
from pingze.network.checkpoint import Model
from pingze.network.reference import LineSampler

MODEL = "report"  # the name of the default model
LINES, FREE_LINES = 14, 40
"""The default maximum number of lines.

`LINES` for a fixed line length, `FREE_LINES` if the model chooses lengths.
"""


def generate(
    start: str,
    temperature: float = 0.7,
    split_len: int | None = 6,
    *,
    max_lines: int | None = None,
    title: str | None = None,
    poet: str | None = None,
    about: str | None = None,
    seed: int | None = None,
    model: Model = MODEL,
) -> str:
    """Continue a poem from `start`, as the report's function of this name does.

    Lines end in ， and 。 in turn; the marks that the model predicts are ignored. The poem ends
    after `max_lines` lines or when the model ends it after an even-numbered line. If `split_len` is
    None, the model chooses lines, marks and end.

    Args:
        start: The opening, one or more characters that the model knows; it may be empty if
            `split_len` is None.
        temperature: The divisor of the logits, from 0 to 100; 0 always takes the likeliest
            character.
        split_len: The number of characters per line including its mark, at least 2: 6 for lines of
            five, 8 for lines of seven; None lets the model choose lines, marks and end.
        max_lines: The maximum number of lines, even and at least 2; by default 14, the length of
            the report's longest poem, or 40 if `split_len` is None.
        title: A title, or whatever takes its place in the model's corpus, such as the tune of a 詞.
        poet: The poet whose manner to imitate.
        about: A theme.
        seed: A whole number from 0; the same seed gives the same poem.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export; the
            shipped model `report` knows no title, poet or theme.

    Raises InputError if the opening is empty, too long or unknown to the model, a number is out of
    range, or the model does not know a condition; CheckpointError if the model cannot be read.

    Source: the report, Part 2.
    """
    asked = Composing(title=title, poet=poet, about=about, temperature=temperature, seed=seed)
    if split_len is not None and split_len < 2:
        raise InputError("at_least", field="split_len", has=split_len, wanted=2)
    if max_lines is None:
        max_lines = LINES if split_len else FREE_LINES
    if max_lines < 2 or max_lines % 2:  # lines come in couplets
        raise InputError("even", field="max_lines", has=max_lines, least=2)
    composer = load_composer(model, asked)
    title = read_condition("title", title, composer.vocabulary)
    about = read_condition("about", about, composer.vocabulary)
    poet = read_poet(poet, composer.vocabulary)
    # `read_characters` refuses an empty opening, which only lines of a fixed length need.
    opening = ""
    if start or split_len:
        opening = read_characters("start", start, composer.vocabulary)
    # It reads any Chinese character, but the sampler needs characters that the model knows.
    for character in opening:
        if character not in composer.vocabulary:
            point = f"U+{ord(character):04X}"
            raise InputError("character", field="start", has=character, point=point)
    if split_len:
        width = split_len - 1  # without the mark
        check_bounds("start", opening, {"maxLength": max_lines * width})
    sampler = LineSampler(
        composer.network, composer.vocabulary, temperature, np.random.default_rng(seed)
    )
    if title or poet or about:
        sampler.start(composer.conditions.prefix(None, poet, title, about=about).ids)
    if split_len is None:
        return sampler.free(opening, max_lines)
    return punctuate(sampler.lines(opening, split_len - 1, max_lines, may_end=True))
