"""Refuse requests from unknown hosts or with large or slow bodies, set headers, and close idle connections.

Another site can make its own host name resolve to this machine (DNS rebinding). The requests of the site's page then
carry that name, so only known host names are accepted. The guard reads each body in full before the application runs.
"""

import asyncio
import math
import select
import time
from asyncio.trsock import TransportSocket
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pingze.serve.problems import LostError, Problem, RefusedError, language_of

LARGEST_BODY = 64 * 1024
READING_SECONDS = 10.0
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-cache",
}

Peer = tuple[str, int]
"""The address and port at the other end of a connection."""


class Guard:
    """An application that checks each request before it passes the request to another application.

    app: The application that answers the requests.
    hosts: Host names to accept in addition to the loopback names.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()) -> None:
        # Requests write an IPv6 address in brackets.
        named = (f"[{host}]" if ":" in host else host for host in hosts)
        self.app, self.hosts = app, {*LOOPBACK, *(host.lower() for host in named)}
        self.moved: dict[Peer, float] = {}
        """For each peer, when data was last sent or an answer ended; infinity while an answer is computed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the application, or refuse the request. Add `HEADERS` to every answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        peer: Peer = tuple(scope.get("client") or ("", 0))
        headers, started = Headers(scope=scope), False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
                started = True
            self.moved[peer] = time.monotonic()
            await send(message)
            self.moved[peer] = math.inf

        async def refuse(error: Exception) -> None:
            problem = Problem.of(error, language_of(headers))
            if started:
                await send_with_headers({"type": "http.response.body", "body": problem.line()})
            else:
                await problem.response()(scope, receive, send_with_headers)

        try:
            self._check(headers, scope["method"])
            body = await _read(receive)
            self.moved[peer] = math.inf
            await self._answer(scope, body, receive, send_with_headers)
        except RefusedError as error:
            await refuse(error)
        except ConnectionError:
            pass
        except asyncio.CancelledError:  # a second Ctrl-C; uvicorn would print an error raised again
            await refuse(LostError())
        finally:
            self.moved[peer] = time.monotonic()

    def _check(self, headers: Headers, method: str) -> None:
        """Raise RefusedError if the host, size or media type of a request is not accepted."""
        host = headers.get("host", "").lower()
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if name not in self.hosts:
            raise RefusedError(421, "host", has=name)
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > LARGEST_BODY:
            raise RefusedError(413, "too_large", most=LARGEST_BODY)
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if method == "POST" and kind != "application/json":
            raise RefusedError(415, "media_type", wanted="application/json")

    async def _answer(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Run the application until it has answered or the client has left."""
        messages = [{"type": "http.request", "body": body}]
        gone = asyncio.ensure_future(receive())  # after the body, the only message left is the disconnect

        async def replay() -> Message:
            return messages.pop() if messages else await asyncio.shield(gone)

        answer = asyncio.ensure_future(self.app(scope, replay, send))
        try:
            await asyncio.wait([answer, gone], return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            answer.cancel()
        with suppress(asyncio.CancelledError):
            await answer


async def _read(receive: Receive) -> bytes:
    """Read a whole body. Raises RefusedError if it is too large or slow, and ConnectionError if the client has left."""
    body, more = bytearray(), True
    try:
        async with asyncio.timeout(READING_SECONDS):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ConnectionError
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if len(body) > LARGEST_BODY:
                    raise RefusedError(413, "too_large", most=LARGEST_BODY)
    except TimeoutError:
        raise RefusedError(408, "slow_body", seconds=READING_SECONDS) from None
    return bytes(body)


IDLE_SECONDS = 20.0
"""Seconds after which a connection is closed if no answer is being computed and the client reads nothing."""
PAUSE = 1.0
"""Seconds between two checks of the connections."""


async def watch(connections: set[Any], guard: Guard, seconds: float = IDLE_SECONDS) -> None:
    """Close idle, slow and abandoned connections until this task is cancelled.

    uvicorn itself closes a connection that is idle after an answer. But it waits for ever for the first request, for
    the rest of a refused body, and for a client to read its answer. Nor does it notice the departure of a client that
    has sent more than one request.

    Args:
        connections: The open connections of uvicorn's server; each has a `transport`.
        guard: The application's guard, which records when each peer last received part of an answer.
        seconds: How long a connection may be idle.
    """
    seen: dict[Any, float] = {}  # when each connection was first seen
    while True:
        await asyncio.sleep(min(PAUSE, seconds))
        now = time.monotonic()
        seen = {each.transport: seen.get(each.transport, now) for each in list(connections)}
        peers = {transport: transport.get_extra_info("peername")[:2] for transport in seen}
        guard.moved = {peer: guard.moved[peer] for peer in peers.values() if peer in guard.moved}
        for transport, peer in peers.items():
            moved = guard.moved.get(peer, seen[transport])
            if moved + seconds < now or _has_left(transport.get_extra_info("socket")):
                transport.abort()


def _has_left(connection: TransportSocket) -> bool:
    """Return whether the peer has closed the connection, even if its bytes are still unread; False except on Linux."""
    if not hasattr(select, "POLLRDHUP") or connection.fileno() < 0:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLRDHUP)
    return bool(poll.poll(0))
