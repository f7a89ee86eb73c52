"""Limit each request's body, stop computing for clients that leave, and set headers."""

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pingze.serve.problems import Problem, RefusedError, language_of, worker_lost

LARGEST_BODY = 64 * 1024
READING_SECONDS = 10.0
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


class Limits:
    """Middleware that reads each body before the application runs, and sets `HEADERS`.

    Args:
        app: The application that answers the requests.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the application, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status_is_sent = False

        async def send_with_headers(message: Message) -> None:
            nonlocal status_is_sent
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
                status_is_sent = True
            await send(message)

        try:
            body = await _read_body(Request(scope, receive))
            await self._answer(scope, body, receive, send_with_headers)
            return
        except ClientDisconnect:  # nobody reads an answer
            return
        except RefusedError as error:
            refusal = error
        except asyncio.CancelledError:
            # After a second Ctrl-C, uvicorn would print this error if it were raised again.
            refusal = worker_lost()
        problem = Problem.of(refusal, language_of(Headers(scope=scope)))
        if status_is_sent:  # too late for a response: the problem ends the answer as its last line
            await send({"type": "http.response.body", "body": problem.line()})
        else:
            # The rest of the body is not read, so the connection cannot be used again.
            response = problem.response({"connection": "close"})
            await response(scope, receive, send_with_headers)

    async def _answer(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Run the application until it has answered or the client has left."""
        unread_messages = [{"type": "http.request", "body": body}]
        # After the body, which was read before, the client's next message says that it has left.
        disconnect = asyncio.ensure_future(receive())

        # The application receives both messages, as if nobody had read them before.
        async def replay() -> Message:
            if unread_messages:
                return unread_messages.pop()
            # If the application cancels this call, `disconnect` is not cancelled with it.
            return await asyncio.shield(disconnect)

        answer = asyncio.ensure_future(self.app(scope, replay, send))
        try:
            await asyncio.wait([answer, disconnect], return_when=asyncio.FIRST_COMPLETED)
        finally:
            # One of the two is done, and is not changed by this.
            disconnect.cancel()
            answer.cancel()
        with suppress(asyncio.CancelledError):  # the answer was cancelled above
            await answer  # raises the application's error, if it has failed


async def _read_body(request: Request) -> bytes:
    """Read a whole body.

    Raises RefusedError if it is too large or slow, or if a POST does not say that it is JSON, and
    ClientDisconnect if the client leaves.
    """
    content_type = request.headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()  # without its parameters
    # Pages of other sites can send a browser's POST without asking first, but not as JSON.
    if request.method == "POST" and media_type != "application/json":
        raise RefusedError(415, "media_type", wanted="application/json")
    # A body that is said to be too large is refused before it is read. A body in chunks does not say
    # how large it is, so what arrives is counted too.
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > LARGEST_BODY:
        raise RefusedError(413, "too_large", most=LARGEST_BODY)
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
