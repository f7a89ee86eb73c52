"""Measure how many poems a server writes for many clients, and what one client may cost another.

    python -m lab.benchmarks.serve [--seconds 30] [--clients 64] [--particles 128 32] [--against FOLDER]
    python -m lab.benchmarks.serve --kinds fill check …      only what 100 of these cost another client

1. Throughput: requests come in bursts. If another checkout is given, its server takes turns with
   this one's, so that both meet the same conditions. No speed is reported unless all servers answer
   a request with the same lines. Between bursts the rate of a large float32 product is measured.
2. Alone: a default poem and eight drafts of one client, the servers in turns.
3. Beside: one client asks for 100 of each kind at once, at the bounds; another asks for a check 20
   times a second and for default poems, one at a time, alone and beside them. All that was taken in
   must be answered.
4. Memory: what each worker holds (proportional set size) after all of this, at rest.

Writes lab/benchmarks/results/serve.json and the figures `serve.*`.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from lab.benchmarks import machine
from lab.figures import record
from pingze.network import checkpoint

RESULTS = machine.ROOT / "lab" / "benchmarks" / "results" / "serve.json"
BURST = 15.0
"""How many seconds a burst lasts: several times as long as a poem takes."""
SIDE = 2048
FORM = "七絕"
TOKENS = 32
"""The number of tokens of the form: 28 characters and 4 marks."""
REPEATS = 9
"""How often one client alone asks."""
AT_ONCE = 100
"""How many requests of a kind one client has at once."""
PAUSE = 0.05
"""The seconds between two checks of the other client."""
REST = 6.0
"""The seconds after which a worker has given memory back."""
ONE = "127.0.0.2"
OTHER = "127.0.0.3"
"""The addresses of the two clients; Linux has all of 127.0.0.0/8 for loopback."""
LINE = "春風花月山水雲"
LONG_POEM = {"lines": [LINE] * 60, "form": "七古"}
BLANK_FIRST = {"lines": ["＿" * 7] + [LINE] * 59, "form": "七古"}
REACHED = {"lines": [LINE] * 16, "form": "七古"}
CHECK = {"text": "春月紅芳碧，風流夜漏深。此心何必住，金草與山陰。"}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "default poems": ("fill", {"sheet": {}}),
    "fill": ("fill", {"sheet": {"form": "七律", "particles": 256}}),
    "many poems": ("fill", {"sheet": {"form": "五絕", "particles": 128, "count": 64}}),
    "long poems": ("fill", {"sheet": {"form": "七排", "lines": 60, "particles": 256}}),
    "a line": ("fill", {"sheet": {**BLANK_FIRST, "particles": 256}}),
    "read": ("read", {"text": f"{LINE}，" * 500, "form": "七排"}),
    "couplet": ("couplet", {"write": "新春", "length": 11, "count": 10, "particles": 128}),
    "collect": ("collect", {"form": "七律", "particles": 256}),
    "conflicts": ("conflicts", {"sheet": {"form": "七排", "lines": [LINE] * 60}}),
    "mend": ("mend", {"text": f"{LINE}，" * 20, "form": "七排"}),
    "alternatives": ("alternatives", {"sheet": LONG_POEM, "line": 60, "limit": 64}),
    "explain": ("explain", {"poem": LONG_POEM, "limit": 64}),
    "check": ("check", CHECK),
    "check 500": ("check", {"text": (f"{LINE}，" * 62)[:500], "form": "七排", "fine": True}),
    "check 4000": ("check", {"text": f"{LINE}，" * 500, "form": "七排", "fine": True}),
    "code": ("code", {"text": "春" * 984}),
    "originality": ("originality", {"poem": LONG_POEM}),
    "reach": ("reach", {"poem": REACHED, "line": 16, "position": 7}),
    "units": ("units", {"poem": LONG_POEM}),
    "next": ("next", {"poem": LONG_POEM, "line": 60, "position": 7, "limit": 64}),
    "forms": ("forms", {}),
    "script": ("script", {}),
    "health": ("health", {}),
}
"""A request of each route, at its bounds."""


@dataclass
class Server:
    """A running server and its measurements."""

    process: subprocess.Popen[str]
    address: str
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0
    failed: int = 0
    memory: list[int] = field(default_factory=list)

    def resident(self) -> list[int]:
        """Return the bytes that the server and each of its workers now hold.

        Shared pages count in proportion.
        """
        own = self.process.pid
        children = Path(f"/proc/{own}/task/{own}/children").read_text(encoding="ascii")
        pids = children.split()
        pids.insert(0, str(own))
        found = []
        for pid in pids:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
            for row in rollup.splitlines():
                cells = row.split()
                if cells[0] == "Pss:":
                    found.append(1024 * int(cells[1]))
        return found


@contextmanager
def serving(checkout: Path) -> Iterator[Server]:
    """Run the server of a checkout in a new process, on a free port."""
    command = [sys.executable, "-m", "pingze", "serve", "--port", "0"]
    environment = os.environ | {"PYTHONPATH": str(checkout / "src")}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        try:
            address = "http://" + said.split("http://")[1].split()[0]
            yield Server(process=process, address=address)
        finally:
            process.terminate()


def ask(client: httpx.Client, **options: Any) -> httpx.Response:
    """Send a request for poems."""
    return client.post("/v1/fill", json={"sheet": options})


def burst(
    server: Server, clients: int, particles: int, seconds: float, seeds: Iterator[int]
) -> None:
    """Have many clients ask for some seconds.

    Each asks for its next poem when it has received the last.
    """
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
    server.memory.append(sum(server.resident()))


def product_rate(repeats: int = 20) -> float:
    """Return the operations per second of a large float32 product, at its median."""
    matrix = np.random.default_rng(0).standard_normal((SIDE, SIDE), dtype=np.float32)
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        matrix @ matrix
        times.append(time.perf_counter() - begun)
    return 2 * SIDE**3 / float(np.median(times))


def operations(particles: int) -> int:
    """Count the operations in one poem's products, for all particles."""
    size = checkpoint.load(checkpoint.DEFAULT).configuration
    H = size.hidden_size
    E = size.embedding_size
    recurrent = 4 * H * H + (size.layers - 1) * 8 * H * H
    output = H * size.vocabulary_size
    if size.tied:
        output = E * size.vocabulary_size + H * E
    return 2 * TOKENS * (particles + 1) * (recurrent + output)


