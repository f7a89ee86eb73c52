"""Define the API's routes under /v1, whose answers the queue's workers compute, and assemble the application.

The application consists of the routes, the OpenAPI schema, the page, the answers to errors, and the
guard.
"""

import asyncio
import json
import pickle
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from html import escape
from importlib.metadata import metadata
from inspect import Parameter, Signature, signature
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.staticfiles import StaticFiles

from pingze.composing.composer import seeds
from pingze.composing.poem import Poem
from pingze.errors import InputError, PingzeError
from pingze.network import checkpoint
from pingze.serve import answers, inside, populations, queue
from pingze.serve.guard import Guard
from pingze.serve.problems import MEDIA_TYPE, Problem, RefusedError, invalid, language_of
from pingze.serve.queue import Queue
from pingze.serve.schemas import (
    MOST_TEXTS,
    CollectedPoems,
    CollectRequest,
    ComposeRequest,
    Poems,
    ReviseRequest,
)
from pingze.verse.forms import FORMS
from pingze.verse.patterns import STRICTNESSES
from pingze.verse.rhyme_groups import STANDARDS
from pingze.verse.tunes import tunes
from pingze.verse.verdict import Note

__all__ = ["create_app", "project_url"]

P = TypeVar("P", bound=Poems)
Hear = Callable[[populations.Draft], None]
LINES = "application/x-ndjson"

PROBLEMS = (400, 404, 405, 408, 409, 413, 415, 421, 422, 500, 503)
router = APIRouter(prefix="/v1", responses={status: {"model": Problem} for status in PROBLEMS})


def _add_route(compute: Callable[..., Any]) -> None:
    """Add a route.

    A worker calls `compute` with the body, and with `language` if `compute` has this parameter.
    """
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
    router.add_api_route(
        "/" + compute.__name__.strip("_"), answer, methods=["POST" if body else "GET"]
    )


