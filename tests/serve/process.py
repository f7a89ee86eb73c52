"""A real `pingze serve` in a process of its own, and what programs do with it over loopback."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

SECONDS = 180.0
"""How long a test waits for anything, on a machine that has other work."""


class Server:
    """A server on a port; it can be killed and started again there."""

    def __init__(self, home: Path, *options: str, port: int = 0) -> None:
        self.home, self.options, self.port = home, options, port or free_port()

    def start(self) -> None:
        command = [sys.executable, "-m", "pingze", "serve", "--port", str(self.port), *self.options]
        environment = os.environ | {"PINGZE_HOME": str(self.home)}
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        line = self.process.stderr.readline()
        assert "http://" in line, line

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self, how: int = signal.SIGTERM) -> str:
        """What it said on standard error till it ended."""
        self.process.send_signal(how)
        return self.process.communicate(timeout=SECONDS)[1]

    def memory(self) -> int:
        """Resident bytes of the server and its workers."""
        processes = [self.process.pid, *children(self.process.pid)]
        found = [Path(f"/proc/{pid}/statm").read_text("ascii") for pid in processes]
        return sum(int(each.split()[1]) for each in found) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def serving(home: Path, *options: str) -> Iterator[Server]:
    """A server, which has said nothing on standard error when it ends."""
    server = Server(home, *options)
    server.start()
    try:
        yield server
    finally:
        said = server.stop()
    assert said == ""


def code_in(picture: Path) -> str:
    """The text of the QR code in a picture, as zbar reads it; skips where that is not installed."""
    if shutil.which("zbarimg") is None:
        pytest.skip("zbarimg is not installed")
    command = ["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", str(picture)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.removesuffix(
        "\n"
    )


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [
        int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    ]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def post(client: httpx.Client, route: str, **body: Any) -> httpx.Response:
    return client.post(f"/v1/{route}", json=body, timeout=SECONDS)


def of_sheet(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body of a request about a sheet with these options; the model is asked for beside it."""
    sheet = {name: value for name, value in body.items() if name != "model"}
    return {"sheet": sheet, "model": body.get("model")}


def fill(client: httpx.Client, **body: Any) -> httpx.Response:
    return post(client, "fill", **of_sheet(body))


def until_jobs_wait(client: httpx.Client, asked: "Future[httpx.Response]") -> None:
    """Return when a request is being computed; fail if it was answered before, as one that would take too long is."""
    while not client.get("/v1/health", timeout=SECONDS).json()["queue"]:
        assert not asked.done(), asked.result().text
        time.sleep(0.05)
