"""The listening socket, addresses that cannot be had, and connections of clients that are silent, slow or gone."""

import asyncio
import json
import re
import select
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from pingze.cli import application_for
from pingze.errors import InputError
from pingze.serve import guard, queue, server
from pingze.serve.app import create_app
from pingze.serve.guard import Guard, watch
from pingze.serve.server import listen
from tests.serve.process import SECONDS, Server


def test_an_accepted_connection_sends_at_once_and_an_address_that_cannot_be_had_is_one_line() -> (
    None
):
    with listen("127.0.0.1", 0) as bound, socket.create_connection(bound.getsockname()):
        accepted, _ = bound.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        port = bound.getsockname()[1]
        for host, reason in (
            ("127.0.0.1", ".*"),
            ("a..b", "that is no host name"),
            ("é" * 70, "that is no host"),
        ):
            said = rf"^cannot listen at {host} port {port}: {reason}.*; choose another"
            with pytest.raises(InputError, match=said):
                listen(host, port)


def test_an_address_of_ipv6_is_a_host_as_requests_name_it() -> None:
    async def status(host: str) -> int:
        transport = httpx.ASGITransport(app=create_app(hosts=["2001:DB8::5"]))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return (await client.get("/v1/openapi.json", headers={"host": host})).status_code

    assert asyncio.run(status("[2001:db8::5]:8000")) == 200
    assert asyncio.run(status("[2001:db8::6]:8000")) == 421


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_the_address_is_reached(
    host: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reached: list[str] = []

    def reach(bound: socket.socket, _: object, hosts: list[str], public_url: str) -> None:
        found = re.search(r"http://([\d.]+):(\d+) ", capsys.readouterr().err)
        assert found
        assert found[1] in hosts
        assert found[1] != "0.0.0.0"
        assert not public_url
        socket.create_connection((found[1], int(found[2]))).close()
        reached.append(found[1])

    monkeypatch.setattr(
        queue, "Queue", lambda workers: SimpleNamespace(wait_until_ready=lambda: None)
    )
    monkeypatch.setattr(server, "run", reach)
    application_for(["serve"])(["serve", "--host", host, "--port", "0"], standalone_mode=False)
    assert reached


@pytest.mark.slow
@pytest.mark.parametrize("drafts", [False, True])
@pytest.mark.parametrize(
    "signals", [[signal.SIGINT], [signal.SIGINT] * 3, [signal.SIGTERM, signal.SIGINT]]
)
def test_any_number_of_signals_ends_it_without_a_traceback(
    tmp_path: Path, signals: list[int], drafts: bool
) -> None:
    """Also while a request runs, of fewer poems than a busy machine refuses, and while its drafts are sent."""
    running = Server(tmp_path, "--workers", "2")
    running.start()
    content = json.dumps({"form": "五絕", "particles": 64, "count": 8, "model": "report"}).encode()
    head = "POST /v1/compose HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    head += "accept: application/x-ndjson\r\n" * drafts
    with socket.create_connection(("127.0.0.1", running.port)) as asking:
        asking.sendall(f"{head}content-length: {len(content)}\r\n\r\n".encode() + content)
        while drafts and b"draft" not in asking.recv(10_000):
            pass
        while not httpx.get(f"{running.address}/v1/health", timeout=SECONDS).json()["queue"]:
            # answered already
            assert not select.select([asking], [], [], 0.05)[0], asking.recv(1000)
        for each in signals:
            running.process.send_signal(each)
            time.sleep(0.2)  # so that each is a signal of its own
        if len(signals) == 1:
            asking.close()
        said = running.process.communicate(timeout=SECONDS)[1]
    assert said in ("", "pingze: stopped\n")


POST = b"POST /v1/check HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
LONG = PlainTextResponse("x" * 10_000_000)


def serve(client: Callable[[int], Awaitable[None]], app: Any = LONG) -> None:
    """Run a client's part against an application behind the guard, whose connections may be idle for 0.2 s."""

    async def main() -> None:
        server = uvicorn.Server(
            uvicorn.Config(Guard(app), log_level="critical", lifespan="off", ws="none", http="h11")
        )
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
        *(
            (b"", b""),
            (b"GET / HTTP/1.1\r\nhost: loc", b""),
            (POST + b"content-length: 1000000\r\n\r\n", b"413"),
        ),
        (b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 60000\r\n\r\n", b"415"),
        (b"POST / HTTP/1.1\r\nhost: elsewhere\r\ncontent-length: 60000\r\n\r\n", b"421"),
        (POST + b"content-length: 60000\r\n\r\n", b"408"),
    ],
)
def test_a_client_that_drips_is_closed(
    begun: bytes, status: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
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
        writer.write(b"y")
        writer.close()
        await left.wait()

    serve(client, waiting)
