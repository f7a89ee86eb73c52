"""Refuse requests with unknown host names or with large or slow bodies, set headers, and close idle connections.

Another site can make its own host name resolve to this machine (DNS rebinding). Requests from the
site's page then name the site's host, so only known host names are accepted. The guard reads each
body in full before the application runs.
"""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pingze.serve.problems import Problem, RefusedError, language_of, lost

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
IDLE_SECONDS = 20.0  # a connection is closed after this time if no answer is being computed or read
PAUSE = 1.0  # seconds between two checks of the connections


class Guard:
    """Middleware that checks each request before the application receives it.

    app: The application that answers the requests.
    hosts: Host names to accept in addition to the loopback names.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()) -> None:
        # Requests write an IPv6 address in brackets.
        named = (f"[{host}]" if ":" in host else host for host in hosts)
        self.app, self.hosts = app, {*LOOPBACK, *(host.lower() for host in named)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the application, or refuse the request. Add `HEADERS` to every answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers, started = Headers(scope=scope), False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
                started = True
            await send(message)

        try:
            self._check(headers, scope["method"])
            await self._answer(
                scope, await _read(Request(scope, receive)), receive, send_with_headers
            )
        except ClientDisconnect:
            pass
        except (RefusedError, asyncio.CancelledError) as error:
            # After a second Ctrl-C, uvicorn would print the CancelledError if it were raised again.
            problem = Problem.of(
                error if isinstance(error, RefusedError) else lost(), language_of(headers)
            )
            if started:
                await send({"type": "http.response.body", "body": problem.line()})
            else:
                await problem.response()(scope, receive, send_with_headers)

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
        # after the body, the only message left is the disconnect
        gone = asyncio.ensure_future(receive())

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


async def _read(request: Request) -> bytes:
    """Read a whole body.

    Raises RefusedError if it is too large or slow, and ClientDisconnect if the client leaves.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(READING_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > LARGEST_BODY:
                    raise RefusedError(413, "too_large", most=LARGEST_BODY)
    except TimeoutError:
        raise RefusedError(408, "slow_body", seconds=READING_SECONDS) from None
    return bytes(body)


async def watch(connections: set[Any], seconds: float = IDLE_SECONDS) -> None:
    """Close idle connections until this task is cancelled.

    A connection is idle if no answer is computed or read.

    uvicorn itself only closes connections that are idle after an answer. It waits for ever for the
    first request, for the rest of a refused body, and for a client to read an answer. If a client
    sends a second request before the first is answered, uvicorn stops reading from the connection,
    and does not notice when the client leaves. While an answer is computed, this task makes uvicorn
    read again, unless `LARGEST_BODY` bytes of further requests already wait.

    Args:
        connections: The open connections of uvicorn's server, instances of `asyncio.Protocol`.
        seconds: How long a connection may be idle.
    """
    # the state of each connection, and when that state began
    seen: dict[Any, tuple[Any, float]] = {}
    while True:
        await asyncio.sleep(min(PAUSE, seconds))
        now, before, seen = time.monotonic(), seen, {}
        for connection in list(connections):
            cycle, unread = connection.cycle, connection.transport.get_write_buffer_size()
            state, since = before.get(connection, (None, now))
            is_computing = cycle is not None and not cycle.response_complete and not unread
            if is_computing and len(connection.conn.trailing_data[0]) < LARGEST_BODY:
                connection.flow.resume_reading()
            seen[connection] = (
                (cycle, unread),
                now if is_computing or state != (cycle, unread) else since,
            )
            if seen[connection][1] + seconds < now:
                connection.transport.abort()
