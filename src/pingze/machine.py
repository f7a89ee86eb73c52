"""Fit this process to the machine: the threads of its pools, and the memory that it frees; describe the machine.

The pools are those of this process, torch, Numba, OpenMP and BLAS. By default each has one thread for each core that
the process may use. Pools of different sizes slow each other down, because idle threads spin while they wait for a
core: two trainings on two cores, each with one thread of torch and two of Numba, took 4.6 s of processor time per step
instead of 1.2 s. So one variable sets all of them. ONNX Runtime is the exception: it always has one thread, since poems
are composed in threads of this process.

`import pingze` imports this module; to keep that fast, functions import the slow modules that only they need.
"""

import os
import sys

VARIABLE = "PINGZE_THREADS"
OPENMP = "OMP_NUM_THREADS"
"""The variable that torchrun sets; it determines the size of all pools unless `VARIABLE` is set."""
POOLS = (OPENMP, "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMBA_NUM_THREADS")
"""The variables that size the pools of OpenMP (for torch and Numba), of each BLAS that NumPy may use, and of Numba."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # the numbers of mallopt's parameters
KEPT_BYTES = 1 << 30


def cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS and Windows give a process all of them


def threads() -> int:
    """Return the number of threads in each pool; raise InputError if `PINGZE_THREADS` is not a whole number from 1."""
    asked = os.environ.get(VARIABLE)
    if asked and not _number(asked):
        from pingze.errors import InputError

        raise InputError("threads", field=VARIABLE, has=asked)
    return _asked() or cores()


def set_pools() -> None:
    """Give the requested number of threads to each pool, whether its library is loaded yet or not."""
    asked = _asked()
    if asked is None:
        return
    os.environ.update(dict.fromkeys(POOLS, str(asked)))
    if "numpy" in sys.modules:
        from threadpoolctl import threadpool_limits

        threadpool_limits(asked)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(asked)


def _asked() -> int | None:
    """Return the requested number of threads, at most the number of cores; None if no variable requests one."""
    numbers = (_number(os.environ.get(name, "")) for name in (VARIABLE, OPENMP))
    return next((min(number, cores()) for number in numbers if number), None)


def _number(value: str) -> int | None:
    """Parse a whole number of at least 1; return None if the value is not one."""
    short = value[:9]  # Python refuses to parse thousands of digits
    return int(short) or None if value.isascii() and value.isdecimal() else None


def keep_freed_memory() -> None:
    """Make glibc reuse freed memory instead of returning it to the system (mallopt(3)).

    Otherwise each training step allocates 50 MB again, and the 12,000 page faults take a sixth of the step's time.
    """
    _glibc("mallopt", M_MMAP_THRESHOLD, KEPT_BYTES)
    _glibc("mallopt", M_TRIM_THRESHOLD, KEPT_BYTES)


def share_freed_memory() -> None:
    """Make glibc share freed memory between threads (mallopt(3)).

    Otherwise each thread of a server keeps a separate arena, and memory use grows by a third under load.
    """
    _glibc("mallopt", M_ARENA_MAX, 1)


def give_back_freed_memory() -> None:
    """Return freed memory, including small blocks, to the system (malloc_trim(3))."""
    _glibc("malloc_trim", 0)


def _glibc(function: str, *arguments: int) -> None:
    """Call a function of glibc; do nothing on a system without it."""
    import ctypes

    if sys.platform == "linux" and (call := getattr(ctypes.CDLL(None), function, None)):
        call(*arguments)


def describe() -> dict[str, str | int | None]:
    """Return the processor (by name if Linux reports it), the number of usable cores, and Python's version."""
    import platform
    from pathlib import Path

    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return {"processor": [*names, platform.machine()][0], "cores": cores(), "python": platform.python_version()}
