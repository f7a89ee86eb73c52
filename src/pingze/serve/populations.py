"""Write poems in a worker.

A poem is chosen from one or more populations: groups of texts resampled together.
"""

import pickle
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pingze.composing.composer import Composer, PopulationSeed, prepare
from pingze.composing.constraints.inclusion import Inclusion
from pingze.composing.particles import Text, Writing, go_on
from pingze.composing.poem import Poem
from pingze.composing.request.input_characters import noted
from pingze.composing.request.options import Sampling
from pingze.composing.revision import prepare_poem
from pingze.deadline import Deadline, DeadlineError, within
from pingze.errors import PingzeError
from pingze.serve.schemas import ComposeRequest, ReviseRequest
from pingze.verse.verdict import Note

PAUSE = 0.1  # seconds between two drafts of a population

PickledRequest = bytes  # also the key by which a worker caches the prepared request


@dataclass(frozen=True)
class Draft:
    """A preview of a poem: the best text so far in the poem's first population, with ＿ at each unwritten position.

    A character is settled if it can no longer change: if the request fixes it, or if all texts of
    the population share it and the poem has no other population.
    """

    seed: int
    lines: list[str]
    """The lines of the text with the highest score so far."""
    settled: list[str]
    """The same lines, with ＿ at each position whose character may still change."""


@lru_cache(maxsize=8)  # an entry with many words to include takes up to 14 MB
def started(packed: PickledRequest) -> tuple[Composer, Inclusion, Sampling, list[Note]]:
    """Prepare a request.

    Returns its model, constraints and sampling options, and notes on how it was interpreted.
    """
    asked: ComposeRequest | ReviseRequest = pickle.loads(packed)
    with noted() as notes:
        if isinstance(asked, ComposeRequest):
            chosen, inclusion = prepare(asked, asked.model)
        else:
            targets = [
                each.line if each.position is None else (each.line, each.position)
                for each in asked.targets
            ]
            poem = asked.poem.read(asked.level, asked.standard)
            chosen, inclusion = prepare_poem(poem, targets, asked, asked.model)
    return chosen, inclusion, asked, list(notes)


def plan_of(packed: PickledRequest) -> tuple[str, int, int, int, Sequence[Note]]:
    """Return the model's name, populations per poem, texts per population, tokens per text, and the notes."""
    chosen, inclusion, sampling, notes = started(packed)
    return (
        chosen.name,
        *chosen.populations(inclusion.constraints, sampling),
        inclusion.constraints.tokens,
        notes,
    )


def write(
    jobs: Sequence[tuple[tuple[PickledRequest, PopulationSeed, bool, bool], Deadline]],
) -> Iterator[tuple[int, Any] | None]:
    """Write populations of one model as one batch.

    `index` below is the position of a population's job in `jobs`.

    A job's first flag is True if its poem has no other population. The second is True if a client
    watches the drafts.

    Yields None before each token, and (index, draft) every `PAUSE` seconds for a population whose
    drafts are watched. Yields (index, result) when a population ends. If the poem has no other
    population, the result is the poem. Otherwise, the result is the text chosen from the
    population. If writing failed, the result is an error.
    """
    # 1. Begin each population.
    going: dict[int, Writing] = {}
    shown = 0.0
    for index, ((packed, seed, *_), deadline) in enumerate(jobs):
        try:
            with within(deadline):
                chosen, inclusion, sampling, _ = started(packed)
                going[index] = chosen.begin(inclusion, sampling, [seed])
        except Exception as error:
            yield index, failure(error)
    while going:
        yield None
        # 2. Drop the jobs that are past their deadline or whose client has left.
        for index in [index for index in going if jobs[index][1].is_over]:
            del going[index]
            yield index, DeadlineError(jobs[index][1].seconds)
        # 3. Write one token of every text.
        failed: Mapping[Writing, Exception]
        try:
            failed = go_on(chosen.network, list(going.values()))
        except Exception as error:
            failed = dict.fromkeys(going.values(), failure(error))
        # 4. Choose a text from each finished population. Show drafts of the others.
        shows = time.monotonic() >= shown + PAUSE
        shown = time.monotonic() if shows else shown
        for index, writing in list(going.items()):
            (_, seed, alone, is_watched), _ = jobs[index]
            if writing in failed:
                yield index, failed[going.pop(index)]
            elif writing.finished:
                del going[index]
                try:
                    found = writing.chosen()
                    yield (
                        index,
                        chosen.poem(writing.constraints, found, seed[0]) if alone else found[0],
                    )
                except Exception as error:
                    yield index, failure(error)
            elif is_watched and shows:
                yield index, Draft(seed[0], *writing.draft(alone))


def join(packed: PickledRequest, seeds: Sequence[int], texts: Sequence[Text]) -> list[Poem]:
    """Choose a poem per seed.

    `texts` has one text from each population of the first seed, then of the second, etc.
    """
    chosen, inclusion, *_ = started(packed)
    count = len(texts) // len(seeds)
    groups = [texts[start : start + count] for start in range(0, len(texts), count)]
    return [
        chosen.poem(inclusion.constraints, own, seed)
        for seed, own in zip(seeds, groups, strict=True)
    ]


def failure(error: Exception) -> Exception:
    """Make an error picklable. A PingzeError is kept.

    Any other error becomes a RuntimeError with its traceback.
    """
    if isinstance(error, PingzeError):
        return error
    return RuntimeError("".join(traceback.format_exception(error)))
