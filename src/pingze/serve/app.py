"""Define the API's routes under /v1, and assemble the application.

Workers of the pool compute the answers. The application consists of the routes, the OpenAPI schema,
the page, the answers to errors, and the limits of a request.
"""

import asyncio
import math
import pickle
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from html import escape
from importlib.metadata import metadata
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Any, TypeVar

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from pingze.composing.composer import POPULATION, first_seed
from pingze.composing.desk import Candidate, choose_drafts
from pingze.composing.judging import told
from pingze.composing.options import Composing
from pingze.composing.poem import Poem
from pingze.composing.sheet import Sheet
from pingze.errors import InputError, PingzeError
from pingze.network import checkpoint
from pingze.serve import answers, choices, inside
from pingze.serve.limits import Limits
from pingze.serve.pool import Lane, Lanes
from pingze.serve.problems import MEDIA_TYPE, Problem, RefusedError, invalid, language_of
from pingze.serve.schemas import (
    MOST_TEXTS,
    CheckRequest,
    CodeRequest,
    CollectedPoems,
    CollectRequest,
    CoupletRequest,
    FillRequest,
    FindRequest,
    Health,
    MendRequest,
    OfSheet,
    Poems,
    ReadRequest,
    TuneChoice,
)
from pingze.verse.forms import find_form
from pingze.verse.tunes import known_tune
from pingze.verse.verdict import Note

__all__ = ["create_app", "project_url"]

P = TypeVar("P", bound=Poems)
T = TypeVar("T")
TEXTS_OF_A_JOB = 1024
"""The most texts that one job of a request for drafts writes."""
QUICK_CHECK = 500
"""The characters up to which a text to check takes milliseconds."""
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")

PROBLEMS = (400, 404, 405, 408, 409, 413, 415, 422, 500, 503)
router = APIRouter(prefix="/v1", responses={status: {"model": Problem} for status in PROBLEMS})


def _add_route(compute: Callable[..., Any]) -> None:
    """Add a route that is named after `compute`, with which a worker computes its answers.

    A worker calls `compute` with the body, and with `language` if `compute` has this parameter. An
    answer to a route without a body never changes, so it is kept.
    """
    name = compute.__name__.strip("_")
    of_compute = signature(compute)
    needs_language = "language" in of_compute.parameters
    body_parameters = [
        parameter for parameter in of_compute.parameters.values() if parameter.name != "language"
    ]

    async def answer(request: Request, **arguments: Any) -> Any:
        size = sum(size_of(body) for body in arguments.values())
        # `compute` gets its arguments in the order of its parameters: the language is the last.
        if needs_language:
            arguments["language"] = language_of(request.headers)
        kept_answers = request.app.state.kept
        # Only answers to routes without a body are kept, so the key need not contain a body.
        key = (name, arguments.get("language"))
        if key in kept_answers:
            return Response(kept_answers[key], media_type="application/json")
        lane = _lane(request, name, size)
        encoded = await lane.compute(
            _client(request), name, size, answers.encoded, compute, *arguments.values()
        )
        if not body_parameters:
            kept_answers[key] = encoded
        return Response(encoded, media_type="application/json")

    # FastAPI reads from the signature, the name and the docstring what the OpenAPI schema says of
    # a route. So `answer` is given those of `compute`, with the request in place of the language.
    parameters = [Parameter("request", Parameter.KEYWORD_ONLY, annotation=Request)]
    parameters += [field.replace(kind=Parameter.KEYWORD_ONLY) for field in body_parameters]
    answer.__signature__ = Signature(  # type: ignore[attr-defined]
        parameters, return_annotation=of_compute.return_annotation
    )
    answer.__name__ = name
    answer.__doc__ = compute.__doc__
    router.add_api_route("/" + name, answer, methods=["POST" if body_parameters else "GET"])


def _lane(request: Request, route: str, size: int) -> Lane:
    """Return the lane for a route: the quick one for a short text to check."""
    lanes: Lanes = request.app.state.lanes
    if route == "check" and size <= QUICK_CHECK:
        return lanes.quick
    return lanes.heavy


def _client(request: Request) -> str:
    """Return the address of the client, or "" if it is unknown."""
    return request.client.host if request.client else ""