for compute in (
    *(
        answers.forms,
        answers.script,
        answers.example,
        answers.conflicts,
        answers.couplet,
        answers.mend,
    ),
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

    If `Accept` names application/x-ndjson, the answer is one line of JSON for each draft, then one
    line for all poems.
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
    """Write poems. Yield a line of JSON for each draft, then one line for all poems.

    Raises the errors of `_poems`.
    """
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
    """Put together poems whose lines are all from different poems of the corpus.

    Answer 409 if there is no corpus.
    """
    return await _poems(asked, request, CollectedPoems)


async def _poems(
    asked: ComposeRequest, request: Request, answer: type[P], hear: Hear | None = None
) -> P:
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
    """Write a poem for each seed. Return the poems, and the notes on the request.

    Each population (a group of texts that are resampled together) is a job. A poem may have several
    populations. `hear`, if given, is called with the drafts of each poem's first population.
    """
    packed = pickle.dumps(asked)
    async with _asking(request) as asking:
        model, count, rows, tokens, notes = await asking.compute(populations.plan_of, packed)
        alone, own, jobs = count == 1, seeds(asked), []
        for seed, number in product(own, range(count)):
            heard = hear if number == 0 else None
            arguments = (packed, (seed, number), alone, heard is not None)
            jobs.append(
                queue.Job(asking, populations.write, arguments, model, rows, rows * tokens, heard)
            )
        found = await asking.compute_all(jobs)
        if not alone:
            found = await asking.compute(populations.join, packed, own, found)
        return found, notes


def _asking(request: Request) -> AbstractAsyncContextManager[queue.Request]:
    return request.app.state.queue.request(request.client.host if request.client else "")


# -- the application ---------------------------------------------------------------------------------------------

PAGE = Path(__file__).with_name("page")
CHOICES: dict[str, list[str]] = {
    "form": [*FORMS, *tunes()],
    "level": list(STRICTNESSES),
    "rhyme": list(dict.fromkeys(name for each in STANDARDS.values() for name in each.groups)),
}
"""The names that the OpenAPI schema lists.

The server also accepts other spellings, such as Simplified characters.
"""

_POEM = {"lines": ["春月紅芳碧", "風流夜漏深", "此心何必住", "金草與山陰"]}
EXAMPLES: dict[str, dict[str, Any]] = {
    "compose": {
        "form": "七絕",
        "rhyme": "庚",
        "pattern": "＿＿明月＿＿＿",
        "include": "雁",
        "seed": 1,
    },
    "collect": {"form": "七絕", "title": "秋思", "rhyme": "陽", "poets": "唐", "seed": 1},
    "conflicts": {"form": "五絕", "rhyme": "陽", "pattern": "＿＿＿＿＿ ＿＿＿＿天"},
    "revise": {"poem": _POEM, "targets": [{"line": 2, "position": 3}]},
    "couplet": {"line": "山重水複疑無路", "count": 2, "seed": 1},
    "mend": {"text": "獨坐寒窗下，無人問姓名。閑眠不可見，何處有琴天。", "keep": "琴"},
    "alternatives": {"poem": _POEM, "line": 2, "position": 3, "limit": 5},
    "explain": {"poem": _POEM},
    "check": {"text": "，".join(_POEM["lines"])},
    "code": {"text": "https://poems.example.org/#春"},
    "originality": {"poem": _POEM},
    "reach": {"poem": _POEM, "layer": 1, "line": 2, "position": 1},
    "units": {"poem": _POEM, "layer": 1},
    "next": {"poem": _POEM, "line": 2, "position": 1},
}
"""An example request body for each route that reads a body."""


def create_app(
    queue: Queue | None = None, hosts: Iterable[str] = (), public_url: str = ""
) -> Guard:
    """Build the application, which accepts requests addressed to the loopback host names.

    Args:
        queue: The queue that computes the answers; None if only the page and the schema are served.
        hosts: Further host names to accept.
        public_url: The page's address in links to poems. The default is `project_url("Poems")`.
    """
    app = FastAPI(
        title="pingze 平仄",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry={"auto_configure": False},  # send none, even if the environment configures it
        exception_handlers=dict.fromkeys(
            (PingzeError, RequestValidationError, HTTPException, Exception), _problem
        ),
    )
    app.state.queue = queue
    app.include_router(router)
    schema = _described(app)
    app.add_api_route("/v1/openapi.json", lambda: schema, include_in_schema=False)
    index = (PAGE / "index.html").read_text(encoding="utf-8")
    for name, address in (
        ("public", public_url or project_url("Poems")),
        ("repository", project_url("Repository")),
    ):
        index = index.replace(
            f'name="{name}" content=""', f'name="{name}" content="{escape(address)}"'
        )
    app.add_api_route("/", lambda: HTMLResponse(index), include_in_schema=False)
    app.mount("/page", StaticFiles(directory=PAGE))
    return Guard(app, hosts)


def project_url(label: str) -> str:
    """Return one of the project's addresses in pyproject.toml, or "" if it is missing there.

    Args:
        label: The name of the address in pyproject.toml, such as Repository.
    """
    urls = dict(each.split(", ", 1) for each in metadata("pingze").get_all("Project-URL") or [])
    return urls.get(label, "")


async def _problem(request: Request, error: Exception) -> Response:
    """Build the response to any error, including an unknown route.

    Keep the error's headers, such as Allow.
    """
    language, headers = language_of(request.headers), None
    if isinstance(error, RequestValidationError):
        error = invalid(error.errors()[0])
    elif isinstance(error, HTTPException):
        status, headers = error.status_code, error.headers
        error = RefusedError(status, {400: "json", 405: "method"}.get(status, "no_route"))
    return Problem.of(error, language).response(headers)


def _described(app: FastAPI) -> dict[str, Any]:
    """Extend FastAPI's OpenAPI schema with examples, the names to choose from, and the media type of problems."""
    schema = app.openapi()
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            if example := EXAMPLES.get(path.removeprefix("/v1/")):
                operation["requestBody"]["content"]["application/json"]["example"] = example
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    response["content"] = {MEDIA_TYPE: response["content"]["application/json"]}
            operation["responses"]["405"]["headers"] = {"Allow": {"schema": {"type": "string"}}}
    for shape in schema["components"]["schemas"].values():
        if shape.get("additionalProperties") is False:  # a request, not an answer
            for name in shape["properties"].keys() & CHOICES.keys():
                nullable = "anyOf" in shape["properties"][name]
                shape["properties"][name]["enum"] = [*CHOICES[name], *([None] if nullable else [])]
    return schema
