"""All thread pools of a process have one size: its number of cores, or the number that one variable sets."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from pingze.errors import InputError
from pingze.machine import OPENMP, POOLS, VARIABLE, cores, threads
from tests.cli.calling import pingze

SHOWN = """
import json, os, sys
if "one core" in sys.argv:
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
if "torch first" in sys.argv:
    import torch
from pingze.machine import threads
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
    environment = {
        name: value for name, value in os.environ.items() if name not in (VARIABLE, *POOLS)
    }
    command = [sys.executable, "-c", SHOWN, *how]
    found = json.loads(subprocess.check_output(command, env=environment | variables, text=True))
    assert found.keys() >= {"own", "blas", "openmp", "torch", "numba"}
    return set(found.values())


@pytest.mark.slow
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


def test_a_value_that_is_not_a_number_of_threads_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = "PINGZE_THREADS is '{}': set it to a whole number from 1, or not at all"
    for value in ("0", "-1", "two", "1.5", "²"):
        monkeypatch.setenv(VARIABLE, value)
        with pytest.raises(InputError, match=f"^{said.format(value)}"):
            threads()
    assert pingze("tones", "看") == (2, "", f"pingze: {said.format('²')}\n")


def test_by_default_each_core_has_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv(OPENMP, "4,2")  # a list, for nested loops: not ours
    assert threads() == cores()
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores() == 1
