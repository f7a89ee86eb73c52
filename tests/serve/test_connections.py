"""Connections of clients that are silent, slow, or gone: closed, and seen to leave, over real sockets."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from pingze.serve import guard
from pingze.serve.guard import Guard, watch
from pingze.serve.server import listen
from tests.serve.process import SECONDS

POST = b"POST /v1/check HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
LONG = PlainTextResponse("x" * 10_000_000)


def serve(client: Callable[[int], Awaitable[None]], app: Any = LONG) -> None:
    """Run a client's part against an application behind the guard, whose connections may be idle for 0.2 s."""

    async def main() -> None:
        server = uvicorn.Server(uvicorn.Config(Guard(app), log_level="critical", lifespan="off", ws="none"))
        with listen("127.0.0.1", 0) as bound:
            serving = asyncio.create_task(server.serve(sockets=[bound]))
            watching = asyncio.create_task(watch(server.server_state.connections, 0.2))
            async with asyncio.timeout(SECONDS):
                await client(bound.getsockname()[1])
            server.should_exit = True
            watching.cancel()
            await serving

    asyncio.run(main())


async def until_closed(port: int, begun: bytes, drip: bytes) -> bytes:
    """Send bytes, then one now and then, until the server has closed the connection; what it said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(begun)
    said = b""
    with suppress(ConnectionError):
        while not reader.at_eof():
            writer.write(drip)
            with suppress(TimeoutError):
                said += await asyncio.wait_for(reader.read(1000), 0.05)
    writer.close()
    return said


@pytest.mark.parametrize(
    ("begun", "status"),
    [
        (b"", b""),
        (b"GET / HTTP/1.1\r\nhost: loc", b""),
        (POST + b"content-length: 1000000\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 60000\r\n\r\n", b"415"),
        (b"POST / HTTP/1.1\r\nhost: elsewhere\r\ncontent-length: 60000\r\n\r\n", b"421"),
        (POST + b"content-length: 60000\r\n\r\n", b"408"),
    ],
)
def test_a_client_that_drips_is_closed(begun: bytes, status: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before its headers are whole, and after it was refused early."""
    monkeypatch.setattr(guard, "READING_SECONDS", 0.05)

    async def client(port: int) -> None:
        said = await until_closed(port, begun, b"x" if begun else b"")
        assert said[9:12] == status

    serve(client)


def test_a_client_that_does_not_read_is_closed() -> None:
    async def client(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as idle:
            idle.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
            idle.setblocking(False)
            with suppress(ConnectionError):  # the other end has closed, though nothing was read
                while True:
                    await asyncio.sleep(0.05)
                    with suppress(BlockingIOError):
                        idle.send(b"x")

    serve(client)


def test_a_client_that_sent_a_byte_too_many_is_seen_to_leave() -> None:
    left, came = asyncio.Event(), asyncio.Event()

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        came.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    async def client(port: int) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(POST + b"content-length: 2\r\n\r\n{}x")
        await came.wait()
        writer.close()
        await left.wait()

    serve(client, waiting)
