"""Run the server: listen at an address, start the workers, and answer requests until a signal stops it."""

import asyncio
import os
import signal
import socket
from collections.abc import Iterable
from ipaddress import ip_address

import uvicorn

from pingze.errors import InputError
from pingze.serve.app import create_app
from pingze.serve.connections import watch
from pingze.serve.guard import Guard
from pingze.serve.queue import Queue

BACKLOG = 256
MOST_CONNECTIONS = 1000
"""Beyond so many, uvicorn answers 503 itself."""
LARGEST_HEAD = 64 * 1024
"""The bytes of a request's headers."""


def listen(host: str, port: int) -> socket.socket:
    """Listen at an address. Raises InputError where it cannot be had."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        if isinstance(error, UnicodeError):
            reason = "that is no host name"
        else:  # without Python's additions
            number = error.errno or 0
            reason = os.strerror(number) if number > 0 else str(error.strerror or error)
        raise InputError("listen", field="port", host=host, port=port, reason=reason) from error
    # Connections inherit it. asyncio sets it only where a socket names its protocol, and accepted ones of this do not;
    # without it each answer's body waits 40 ms for the acknowledgement of its headers.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return bound


def reached_at(bound: socket.socket) -> str:
    """Give the address to type: of a socket that listens at every address, this machine's own on the local network."""
    address = str(bound.getsockname()[0])
    if not ip_address(address).is_unspecified:
        return address
    anywhere, loopback = (
        ("2001:db8::1", "::1") if bound.family == socket.AF_INET6 else ("192.0.2.1", "127.0.0.1")
    )
    with socket.socket(bound.family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((anywhere, 9))  # picks the way there, and sends nothing
        except OSError:
            return loopback
        return str(probe.getsockname()[0])


def run(bound: socket.socket, queue: Queue, hosts: Iterable[str]) -> None:
    """Serve until SIGINT or SIGTERM; running requests are finished, and no new ones taken.

    A second Ctrl-C ends them too. Raises KeyboardInterrupt after SIGINT.
    """
    application = create_app(queue, hosts)
    configuration = uvicorn.Config(
        application,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=20,
        timeout_graceful_shutdown=int(queue.seconds) + 1,
        limit_concurrency=MOST_CONNECTIONS,
        h11_max_incomplete_event_size=LARGEST_HEAD,
        ws="none",
        http="h11",
        lifespan="off",
        backlog=BACKLOG,
    )
    server = uvicorn.Server(configuration)
    seen: list[int] = []

    def stop(number: int, _: object) -> None:
        """Stop before uvicorn listens to signals; after it has stopped, it raises those that it got once more."""
        server.should_exit = True
        seen.append(number)

    terminate = signal.getsignal(signal.SIGTERM)
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, stop)
    try:
        asyncio.run(_serve(bound, server, queue, application))
    finally:
        queue.close()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # another Ctrl-C has nothing left to stop
        signal.signal(signal.SIGTERM, terminate)
    if signal.SIGINT in seen:
        raise KeyboardInterrupt
    if seen:
        signal.raise_signal(signal.SIGTERM)


async def _serve(bound: socket.socket, server: uvicorn.Server, queue: Queue, guard: Guard) -> None:
    queue.start()
    watching = asyncio.create_task(watch(server.server_state.connections, guard))
    try:
        await server.serve(sockets=[bound])
    finally:
        watching.cancel()
