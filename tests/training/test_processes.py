"""Real runs in processes of their own: killed, stopped, and several under torchrun, which train as one does."""

import os
import random
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch

from pingze.training.run import read_log
from tests.serve.process import children, free_port
from tests.training import command

pytestmark = pytest.mark.slow

EXACT = ("epochs=2", "dropout=0", "precision=float32", "clip_norm=0.5", "save_every=3")
"""Nothing that depends on how a batch is dealt but the order of sums."""


@pytest.fixture(autouse=True)
def corpus(tmp_path: Path, home: Path) -> None:
    command.build_corpus(tmp_path / "poems")


def after(step: int, process: "subprocess.Popen[str]", run: Path) -> None:
    """Wait until a run has saved a state past a step."""
    while last_step(run) <= step:
        assert process.poll() is None
        time.sleep(0.01)


def assert_alike(actual: Path, expected: Path) -> None:
    """The same weights but for rounding, and the same rows."""
    one, other = command.tensors(expected), command.tensors(actual)
    assert one.keys() == other.keys()
    for name in one:
        error = (other[name] - one[name]).norm() / one[name].norm().clamp(min=1e-12)
        assert error < 1e-3, f"{name}: relative error {error}"
    rows = [[(row["kind"], row["step"]) for row in read_log(run)] for run in (expected, actual)]
    assert rows[0] == rows[1]
    for expected_row, actual_row in zip(read_log(expected), read_log(actual), strict=True):
        assert actual_row["nats_per_token"] == pytest.approx(
            expected_row["nats_per_token"], rel=1e-4
        )


def test_two_and_three_processes_train_as_one(tmp_path: Path) -> None:
    command.trained(tmp_path / "one", *EXACT)
    for processes in (2, 3):
        run = tmp_path / str(processes)
        command.trained(run, *EXACT, processes=processes)
        assert_alike(run, tmp_path / "one")


def test_the_threads_of_gloo_end_before_python_does(tmp_path: Path) -> None:
    """Such a thread that frees a tensor while Python exits aborts the process."""
    program, run = tmp_path / "program.py", tmp_path / "run"
    program.write_text(
        "import atexit, os\n"
        "names = lambda: [open(f'/proc/self/task/{n}/comm').read().strip() for n in os.listdir('/proc/self/task')]\n"
        "atexit.register(lambda: os.write(2, f'threads {names()}\\n'.encode()))\n"
        "from pingze.__main__ import run; run()"
    )
    assert command.train(run, "epochs=0.05", processes=2, program=[str(program)]).wait() == 0
    said = command.said_by(run).read_text()
    assert said.count("threads ") == 2
    assert "gloo" not in said


def test_a_process_says_that_another_has_ended(tmp_path: Path) -> None:
    """Two of torchrun's agents, each with a process, meet at an address, as on two machines."""
    run, endpoint = tmp_path / "run", f"--rdzv-endpoint=localhost:{free_port()}"
    meeting = ("--nnodes=2", "--rdzv-backend=c10d", endpoint, "--rdzv-id=pingze")
    settings, said = (
        ("epochs=30", "save_every=3", "patience=none"),
        [tmp_path / f"{n}.said" for n in range(2)],
    )
    first, second = (
        command.train(run, *settings, processes=1, meeting=meeting, said=each) for each in said
    )
    after(6, first, run)
    (killed,) = children(first.pid)
    os.kill(killed, signal.SIGKILL)
    assert second.wait() != 0
    first.wait()
    text = said[1].read_text()
    assert "pingze: another process of this run has ended or is out of reach" in text
    assert f"the last good state stays in {run}" in text


def test_a_run_goes_on_after_a_process_was_killed_on_as_many_and_on_fewer(tmp_path: Path) -> None:
    command.trained(tmp_path / "whole", *EXACT, processes=2)
    for processes in (2, 1):
        run = tmp_path / f"on {processes}"
        process = command.train(run, *EXACT, processes=2)
        after(6, process, run)
        for pid in children(process.pid):
            os.kill(pid, signal.SIGKILL)
        assert process.wait() != 0
        command.trained(run, *EXACT, resume=True, processes=processes if processes > 1 else 0)
        assert_alike(run, tmp_path / "whole")
        if processes == 2:
            for name, tensor in command.tensors(tmp_path / "whole").items():
                assert torch.equal(command.tensors(run)[name], tensor), name


def test_ctrl_c_stops_all_processes_at_one_step(tmp_path: Path) -> None:
    settings = ("epochs=30", "save_every=200", "patience=none")
    run, said = tmp_path / "run", tmp_path / "said"
    process = command.train(run, *settings, processes=2, said=said)
    after(20, process, run)
    process.send_signal(signal.SIGINT)
    assert process.wait() != 0
    assert "a fault in pingze" not in said.read_text()
    (step,) = re.findall(r"stopped at step (\d+); --resume goes on from there", said.read_text())
    assert (run / f"state.{int(step):08}.safetensors").exists()


def last_step(run: Path) -> int:
    """The step of the newest state, 0 where there is none."""
    return max(
        (int(path.name.split(".")[1]) for path in run.glob("state.*.safetensors")), default=0
    )


def test_twenty_kills_change_nothing(tmp_path: Path) -> None:
    settings = ("epochs=20", "save_every=3", "patience=none")
    whole, run, rng = tmp_path / "whole", tmp_path / "killed", random.Random(0)
    command.trained(whole, *settings)
    for kill in range(20):
        # all together before the end
        target = last_step(run) + rng.uniform(0, last_step(whole) / 40)
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
    assert command.without_times(read_log(run)) == command.without_times(read_log(whole))
    assert not list(run.glob("*.partial"))
