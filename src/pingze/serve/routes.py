"""Define the API's routes under /v1. The queue's workers compute the answers; for poems, a job is a population."""

import asyncio
import json
import pickle
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from inspect import Parameter, Signature, signature
from itertools import product
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse

from pingze.composing import Poem
from pingze.composing.composer import seeds
from pingze.errors import InputError
from pingze.network import checkpoint
from pingze.serve import answers, inside, populations, queue
from pingze.serve.problems import Problem, language_of
from pingze.serve.schemas import MOST_TEXTS, CollectedPoems, CollectRequest, ComposeRequest, Poems, ReviseRequest
from pingze.verse.verdict import Note

P = TypeVar("P", bound=Poems)
Hear = Callable[[populations.Draft], None]
LINES = "application/x-ndjson"

PROBLEMS = (400, 404, 405, 408, 409, 413, 415, 421, 422, 500, 503)
router = APIRouter(prefix="/v1", responses={status: {"model": Problem} for status in PROBLEMS})


def _add_route(compute: Callable[..., Any]) -> None:
    """Add a route with the name of a function, which a worker calls with the body and the language if it takes them."""
    called = signature(compute)
    body = [each for name, each in called.parameters.items() if name != "language"]

    async def answer(request: Request, **given: Any) -> Any:
        if "language" in called.parameters:
            given["language"] = language_of(request.headers)
        async with _asking(request) as asking:
            return await asking.compute(compute, *given.values())

    parameters = [Parameter("request", Parameter.KEYWORD_ONLY, annotation=Request)]
    parameters += [each.replace(kind=Parameter.KEYWORD_ONLY) for each in body]
    answer.__signature__ = Signature(parameters, return_annotation=called.return_annotation)  # type: ignore[attr-defined]
    answer.__name__, answer.__doc__ = compute.__name__, compute.__doc__
    router.add_api_route("/" + compute.__name__.strip("_"), answer, methods=["POST" if body else "GET"])


for compute in (
    *(answers.forms, answers.script, answers.example, answers.conflicts, answers.couplet, answers.mend),
    *(answers.alternatives, answers.explain, answers.check, answers.code, answers.originality),
    *(inside.reach, inside.units, inside.next_),
):
    _add_route(compute)


@router.get("/health")
async def health(request: Request) -> dict[str, str | int]:
    """Confirm that the server is running, and return the default model and the number of waiting jobs."""
    return {"status": "ok", "model": checkpoint.DEFAULT, "queue": len(request.app.state.queue)}


@router.post("/compose")
async def compose(asked: ComposeRequest, request: Request) -> Poems:
    """Compose poems that meet all constraints of the request, in the order of their seeds.

    If `Accept` names application/x-ndjson, the answer is a line of JSON for each draft, then one for the poems.
    """
    if LINES not in request.headers.get("accept", ""):
        return await _poems(asked, request, Poems)
    lines = _watched(asked, request)
    first = await anext(lines)  # an error before the first line is answered like any other

    async def all_lines() -> AsyncIterator[str | bytes]:
        yield first
        try:
            async for line in lines:
                yield line
        except Exception as error:
            yield Problem.of(error, language_of(request.headers)).line()

    return StreamingResponse(all_lines(), media_type=LINES)  # type: ignore[return-value]  # FastAPI passes it on


async def _watched(asked: ComposeRequest, request: Request) -> AsyncIterator[str]:
    """Write poems; yield a line of JSON for each draft, then one for the poems. Raises the errors of `_poems`."""
    drafts: asyncio.Queue[populations.Draft | None] = asyncio.Queue()
    writing = asyncio.ensure_future(_poems(asked, request, Poems, drafts.put_nowait))
    writing.add_done_callback(lambda _: drafts.put_nowait(None))
    try:
        while draft := await drafts.get():
            yield _line({"draft": asdict(draft)})
        yield _line(asdict(await writing))
    finally:
        writing.cancel()


def _line(answer: object) -> str:
    return json.dumps(answer, ensure_ascii=False) + "\n"


@router.post("/collect")
async def collect(asked: CollectRequest, request: Request) -> CollectedPoems:
    """Put together poems from lines of the corpus, each from a different poem. Answer 409 if there is no corpus."""
    return await _poems(asked, request, CollectedPoems)


async def _poems(asked: ComposeRequest, request: Request, answer: type[P], hear: Hear | None = None) -> P:
    texts, language = asked.count * asked.particles, language_of(request.headers)
    if texts > MOST_TEXTS:
        raise InputError("too_many_texts", field="count", has=texts, most=MOST_TEXTS)
    poems, notes = await _write(asked, request, hear)
    return answer(poems, [note.text(language) for note in notes], [note.cause for note in notes])


@router.post("/revise")
async def revise(asked: ReviseRequest, request: Request) -> Poem:
    """Rewrite parts of a poem and keep the rest."""
    (poem,), _ = await _write(asked, request)
    return poem


async def _write(
    asked: ComposeRequest | ReviseRequest, request: Request, hear: Hear | None = None
) -> tuple[list[Poem], Sequence[Note]]:
    """Write a poem for each seed, with a job per population; return the poems and notes on the request.

    `hear`, if given, is called with the drafts of each poem's first population.
    """
    packed = pickle.dumps(asked)
    async with _asking(request) as asking:
        model, count, rows, tokens, notes = await asking.compute(populations.plan_of, packed)
        alone, own, jobs = count == 1, seeds(asked), []
        for seed, number in product(own, range(count)):
            heard = hear if number == 0 else None
            arguments = (packed, (seed, number), alone, heard is not None)
            jobs.append(queue.Job(asking, populations.write, arguments, model, rows, rows * tokens, heard))
        found = await asking.compute_all(jobs)
        if not alone:
            found = await asking.compute(populations.join, packed, own, found)
        return found, notes


def _asking(request: Request) -> AbstractAsyncContextManager[queue.Request]:
    return request.app.state.queue.request(request.client.host if request.client else "")