COMPUTED: list[Callable[..., Any]] = [
    choices.forms,
    choices.script,
    choices.example,
    answers.read,
    answers.check,
    answers.alternatives,
    answers.conflicts,
    answers.mend,
    answers.couplet,
    answers.find,
    answers.explain,
    answers.originality,
    answers.code,
    inside.reach,
    inside.units,
    inside.next_,
]
"""What workers compute: one function per route."""
for compute in COMPUTED:
    _add_route(compute)


@router.get("/health")
async def health(request: Request) -> Health:
    """Confirm that the server runs; return the default model and the number of waiting jobs."""
    waiting = request.app.state.lanes.heavy.waiting
    return Health(status="ok", model=checkpoint.DEFAULT, queue=len(waiting))


@router.get("/tunes")
async def tunes(name: str) -> TuneChoice:
    """Describe a tune in one of its shapes 體, such as 聲聲慢·格十三.

    /v1/forms lists the frequent ones.
    """
    return choices.tune_choice(known_tune(name))


@router.post("/fill")
async def fill(asked: FillRequest, request: Request) -> Poems:
    """Fill the blanks of a sheet in `count` different ways, best first."""
    return await _drafts(asked.sheet, asked.model, request, Poems)


@router.post("/collect")
async def collect(asked: CollectRequest, request: Request) -> CollectedPoems:
    """Put together poems whose lines are all from different poems of the corpus.

    Answer 409 if there is no corpus.
    """
    return await _drafts(asked, asked.model, request, CollectedPoems)


