"""The listening socket: what its connections inherit, and addresses that cannot be had."""

import asyncio
import json
import re
import socket
import time

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message, Scope

from pingze.cli import app
from pingze.composing import Poem
from pingze.composing.composer import Composer
from pingze.composing.constraints.inclusion import Inclusion
from pingze.composing.request.options import Sampling
from pingze.errors import InputError
from pingze.serve import answers, server
from pingze.serve.app import create_app
from pingze.serve.server import listen
from tests.serve.process import SECONDS


def test_an_accepted_connection_sends_at_once() -> None:
    with listen("127.0.0.1", 0) as bound, socket.create_connection(bound.getsockname()):
        accepted, _ = bound.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_that_is_taken_is_one_line() -> None:
    with listen("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
        with pytest.raises(InputError, match=rf"^cannot listen at 127.0.0.1 port {port}: .*; choose another"):
            listen("127.0.0.1", port)


def test_an_address_of_ipv6_is_a_host_as_requests_name_it() -> None:
    async def status(host: str) -> int:
        transport = httpx.ASGITransport(app=create_app(["2001:DB8::5"]))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return (await client.get("/v1/openapi.json", headers={"host": host})).status_code

    assert asyncio.run(status("[2001:db8::5]:8000")) == 200
    assert asyncio.run(status("[2001:db8::6]:8000")) == 421


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_the_printed_address_reaches_the_server_and_is_answered(
    host: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answered: list[str] = []
    monkeypatch.setattr(server, "prepared", lambda hosts, rows: answered.extend(hosts))

    def reach(bound: socket.socket, application: object) -> None:
        found = re.search(r"http://([\d.]+):(\d+) ", capsys.readouterr().err)
        assert found
        assert found[1] in answered
        assert found[1] != "0.0.0.0"
        socket.create_connection((found[1], int(found[2]))).close()

    monkeypatch.setattr(server, "run", reach)
    app(["serve", "--host", host, "--port", "0"], standalone_mode=False)
    assert answered


def test_nobody_pays_for_a_client_that_has_gone() -> None:
    async def leave() -> None:
        application = create_app()
        assert isinstance(application.app, FastAPI)
        gathering = application.app.state.desk.gathering  # not started, so that drafts stay in its queue
        body = json.dumps({"form": "五絕", "count": 3, "model": "report"}).encode()
        messages = [{"type": "http.request", "body": body}]
        answered: list[Message] = []

        async def receive() -> Message:
            if messages:
                return messages.pop()
            while not gathering.queue:
                await asyncio.sleep(0.001)
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            answered.append(message)

        async with asyncio.timeout(SECONDS):
            await application(_scope("POST", "/v1/compose"), receive, send)
        assert not answered
        assert gathering.queue
        assert all(draft.deadline.gone for draft in gathering.queue)

    asyncio.run(leave())


def _scope(method: str, path: str) -> Scope:
    """A request as the server passes it on."""
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
    }


@pytest.mark.parametrize("host", ["a..b", "é" * 70])
def test_what_is_no_host_name_is_one_line(host: str) -> None:
    with pytest.raises(InputError, match=r"^cannot listen at .*: that is no host name; choose another"):
        listen(host, 0)


def test_the_first_pace_is_that_of_as_many_texts_as_were_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server refuses by its pace what would come too late."""
    write, clock, texts = Composer.write, iter((0.0, 40.0)), []

    def counted(chosen: Composer, inclusion: Inclusion, sampling: Sampling, seed: int) -> Poem:
        texts.append(sampling.particles)
        return write(chosen, inclusion, sampling, seed)

    monkeypatch.setattr(answers, "MODELS", ("report",))
    monkeypatch.setattr(Composer, "write", counted)
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock, 40.0))
    assert answers.warm_up() == pytest.approx(40 / (48 * texts[-1]))  # 40 characters and 8 marks
