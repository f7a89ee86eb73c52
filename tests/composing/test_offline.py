"""Composing keeps to this machine: no telemetry, no file of its own in the user's home, no call to the network."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

COMPOSE = "import pingze; pingze.compose(form='五絕', particles=2, seed=1)"
FOLLOWED_SECONDS = 20
"""ONNX Runtime's telemetry looks for its maker after some ten seconds."""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """That of a user with a new home, in no continuous integration, where telemetry keeps quiet by itself."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "SYSTEMROOT") if name in os.environ}
    return kept | {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}


def test_composing_writes_nothing_into_the_home(tmp_path: Path, environment: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-c", COMPOSE], env=environment, check=True)
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_a_process_calls_nobody(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> None:
    calls = tmp_path_factory.mktemp("calls") / "calls.txt"
    follow = ["strace", "-f", "-qq", "-e", "signal=none", "-e", "trace=connect,sendto,sendmsg,sendmmsg"]
    follow += ["-o", str(calls)]
    if subprocess.run([*follow, "true"], check=False).returncode:
        pytest.skip("strace may not follow a process here")
    waiting = f"{COMPOSE}; import time; time.sleep({FOLLOWED_SECONDS})"
    subprocess.run([*follow, sys.executable, "-c", waiting], env=environment, check=True)
    assert calls.read_text() == ""
