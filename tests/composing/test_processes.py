"""One seed, one poem on any processor and in many threads; and composing keeps to this machine."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from pingze.composing.composer import prepare
from pingze.composing.desk import compose
from pingze.composing.sheet import Sheet
from pingze.composing.smc import on_threads
from pingze.deadline import Deadline, DeadlineError, check_deadline, current_deadline, within
from pingze.errors import InputError
from pingze.network.step_graph import RUNNING

CORE = "numpy._core" if int(np.__version__.split(".")[0]) > 1 else "numpy.core"
umath = import_module(f"{CORE}._multiarray_umath")

COMPOSE = """
import json, pingze
asked = [("五絕", {"title": "春曉"}), ("七律", {"rhyme": "陽"}), ("七古", {"about": "雁", "lines": 4})]
poems = [pingze.compose(form=form, seed=1, count=2, particles=32, **options) for form, options in asked]
print(json.dumps([[poem.lines, poem.log_probability] for some in poems for poem in some]))
"""
FEATURES = [name for name in umath.__cpu_dispatch__ if umath.__cpu_features__.get(name)]
"""What NumPy uses of this processor beyond what it needs."""
PROCESSORS = {
    "NumPy without AVX-512": {
        "NPY_DISABLE_CPU_FEATURES": " ".join(
            n for n in FEATURES if n == "X86_V4" or n.startswith("AVX512")
        )
    },
    "NumPy and the C library without AVX2 and FMA": {
        "NPY_DISABLE_CPU_FEATURES": " ".join(FEATURES),
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4",
    },
    "OpenBLAS for another": {
        "OPENBLAS_CORETYPE": "Nehalem" if umath.__cpu_features__.get("SSE") else "ARMV8",
        "OPENBLAS_NUM_THREADS": "1",
    },
}


def poems(*emulator: str, script: str = COMPOSE, **environment: str) -> list[list[object]]:
    """Lines and ln p, to the last bit, of some poems composed in a process of their own."""
    command = [*emulator, sys.executable, "-W", "ignore", "-c", script]
    ended = subprocess.run(
        command, env=os.environ | environment, check=True, capture_output=True, encoding="utf-8"
    )
    found: list[list[object]] = json.loads(ended.stdout)
    return found


@pytest.fixture(scope="module")
def here() -> list[list[object]]:
    return poems()


@pytest.mark.parametrize("environment", PROCESSORS.values(), ids=PROCESSORS)
def test_a_seed_writes_the_same_poem_on_every_processor(
    here: list[list[object]], environment: dict[str, str]
) -> None:
    assert poems(**environment) == here


@pytest.mark.slow
@pytest.mark.skipif(
    not (shutil.which("qemu-x86_64") and umath.__cpu_features__.get("AVX2")),
    reason="needs qemu-x86_64 and AVX2",
)
def test_a_processor_without_avx512_writes_the_same_poem_in_onnx_runtime_too() -> None:
    few = COMPOSE.replace("count=4, particles=32", "count=1, particles=8")
    assert poems("qemu-x86_64", "-cpu", "Haswell", script=few) == poems(script=few)


ONCE = "import pingze; pingze.compose(form='五絕', particles=2, seed=1)"
FOLLOWED_SECONDS = 20
"""ONNX Runtime's telemetry looks for its maker after some ten seconds."""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """That of a user with a new home, in no continuous integration, where telemetry keeps quiet by itself."""
    kept = {
        name: os.environ[name]
        for name in ("PATH", "PYTHONPATH", "SYSTEMROOT")
        if name in os.environ
    }
    return kept | {
        "HOME": str(tmp_path),
        "USERPROFILE": str(tmp_path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def test_composing_writes_nothing_into_the_home(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    subprocess.run([sys.executable, "-c", ONCE], env=environment, check=True)
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_a_process_calls_nobody(
    tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]
) -> None:
    calls = tmp_path_factory.mktemp("calls") / "calls.txt"
    follow = [
        "strace",
        "-f",
        "-qq",
        "-e",
        "signal=none",
        "-e",
        "trace=connect,sendto,sendmsg,sendmmsg",
    ]
    follow += ["-o", str(calls)]
    if subprocess.run([*follow, "true"], check=False).returncode:
        pytest.skip("strace may not follow a process here")
    waiting = f"{ONCE}; import time; time.sleep({FOLLOWED_SECONDS})"
    subprocess.run([*follow, sys.executable, "-c", waiting], env=environment, check=True)
    assert calls.read_text() == ""


def test_populations_of_several_seeds_are_those_of_each_alone() -> None:
    sheet = Sheet(form="五絕", particles=128)
    chosen, starts = prepare(sheet, "report")
    populations = [(seed, number) for seed in range(3, 6) for number in range(2)]
    together = chosen.texts(starts, sheet, populations)
    for population, texts in zip(populations, together, strict=True):
        (alone,) = chosen.texts(starts, sheet, [population])
        assert [text.ids.tolist() for text in texts] == [text.ids.tolist() for text in alone]


@pytest.fixture
def four_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine of four cores; `make test` allows each of its processes a single thread."""
    monkeypatch.setattr("pingze.composing.smc.threads", lambda: 4)


@pytest.mark.usefixtures("four_threads")
def test_threads_work_within_the_deadline_of_the_thread_that_called() -> None:
    """A client that leaves stops all of them."""
    gone = threading.Event()
    started = threading.Barrier(4 + 1)  # with the thread that leaves

    def compute(_: Sequence[int]) -> list[int]:
        started.wait(60)
        while True:
            check_deadline()
            time.sleep(0.001)

    def leave() -> None:
        started.wait(60)
        gone.set()

    threading.Thread(target=leave).start()
    with within(Deadline(60, gone=gone.is_set)), pytest.raises(DeadlineError):
        on_threads(compute, [0, 1, 2, 3], largest_batch=4)
    assert current_deadline() is None


@pytest.mark.usefixtures("four_threads")
def test_results_of_threads_are_in_the_order_of_the_items() -> None:
    second_is_done = threading.Event()

    def doubled(batch: Sequence[int]) -> list[int]:
        if batch[0] == 0:  # the first batch ends after the second
            assert second_is_done.wait(60)
        elif batch[0] == 2:
            second_is_done.set()
        return [2 * number for number in batch]

    results = on_threads(doubled, range(9), largest_batch=2)
    assert results == [0, 2, 4, 6, 8, 10, 12, 14, 16]


@pytest.mark.usefixtures("four_threads")
def test_where_one_fails_the_others_stop() -> None:
    running = set()

    def compute(batch: Sequence[int]) -> list[int]:
        (number,) = batch
        if number == 0:
            raise InputError("nothing_to_write")
        running.add(number)
        try:
            while True:
                check_deadline()
                time.sleep(0.001)
        finally:
            running.remove(number)

    with pytest.raises(InputError, match="nothing to write"):
        on_threads(compute, [0, 1, 2, 3], largest_batch=4)
    assert running == set()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_process_forked_while_a_thread_composes_composes_too() -> None:
    asked = {"form": "五絕", "particles": 4, "model": "report"}
    expected = compose(seed=7, **asked)
    thread = threading.Thread(target=lambda: compose(seed=1, count=40, **asked))
    thread.start()
    for _ in range(3):
        if not (pid := os.fork()):
            signal.alarm(120)
            os._exit(compose(seed=7, **asked) == expected)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    thread.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_waits_until_no_graph_runs() -> None:
    """A lock of ONNX Runtime that is held while a process forks stays locked in the child."""
    begun = threading.Event()
    children = []

    def fork() -> None:
        begun.set()
        pid = os.fork()
        if not pid:
            os._exit(0)
        children.append(pid)

    forking = threading.Thread(target=fork)
    with RUNNING:
        forking.start()
        assert begun.wait(60)
        forking.join(0.2)
        assert children == []
    forking.join(60)
    assert os.waitpid(children[0], 0)[1] == 0
