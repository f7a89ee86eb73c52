"""The API's routes under /v1, computed beside the event loop."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import StreamingResponse

from pingze.composing import Mended, Poem
from pingze.network import checkpoint
from pingze.serve import answers, gates
from pingze.serve.composing import Desk
from pingze.serve.gates import Inside, Reach
from pingze.serve.problems import Problem
from pingze.serve.schemas import requests, responses
from pingze.serve.units import Next, Units, likely, units
from pingze.serve.work import Work
from pingze.verse.verdict import Note

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": meaning}
    for status, meaning in (
        (400, "The body is not JSON."),
        (404, "There is nothing at this address."),
        (405, "The address does not take this method: `Allow` names those that it takes."),
        (408, "The body does not come."),
        (409, "What is asked for cannot be met."),
        (413, "The body is too large."),
        (415, "The body is not called JSON."),
        (421, "The host name is not this server's."),
        (422, "A value cannot be used."),
        (500, "A fault in pingze."),
        (503, "There is too much to do just now."),
    )
}
router = APIRouter(prefix="/v1", responses=PROBLEMS)


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _work(request: Request) -> Work:
    return _desk(request).work


def _quick(request: Request) -> Work:
    return _desk(request).quick


DeskHere = Annotated[Desk, Depends(_desk)]
WorkHere = Annotated[Work, Depends(_work)]
QuickHere = Annotated[Work, Depends(_quick)]


@router.get("/health")
async def health(desk: DeskHere) -> responses.Health:
    """Whether the server answers, and how many drafts wait."""
    return responses.Health("ok", checkpoint.DEFAULT, len(desk.gathering.queue))


@router.get("/forms")
async def forms(work: QuickHere) -> responses.Choices:
    """Forms, rhymes and models that may be asked for."""
    return await work(answers.choices)


@router.get("/script")
async def script(work: QuickHere) -> responses.Script:
    """The Simplified form of each Traditional character that has one."""
    return await work(answers.script)


@router.get("/example")
async def example(work: WorkHere) -> responses.Example:
    """A poem of the corpus that the page offers to check; 409 where there is no corpus."""
    return await work(answers.example)


@router.post("/compose")
async def compose(asked: requests.ComposeRequest, desk: DeskHere) -> responses.Poems:
    """Poems that keep everything asked for."""
    return await desk.compose(asked)


@router.post(
    "/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def stream(asked: requests.ComposeRequest, desk: DeskHere) -> StreamingResponse:
    """Poems as server-sent events: `note` where there are some, `poem` for each, then `done`, or `problem`."""
    notes: list[Note] = []
    poems = desk.stream(asked, notes)
    first = await anext(poems)  # what is wrong with the request is told before anything is sent
    return StreamingResponse(_events(notes, first, poems), media_type="text/event-stream")


async def _events(notes: list[Note], first: Poem, others: AsyncGenerator[Poem, None]) -> AsyncIterator[str]:
    async with aclosing(others):
        for note in notes:
            yield _event("note", {"note": note, "remark": note.cause})
        yield _event("poem", first.as_json())
        try:
            async for poem in others:
                yield _event("poem", poem.as_json())
        except Exception as error:
            yield _event("problem", Problem.of_error(error).as_json())
            return
        yield _event("done", {})


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


@router.post("/conflicts")
async def conflicts(asked: requests.ComposeRequest, work: WorkHere) -> responses.Conflicts:
    """What of a request clashes, and where; nothing is composed."""
    return await work(answers.conflicts, asked)


@router.post("/revise")
async def revise(asked: requests.ReviseRequest, desk: DeskHere) -> Poem:
    """Parts of a poem written again; all else is kept."""
    return await desk.revise(asked)


@router.post("/mend")
async def mend(asked: requests.MendRequest, work: WorkHere) -> Mended:
    """A draft without its faults, by the fewest characters changed; what was changed and why."""
    return await work(answers.mend, asked)


@router.post("/alternatives")
async def alternatives(asked: requests.AlternativesRequest, work: WorkHere) -> responses.Alternatives:
    """What could stand at a place, by the probability of the whole poem."""
    return await work(answers.alternatives, asked)


@router.post("/explain")
async def explain(asked: requests.ExplainRequest, work: WorkHere) -> responses.Reasons:
    """Why each character stands where it does."""
    return await work(answers.explain, asked)


@router.post("/check")
async def check(asked: requests.CheckRequest, work: QuickHere) -> responses.Verdicts:
    """Form, tones and rhyme of any poems, and what would fit at each fault."""
    return await work(answers.check, asked)


@router.post("/originality")
async def originality(asked: requests.OriginalityRequest, work: WorkHere) -> responses.Originality:
    """What each line shares with the Tang and Song poems of the corpus."""
    return await work(answers.originality, asked)


@router.post("/inside")
async def look_inside(asked: requests.InsideRequest, work: WorkHere) -> Inside:
    """What a unit of the model does while it reads a poem, and how far back a character's gradient reaches."""
    return await work(gates.inside, asked)


@router.post("/reach")
async def look_back(asked: requests.ReachRequest, work: WorkHere) -> Reach:
    """How far back a character's gradient reaches."""
    return await work(gates.look_back, asked)


@router.post("/units")
async def all_units(asked: requests.UnitsRequest, work: WorkHere) -> Units:
    """What every unit of a layer does while the model reads a poem, and which were found to know something."""
    return await work(units, asked)


@router.post("/next")
async def what_comes_next(asked: requests.NextRequest, work: WorkHere) -> Next:
    """What may stand at a place after all before it, at every temperature."""
    return await work(likely, asked)
