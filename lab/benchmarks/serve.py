"""Measure how many poems a server writes for many clients, and how long a small request takes among large ones.

Run: python -m lab.benchmarks.serve [--seconds 30] [--clients 64] [--particles 32 8] [--against FOLDER]

No speed is reported unless all servers answer a request with the same lines. Requests come in
bursts. If another checkout is given, its server takes turns with this one's, so that both meet the
same conditions. Between bursts the rate of a large float32 matrix product is measured. Last, a
small request is timed alone and while two of the largest run, all from one address. Writes
lab/benchmarks/results/serve.json and the figures `serve.*`.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from lab.benchmarks import machine
from lab.figures import record
from pingze.network import checkpoint

RESULTS = machine.ROOT / "benchmarks" / "results" / "serve.json"
BURST = 15.0
"""How many seconds a burst lasts: several times as long as a poem takes, since fewer clients ask at a burst's end."""
SIDE = 2048
FORM, TOKENS = "七絕", 32
"""The form requested, and its number of tokens: 28 characters and 4 marks."""
SMALL = {"form": "七絕", "particles": 32}
LARGEST = (
    {"form": "七排", "lines": 60, "particles": 256, "count": 32},
    {"form": "七律", "particles": 32, "count": 256},
)
"""Requests with the most texts: one of large populations, one of many populations."""
ASKED = 7
"""How many times the small request is timed."""


@dataclass
class Server:
    """A running server and its measurements."""

    process: subprocess.Popen[str]
    address: str
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0
    failed: int = 0
    memory: list[int] = field(default_factory=list)

    def resident(self) -> int:
        """Return the bytes that the server and its workers now hold in memory; shared pages count in proportion."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(
            encoding="ascii"
        )
        rollups = (
            Path(f"/proc/{pid}/smaps_rollup") for pid in [self.process.pid, *children.split()]
        )
        rows = (
            row.split()
            for rollup in rollups
            for row in rollup.read_text(encoding="ascii").splitlines()
        )
        return sum(1024 * int(row[1]) for row in rows if row[0] == "Pss:")


@contextmanager
def serving(checkout: Path) -> Iterator[Server]:
    """Run the server of a checkout in a new process, on a free port."""
    command = [sys.executable, "-m", "pingze", "serve", "--port", "0"]
    environment = os.environ | {"PYTHONPATH": str(checkout / "src")}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        try:
            yield Server(process, "http://" + said.split("http://")[1].split()[0])
        finally:
            process.terminate()


def ask(client: httpx.Client, **body: Any) -> httpx.Response:
    """Send a request for poems."""
    return client.post("/v1/compose", json=body)


def burst(
    server: Server, clients: int, particles: int, seconds: float, seeds: Iterator[int]
) -> None:
    """Have many clients ask for some seconds; each asks for its next poem when it has received the last."""
    lock = threading.Lock()

    def client(_: int) -> None:
        while time.perf_counter() < begun + seconds:
            with lock:
                seed = next(seeds)
            asked = time.perf_counter()
            status = ask(asking, form=FORM, seed=seed, particles=particles).status_code
            if status == 200:
                server.latencies.append(time.perf_counter() - asked)
            else:
                server.failed += 1

    connections = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    with (
        httpx.Client(base_url=server.address, timeout=60, limits=connections) as asking,
        ThreadPoolExecutor(clients) as pool,
    ):
        begun = time.perf_counter()
        list(pool.map(client, range(clients)))
    server.seconds += time.perf_counter() - begun
    server.memory.append(server.resident())


def product_rate(repeats: int = 20) -> float:
    """Return the floating-point operations per second of a large float32 product, at its median time."""
    matrix = np.random.default_rng(0).standard_normal((SIDE, SIDE), dtype=np.float32)
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        matrix @ matrix
        times.append(time.perf_counter() - begun)
    return 2 * SIDE**3 / float(np.median(times))


def operations(particles: int) -> int:
    """Count the floating-point operations in one poem's products, for all particles and the final scoring."""
    size = checkpoint.load(checkpoint.DEFAULT).configuration
    H, E = size.hidden_size, size.embedding_size
    D = E if size.tied else H
    recurrent = 4 * H * H + (size.layers - 1) * 8 * H * H
    output = D * size.vocabulary_size + H * E * size.tied
    return 2 * TOKENS * (particles + 1) * (recurrent + output)


