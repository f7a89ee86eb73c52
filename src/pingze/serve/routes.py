"""The API's routes under /v1: a request comes in, is computed beside the event loop, and its answer goes out."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from pingze import checkpoint
from pingze.composing import Poem
from pingze.composing.composer import compose_as
from pingze.serve import answers, shapes
from pingze.serve.inside import Inside, inside
from pingze.serve.problems import Problem
from pingze.serve.work import Work

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": meaning}
    for status, meaning in (
        (409, "What is asked for cannot be met."),
        (413, "The body is too large."),
        (422, "A value cannot be used."),
        (503, "There is too much to do just now."),
    )
}
router = APIRouter(prefix="/v1", responses=PROBLEMS)


def _work(request: Request) -> Work:
    work: Work = request.app.state.work
    return work


WorkHere = Annotated[Work, Depends(_work)]


@router.get("/health")
async def health(work: WorkHere) -> shapes.Health:
    """Whether the server answers."""
    return shapes.Health("ok", checkpoint.DEFAULT, work.inside)


@router.get("/forms")
async def forms(work: WorkHere) -> shapes.Choices:
    """Forms, rhymes and models that may be asked for."""
    return await work(answers.choices)


@router.get("/script")
async def script(work: WorkHere) -> shapes.Script:
    """The Simplified form of each Traditional character that has one."""
    return await work(answers.script)


@router.post("/compose")
async def compose(asked: shapes.ComposeRequest, work: WorkHere) -> shapes.Poems:
    """Poems that keep everything asked for."""
    return shapes.Poems(await work(compose_as, asked, answers.model(asked.model)))


@router.post("/conflicts")
async def conflicts(asked: shapes.ComposeRequest, work: WorkHere) -> shapes.Conflicts:
    """What of a request clashes, and where; nothing is composed."""
    return await work(answers.conflicts, asked)


@router.post("/revise")
async def revise(asked: shapes.ReviseRequest, work: WorkHere) -> Poem:
    """Parts of a poem written again; all else is kept."""
    return await work(answers.revise, asked)


@router.post("/alternatives")
async def alternatives(asked: shapes.AlternativesRequest, work: WorkHere) -> shapes.Alternatives:
    """What could stand at a place, by the probability of the whole poem."""
    return await work(answers.alternatives, asked)


@router.post("/explain")
async def explain(asked: shapes.ExplainRequest, work: WorkHere) -> shapes.Reasons:
    """Why each character stands where it does."""
    return await work(answers.explain, asked)


@router.post("/check")
async def check(asked: shapes.CheckRequest, work: WorkHere) -> shapes.Verdicts:
    """Form, tones and rhyme of any poems, and what would fit at each fault."""
    return await work(answers.check, asked)


@router.post("/originality")
async def originality(asked: shapes.OriginalityRequest, work: WorkHere) -> shapes.Originality:
    """What each line shares with the Tang and Song poems of the corpus."""
    return await work(answers.originality, asked)


@router.post("/inside")
async def look_inside(asked: shapes.InsideRequest, work: WorkHere) -> Inside:
    """What a unit of the model does while it reads a poem, and how far back a character's gradient reaches."""
    return await work(inside, asked)
