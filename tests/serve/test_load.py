"""Many clients, bad bodies, killed servers: slow, on loopback. `SECONDS_OF_LOAD` makes the load longer."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.serve.process import SECONDS, Server, serving

pytestmark = pytest.mark.slow

LOAD = float(os.environ.get("SECONDS_OF_LOAD", "10"))
BODY = {"form": "五絕", "particles": 4, "model": "report"}
CLEAN = (httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError)
"""What a client may see of a server that is killed: no answer; never half of one taken for whole."""


def test_schemathesis_finds_no_server_error(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("schemathesis")
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    with serving(tmp_path) as server:
        schema = f"{server.address}/v1/openapi.json"
        options = ["--checks", checks, "--max-examples", "10", "--no-color", "--generation-deterministic"]
        done = subprocess.run(
            [command, "run", schema, *options], capture_output=True, text=True, cwd=tmp_path, check=False
        )
    assert done.returncode == 0, done.stdout[-4000:]


def test_ten_thousand_bad_bodies_are_each_refused_and_memory_stays(tmp_path: Path) -> None:
    chance = random.Random(0)
    routes = (
        "compose",
        "stream",
        "conflicts",
        "revise",
        "mend",
        "alternatives",
        "explain",
        "check",
        "inside",
    )
    with serving(tmp_path) as server, httpx.Client(base_url=server.address, timeout=SECONDS) as client:
        sizes = []
        for number in range(10_000):
            if number in (1_000, 9_999):
                sizes.append(server.memory())
            content, headers = bad_body(chance), {"content-type": "application/json"}
            answer = client.post(f"/v1/{chance.choice(routes)}", content=content, headers=headers)
            assert 400 <= answer.status_code < 500, (content, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
    assert sizes[1] < 1.1 * sizes[0]


def bad_body(chance: random.Random) -> bytes:
    """Bytes that no route takes: no JSON, JSON of another shape, or an unknown field among any others."""
    kind = chance.randrange(4)
    if kind == 0:
        return chance.randbytes(chance.randrange(1, 300)) + b"\xff"
    if kind == 1:
        return json.dumps(value(chance, 0) if chance.random() < 0.9 else "春" * 30_000).encode()
    names = (
        "form",
        "seed",
        "pattern",
        "poem",
        "targets",
        "count",
        "text",
        "lines",
        "line",
        "title",
        "include",
    )
    body = {name: value(chance, 0) for name in chance.sample(names, chance.randrange(4))}
    text = json.dumps(body | {"no_such_field": value(chance, 0)})
    return text.encode()[: -chance.randrange(1, 4)] if kind == 2 else text.encode()


def value(chance: random.Random, depth: int) -> object:
    """Anything that JSON can say, but for an object with known fields."""
    simple = (
        None,
        True,
        -1,
        2**64,
        1e308,
        "",
        "春\u0000",
        "\ud800",
        "' or 1=1",
        "../../etc",
        [],
        float("nan"),
    )
    if depth > 3 or chance.random() < 0.6:
        return chance.choice(simple)
    return [value(chance, depth + 1) for _ in range(chance.randrange(5))]


def load(server: Server, stop: threading.Event, clients: int = 64) -> list[list[object]]:
    """What each of many clients saw, one request after the other."""

    def client(number: int) -> list[object]:
        seen: list[object] = []
        with httpx.Client(base_url=server.address, timeout=SECONDS) as asking:
            while not stop.is_set():
                try:
                    answer = asking.post("/v1/compose", json=BODY | {"seed": number})
                except CLEAN as error:
                    seen.append(error)
                    time.sleep(0.05)
                else:
                    seen.append(answer.status_code)
                    if answer.status_code == 200:
                        assert len(answer.json()["poems"][0]["lines"]) == 4
        return seen

    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(client, range(clients)))


def test_below_the_queue_s_limit_no_request_fails_and_memory_stays(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        sizes: list[int] = []
        stop = threading.Event()

        def watch() -> None:
            for _ in range(2):
                time.sleep(LOAD / 2)
                sizes.append(server.memory())
            stop.set()

        watching = threading.Thread(target=watch)
        watching.start()
        seen = [status for each in load(server, stop) for status in each]
        watching.join()
    assert set(seen) == {200}
    assert len(seen) >= 64
    assert sizes[1] < 1.1 * sizes[0]


def test_beyond_it_clients_are_told_to_wait(tmp_path: Path) -> None:
    heavy = {"form": "五絕", "particles": 2, "count": 100, "model": "report"}
    with serving(tmp_path) as server:

        def ask(_: int) -> httpx.Response | None:
            try:
                return httpx.post(f"{server.address}/v1/compose", json=heavy, timeout=5)
            except httpx.ReadTimeout:
                return None

        with ThreadPoolExecutor(8) as pool:
            answers = [answer for answer in pool.map(ask, range(8)) if answer]
        refused = [answer for answer in answers if answer.status_code == 503]
        assert refused
        assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
        assert httpx.post(f"{server.address}/v1/compose", json=BODY, timeout=SECONDS).status_code == 200


def test_killed_and_restarted_under_load_clients_see_only_clean_errors(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.start()
    stop = threading.Event()

    def kill() -> None:
        for _ in range(3):
            time.sleep(3)
            server.stop(signal.SIGKILL)
            server.start()
        time.sleep(5)
        stop.set()

    killing = threading.Thread(target=kill)
    killing.start()
    seen = load(server, stop, clients=16)
    killing.join()
    server.stop()
    for each in seen:
        assert any(isinstance(saw, httpx.HTTPError) for saw in each)
        assert all(saw == 200 for saw in each if not isinstance(saw, httpx.HTTPError))
    assert sum(each[-1] == 200 for each in seen) > len(seen) / 2