def measure(
    checkouts: dict[str, Path], clients: int, particles: int, seconds: float
) -> dict[str, Any]:
    """Measure the servers in turn, and the rate of a large product between their bursts."""
    rates, seeds = [], count(1)
    with ExitStack() as stack:
        servers = {name: stack.enter_context(serving(path)) for name, path in checkouts.items()}
        _check_agreement(servers.values(), particles)
        while any(server.seconds < seconds for server in servers.values()):
            for server in servers.values():
                burst(server, clients, particles, min(BURST, seconds), seeds)
                rates.append(product_rate())
        rate = float(np.median(rates))
        rows = {name: _result(server, particles, rate) for name, server in servers.items()}
    return {"product_gflops": rate / 1e9, "servers": rows}


def _check_agreement(servers: Any, particles: int) -> None:
    """Exit unless all servers write the same poem; this also makes each load its model."""
    lines = []
    for server in servers:
        with httpx.Client(base_url=server.address, timeout=60) as client:
            lines.append(
                ask(client, form=FORM, seed=7, particles=particles).json()["poems"][0]["lines"]
            )
    if any(each != lines[0] for each in lines):
        sys.exit("the servers write different poems: no speed is reported")


def _result(server: Server, particles: int, rate: float) -> dict[str, Any]:
    throughput = len(server.latencies) / server.seconds
    p50, p95, p99 = np.percentile(server.latencies, [50, 95, 99]) * 1000
    return {
        "requests": len(server.latencies),
        "failed": server.failed,
        "poems_per_second": throughput,
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        "share_of_product": throughput * operations(particles) / rate,
        "memory_mb": [size / 1e6 for size in server.memory],
    }


def beside_large(checkout: Path) -> dict[str, float]:
    """Time a small request alone and while two of the largest run; return the medians, in milliseconds."""

    def small(client: httpx.Client) -> float:
        begun = time.perf_counter()
        ask(client, **SMALL, seed=1).raise_for_status()
        return 1000 * (time.perf_counter() - begun)

    over = threading.Event()
    with (
        serving(checkout) as server,
        httpx.Client(base_url=server.address, timeout=60) as client,
        ThreadPoolExecutor(len(LARGEST)) as pool,
    ):
        small(client)
        quiet = [small(client) for _ in range(ASKED)]
        for body in LARGEST:
            pool.submit(_ask_on, server.address, body, over)
        try:
            time.sleep(3)
            beside = [small(client) for _ in range(ASKED)]
        finally:
            over.set()
    return {
        "quiet_ms": float(np.median(quiet)),
        "beside_ms": float(np.median(beside)),
        "slowest_ms": max(beside),
    }


def _ask_on(address: str, body: dict[str, Any], over: threading.Event) -> None:
    """Ask again and again for many poems, halving the number when the server refuses."""
    count = body["count"]
    with httpx.Client(base_url=address, timeout=60) as client:
        while not over.is_set():
            status = ask(client, **body | {"count": count}).status_code
            count = max(1, count // 2) if status in (422, 503) else count


def main() -> None:
    """Measure, write the results, record the figures."""
    parser = argparse.ArgumentParser(description="The server under load.")
    parser.add_argument("--seconds", type=float, default=30, help="how long each server is asked")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--particles", type=int, nargs="*", default=[32, 8])
    parser.add_argument(
        "--against", type=Path, help="another checkout, to be measured in turn with this one"
    )
    parser.add_argument("--dry", action="store_true", help="print only")
    arguments = parser.parse_args()
    checkouts = {"this": machine.ROOT} | ({"other": arguments.against} if arguments.against else {})
    result: dict[str, Any] = {
        "machine": machine.description("fastapi", "uvicorn"),
        "clients": arguments.clients,
        "beside": {name: beside_large(path) for name, path in checkouts.items()},
    }
    for particles in arguments.particles:
        result[f"particles {particles}"] = measure(
            checkouts, arguments.clients, particles, arguments.seconds
        )
    text = json.dumps(result, indent=1, ensure_ascii=False, default=float)
    print(text)
    if not arguments.dry:
        RESULTS.write_text(text + "\n", encoding="utf-8")
        record("python -m lab.benchmarks.serve", figures(result))


def figures(result: dict[str, Any]) -> dict[str, float]:
    """Return the figures that the issue asks for, by name."""
    beside = result["beside"]["this"]
    values = {"serve.beside_large_ratio": beside["beside_ms"] / beside["quiet_ms"]}
    for name, found in result.items():
        if name.startswith("particles"):
            suffix, row = name.replace("particles ", "_"), found["servers"]["this"]
            for key in (
                "poems_per_second",
                "p50_ms",
                "p95_ms",
                "p99_ms",
                "share_of_product",
                "failed",
            ):
                values[f"serve.{key}{suffix}"] = row[key]
            values[f"serve.memory_growth{suffix}"] = row["memory_mb"][-1] / row["memory_mb"][0]
    return values


if __name__ == "__main__":
    main()
