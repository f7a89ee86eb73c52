"""Write a request's poems by the queue's workers: one job plans it, then each population is a job."""

import pickle
from collections import defaultdict
from collections.abc import Sequence

from pingze.composing import Poem
from pingze.composing.composer import seeds
from pingze.composing.particles import Population
from pingze.errors import InputError
from pingze.messages import Language
from pingze.network import checkpoint
from pingze.serve.populations import Plan, join, plan_of, write
from pingze.serve.queue import Job, Queue
from pingze.serve.schemas.requests import MOST_TEXTS, ComposeRequest, ReviseRequest
from pingze.serve.schemas.responses import Poems
from pingze.verse.verdict import Note


async def compose(queue: Queue, client: str, asked: ComposeRequest, language: Language) -> Poems:
    """Compose a client's poems, in the order of their seeds."""
    texts = asked.count * asked.particles
    if texts > MOST_TEXTS:
        raise InputError("too_many_texts", field="count", has=texts, most=MOST_TEXTS)
    poems, notes = await _write(queue, client, asked)
    return Poems(poems, [note.text(language) for note in notes], [note.cause for note in notes])


async def revise(queue: Queue, client: str, asked: ReviseRequest) -> Poem:
    """Write the targets of a client's poem again."""
    (poem,), _ = await _write(queue, client, asked)
    return poem


async def _write(
    queue: Queue, client: str, asked: ComposeRequest | ReviseRequest
) -> tuple[list[Poem], Sequence[Note]]:
    """Write a poem for each seed; with them how the request was read."""
    packed = pickle.dumps(asked)
    async with queue.request(client) as request:
        plan: Plan = await request.compute(plan_of, packed)
        every = [(seed, number) for seed in seeds(asked) for number in range(plan.populations)]
        size, name = plan.rows * plan.tokens, asked.model or checkpoint.DEFAULT
        jobs = [Job(request, write, (packed, each), name, plan.rows, size) for each in every]
        found = await request.compute_all(jobs)
        if plan.populations > 1:
            of_seed: dict[int, list[Population]] = defaultdict(list)
            for (seed, _), population in zip(every, found, strict=True):
                of_seed[seed].append(population)
            found = await request.compute(join, (packed, of_seed))
        return found, plan.notes
