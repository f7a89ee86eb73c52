"""Check hosts, sizes and times before every route, and set the headers of every answer.

A page elsewhere can make its own name point to this machine (DNS rebinding); its requests carry that name as host, so
only known hosts are answered. A body is read here, whole, before anything else happens.
"""

import asyncio
import math
import time
from collections.abc import Iterable
from contextlib import suppress

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pingze.errors import Cause
from pingze.serve.problems import LostError, Problem, language_of

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


class RefusedError(Exception):
    """A request that goes no further."""

    def __init__(self, status: int, cause: Cause) -> None:
        super().__init__(cause["code"])
        self.status, self.cause = status, cause


class Guard:
    """The whole application behind its checks.

    app: What answers.
    hosts: Host names that are answered, beside loopback's.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()) -> None:
        self.app, self.hosts = app, {*LOOPBACK, *map(_as_named, hosts)}
        self.moved: dict[Peer, float] = {}
        """When each peer last took or ended an answer; infinity while one is computed for it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it; every answer gets the headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        peer: Peer = tuple(scope.get("client") or ("", 0))

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            self.moved[peer] = time.monotonic()
            await send(message)
            self.moved[peer] = math.inf

        headers = Headers(scope=scope)
        try:
            self._check(headers, scope["method"])
            body = await _read(receive)
            self.moved[peer] = math.inf
            await self._answer(scope, body, receive, send_with_headers)
        except RefusedError as refused:
            problem = Problem.of_code(refused.status, refused.cause, language_of(headers))
            await problem.response()(scope, receive, send_with_headers)
        except ConnectionError:
            pass
        except asyncio.CancelledError:  # a second Ctrl-C; raised on, uvicorn would print it
            problem = Problem.of_error(LostError(), language_of(headers))
            await problem.response()(scope, receive, send_with_headers)
        finally:
            self.moved[peer] = time.monotonic()

    def _check(self, headers: Headers, method: str) -> None:
        """Raise RefusedError for a host, a size or a media type that is not answered."""
        host = headers.get("host", "").lower()
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if name not in self.hosts:
            raise RefusedError(421, {"code": "host", "has": name})
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > LARGEST_BODY:
            raise RefusedError(413, _TOO_LARGE)
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if method == "POST" and kind != "application/json":
            raise RefusedError(415, {"code": "media_type", "wanted": "application/json"})

    async def _answer(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Run the application until it has answered or its client has gone."""
        gone = asyncio.Event()
        pending = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            if pending:
                return pending.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def listen() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            gone.set()

        answer = asyncio.ensure_future(self.app(scope, replay, send))
        listener = asyncio.ensure_future(listen())
        try:
            await asyncio.wait([answer, listener], return_when=asyncio.FIRST_COMPLETED)
        finally:
            listener.cancel()
            if not answer.done():
                answer.cancel()
        with suppress(asyncio.CancelledError):
            await answer


_TOO_LARGE: Cause = {"code": "too_large", "most": LARGEST_BODY}


def _as_named(host: str) -> str:
    """Write a host as requests name it: an address of IPv6 in brackets."""
    return f"[{host.lower()}]" if ":" in host else host.lower()


async def _read(receive: Receive) -> bytes:
    """Read the whole body. Raises RefusedError if it is too large or slow, ConnectionError if the client has left."""
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
                    raise RefusedError(413, _TOO_LARGE)
    except TimeoutError:
        raise RefusedError(408, {"code": "slow_body", "seconds": READING_SECONDS}) from None
    return bytes(body)