async def _drafts(sheet: Composing, model: str | None, request: Request, answer: type[P]) -> P:
    """Have workers write the drafts of a request, and build the answer, an object of class `answer`.

    If several workers are idle, the populations of the request are divided among them.
    """
    texts = sheet.count * sheet.particles
    if texts > MOST_TEXTS:
        raise InputError("too_many_texts", field="count", has=texts, most=MOST_TEXTS)
    lane: Lane = request.app.state.lanes.heavy
    client = _client(request)
    route = request.url.path
    size = size_of(sheet)
    # All jobs get the same bytes, with the same seed: a worker that has prepared a request finds it
    # again by its bytes.
    with_seed = replace(sheet, seed=first_seed(sheet.seed))
    packed = pickle.dumps((with_seed, model))
    # Each idle worker gets a job, if there are populations enough. If that makes jobs of more than
    # TEXTS_OF_A_JOB texts, there are more jobs than idle workers.
    populations = math.ceil(texts / POPULATION)
    fewest_parts = math.ceil(texts / TEXTS_OF_A_JOB)
    parts = max(min(lane.idle, populations), fewest_parts)
    if sheet.usual_forms:
        parts = 1  # only `fill` changes drafts to usual forms, `candidates` does not
    drafts: list[Poem] = []
    notes: Sequence[Note] = ()
    if parts > 1:
        # 1) Each worker writes some of the populations.
        calls = [(packed, part, parts) for part in range(parts)]
        writing = lane.submit(client, route, size // parts, answers.candidates, calls)
        results = await _await_all(writing)
        _, notes = results[0]  # all jobs prepare the same request, so have the same notes
        all_candidates: list[Candidate] = []
        for candidates, _ in results:
            all_candidates += candidates
        drafts = choose_drafts(all_candidates, sheet.count)
    if len(drafts) < sheet.count:
        # 2) There was only one part, or too few candidates differ enough. One worker writes all
        # populations, and further ones until there are enough drafts.
        drafts, notes = await lane.compute(client, route, size, answers.fill, packed)
    return answer(poems=drafts, **told(notes, language_of(request.headers)))


async def _await_all(writing: Sequence[asyncio.Future[T]]) -> list[T]:
    """Await all jobs; if one fails or the client leaves, stop the others."""
    try:
        return await asyncio.gather(*writing)
    finally:
        # A job that has ended is not changed by this.
        for job in writing:
            job.cancel()


async def measure(lanes: Lanes) -> None:
    """Write a default poem, by which the time of the first poems is expected."""
    sheet = Sheet(seed=0)
    packed = pickle.dumps((sheet, None))
    await lanes.heavy.compute("", "/v1/fill", size_of(sheet), answers.fill, packed)


def size_of(asked: Any) -> int:
    """Return the size with which the time of a job grows.

    It is the number of tokens in all the texts that the job writes, or else the number of
    characters that it reads.
    """
    # 1) Texts are written.
    if isinstance(asked, OfSheet):
        return size_of(asked.sheet)
    if isinstance(asked, Composing):
        tokens = _tokens(asked)
        return tokens * asked.particles_for(tokens) * asked.count
    if isinstance(asked, CoupletRequest):
        return asked.count * asked.particles
    if isinstance(asked, CheckRequest) and asked.sheet:
        return _tokens(asked.sheet)
    if isinstance(asked, MendRequest) and asked.sheet:
        return size_of(asked.sheet)
    # 2) A text or a poem is read.
    if isinstance(asked, FindRequest):
        return len(asked.line)
    if isinstance(asked, CheckRequest) and asked.poems:
        return sum(len(poem.text) for poem in asked.poems)
    if isinstance(asked, CheckRequest | ReadRequest | MendRequest | CodeRequest):
        return len(asked.text)
    return sum(len(line) + 1 for line in asked.poem.lines)  # + 1 for the mark after a line


def _tokens(asked: Composing) -> int:
    """Return the number of tokens of one text."""
    form = find_form(asked.form)
    lines = asked.count_of_lines if isinstance(asked, Sheet) else asked.lines
    if not lines:  # the request leaves the number of lines to the form
        lines = form.default_lines
    return lines * (form.width + 1)  # + 1 for the mark after a line


# -- the application -------------------------------------------------------------------------------

PAGE = Path(__file__).with_name("page")
LISTED = {
    "form": "GET /v1/forms lists the forms and tunes.",
    "rhyme": "GET /v1/forms lists the rhyme groups and parts of each standard.",
}
"""Where the names that a field takes are listed.

The OpenAPI schema has no enum of them, because the server also takes other spellings, such as
Simplified characters and a tune's other names.
"""

_POEM = {"lines": ["春月紅芳碧", "風流夜漏深", "此心何必住", "金草與山陰"]}
EXAMPLES: dict[str, dict[str, Any]] = {
    "read": {"text": "，".join(_POEM["lines"])},
    "fill": {
        "sheet": {
            "form": "七絕",
            "rhyme": "庚",
            "lines": ["＿＿明月＿＿＿"],
            "include": "雁",
            "count": 2,
            "seed": 1,
        }
    },
    "collect": {"form": "七絕", "title": "秋思", "rhyme": "陽", "poets": "唐", "seed": 1},
    "conflicts": {"sheet": {"form": "五絕", "rhyme": "陽", "lines": ["", "＿＿＿＿天"]}},
    "couplet": {"line": "山重水複疑無路", "count": 2, "seed": 1},
    "find": {"tone": "平", "rhyme": "先", "meaning": "river"},
    "mend": {"text": "獨坐寒窗下，無人問姓名。閑眠不可見，何處有琴天。", "keep": "琴"},
    "alternatives": {
        "sheet": {"form": "五絕", **_POEM},
        "line": 2,
        "start": 3,
        "end": 3,
        "limit": 5,
    },
    "explain": {"poem": _POEM},
    "check": {"text": "，".join(_POEM["lines"])},
    "code": {"text": "https://poems.example.org/#春"},
    "originality": {"poem": _POEM},
    "reach": {"poem": _POEM, "layer": 1, "line": 2, "position": 1},
    "units": {"poem": _POEM, "layer": 1},
    "next": {"poem": _POEM, "line": 2, "position": 1},
}
"""An example request body for each route that reads a body."""


class OtherOrigins(CORSMiddleware):
    """Middleware that lets the pages of some origins read the API's answers, refusals included."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for the API with the headers of CORS, and any other without them."""
        answer = self.app
        if scope.get("path", "").startswith("/v1/"):
            answer = super().__call__
        await answer(scope, receive, send)


def create_app(
    lanes: Lanes | None = None,
    hosts: Iterable[str] = (),
    public_url: str = "",
    origins: Sequence[str] = (),
) -> ASGIApp:
    """Build the application, which accepts requests addressed to the loopback host names.

    Args:
        lanes: The workers that compute the answers; None to serve only the page and the schema.
        hosts: Further host names to accept; `*.example.org` means all names below example.org.
        public_url: The page's address in links to poems. The default is `project_url("Poems")`.
        origins: The origins whose pages may use the API, such as https://example.org.
    """
    # 1) The application with its state. Every error is answered by `_problem`.
    errors = (PingzeError, RequestValidationError, HTTPException, Exception)
    app = FastAPI(
        title="pingze",  # tools name what they generate after it
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        generate_unique_id_function=lambda route: route.name,
        telemetry={"auto_configure": False},  # send none, even if the environment configures it
        exception_handlers=dict.fromkeys(errors, _problem),
    )
    app.state.lanes = lanes
    app.state.kept = {}
    # 2) The host names. Another site can make its own host name resolve to this machine (DNS
    # rebinding). Requests from the site's page then name the site's host, and are refused.
    allowed_hosts = list(LOOPBACK)
    for host in hosts:
        is_ipv6_address = ":" in host
        allowed_hosts.append(f"[{host}]" if is_ipv6_address else host)  # as requests write it
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=allowed_hosts, www_redirect=False)
    # 3) The API with its schema.
    app.include_router(router)
    schema = _extended_schema(app)
    app.add_api_route("/v1/openapi.json", lambda: schema, include_in_schema=False)
    # 4) The page, with the addresses that its links need.
    index = (PAGE / "index.html").read_text(encoding="utf-8")
    addresses = {
        "public": public_url or project_url("Poems"),
        "repository": project_url("Repository"),
    }
    for name, address in addresses.items():
        empty_tag = f'name="{name}" content=""'
        filled_tag = f'name="{name}" content="{escape(address)}"'
        index = index.replace(empty_tag, filled_tag)
    app.add_api_route("/", lambda: HTMLResponse(index), include_in_schema=False)
    # the page shows some of the tables of `verse`
    app.mount("/page", StaticFiles(directory=PAGE, packages=[("pingze.verse", "data")]))
    # 5) The limits. The headers for other origins are set outside the limits, so that pages of
    # these origins can also read the refusals.
    limited = Limits(app)
    if not origins:
        return limited
    return OtherOrigins(
        limited, origins, allow_methods=["GET", "POST"], expose_headers=["retry-after"]
    )


