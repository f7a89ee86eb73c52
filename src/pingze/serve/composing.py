"""Composing for the API: each poem is answered as soon as it is finished."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from functools import partial
from itertools import chain

from pingze.composing import Poem
from pingze.composing.compose import prepare, seeds
from pingze.composing.composer import Composer
from pingze.composing.constraints.inclusion import Inclusion
from pingze.composing.request.input_characters import noted
from pingze.composing.request.options import Revising
from pingze.deadline import Deadline
from pingze.errors import InputError
from pingze.serve import answers
from pingze.serve.answers import model
from pingze.serve.drafts import Draft, Ticket
from pingze.serve.gathering import Gathering
from pingze.serve.schemas.requests import MOST_TEXTS, ComposeRequest, ReviseRequest
from pingze.serve.schemas.responses import Poems
from pingze.serve.work import CLIENT, Work
from pingze.verse.verdict import Note

Started = tuple[Composer, Inclusion]


class Desk:
    """Where poems are asked for: what a request needs before it joins the batch is computed beside it.

    `quick` does what takes little time, and waits for nothing else.
    """

    def __init__(self, work: Work, quick: Work, gathering: Gathering) -> None:
        self.work, self.quick, self.gathering = work, quick, gathering

    @property
    def asked(self) -> int:
        """How many computations were asked for till now."""
        return self.work.turns.entered + self.quick.turns.entered

    @property
    def rests(self) -> bool:
        """Whether nothing is computed or written."""
        return not (self.work.turns.inside or self.quick.turns.inside or self.gathering.unfinished)

    async def compose(self, asked: ComposeRequest) -> Poems:
        """The poems that are asked for, in the order of their seeds."""
        notes: list[Note] = []
        async with aclosing(self.stream(asked, notes)) as poems:
            finished = sorted([poem async for poem in poems], key=lambda poem: poem.seed)
        return Poems.noted(finished, notes)

    def stream(self, asked: ComposeRequest, notes: list[Note]) -> AsyncGenerator[Poem, None]:
        """The poems that are asked for, each when it is finished. Raises as `compose` does, and BusyError.

        Before the first of them `notes` gets what is to be told of how the request was read.
        """
        _check_size(asked)
        return self._write(asked, partial(_prepare, asked, notes), seeds(asked))

    async def revise(self, asked: ReviseRequest) -> Poem:
        """The poem with its targets written again."""
        chosen = partial(answers.revision, asked)
        async with aclosing(self._write(asked, chosen, seeds(asked))) as poems:
            return await anext(poems)

    async def _write(
        self, asked: Revising, start: Callable[[], Started], seeds: range
    ) -> AsyncGenerator[Poem, None]:
        """The poems as they are finished; where this is left early, what is under way stops."""
        deadline = Deadline(self.work.seconds)
        chosen, inclusion = await self.work(start)
        constraints = inclusion.constraints
        sampling = chosen.sampling(constraints, asked.sampling)
        rows, tokens = chosen.population_size(inclusion, sampling), constraints.tokens
        chances = {seed: chosen.chances(inclusion, sampling, seed) for seed in seeds}
        ticket = Ticket(CLIENT.get(), tokens * rows * sum(map(len, chances.values())))
        begin = partial(chosen.begin, inclusion, sampling)
        drafts = {
            seed: [Draft(chosen, partial(begin, [chance]), rows, deadline, tokens, ticket) for chance in own]
            for seed, own in chances.items()
        }
        self.gathering.submit(list(chain(*drafts.values())))

        async def poem(seed: int, own: Sequence[Draft]) -> Poem:
            texts = await asyncio.gather(*(asyncio.wrap_future(draft.finished) for draft in own))
            return chosen.poem(constraints, texts, seed)

        poems = [asyncio.ensure_future(poem(seed, own)) for seed, own in drafts.items()]
        try:
            for finished in asyncio.as_completed(poems):
                yield await finished
        finally:
            deadline.gone = True
            for each in poems:
                each.cancel()
            await asyncio.gather(*poems, return_exceptions=True)


def _prepare(asked: ComposeRequest, notes: list[Note]) -> Started:
    with noted() as told:
        started = prepare(asked, model(asked.model))
    notes.extend(told)
    return started


def _check_size(asked: ComposeRequest) -> None:
    texts = asked.count * asked.particles
    if texts > MOST_TEXTS:
        message = f"{asked.count} poems × {asked.particles} particles are {texts} texts; ask for {MOST_TEXTS} at most"
        raise InputError(message, field="count", code="range", has=texts, least=1, most=MOST_TEXTS)
