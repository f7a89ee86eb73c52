"""Many clients and bad bodies: slow, on loopback.

`SECONDS_OF_LOAD` and `EXAMPLES` ask for more of them.
"""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from pingze.serve.pool import REST
from tests.serve.process import SECONDS, fill, serving

pytestmark = pytest.mark.slow

LOAD = float(os.environ.get("SECONDS_OF_LOAD", "10"))
EXAMPLES = int(os.environ.get("EXAMPLES", "10"))
BODY = {"form": "五絕", "particles": 4, "model": "report"}
CLIENTS = 64


def test_no_request_breaks_the_server_and_memory_returns(tmp_path: Path) -> None:
    """Schemathesis asks each route: documented values, values at and beyond bounds, and of every other kind."""
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    # a slow machine has too much to do
    busy = '[checks]\nnot_a_server_error.expected-statuses = ["2xx", "4xx", 503]'
    (tmp_path / "schemathesis.toml").write_text(busy, encoding="utf-8")
    with serving(tmp_path) as server:
        schema = f"{server.address}/v1/openapi.json"
        command = [
            f"{Path(sys.executable).parent}/schemathesis",
            "run",
            schema,
            "--checks",
            checks,
            "--no-color",
        ]
        command += [
            "--workers",
            "4",
            "--request-timeout",
            str(SECONDS),
            "--generation-deterministic",
        ]
        memory = []
        # What is held after a first use belongs to the start.
        for options in (
            ["--phases", "examples,coverage"],
            ["--phases", "fuzzing", "--max-examples", str(EXAMPLES)],
        ):
            done = subprocess.run(
                [*command, *options], capture_output=True, text=True, cwd=tmp_path, check=False
            )
            assert done.returncode == 0, done.stdout[-4000:]
            sizes = []
            for _ in range(5):  # a worker that rests gives memory back
                time.sleep(REST)
                sizes.append(server.memory())
            memory.append(min(sizes))
    assert memory[1] <= 1.2 * memory[0]


def test_below_the_queue_s_limit_no_request_fails_and_memory_stays(tmp_path: Path) -> None:
    with serving(tmp_path) as server, ThreadPoolExecutor(CLIENTS) as pool:
        stop = threading.Event()

        def ask(number: int) -> set[int]:
            """Ask until all have asked for long enough; the statuses of the answers."""
            seen: set[int] = set()
            with httpx.Client(base_url=server.address, timeout=SECONDS) as client:
                while not stop.is_set() or not seen:
                    answer = fill(client, seed=number, **BODY)
                    seen.add(answer.status_code)
            return seen

        asking = [pool.submit(ask, number) for number in range(CLIENTS)]
        sizes = []
        for _ in range(2):
            time.sleep(LOAD / 2)
            sizes.append(server.memory())
        stop.set()
        assert [each.result() for each in asking] == [{200}] * CLIENTS
    assert sizes[1] < 1.1 * sizes[0]
