"""Real runs, killed with SIGKILL at random moments: the weights and curves are those of a run that nothing befell."""

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch

from pingze.training import log
from tests.training import command

KILLS = 20


def started(process: "subprocess.Popen[str]", run: Path) -> None:
    while not (run / log.LOG_FILE).exists():
        assert process.poll() is None
        time.sleep(0.001)


def writing(process: "subprocess.Popen[str]", run: Path) -> None:
    """Return while the process stands still in the middle of writing a file."""
    while True:
        assert process.poll() is None
        if list(run.glob("*.partial")):
            process.send_signal(signal.SIGSTOP)
            time.sleep(0.01)
            if list(run.glob("*.partial")):
                return
            process.send_signal(signal.SIGCONT)
        time.sleep(0.0005)


def last_step(run: Path) -> int:
    """The step of the newest state, 0 where there is none."""
    return max((int(path.name.split(".")[1]) for path in run.glob("state.*.safetensors")), default=0)


@pytest.mark.slow
def test_twenty_kills_change_nothing(tmp_path: Path, home: Path) -> None:
    command.build_corpus(tmp_path / "poems")
    settings = ("epochs=20", "save_every=3", "patience=none")
    whole, began = tmp_path / "whole", time.perf_counter()
    process = command.train(whole, *settings)
    started(process, whole)
    seconds_before = time.perf_counter() - began
    assert process.wait() == 0, command.said_by(whole).read_text()

    run, rng = tmp_path / "killed", random.Random(0)
    interrupted_writes = 0
    for kill in range(KILLS):
        step = last_step(run)
        process = command.train(run, *settings, resume=(run / "configuration.json").exists())
        if kill % 5 == 4:  # mostly on the way to the first step
            time.sleep(rng.uniform(0, seconds_before))
        else:
            target = step + rng.uniform(0, last_step(whole) / KILLS / 2)  # all together before the end
            while last_step(run) <= target:
                assert process.poll() is None
                time.sleep(0.001)
            if kill % 5 < 2:
                writing(process, run)
                interrupted_writes += 1
        process.kill()
        assert process.wait() == -signal.SIGKILL
    assert interrupted_writes == 8
    command.trained(run, *settings, resume=True)

    expected, actual = command.tensors(whole), command.tensors(run)
    assert actual.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(actual[name], tensor), name
    assert command.without_times(log.read(run)) == command.without_times(log.read(whole))
    assert not list(run.glob("*.partial"))
