"""Real runs, killed with SIGKILL at random moments: the weights and curves are those of an uninterrupted run."""

import random
import signal
import time
from pathlib import Path

import pytest
import torch

from pingze.training import log
from tests.training import command

KILLS = 20


def last_step(run: Path) -> int:
    """The step of the newest state, 0 where there is none."""
    return max((int(path.name.split(".")[1]) for path in run.glob("state.*.safetensors")), default=0)


@pytest.mark.slow
def test_twenty_kills_change_nothing(tmp_path: Path, home: Path) -> None:
    command.build_corpus(tmp_path / "poems")
    settings = ("epochs=20", "save_every=3", "patience=none")
    whole, run, rng = tmp_path / "whole", tmp_path / "killed", random.Random(0)
    command.trained(whole, *settings)
    for kill in range(KILLS):
        target = last_step(run) + rng.uniform(0, last_step(whole) / KILLS / 2)  # all together before the end
        process = command.train(run, *settings, resume=(run / "configuration.json").exists())
        if kill % 5 == 4:  # mostly on the way to the first step
            time.sleep(rng.uniform(0, 1))
        else:  # some while a file is written
            while last_step(run) <= target or (kill % 5 < 2 and not list(run.glob("*.partial"))):
                assert process.poll() is None
                time.sleep(0.0005)
        process.kill()
        assert process.wait() == -signal.SIGKILL
    command.trained(run, *settings, resume=True)

    expected, actual = command.tensors(whole), command.tensors(run)
    assert actual.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(actual[name], tensor), name
    assert command.without_times(log.read(run)) == command.without_times(log.read(whole))
    assert not list(run.glob("*.partial"))
