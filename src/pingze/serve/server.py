"""The running server: it listens at an address and answers requests until it is told to stop."""

import gc
import os
import socket
import sys
import warnings
from collections.abc import Iterable
from ipaddress import ip_address

import uvicorn
from threadpoolctl import threadpool_limits

from pingze.composing.request.input_characters import ConversionWarning
from pingze.errors import InputError
from pingze.lstm.memory import share_freed_memory
from pingze.serve.answers import warm_up
from pingze.serve.app import SECONDS, create_app
from pingze.serve.connection import Connection
from pingze.serve.guard import Guard
from pingze.serve.idle import give_back

BACKLOG = 256
SWITCH_SECONDS = 0.001
"""How long a thread computes in Python while another waits to; the event loop waits so long for each thread."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises InputError where the address cannot be had."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        raise InputError(
            f"cannot listen at {host} port {port}: {_reason(error)}; choose another --host or --port",
            field="port",
        ) from error
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


def _reason(error: OSError | UnicodeError) -> str:
    """What is wrong, without what Python adds to it."""
    if isinstance(error, UnicodeError):
        return "that is no host name"
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror or error)


def prepared(hosts: Iterable[str], rows: int) -> Guard:
    """The application with all that it answers from in memory, so that no first request waits for it.

    Raises CheckpointError where a shipped model cannot be read.
    """
    share_freed_memory()
    warnings.simplefilter("ignore", ConversionWarning)  # it is for the person who asks, not for who serves
    with threadpool_limits(1, user_api="blas"):
        pace = warm_up()
    application = create_app(hosts, rows, pace=pace)
    give_back()
    gc.freeze()  # what is there now stays, and need not be looked through again
    return application


def run(bound: socket.socket, application: Guard) -> None:
    """Serve until SIGINT or SIGTERM; what runs then is finished, and nothing new is taken."""
    sys.setswitchinterval(SWITCH_SECONDS)
    configuration = uvicorn.Config(
        application,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=20,
        timeout_graceful_shutdown=int(SECONDS) + 1,
        ws="none",
        http=Connection,
        backlog=BACKLOG,
    )
    # Threads that multiply beside each other; those of BLAS within one product would wait for whichever is kept busy.
    with threadpool_limits(1, user_api="blas"):
        uvicorn.Server(configuration).run(sockets=[bound])
