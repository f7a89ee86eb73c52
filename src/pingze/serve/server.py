"""Run the server: listen at an address, and answer requests until a signal stops it."""

import asyncio
import errno
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from ipaddress import ip_address
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from pingze.errors import InputError
from pingze.messages import here
from pingze.serve.app import create_app, measure
from pingze.serve.pool import JOB_SECONDS, Lanes

BACKLOG = 256
MOST_CONNECTIONS = 1000  # above this number, uvicorn itself answers 503
LARGEST_HEAD = 64 * 1024  # bytes of a request's headers


def listen(host: str, port: int) -> socket.socket:
    """Open a socket that listens at an address.

    Raises InputError if the address is not available.
    """
    try:
        resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, *_, address = resolved[0]
        # An IPv6 address has two more numbers, which are of no use here.
        host_and_port = address[:2]
        bound = socket.create_server(host_and_port, family=family, backlog=BACKLOG)
    except UnicodeError as error:
        raise InputError(
            "listen", field="port", host=host, port=port, reason="that is no host name"
        ) from error
    except OSError as error:
        # os.strerror gives the system's message without Python's additions. It does not know the
        # negative numbers with which getaddrinfo says that it could not resolve the host.
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else str(error.strerror or error)
        raise InputError("listen", field="port", host=host, port=port, reason=reason) from error
    # Accepted connections inherit this option. asyncio sets it only on sockets that name their
    # protocol, which these do not; without it, each answer's body waits 40 ms for the
    # acknowledgement of its headers.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return bound


def reached_at(bound: socket.socket) -> str:
    """Return the address to type in a browser.

    If the socket listens on all addresses, it is the machine's network address.
    """
    address = str(bound.getsockname()[0])
    if not ip_address(address).is_unspecified:
        return address
    # The machine's network address is the one from which it would send to the outside. The
    # target is an address for documentation: it belongs to nobody, but is routed as any other.
    if bound.family == socket.AF_INET6:
        anywhere = "2001:db8::1"
        loopback = "::1"
    else:
        anywhere = "192.0.2.1"
        loopback = "127.0.0.1"
    with socket.socket(bound.family, socket.SOCK_DGRAM) as probe:
        try:
            # A datagram socket chooses its route and its own address here, and sends nothing.
            probe.connect((anywhere, 9))
        except OSError:
            return loopback
        return str(probe.getsockname()[0])


def run(
    bound: socket.socket,
    lanes: Lanes,
    hosts: Iterable[str],
    public_url: str = "",
    trust_proxy: str = "",
    origins: Sequence[str] = (),
) -> None:
    """Serve the page and the HTTP API, as `run_app` serves an application.

    Args:
        bound: The listening socket.
        lanes: The workers, which are ready.
        hosts: The host names to accept beside the loopback names.
        public_url: The page's address in links to poems.
        trust_proxy: The address of a proxy whose X-Forwarded-For names the client; "" if there is
            none.
        origins: The origins whose pages may use the API.

    Raises KeyboardInterrupt after SIGINT.
    """
    run_app(create_app(lanes, hosts, public_url, origins), bound, lanes, trust_proxy)


def run_app(
    app: ASGIApp,
    bound: socket.socket,
    lanes: Lanes,
    trust_proxy: str = "",
    lifespan: AbstractAsyncContextManager[Any] | None = None,
) -> None:
    """Serve an application until SIGINT or SIGTERM arrives.

    After the signal, the server refuses new requests and completes the running ones; a second
    Ctrl-C aborts those too. The context manager `lifespan` is entered before the first request and
    left after the last.

    Raises KeyboardInterrupt after SIGINT.
    """
    # 1) Configure uvicorn.
    configuration = uvicorn.Config(
        app,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=bool(trust_proxy),
        forwarded_allow_ips=trust_proxy,
        timeout_keep_alive=20,
        # The last job may take JOB_SECONDS, and a second is left to send its answer.
        timeout_graceful_shutdown=int(JOB_SECONDS) + 1,
        limit_concurrency=MOST_CONNECTIONS,
        h11_max_incomplete_event_size=LARGEST_HEAD,
        ws="none",
        http="h11",  # the only parser whose headers' size uvicorn can limit
        lifespan="off",  # uvicorn would print a traceback of it after a second Ctrl-C
        backlog=BACKLOG,
    )
    server = uvicorn.Server(configuration)
    received_signals: list[int] = []

    async def serve() -> None:
        asyncio.get_running_loop().set_exception_handler(_error_handler(bound))
        async with nullcontext() if lifespan is None else lifespan:
            # Learn how long jobs take, to refuse those that would wait too long.
            await measure(lanes)
            await server.serve(sockets=[bound])

    def stop(number: int, _: object) -> None:
        """Record a signal and stop uvicorn.

        While uvicorn serves, its own handlers receive the signals. When it has stopped, it raises
        the same signals again, and they arrive here.
        """
        server.should_exit = True
        received_signals.append(number)

    # 2) Serve until a signal comes.
    previous_handler = signal.getsignal(signal.SIGTERM)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        asyncio.run(serve())
    finally:
        lanes.close()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left for another Ctrl-C to stop
        signal.signal(signal.SIGTERM, previous_handler)
    # 3) End as the signal asks: SIGTERM ends the process, with the status that a caller expects.
    if signal.SIGINT in received_signals:
        raise KeyboardInterrupt
    if received_signals:
        signal.raise_signal(signal.SIGTERM)


def _error_handler(
    bound: socket.socket,
) -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]:
    """Make a handler of the event loop's errors that says only once that no descriptors are left.

    When no descriptors are left, asyncio cannot accept connections: it tries again every second,
    and reports each failure. If the server stops within that second, asyncio's next attempt fails
    because the listening socket `bound` is closed.
    """
    is_printed = False
    # The sentence is read now, because its file cannot be opened when no descriptors are left.
    sentence = here("too_many_connections")

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal is_printed
        error = context.get("exception")
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            if not is_printed:
                print(f"pingze: {sentence}", file=sys.stderr)  # noqa: T201
            is_printed = True
        elif isinstance(error, ValueError) and bound.fileno() == -1:
            pass  # the attempt to accept again, at a socket that is closed
        else:
            loop.default_exception_handler(context)

    return handle
