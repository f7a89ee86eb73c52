"""What stands before every route: limits on hosts, sizes and times, and headers.

A page elsewhere can make its own name point to this machine (DNS rebinding); its requests carry that name as host, so
only known hosts are answered. A body is read here, whole, before anything else happens.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pingze.messages import Parameter
from pingze.serve.problems import Code, Problem
from pingze.serve.work import CLIENT

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


class RefusedError(Exception):
    """A request that goes no further."""

    def __init__(self, status: int, detail: str, code: Code, **parameters: Parameter) -> None:
        self.problem = Problem.of(status, detail, {"code": code, **parameters})
        super().__init__(detail)


class Guard:
    """The whole application, with what stands before it."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()) -> None:
        self.app, self.hosts = app, {*LOOPBACK, *map(_as_named, hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it; every answer gets the headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        client = scope.get("client")
        CLIENT.set(client[0] if client else "")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        try:
            self._check(Headers(scope=scope), scope)
            body = await _read(receive)
        except RefusedError as refused:
            await refused.problem.response()(scope, receive, send_with_headers)
        except ConnectionError:
            return
        else:
            await self._answer(scope, body, receive, send_with_headers)

    def _check(self, headers: Headers, scope: Scope) -> None:
        host = headers.get("host", "").lower()
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if name not in self.hosts:
            message = "this server does not answer to that host name: see --allow-host"
            raise RefusedError(421, message, "host", has=name)
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > LARGEST_BODY:
            raise _too_large()
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if scope["method"] == "POST" and kind != "application/json":
            message = "the body must be JSON: content-type application/json"
            raise RefusedError(415, message, "media_type", wanted="application/json")

    async def _answer(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Run the application until it has answered, or nobody is there to hear."""
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


def _as_named(host: str) -> str:
    """A host as requests name it: an address of IPv6 in brackets."""
    return f"[{host.lower()}]" if ":" in host else host.lower()


async def _read(receive: Receive) -> bytes:
    """The whole body. Raises RefusedError where it is too large or too slow, ConnectionError where nobody sends it."""
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
                    raise _too_large()
    except TimeoutError:
        late = f"the body did not come within {READING_SECONDS:g} seconds"
        raise RefusedError(408, late, "slow_body", seconds=READING_SECONDS) from None
    return bytes(body)


def _too_large() -> RefusedError:
    message = f"the body is larger than {LARGEST_BODY} bytes"
    return RefusedError(413, message, "too_large", most=LARGEST_BODY)
