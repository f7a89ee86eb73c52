"""The listening socket: what its connections inherit, and addresses that cannot be had."""

import asyncio
import json
import re
import select
import signal
import socket
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from pingze.cli import application_for
from pingze.errors import InputError
from pingze.serve import queue, server
from pingze.serve.app import create_app
from pingze.serve.server import listen
from tests.serve.process import SECONDS, Server


def test_an_accepted_connection_sends_at_once_and_an_address_that_cannot_be_had_is_one_line() -> None:
    with listen("127.0.0.1", 0) as bound, socket.create_connection(bound.getsockname()):
        accepted, _ = bound.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        port = bound.getsockname()[1]
        for host, reason in (("127.0.0.1", ".*"), ("a..b", "that is no host name"), ("é" * 70, "that is no host")):
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
def test_the_address_is_reached(host: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    reached: list[str] = []

    def reach(bound: socket.socket, _: object, hosts: list[str], public_url: str) -> None:
        found = re.search(r"http://([\d.]+):(\d+) ", capsys.readouterr().err)
        assert found
        assert found[1] in hosts
        assert found[1] != "0.0.0.0"
        assert not public_url
        socket.create_connection((found[1], int(found[2]))).close()
        reached.append(found[1])

    monkeypatch.setattr(queue, "Queue", lambda workers: SimpleNamespace(wait_until_ready=lambda: None))
    monkeypatch.setattr(server, "run", reach)
    application_for(["serve"])(["serve", "--host", host, "--port", "0"], standalone_mode=False)
    assert reached


@pytest.mark.slow
@pytest.mark.parametrize("drafts", [False, True])
@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGINT] * 3, [signal.SIGTERM, signal.SIGINT]])
def test_any_number_of_signals_ends_it_without_a_traceback(tmp_path: Path, signals: list[int], drafts: bool) -> None:
    """Also while a request runs, of fewer poems than a busy machine refuses, and while its drafts are sent."""
    running = Server(tmp_path)
    running.start()
    content = json.dumps({"form": "五絕", "particles": 64, "count": 8, "model": "report"}).encode()
    head = "POST /v1/compose HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    head += "accept: application/x-ndjson\r\n" * drafts
    with socket.create_connection(("127.0.0.1", running.port)) as asking:
        asking.sendall(f"{head}content-length: {len(content)}\r\n\r\n".encode() + content)
        while drafts and b"draft" not in asking.recv(10_000):
            pass
        while not httpx.get(f"{running.address}/v1/health", timeout=SECONDS).json()["queue"]:
            assert not select.select([asking], [], [], 0.05)[0], asking.recv(1000)  # answered already
        for each in signals:
            running.process.send_signal(each)
            time.sleep(0.2)  # so that each is a signal of its own
        if len(signals) == 1:
            asking.close()
        said = running.process.communicate(timeout=SECONDS)[1]
    assert said in ("", "pingze: stopped\n")
