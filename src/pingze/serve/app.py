"""The application: the API's routes, the page, what turns errors into answers, and the guard before all of it."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from anyio import to_thread
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

from pingze.errors import PingzeError
from pingze.serve.composing import Desk
from pingze.serve.gathering import ROWS, Gathering
from pingze.serve.guard import Guard
from pingze.serve.idle import tidy
from pingze.serve.openapi import described
from pingze.serve.problems import Problem
from pingze.serve.routes import router
from pingze.serve.work import Work
from pingze.threads import threads

PAGE = Path(__file__).with_name("page")
SECONDS = 30.0
"""How long one request may take."""


def create_app(
    hosts: Iterable[str] = (), rows: int = ROWS, seconds: float = SECONDS, pace: float = 0.0
) -> Guard:
    """The application: API, page, and the guard before both. It answers to loopback names.

    Args:
        hosts: Other names that it answers to.
        rows: How many texts of one size class a thread has begun at most, from 1; there are `threads()` of them.
        seconds: How long one request may take.
        pace: The seconds that a token of one text takes among many, as first guess; 0 where it is not known.
    """
    app = FastAPI(
        title="pingze 平仄",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry={"auto_configure": False},  # whatever the environment says
        lifespan=_lifespan,
        exception_handlers={
            PingzeError: _problem,
            RequestValidationError: _invalid,
            HTTPException: _refused,
            Exception: _problem,
        },
    )
    gathering = Gathering(rows, threads=threads(), pace=pace)
    app.state.desk = Desk(Work(seconds), Work(seconds), gathering)
    app.include_router(router)
    schema = described(app)
    app.add_api_route("/v1/openapi.json", lambda: schema, include_in_schema=False)
    app.add_api_route("/", _index, include_in_schema=False)
    app.mount("/page", StaticFiles(directory=PAGE))
    return Guard(app, hosts)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The gathering runs while the application does."""
    desk: Desk = app.state.desk
    desk.gathering.start()
    tidying = asyncio.create_task(tidy(desk))
    yield
    tidying.cancel()
    await to_thread.run_sync(desk.gathering.close)


async def _index() -> FileResponse:
    return FileResponse(PAGE / "index.html")


async def _problem(_: Request, error: Exception) -> Response:
    return Problem.of_error(error).response()


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return Problem.of_validation(error.errors()[0]).response()


async def _refused(_: Request, error: Exception) -> Response:
    """What is answered where no route does; its headers, as Allow, are kept."""
    assert isinstance(error, HTTPException)
    return Problem.of_status(error.status_code, str(error.detail)).response(error.headers)
