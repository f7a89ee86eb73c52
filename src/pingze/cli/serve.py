"""`pingze serve` and `mcp`."""

import asyncio
import re
from ipaddress import ip_network
from socket import socket
from typing import Annotated
from urllib.parse import urlsplit

import typer

from pingze.cli.application import command, need
from pingze.errors import InputError

HostOption = Annotated[str, typer.Option(help="The address to listen at.")]
AllowHostOption = Annotated[
    list[str] | None, typer.Option(help="A further host name; may be repeated.")
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=1024,
        help="How many heavy requests of one client are computed at once; "
        "by default one for each core.",
    ),
]

_ORIGIN = re.compile(r"https?://([a-z0-9._-]+|\[[0-9a-f:]+\])(:\d+)?")
"""An origin as browsers write it."""


@command()
def serve(
    host: HostOption = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port; 0 takes any free one.")
    ] = 8000,
    allow_host: AllowHostOption = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(help="An origin whose pages may use the API; may be repeated."),
    ] = None,
    public_url: Annotated[
        str, typer.Option(help="The address of the page to which links and cards lead.")
    ] = "",
    workers: WorkersOption = None,
    trust_proxy: Annotated[
        str, typer.Option(help="The address of a proxy that names the client in X-Forwarded-For.")
    ] = "",
) -> None:
    """Serve the page and the HTTP API until Ctrl-C."""
    need("serve", "pingze serve")
    from pingze.serve.pool import Lanes
    from pingze.serve.server import listen, reached_at, run

    # All arguments are checked before the workers start, which takes seconds.
    public = urlsplit(public_url)
    is_web_address = public.scheme in ("http", "https") and public.hostname
    if public_url and not is_web_address:
        raise InputError("public_url", field="public-url", has=public_url)
    for name in allow_host or []:
        # The server knows a wildcard only for all names below a domain, as in *.example.org.
        if "*" in name.removeprefix("*."):
            raise InputError("allow_host", field="allow-host", has=name)
    for origin in allow_origin or []:
        if not _ORIGIN.fullmatch(origin):
            raise InputError("allow_origin", field="allow-origin", has=origin)
    # uvicorn takes addresses and networks, with commas between them.
    for proxy in filter(None, trust_proxy.split(",")):
        try:
            ip_network(proxy.strip())
        except ValueError as error:
            raise InputError("trust_proxy", field="trust-proxy", has=proxy) from error
    # The port is taken first: if it is in use, no workers are started in vain.
    with listen(host, port) as bound:
        address = reached_at(bound)
        lanes = Lanes(workers)
        lanes.wait_until_ready()
        _print_address(address, bound)
        names = [host, address] + (allow_host or [])
        if public.hostname:
            names.append(public.hostname)
        public_page = public_url.partition("#")[0]  # links to poems add a fragment of their own
        run(bound, lanes, names, public_page, trust_proxy, allow_origin or [])


@command()
def mcp(
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="Serve over HTTP at this port; 0 takes any free one. "
            "By default, serve one client over standard input and output.",
        ),
    ] = None,
    host: HostOption = "127.0.0.1",
    allow_host: AllowHostOption = None,
    workers: WorkersOption = None,
) -> None:
    """Serve the desk to agents, as tools of the Model Context Protocol."""
    need("mcp", "pingze mcp")
    from pingze.mcp import create_mcp_app, serve_stdio
    from pingze.serve.pool import Lanes
    from pingze.serve.server import listen, reached_at, run_app

    if port is None:  # a single client that has started this process
        asyncio.run(serve_stdio(workers))
        return
    with listen(host, port) as bound:
        address = reached_at(bound)
        lanes = Lanes(workers)
        lanes.wait_until_ready()
        _print_address(address, bound, "/mcp")
        app = create_mcp_app(lanes, [host, address] + (allow_host or []))
        run_app(app, bound, lanes, lifespan=app.router.lifespan_context(app))


def _print_address(address: str, bound: socket, path: str = "") -> None:
    """Print the address at which a server can be reached."""
    is_ipv6_address = ":" in address
    host = f"[{address}]" if is_ipv6_address else address
    port = bound.getsockname()[1]
    typer.echo(f"pingze serves at http://{host}:{port}{path}  (Ctrl-C stops)", err=True)
