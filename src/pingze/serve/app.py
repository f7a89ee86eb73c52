"""Put the application together: the API's routes, the page, answers to errors, and the guard before them."""

from collections.abc import Iterable
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

from pingze.errors import PingzeError
from pingze.serve.guard import Guard
from pingze.serve.openapi import described
from pingze.serve.problems import Problem, language_of
from pingze.serve.queue import Queue
from pingze.serve.routes import router

PAGE = Path(__file__).with_name("page")


def create_app(queue: Queue | None = None, hosts: Iterable[str] = ()) -> Guard:
    """Make the application, which answers to loopback's names.

    Args:
        queue: It computes the answers; None where only the page and the schema are served.
        hosts: Other names that it answers to.
    """
    app = FastAPI(
        title="pingze 平仄",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry={"auto_configure": False},  # whatever the environment says
        exception_handlers={
            PingzeError: _problem,
            RequestValidationError: _invalid,
            HTTPException: _refused,
            Exception: _problem,
        },
    )
    app.state.queue = queue
    app.include_router(router)
    schema = described(app)
    app.add_api_route("/v1/openapi.json", lambda: schema, include_in_schema=False)
    app.add_api_route("/", _index, include_in_schema=False)
    app.mount("/page", StaticFiles(directory=PAGE))
    return Guard(app, hosts)


async def _index() -> FileResponse:
    return FileResponse(PAGE / "index.html")


async def _problem(request: Request, error: Exception) -> Response:
    return Problem.of_error(error, language_of(request.headers)).response()


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return Problem.of_validation(error.errors()[0], language_of(request.headers)).response()


async def _refused(request: Request, error: Exception) -> Response:
    """Answer where no route does; headers as Allow are kept."""
    assert isinstance(error, HTTPException)
    return Problem.of_status(error.status_code, language_of(request.headers)).response(error.headers)
