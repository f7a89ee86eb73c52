"""Poems of a form: what a person asks for comes in, poems go out."""

import secrets
from pathlib import Path

from pingze import checkpoint
from pingze.composing.generator import LineSampler, check_temperature, make_rng
from pingze.composing.opening import read_opening
from pingze.composing.poem import Poem
from pingze.errors import InputError

SHAPES = {"五絕": (4, 5), "七絕": (4, 7), "五律": (8, 5), "七律": (8, 7)}
"""Lines and characters a line of each form."""


def compose(
    start: str = "",
    *,
    form: str,
    temperature: float = 0.8,
    seed: int | None = None,
    count: int = 1,
    model: str | Path | None = None,
) -> list[Poem]:
    """`count` poems with the form's lines, beginning with `start`; a seed makes them repeat.

    Raises InputError on a form, opening, temperature or count that cannot be; CheckpointError on a model that
    cannot be read.
    """
    check_temperature(temperature)
    if count < 1:
        raise InputError(f"count is {count}; it must be at least 1")
    form = form.replace("绝", "絕")
    if form not in SHAPES:
        raise InputError(f"form {form!r} is unknown; choose one of {', '.join(SHAPES)}")
    lines, length = SHAPES[form]
    loaded = checkpoint.load(model or "report")
    opening = read_opening(start, loaded.vocabulary) if start else ""
    if len(opening) > lines * length:
        raise InputError(f"the opening has {len(opening)} characters, a {form} holds {lines * length}")
    first = secrets.randbelow(2**32) if seed is None else seed
    poems = []
    for poem_seed in range(first, first + count):
        sampler = LineSampler(loaded, temperature, make_rng(poem_seed))
        written = sampler.lines(opening, length, lines, may_end=False)
        poems.append(
            Poem(form, None, None, None, None, poem_seed, loaded.name, written, sampler.log_probability)
        )
    return poems
