"""The listening socket, addresses that cannot be had, and connections of clients that are silent, slow or gone."""

import asyncio
import json
import re
import select
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
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
from pingze.serve import limits, pool, server
from pingze.serve.app import create_app
from pingze.serve.limits import Limits
from pingze.serve.server import listen
from tests.serve.process import SECONDS, Server, of_sheet, until_jobs_wait


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
    assert asyncio.run(status("[2001:db8::6]:8000")) == 400


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_the_address_is_reached(
    host: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reached: list[str] = []

    def reach(
        bound: socket.socket,
        _: object,
        hosts: list[str],
        public_url: str,
        trust_proxy: str,
        origins: list[str],
    ) -> None:
        found = re.search(r"http://([\d.]+):(\d+) ", capsys.readouterr().err)
        assert found
        assert found[1] in hosts
        assert found[1] != "0.0.0.0"
        assert not public_url + trust_proxy
        assert origins == []
        socket.create_connection((found[1], int(found[2]))).close()
        reached.append(found[1])

    monkeypatch.setattr(pool, "Lanes", lambda jobs: SimpleNamespace(wait_until_ready=lambda: None))
    monkeypatch.setattr(server, "run", reach)
    application_for(["serve"])(["serve", "--host", host, "--port", "0"], standalone_mode=False)
    assert reached


@pytest.mark.slow
@pytest.mark.parametrize(
    "signals", [[signal.SIGINT], [signal.SIGINT] * 3, [signal.SIGTERM, signal.SIGINT]]
)
def test_any_number_of_signals_ends_it_without_a_traceback(
    tmp_path: Path, signals: list[int]
) -> None:
    """Also while one request runs and others wait."""
    running = Server(tmp_path, "--workers", "2")
    running.start()
    sheet = {"form": "五絕", "particles": 64, "count": 4}
    content = json.dumps({"sheet": sheet, "model": "report"}).encode()
    head = "POST /v1/fill HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    with ExitStack() as stack:
        for _ in range(4):
            asking = stack.enter_context(socket.create_connection(("127.0.0.1", running.port)))
            asking.sendall(f"{head}content-length: {len(content)}\r\n\r\n".encode() + content)
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


@pytest.mark.parametrize("proxy", ["nowhere", "*", "127.0.0.1,nowhere", "10.0.0.1/8"])
def test_what_is_no_address_of_a_proxy_is_refused(proxy: str) -> None:
    with pytest.raises(InputError, match=r"^trust-proxy is .*: give the proxy's address"):
        application_for(["serve"])(["serve", "--trust-proxy", proxy], standalone_mode=False)


POST = b"POST /v1/check HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"


def serve(client: Callable[[int], Awaitable[None]], app: Any) -> None:
    """Run a client's part against an application behind the limits."""

    async def main() -> None:
        running = uvicorn.Server(
            uvicorn.Config(Limits(app), log_level="critical", lifespan="off", ws="none", http="h11")
        )
        with listen("127.0.0.1", 0) as bound:
            serving = asyncio.create_task(running.serve(sockets=[bound]))
            async with asyncio.timeout(SECONDS):
                await client(bound.getsockname()[1])
            running.should_exit = True
            await serving

    asyncio.run(main())


async def until_closed(port: int, begun: bytes) -> bytes:
    """Send bytes, then one now and then, until the server has closed the connection; what it said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(begun)
    said = b""
    with suppress(ConnectionError):
        while not reader.at_eof():
            writer.write(b"x")
            with suppress(TimeoutError):
                said += await asyncio.wait_for(reader.read(1000), 0.05)
    writer.close()
    return said


@pytest.mark.parametrize(
    ("begun", "status"),
    [
        (POST + b"content-length: 1000000\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 60000\r\n\r\n", b"415"),
        (POST + b"content-length: 60000\r\n\r\n", b"408"),
    ],
)
def test_a_body_that_is_too_large_or_slow_ends_the_connection(
    begun: bytes, status: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "READING_SECONDS", 0.05)

    async def client(port: int) -> None:
        said = await until_closed(port, begun)
        assert said[9:12] == status

    serve(client, PlainTextResponse("read"))


def test_what_a_client_that_leaves_asked_for_is_cancelled() -> None:
    left, came = asyncio.Event(), asyncio.Event()

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        came.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    async def client(port: int) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(POST + b"content-length: 2\r\n\r\n{}")
        await came.wait()
        writer.close()
        await left.wait()

    serve(client, waiting)


def with_few_files(running: Server) -> None:
    """Start a server that may open 128 files."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
    try:
        running.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.slow
def test_more_connections_than_files_are_one_line(tmp_path: Path) -> None:
    """Each that could not be accepted was a traceback: 283,000 lines in 18 seconds."""
    running = Server(tmp_path, "--workers", "1")
    with_few_files(running)
    health = f"{running.address}/v1/health"
    assert httpx.get(health, timeout=SECONDS).status_code == 200  # it accepts connections
    idle = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(200)]
    time.sleep(3)
    for each in idle:
        each.close()
    assert httpx.get(health, timeout=SECONDS).status_code == 200
    assert running.stop().count("\n") == 1


@pytest.mark.slow
def test_a_server_without_free_files_ends_in_silence_with_its_last_answer(tmp_path: Path) -> None:
    """asyncio tries again to accept after a second, when the listening socket may be closed."""
    running = Server(tmp_path, "--workers", "1")
    with_few_files(running)
    long = {"form": "七律", "particles": 64, "count": 8, "model": "report"}
    with ThreadPoolExecutor(4) as threads, httpx.Client(base_url=running.address) as client:
        asked = [
            threads.submit(client.post, "/v1/fill", json=of_sheet(long), timeout=SECONDS)
            for _ in range(4)
        ]
        until_jobs_wait(client, asked[-1])
        idle = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(200)]
        said = running.stop()
        assert 200 in [each.result().status_code for each in asked]
    for each in idle:
        each.close()
    assert said.count("\n") == 1


@pytest.mark.slow
def test_behind_a_trusted_proxy_each_visitor_is_a_client(tmp_path: Path) -> None:
    """Two that fill one client's share do not keep another waiting."""
    running = Server(tmp_path, "--workers", "1", "--trust-proxy", "127.0.0.1")
    running.start()
    body = {"form": "五絕", "particles": 64, "count": 8, "model": "report"}
    small = {"form": "五絕", "particles": 4, "seed": 1, "model": "report"}
    with ThreadPoolExecutor(4) as threads, httpx.Client(base_url=running.address) as client:

        def ask(body: dict[str, Any], visitor: str) -> httpx.Response:
            headers = {"x-forwarded-for": visitor}
            return client.post("/v1/fill", json=of_sheet(body), headers=headers, timeout=SECONDS)

        asked = [threads.submit(ask, body, "192.0.2.1") for _ in range(4)]
        until_jobs_wait(client, asked[-1])
        assert ask(small, "192.0.2.2").status_code == 200
        assert not asked[-1].done()
        for one in asked:
            one.result()
    assert running.stop() == ""
