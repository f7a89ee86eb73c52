"""Compose poems from a person's options."""

import secrets
from pathlib import Path
from typing import Unpack

from pingze.composing.composer import Composer, composer
from pingze.composing.constraints.inclusion import Inclusion
from pingze.composing.poem import Poem
from pingze.composing.request.options import Composing, Options, Revising, with_options
from pingze.composing.request.request import read_request


@with_options
def compose(start: str = "", *, model: str | Path | None = None, **options: Unpack[Options]) -> list[Poem]:
    """Compose `count` poems that keep every constraint.

    No character appears twice, except in reduplication 疊字, where you fix it, and with `repeat`. Lines and characters
    count from 1; Simplified characters are read as Traditional ones.

    Args:
        start: The opening, of any length up to the whole poem.
        **options: The fields of `Composing`.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export.

    Raises InputError on a value that cannot be used, InfeasibleError when the constraints clash, UnfinishedError
    when no particle could stay original, CorpusError when `original` finds no corpus, CheckpointError on a model that
    cannot be read.
    """
    return compose_as(Composing(start=start, **options), model)


def compose_as(asked: Composing, model: str | Path | None = None) -> list[Poem]:
    """Compose poems of some options; raises as `compose` does."""
    chosen, inclusion = prepare(asked, model)
    return chosen.write_many(inclusion, asked.sampling, seeds(asked))


def prepare(asked: Composing, model: str | Path | None = None) -> tuple[Composer, Inclusion]:
    """Load the model and compile the request; raises as `compose` does."""
    chosen = composer(model, asked)
    return chosen, chosen.prepare(read_request(chosen.vocabulary, asked))


def seeds(asked: Revising) -> range:
    """List a seed for each poem, from a random one where none is asked for."""
    first = secrets.randbelow(2**32) if asked.seed is None else asked.seed
    return range(first, first + (asked.count if isinstance(asked, Composing) else 1))
