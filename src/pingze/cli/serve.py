"""`pingze serve`."""

from typing import Annotated
from urllib.parse import urlsplit

import typer

from pingze.cli.application import command, need
from pingze.errors import InputError


@command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port; 0 takes any free one.")
    ] = 8000,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A further host name; may be repeated.")
    ] = None,
    public_url: Annotated[
        str, typer.Option(help="The address of the page to which links and cards lead.")
    ] = "",
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1024,
            help="How many heavy requests of one client are computed at once; "
            "by default one for each core.",
        ),
    ] = None,
    trust_proxy: Annotated[
        str, typer.Option(help="The address of a proxy that names the client in X-Forwarded-For.")
    ] = "",
) -> None:
    """Serve the page and the HTTP API until Ctrl-C."""
    need("serve", "pingze serve")
    from pingze.serve.pool import Lanes
    from pingze.serve.server import listen, reached_at, run

    public = urlsplit(public_url)
    if public_url and not (public.scheme in ("http", "https") and public.hostname):
        raise InputError("public_url", field="public-url", has=public_url)
    for name in allow_host or []:
        if "*" in name.removeprefix("*."):
            raise InputError("allow_host", field="allow-host", has=name)
    with listen(host, port) as bound:
        address = reached_at(bound)
        lanes = Lanes(workers)
        lanes.wait_until_ready()
        shown = f"[{address}]" if ":" in address else address
        typer.echo(
            f"pingze serves at http://{shown}:{bound.getsockname()[1]}  (Ctrl-C stops)", err=True
        )
        names = [host, address] + (allow_host or [])
        if public.hostname:
            names.append(public.hostname)
        run(bound, lanes, names, public_url.partition("#")[0], trust_proxy)
