"""The real command, killed again and again, leaves the table of one that never was."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pingze.report.ledger import RESULTS
from pingze.report.rerun import PAGE
from tests.training import command

pytestmark = pytest.mark.slow

KILLS = 4


def report(out: Path) -> "subprocess.Popen[bytes]":
    arguments = ["report", "--out", str(out), "--only", "softmax", "--budget", "sketch"]
    return subprocess.Popen(
        [sys.executable, "-m", "pingze", *arguments], env=os.environ | {"OMP_NUM_THREADS": "1"}
    )


def rows(out: Path) -> int:
    path = out / RESULTS
    return len(json.loads(path.read_text(encoding="utf-8"))["rows"]) if path.exists() else 0


def test_a_killed_report_goes_on_where_it_stood(tmp_path: Path, home: Path) -> None:
    command.build_corpus(tmp_path / "poems")
    whole, killed, chance = tmp_path / "whole", tmp_path / "killed", random.Random(8)
    assert report(whole).wait() == 0
    for _ in range(KILLS):
        before, process = rows(killed), report(killed)
        while rows(killed) == before:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(chance.random() / 2)
        process.kill()
        assert process.wait() != 0
        assert before < rows(killed) < rows(whole)
    assert not (killed / PAGE).exists()
    assert report(killed).wait() == 0
    assert (killed / PAGE).exists()
    assert (killed / RESULTS).read_bytes() == (whole / RESULTS).read_bytes()
