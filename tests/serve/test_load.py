"""Many clients, bad bodies, killed servers: slow, on loopback. `SECONDS_OF_LOAD` makes the load longer."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from pingze.network import checkpoint
from tests.serve.process import SECONDS, Server, post, serving

pytestmark = pytest.mark.slow

LOAD = float(os.environ.get("SECONDS_OF_LOAD", "10"))
BODY = {"form": "五絕", "particles": 4, "model": "report"}


@contextmanager
def ending(stop: threading.Event) -> Iterator[None]:
    """Stop all where this ends."""
    try:
        yield
    finally:
        stop.set()


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


def load(server: Server, stop: threading.Event, seen: list[list[object]]) -> None:
    """Have as many clients as there are lists ask on, and write what each saw in its own; one that fails stops all."""

    def client(number: int) -> None:
        with ending(stop), httpx.Client(base_url=server.address, timeout=SECONDS) as asking:
            while not stop.is_set():
                try:
                    answer = asking.post("/v1/compose", json=BODY | {"seed": number})
                except CLEAN as error:
                    seen[number].append(error)
                    time.sleep(0.05)
                else:
                    seen[number].append(answer.status_code)
                    if answer.status_code == 200:
                        assert len(answer.json()["poems"][0]["lines"]) == 4

    with ThreadPoolExecutor(len(seen)) as pool:
        list(pool.map(client, range(len(seen))))


def test_below_the_queue_s_limit_no_request_fails_and_memory_stays(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        sizes: list[int] = []
        stop, seen = threading.Event(), [list[object]() for _ in range(64)]

        def watch() -> None:
            for _ in range(2):
                time.sleep(LOAD / 2)
                sizes.append(server.memory())
            stop.set()

        watching = threading.Thread(target=watch)
        watching.start()
        load(server, stop, seen)
        watching.join()
    assert [set(each) for each in seen] == [{200}] * 64
    assert sizes[1] < 1.1 * sizes[0]


def test_beyond_it_clients_are_told_to_wait(tmp_path: Path) -> None:
    heavy = {"form": "五絕", "particles": 2, "count": 100, "model": "report"}
    with serving(tmp_path) as server:

        def ask(_: int) -> httpx.Response:
            return httpx.post(f"{server.address}/v1/compose", json=heavy, timeout=SECONDS)

        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(ask, range(16)))
        refused = [answer for answer in answers if answer.status_code == 503]
        assert refused
        assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
        assert httpx.post(f"{server.address}/v1/compose", json=BODY, timeout=SECONDS).status_code == 200


REFUSALS = ("too_many_words", "clash", "no_room", "character", "character_meant")


def test_words_that_can_stand_in_many_ways_take_neither_long_nor_much_memory(tmp_path: Path) -> None:
    """They took up to 30 s, and memory rose to three times what it was; now workers keep a few prepared requests."""
    chance = random.Random(4)
    vocabulary = checkpoint.load("tang").vocabulary
    characters = [token for id_, token in enumerate(vocabulary.tokens) if vocabulary.is_han(id_)]
    answers: list[httpx.Response] = []
    lines = ["春月紅芳碧", "風流夜漏深", "此心何必住", "金草與山陰"]
    with serving(tmp_path) as server, httpx.Client(base_url=server.address, timeout=SECONDS) as client:
        memory = []
        for number in range(60):
            drawn, ends = chance.sample(characters, 14), chance.choices(characters, k=14)
            words = " ".join(map("".join, zip(drawn, ends, strict=True)))
            route = ("conflicts", "compose", "revise")[number % 3]
            asked: dict[str, Any] = {"form": "七律", "include": words}
            if route == "revise":
                targets = [{"line": line} for line in range(1, 5)]
                asked = {"poem": {"lines": lines}, "targets": targets, "include": words[:29]}
            answers.append(post(client, route, seed=1, **asked))
            memory.append(server.memory())
    refused = [answer for answer in answers if answer.status_code != 200]
    assert {answer.json()["cause"]["code"] for answer in refused} <= {*REFUSALS}
    assert memory[-1] < memory[29] + 100e6


def test_killed_and_restarted_under_load_clients_see_only_clean_errors(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.start()
    stop, clients = threading.Event(), 16
    seen: list[list[object]] = [[] for _ in range(clients)]

    def all_saw(kind: type | tuple[type, ...], since: list[int]) -> None:
        """Wait until every client has seen such an answer."""
        while not stop.is_set() and not all(
            any(isinstance(saw, kind) for saw in each[begun:]) for each, begun in zip(seen, since, strict=True)
        ):
            time.sleep(0.05)

    def kill() -> None:
        with ending(stop):
            for _ in range(3):
                all_saw(int, [len(each) for each in seen])
                since = [len(each) for each in seen]
                server.stop(signal.SIGKILL)
                all_saw(CLEAN, since)
                server.start()
            all_saw(int, [len(each) for each in seen])

    killing = threading.Thread(target=kill)
    killing.start()
    load(server, stop, seen)
    killing.join()
    server.stop()
    for each in seen:
        assert all(saw == 200 for saw in each if not isinstance(saw, httpx.HTTPError))
