"""How many poems a server writes for many clients at once, with and without gathering them into one batch.

Run: python -m benchmarks.serve [--seconds 30] [--clients 64] [--particles 32]

Poems have one draft: it is particles that are compared.

Two real servers on loopback, one that gathers and one that writes poem after poem (`--rows 1`), are asked in turn in
bursts, so that both meet the same machine; between bursts the rate of a large float32 matrix product is measured.
Correctness first: both must answer a request with the same lines. Writes benchmarks/results/serve.json and
the figures `serve.*`.
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

from benchmarks import machine
from experiments.figures import record
from pingze.network import checkpoint

RESULTS = machine.ROOT / "benchmarks" / "results" / "serve.json"
BURST = 15.0
"""Seconds for which one server is asked before the other: several times a poem's, for at a burst's end fewer ask."""
SIDE = 2048
FORM, TOKENS = "七絕", 32
"""The form that is asked for, and its tokens: 28 characters and 4 marks."""
SERVERS = {"gathering": (), "one by one": ("--rows", "1")}


@dataclass
class Server:
    """A server, and what was seen of it."""

    process: subprocess.Popen[str]
    address: str
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0
    failed: int = 0
    memory: list[int] = field(default_factory=list)

    def resident(self) -> int:
        """Resident bytes now."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def serving(*options: str) -> Iterator[Server]:
    """A server in a process of its own, on a free port."""
    command = [sys.executable, "-m", "pingze", "serve", "--port", "0", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        try:
            yield Server(process, "http://" + said.split("http://")[1].split()[0])
        finally:
            process.terminate()


def ask(client: httpx.Client, seed: int, particles: int) -> httpx.Response:
    """One poem."""
    return client.post("/v1/compose", json={"form": FORM, "seed": seed, "particles": particles})


def burst(server: Server, clients: int, particles: int, seconds: float, seeds: Iterator[int]) -> None:
    """Ask with many clients for some seconds, each its next poem when it has the last."""
    lock = threading.Lock()

    def client(_: int) -> None:
        while time.perf_counter() < begun + seconds:
            with lock:
                seed = next(seeds)
            asked = time.perf_counter()
            status = ask(asking, seed, particles).status_code
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
    """Floating-point operations a second of a large float32 product: the median of some."""
    matrix = np.random.default_rng(0).standard_normal((SIDE, SIDE), dtype=np.float32)
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        matrix @ matrix
        times.append(time.perf_counter() - begun)
    return 2 * SIDE**3 / float(np.median(times))


def operations(particles: int) -> int:
    """Floating-point operations of one poem's products: each token of each draft, and the poem read once more."""
    size = checkpoint.load(checkpoint.DEFAULT).configuration
    H, E, D = size.hidden_size, size.embedding_size, size.output_size
    recurrent = 4 * H * H + (size.layers - 1) * 8 * H * H
    output = D * size.vocabulary_size + H * E * size.tied
    return 2 * TOKENS * (particles + 1) * (recurrent + output)


def measure(clients: int, particles: int, seconds: float) -> dict[str, Any]:
    """Both servers in turn, and the product's rate between."""
    rates, seeds = [], count(1)
    with ExitStack() as stack:
        servers = {name: stack.enter_context(serving(*options)) for name, options in SERVERS.items()}
        _check_agreement(servers.values(), particles)
        while any(server.seconds < seconds for server in servers.values()):
            for server in servers.values():
                burst(server, clients, particles, min(BURST, seconds), seeds)
                rates.append(product_rate())
        return _result(servers, particles, float(np.median(rates)))


def _check_agreement(servers: Any, particles: int) -> None:
    """Leave where the servers do not write the same poem; each has then loaded its model."""
    lines = []
    for server in servers:
        with httpx.Client(base_url=server.address, timeout=60) as client:
            lines.append(ask(client, 7, particles).json()["poems"][0]["lines"])
    if lines[0] != lines[1]:
        sys.exit("the servers write different poems: no speed is reported")


def _result(servers: dict[str, Server], particles: int, rate: float) -> dict[str, Any]:
    rows = {}
    for name, server in servers.items():
        throughput = len(server.latencies) / server.seconds
        p50, p95, p99 = np.percentile(server.latencies, [50, 95, 99]) * 1000
        rows[name] = {
            "requests": len(server.latencies),
            "failed": server.failed,
            "poems_per_second": throughput,
            "p50_ms": p50,
            "p95_ms": p95,
            "p99_ms": p99,
            "share_of_product": throughput * operations(particles) / rate,
            "memory_mb": [size / 1e6 for size in server.memory],
        }
    ratio = rows["gathering"]["poems_per_second"] / rows["one by one"]["poems_per_second"]
    return {"product_gflops": rate / 1e9, "gathering_ratio": ratio, "servers": rows}


def main() -> None:
    """Measure, write the results, record the figures."""
    parser = argparse.ArgumentParser(description="The server under load, with and without gathering.")
    parser.add_argument("--seconds", type=float, default=30, help="how long each server is asked")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--particles", type=int, nargs="*", default=[32, 8])
    parser.add_argument("--dry", action="store_true", help="print only")
    arguments = parser.parse_args()
    result: dict[str, Any] = {
        "machine": machine.description("fastapi", "uvicorn"),
        "clients": arguments.clients,
    }
    for particles in arguments.particles:
        result[f"particles {particles}"] = measure(arguments.clients, particles, arguments.seconds)
    text = json.dumps(result, indent=1, ensure_ascii=False, default=float)
    print(text)
    if not arguments.dry:
        RESULTS.write_text(text + "\n", encoding="utf-8")
        record("python -m benchmarks.serve", figures(result))


def figures(result: dict[str, Any]) -> dict[str, float]:
    """What the issue asks for, by name."""
    values = {}
    for name, found in result.items():
        if name.startswith("particles"):
            suffix, row = name.replace("particles ", "_"), found["servers"]["gathering"]
            values[f"serve.gathering_ratio{suffix}"] = found["gathering_ratio"]
            for key in ("poems_per_second", "p50_ms", "p95_ms", "p99_ms", "share_of_product", "failed"):
                values[f"serve.{key}{suffix}"] = row[key]
            values[f"serve.memory_growth{suffix}"] = row["memory_mb"][-1] / row["memory_mb"][0]
    return values


if __name__ == "__main__":
    main()