def project_url(label: str) -> str:
    """Return one of the project's addresses in pyproject.toml, or "" if it is missing there.

    Args:
        label: The name of the address in pyproject.toml, such as Repository.
    """
    for url in metadata("pingze").get_all("Project-URL") or []:
        name, _, address = url.partition(", ")
        if name == label:
            return address
    return ""


async def _problem(request: Request, error: Exception) -> Response:
    """Build the response to any error, including an unknown route.

    Keep the error's headers, such as Allow.
    """
    language = language_of(request.headers)
    headers = None
    if isinstance(error, RequestValidationError):
        first_fault = error.errors()[0]  # a problem states one cause
        error = invalid(first_fault)
    elif isinstance(error, HTTPException):
        headers = error.headers
        status = error.status_code
        if status not in PROBLEMS:  # such as 401 for an unreadable file
            status = 404
        # Status 400 comes from FastAPI only for a body that it cannot parse.
        codes = {400: "json", 405: "method"}
        error = RefusedError(status, codes.get(status, "no_route"))
    return Problem.of(error, language).response(headers)


def _extended_schema(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI schema that FastAPI derives, with what FastAPI cannot know.

    This adds an example of each body, the media type of problems, the header Allow of status 405,
    and where the names that a field takes are listed.
    """
    schema = app.openapi()
    # 1) Requests and problems.
    for path, operations in schema["paths"].items():
        example = EXAMPLES.get(path.removeprefix("/v1/"))
        for operation in operations.values():
            if example:
                body = operation["requestBody"]["content"]["application/json"]
                body["example"] = example
            responses = operation["responses"]
            for status, response in responses.items():
                if int(status) >= 400:
                    response["content"] = {MEDIA_TYPE: response["content"]["application/json"]}
            responses["405"]["headers"] = {"Allow": {"schema": {"type": "string"}}}
    # 2) Fields. Only the schema of a request forbids fields that it does not list.
    for component in schema["components"]["schemas"].values():
        is_request = component.get("additionalProperties") is False
        if is_request:
            fields = component["properties"]
            for name in fields.keys() & LISTED.keys():
                fields[name]["description"] += f" {LISTED[name]}"
    return schema