def measure(
    checkouts: dict[str, Path], clients: int, particles: int, seconds: float
) -> dict[str, Any]:
    """Measure the servers in turn, and the rate of a large product between their bursts."""
    rates = []
    seeds = count(1)
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
            answer = ask(client, form=FORM, seed=7, particles=particles)
            lines.append(answer.json()["poems"][0]["lines"])
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


def client_at(server: Server, address: str, connections: int = 2) -> httpx.Client:
    """Open a client whose address the server sees."""
    limits = httpx.Limits(max_connections=connections)
    transport = httpx.HTTPTransport(local_address=address, limits=limits)
    return httpx.Client(base_url=server.address, timeout=600, transport=transport)


def timed(client: httpx.Client, route: str, **body: Any) -> tuple[float, int]:
    """Return the milliseconds and the status of an answer."""
    begun = time.perf_counter()
    if route in ("forms", "script", "health"):
        status = client.get(f"/v1/{route}").status_code
    else:
        status = client.post(f"/v1/{route}", json=body).status_code
    return 1000 * (time.perf_counter() - begun), status


def alone(checkouts: dict[str, Path]) -> dict[str, dict[str, float]]:
    """Time a default poem and eight drafts of one client on each server in turn.

    Return the medians.
    """
    found: dict[str, dict[str, list[float]]] = {}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(serving(path)) for name, path in checkouts.items()}
        for seed in range(REPEATS + 1):
            for name, server in servers.items():
                times = found.setdefault(name, {"poem_ms": [], "eight_ms": []})
                with client_at(server, ONE) as client:
                    for key, amount in (("poem_ms", 1), ("eight_ms", 8)):
                        begun = time.perf_counter()
                        ask(client, seed=8 * seed, count=amount)
                        times[key].append(1000 * (time.perf_counter() - begun))
    medians = {}
    for name, times in found.items():
        medians[name] = {key: float(np.median(of[1:])) for key, of in times.items()}
    return medians


