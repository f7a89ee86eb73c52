"""`pingze serve`."""

from importlib.util import find_spec
from typing import Annotated

import typer

from pingze.cli.app import app
from pingze.errors import MissingExtraError

MOST_ROWS = 1 << 16
"""No more texts wait at once: 1,024 drafts of 64."""


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes any free one.")] = 8000,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            help="A host name to answer to beside loopback's, as behind a proxy; may be given again."
        ),
    ] = None,
    rows: Annotated[
        int,
        typer.Option(
            min=1, max=MOST_ROWS, help="How many texts each thread has begun at most; 1: poem after poem."
        ),
    ] = 512,
) -> None:
    """Serve the page and the HTTP API until Ctrl-C."""
    if any(find_spec(name) is None for name in ("fastapi", "uvicorn")):
        raise MissingExtraError("pingze serve", "serve")
    from pingze.serve.server import listen, prepared, reached_at, run

    with listen(host, port) as bound:
        address = reached_at(bound)
        application = prepared([host, address, *(allow_host or [])], rows)
        shown = f"[{address}]" if ":" in address else address
        typer.echo(f"pingze serves at http://{shown}:{bound.getsockname()[1]}  (Ctrl-C stops)", err=True)
        run(bound, application)
