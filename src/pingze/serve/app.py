"""Assemble the application from the API's routes and OpenAPI schema, the page, the error responses and the guard."""

from collections.abc import Iterable
from html import escape
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from pingze.errors import PingzeError
from pingze.serve.guard import Guard
from pingze.serve.problems import MEDIA_TYPE, Problem, RefusedError, invalid, language_of
from pingze.serve.queue import Queue
from pingze.serve.routes import router
from pingze.verse.forms import FORMS
from pingze.verse.patterns import STRICTNESSES
from pingze.verse.rhyme_groups import STANDARDS
from pingze.verse.tunes import tunes

PAGE = Path(__file__).with_name("page")
CHOICES: dict[str, list[str]] = {
    "form": [*FORMS, *tunes()],
    "level": list(STRICTNESSES),
    "rhyme": list(dict.fromkeys(name for each in STANDARDS.values() for name in each.groups)),
}
"""The names that the schema lists. The server accepts other spellings too, such as those in Simplified characters."""

_POEM = {"lines": ["春月紅芳碧", "風流夜漏深", "此心何必住", "金草與山陰"]}
EXAMPLES: dict[str, dict[str, Any]] = {
    "compose": {"form": "七絕", "rhyme": "庚", "pattern": "＿＿明月＿＿＿", "include": "雁", "seed": 1},
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


def create_app(queue: Queue | None = None, hosts: Iterable[str] = (), public_url: str = "") -> Guard:
    """Build the application, which accepts requests addressed to the loopback host names.

    Args:
        queue: The queue that computes the answers; None if only the page and the schema are served.
        hosts: Further host names to accept.
        public_url: The address of the page that links lead to; "" for the project's own pages, if it has any.
    """
    app = FastAPI(
        title="pingze 平仄",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry={"auto_configure": False},  # send none, even if the environment configures it
        exception_handlers=dict.fromkeys((PingzeError, RequestValidationError, HTTPException, Exception), _problem),
    )
    app.state.queue = queue
    app.include_router(router)
    schema = _described(app)
    app.add_api_route("/v1/openapi.json", lambda: schema, include_in_schema=False)
    index = (PAGE / "index.html").read_text(encoding="utf-8")
    for name, address in (("public", public_url or project_url("Poems")), ("repository", project_url("Repository"))):
        index = index.replace(f'name="{name}" content=""', f'name="{name}" content="{escape(address)}"')
    app.add_api_route("/", lambda: HTMLResponse(index), include_in_schema=False)
    app.mount("/page", StaticFiles(directory=PAGE))
    return Guard(app, hosts)


def project_url(label: str) -> str:
    """Return one of the project's addresses in pyproject.toml; "" if it has none.

    Args:
        label: The name of the address in pyproject.toml, such as Repository.
    """
    urls = dict(each.split(", ", 1) for each in metadata("pingze").get_all("Project-URL") or [])
    return urls.get(label, "")


async def _problem(request: Request, error: Exception) -> Response:
    """Build the response to an error, even if no route matches the request; keep the error's headers, such as Allow."""
    language, headers = language_of(request.headers), None
    if isinstance(error, RequestValidationError):
        error = invalid(error.errors()[0])
    elif isinstance(error, HTTPException):
        status, headers = error.status_code, error.headers
        error = RefusedError(status, {400: "json", 405: "method"}.get(status, "no_route"))
    return Problem.of(error, language).response(headers)


def _described(app: FastAPI) -> dict[str, Any]:
    """Return FastAPI's OpenAPI schema; add examples, the names to choose from, and the media type of problems."""
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