class Watcher:
    """Another client, which checks and composes on threads of its own."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.over = threading.Event()
        self.checks: list[float] = []
        self.poems: list[float] = []
        self.failed = 0

    def check(self) -> None:
        """Check now and then."""
        with client_at(self.server, OTHER) as client:
            while not self.over.is_set():
                took, status = timed(client, "check", **CHECK)
                self._keep(self.checks, took, status)
                time.sleep(PAUSE)

    def compose(self) -> None:
        """Compose one default poem after another."""
        with client_at(self.server, OTHER) as client:
            while not self.over.is_set():
                took, status = timed(client, "fill", sheet={"seed": len(self.poems)})
                self._keep(self.poems, took, status)

    def _keep(self, times: list[float], took: float, status: int) -> None:
        if status == 200:
            times.append(took)
        else:
            self.failed += 1


def beside(checkout: Path, kinds: Sequence[str]) -> dict[str, Any]:
    """Measure what 100 requests of each kind cost another client, and then hold."""
    result: dict[str, Any] = {}
    with serving(checkout) as server:
        for kind in kinds:
            quiet = _watched(server, lambda: time.sleep(3))
            statuses: list[int] = []
            loud = _watched(server, partial(_ask_at_once, server, kind, statuses))
            row: dict[str, Any] = {
                "answered": 0,
                "refused": 0,
                "other": {},
                "others_failed": loud.failed,
            }
            for status in statuses:
                if status in (200, 409, 422):
                    row["answered"] += 1
                elif status == 503:
                    row["refused"] += 1
                else:
                    row["other"][status] = row["other"].get(status, 0) + 1
            row["check_p50_ms"], row["check_p95_ms"] = np.percentile(loud.checks, [50, 95])
            row["poem_ratio"] = float(np.median(loud.poems) / np.median(quiet.poems))
            print(kind, json.dumps(row, default=float), flush=True)
            result[kind] = row
        time.sleep(REST)
        return {"kinds": result, "memory_mb": [size / 1e6 for size in server.resident()]}


def _watched(server: Server, act: Callable[[], None]) -> Watcher:
    """Do something while another client watches."""
    watcher = Watcher(server)
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(watcher.check), pool.submit(watcher.compose)]
        try:
            act()
            if not watcher.poems:
                time.sleep(1)
        finally:
            watcher.over.set()
        for each in running:
            each.result()
    return watcher


def _ask_at_once(server: Server, kind: str, statuses: list[int]) -> None:
    """Ask for many of a kind at once, and keep the statuses of the answers."""
    route, body = KINDS[kind]
    with client_at(server, ONE, AT_ONCE) as client, ThreadPoolExecutor(AT_ONCE) as pool:
        asked = [pool.submit(timed, client, route, **body) for _ in range(AT_ONCE)]
        answers = [each.result() for each in asked]
    statuses.extend(status for _, status in answers)


def main() -> None:
    """Measure, write the results, record the figures."""
    parser = argparse.ArgumentParser(description="The server under load.")
    parser.add_argument("--seconds", type=float, default=30, help="how long each server is asked")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--particles", type=int, nargs="*", default=[128, 32])
    parser.add_argument("--kinds", nargs="*", help="only what these cost another client")
    parser.add_argument(
        "--against", type=Path, help="another checkout, to be measured in turn with this one"
    )
    parser.add_argument("--dry", action="store_true", help="print only")
    arguments = parser.parse_args()
    # 1) Some kinds alone.
    if arguments.kinds:
        print(json.dumps(beside(machine.ROOT, arguments.kinds), indent=1, default=float))
        return
    # 2) Everything, for this checkout and perhaps another.
    checkouts = {"this": machine.ROOT}
    if arguments.against:
        checkouts["other"] = arguments.against
    result: dict[str, Any] = {
        "machine": machine.description("fastapi", "uvicorn"),
        "clients": arguments.clients,
        "alone": alone(checkouts),
        "beside": beside(machine.ROOT, list(KINDS)),
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
    """Return the figures by name: the worst over all kinds, and the throughput."""
    rows = list(result["beside"]["kinds"].values())
    values = {
        "serve.beside_check_p50_ms": max(row["check_p50_ms"] for row in rows),
        "serve.beside_check_p95_ms": max(row["check_p95_ms"] for row in rows),
        "serve.beside_poem_ratio": max(row["poem_ratio"] for row in rows),
        "serve.worker_memory_mb": max(result["beside"]["memory_mb"][1:]),
    }
    both = result["alone"]
    if "other" in both:
        for key, took in both["this"].items():
            name = key.removesuffix("_ms")
            values[f"serve.alone_{name}_ratio"] = took / both["other"][key]
    for name, found in result.items():
        if not name.startswith("particles"):
            continue
        suffix = name.replace("particles ", "_")
        servers = found["servers"]
        row = servers["this"]
        for key in ("poems_per_second", "p50_ms", "p95_ms", "p99_ms", "share_of_product", "failed"):
            values[f"serve.{key}{suffix}"] = row[key]
        if "other" in servers:
            ratio = row["poems_per_second"] / servers["other"]["poems_per_second"]
            values[f"serve.throughput_ratio{suffix}"] = ratio
    return values


if __name__ == "__main__":
    main()
