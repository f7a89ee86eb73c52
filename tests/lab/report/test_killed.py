"""The real command, killed again and again, leaves the results of an uninterrupted run."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.report.rerun import PAGE, RESULTS
from tests.training import command

pytestmark = pytest.mark.slow

KILLS = 4
REPORT = (
    sys.executable,
    "-c",
    f"{command.HEEDING}; import runpy; runpy.run_module('lab.report', run_name='__main__')",
)


def report(out: Path) -> "subprocess.Popen[bytes]":
    """Start the command; what it says goes to a file beside the folder."""
    arguments = ["--out", str(out), "--only", "softmax", "--budget", "sketch"]
    with command.said_by(out).open("a") as output:
        return subprocess.Popen(
            [*REPORT, *arguments], env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=output
        )


def rows(out: Path) -> int:
    path = out / RESULTS
    return len(json.loads(path.read_text(encoding="utf-8"))["rows"]) if path.exists() else 0


def after_a_row(out: Path, process: "subprocess.Popen[bytes]") -> None:
    before = rows(out)
    while rows(out) == before:
        assert process.poll() is None
        time.sleep(0.01)


def test_ctrl_c_says_how_to_go_on(tmp_path: Path, home: Path) -> None:
    command.build_corpus(tmp_path / "poems")
    out = tmp_path / "out"
    process = report(out)
    after_a_row(out, process)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    said = command.said_by(out).read_text(encoding="utf-8").splitlines()
    assert said[-1] == "pingze: stopped; the same command goes on from there"


def test_a_killed_report_resumes(tmp_path: Path, home: Path) -> None:
    command.build_corpus(tmp_path / "poems")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert report(whole).wait() == 0, command.said_by(whole).read_text()
    for _ in range(KILLS):
        process = report(killed)
        after_a_row(killed, process)
        process.kill()
        assert process.wait() != 0
    assert rows(killed) < rows(whole)
    assert not (killed / PAGE).exists()
    assert report(killed).wait() == 0, command.said_by(killed).read_text()
    assert (killed / PAGE).exists()
    assert (killed / RESULTS).read_bytes() == (whole / RESULTS).read_bytes()
