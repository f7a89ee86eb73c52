"""Route the API under /v1 to the queue."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Request

from pingze.composing import Alternative, Mended, Poem, Reason
from pingze.corpus.originality import Shared
from pingze.messages import Language
from pingze.network import checkpoint
from pingze.serve import answers, inside, poems
from pingze.serve.inside import Next, Reach, Units
from pingze.serve.problems import Problem, language_of
from pingze.serve.queue import Queue
from pingze.serve.schemas import requests, responses

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": meaning}
    for status, meaning in (
        (400, "The body is not JSON."),
        (404, "There is nothing at this address."),
        (405, "The address does not take this method: `Allow` names those that it takes."),
        (408, "The body takes too long."),
        (409, "What is asked for cannot be met."),
        (413, "The body is too large."),
        (415, "The content type is not application/json."),
        (421, "This server does not answer to the host name."),
        (422, "A value cannot be used."),
        (500, "A fault in pingze."),
        (503, "There is too much to do just now."),
    )
}
router = APIRouter(prefix="/v1", responses=PROBLEMS)


A = TypeVar("A")
T = TypeVar("T")


class Asking:
    """A request's client, its language, and the queue that computes for it."""

    def __init__(self, request: Request) -> None:
        self.queue: Queue = request.app.state.queue
        self.client = request.client.host if request.client else ""
        self.language: Language = language_of(request.headers)

    async def __call__(self, compute: Callable[[A], T], asked: A) -> T:
        """Compute one job for it."""
        async with self.queue.request(self.client) as request:
            return await request.compute(compute, asked)


By = Annotated[Asking, Depends(Asking)]


@router.get("/health")
async def health(by: By) -> responses.Health:
    """Whether the server answers, and how many jobs wait."""
    return responses.Health("ok", checkpoint.DEFAULT, len(by.queue))


@router.get("/forms")
async def forms(by: By) -> responses.Choices:
    """Forms, rhymes and models that may be asked for."""
    return await by(answers.choices, None)


@router.get("/script")
async def script(by: By) -> dict[str, dict[str, str]]:
    """The Simplified form of each Traditional character that has one."""
    return await by(answers.script, None)


@router.get("/example")
async def example(by: By) -> responses.Example:
    """A poem of the corpus that the page offers to check; 409 where there is no corpus."""
    return await by(answers.example, None)


@router.post("/compose")
async def compose(asked: requests.ComposeRequest, by: By) -> responses.Poems:
    """Poems that keep everything asked for."""
    return await poems.compose(by.queue, by.client, asked, by.language)


@router.post("/conflicts")
async def conflicts(asked: requests.ComposeRequest, by: By) -> responses.Conflicts:
    """The constraints of a request that clash, and where; nothing is composed."""
    return await by(answers.conflicts, (asked, by.language))


@router.post("/revise")
async def revise(asked: requests.ReviseRequest, by: By) -> Poem:
    """Parts of a poem written again; all else is kept."""
    return await poems.revise(by.queue, by.client, asked)


@router.post("/mend")
async def mend(asked: requests.MendRequest, by: By) -> Mended:
    """A draft without its faults, by the fewest characters changed; each change with its reason."""
    return await by(answers.mend, asked)


@router.post("/alternatives")
async def alternatives(asked: requests.AlternativesRequest, by: By) -> dict[str, list[Alternative]]:
    """Characters for a place, by the probability of the whole poem."""
    return await by(answers.alternatives, asked)


@router.post("/explain")
async def explain(asked: requests.ExplainRequest, by: By) -> dict[str, list[Reason]]:
    """The reason for each character of a poem."""
    return await by(answers.explain, asked)


@router.post("/check")
async def check(asked: requests.CheckRequest, by: By) -> dict[str, list[responses.Judged]]:
    """Form, tones and rhyme of any poems, and characters that would fit at each fault."""
    return await by(answers.check, (asked, by.language))


@router.post("/originality")
async def originality(asked: requests.OriginalityRequest, by: By) -> dict[str, list[Shared]]:
    """What each line shares with the Tang and Song poems of the corpus."""
    return await by(answers.originality, asked)


@router.post("/reach")
async def reach(asked: requests.ReachRequest, by: By) -> Reach:
    """How far back a character's gradient reaches."""
    return await by(inside.look_back, asked)


@router.post("/units")
async def units(asked: requests.UnitsRequest, by: By) -> Units:
    """Gates, cell and hidden state of every unit of a layer while the model reads a poem, and what some units know."""
    return await by(inside.units, asked)


@router.post("/next")
async def next_character(asked: requests.NextRequest, by: By) -> Next:
    """The likeliest characters at a place after all before it, at every temperature."""
    return await by(inside.likely, asked)
