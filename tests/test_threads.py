"""All thread pools of a process have one size: its number of cores, or the number that one variable sets."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from pingze.errors import InputError
from pingze.threads import OPENMP, POOLS, VARIABLE, cores, threads

SHOWN = """
import json, os, sys
if "one core" in sys.argv:
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
if "torch first" in sys.argv:
    import torch
from pingze.threads import threads
import numba, numpy, torch
from threadpoolctl import threadpool_info

@numba.njit(parallel=True)
def touch(x):
    for i in numba.prange(len(x)):
        x[i] += 1

touch(numpy.zeros(64))
pools = {pool["user_api"]: pool["num_threads"] for pool in threadpool_info()}
pools |= {"torch": torch.get_num_threads(), "numba": numba.get_num_threads()}
print(json.dumps({"own": threads(), **pools}))
"""


def pools(*how: str, **variables: str) -> set[int]:
    """Collect the sizes of the thread pools of a new process."""
    environment = {name: value for name, value in os.environ.items() if name not in (VARIABLE, *POOLS)}
    done = subprocess.run(
        [sys.executable, "-c", SHOWN, *how],
        env=environment | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert found.keys() >= {"own", "blas", "openmp", "torch", "numba"}
    return set(found.values())


@pytest.mark.skipif(find_spec("torch") is None, reason="needs the extra train")
@pytest.mark.parametrize("order", ["torch first", "pingze first"])
def test_all_pools_have_the_same_number_of_threads(order: str) -> None:
    assert pools(order) == {cores()}
    assert pools(order, PINGZE_THREADS="1") == {1}
    assert pools(order, PINGZE_THREADS="2", OMP_NUM_THREADS="1") == {min(2, cores())}
    assert pools(order, PINGZE_THREADS="1000") == {cores()}
    assert pools(order, OMP_NUM_THREADS="1") == {1}
    if hasattr(os, "sched_setaffinity"):
        assert pools(order, "one core") == {1}


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", "²"])
def test_a_value_that_is_not_a_number_of_threads_is_refused(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(InputError, match=rf"^PINGZE_THREADS is '{value}': set it to a whole number"):
        threads()


def test_the_command_line_names_the_bad_value_in_one_line() -> None:
    command = [sys.executable, "-m", "pingze", "tones", "看"]
    done = subprocess.run(
        command, env=os.environ | {VARIABLE: "many"}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "pingze: PINGZE_THREADS is 'many': set it to a whole number from 1, or not at all\n"


def test_by_default_each_core_has_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv(OPENMP, "4,2")  # a list, for nested loops: not ours
    assert threads() == cores()
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores() == 1
