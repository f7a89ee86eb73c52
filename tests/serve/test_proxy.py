"""Behind nginx with the lines of docs/serving.md: what the server itself does not limit."""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.serve.process import SECONDS, Server, fill, free_port

DOCUMENT = Path(__file__).parents[2] / "docs" / "serving.md"
SMALL = {"form": "五絕", "particles": 4, "seed": 1, "model": "report"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed"),
]


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[str]:
    """The address of nginx in front of a server, with the documented lines but shorter times."""
    server = Server(
        tmp_path / "home", "--workers", "1", "--trust-proxy", "127.0.0.1", "--allow-host", "p.test"
    )
    server.start()
    (lines,) = re.findall(r"```nginx\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    port = free_port()
    lines = lines.replace("listen 80;", f"listen 127.0.0.1:{port};")
    lines = lines.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
    lines = re.sub(r"(_timeout|timeout) (10|20)s;", r"\1 1s;", lines)
    folders = [
        f"{name}_temp_path {tmp_path / name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    ]
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(
        f"daemon off; pid {tmp_path / 'pid'}; error_log {tmp_path / 'error.log'};\n"
        "events { worker_connections 1024; }\n"
        f"http {{ access_log off; {' '.join(folders)}\n{lines}\n}}\n",
        encoding="utf-8",
    )
    command = ["nginx", "-c", str(configuration), "-e", str(tmp_path / "error.log")]
    with subprocess.Popen(command) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            until = time.monotonic() + SECONDS
            while time.monotonic() < until:
                try:
                    httpx.get(f"{address}/v1/health", headers={"host": "p.test"}, timeout=SECONDS)
                    break
                except httpx.ConnectError:
                    time.sleep(0.05)
            yield address
        finally:
            process.terminate()
    assert server.stop() == ""


def test_requests_pass(proxy: str) -> None:
    with httpx.Client(base_url=proxy, headers={"host": "p.test"}) as client:
        assert fill(client, **SMALL).status_code == 200


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nhost: p.t"])
def test_a_connection_that_sends_no_whole_request_is_closed(proxy: str, begun: bytes) -> None:
    with socket.create_connection(("127.0.0.1", int(proxy.rpartition(":")[2]))) as slow:
        slow.settimeout(SECONDS)
        slow.sendall(begun)
        assert slow.recv(1000) == b"" or b" 408 " in slow.recv(1000)


def test_one_address_may_not_open_all_connections(proxy: str) -> None:
    """Beyond a hundred requests at once nginx answers 503 itself."""
    with httpx.Client(base_url=proxy, headers={"host": "p.test"}) as client:
        port = int(proxy.rpartition(":")[2])
        head = b"POST /v1/check HTTP/1.1\r\nhost: p.test\r\ncontent-length: 100\r\n\r\n"
        held = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
        for each in held:
            each.sendall(head)
        time.sleep(0.3)
        assert client.get("/v1/health", timeout=SECONDS).status_code == 503
        for each in held:
            each.close()
