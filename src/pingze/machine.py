"""Set the sizes of thread pools, keep or return freed memory, and describe the machine.

pingze, torch, Numba, OpenMP and BLAS each have a thread pool. By default a pool has one thread for
each core that the process may use. Pools of different sizes slow each other down, because idle
threads spin while they wait for a core. For example, two trainings ran on two cores, and each
training had one thread of torch and two threads of Numba. A step took 4.6 s of processor time
instead of 1.2 s. So `PINGZE_THREADS` sets the size of all these pools. ONNX Runtime always uses one
thread, because poems are already composed in pingze's own threads.

`import pingze` imports this module. To keep the import fast, slow modules are imported in functions
that need them.
"""

import os
import sys

VARIABLE = "PINGZE_THREADS"
OPENMP = "OMP_NUM_THREADS"
"""The environment variable that torchrun sets.

It determines the size of all pools unless `PINGZE_THREADS` is set.
"""
POOLS = (
    OPENMP,
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
)
"""The variables with the thread counts of OpenMP (used by torch and Numba), of NumPy's BLAS, and of Numba itself."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # the numbers of mallopt's parameters
KEPT_BYTES = 1 << 30


def cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS and Windows give a process all of them


def threads() -> int:
    """Return the number of threads in each pool.

    Raises InputError if `PINGZE_THREADS` is not a positive integer.
    """
    asked = os.environ.get(VARIABLE)
    if asked and not _number(asked):
        from pingze.errors import InputError

        raise InputError("threads", field=VARIABLE, has=asked)
    return _asked() or cores()


def set_pools() -> None:
    """Set every pool to the requested number of threads, including the pools of libraries that are already loaded."""
    if (asked := _asked()) is None:
        return
    os.environ.update(dict.fromkeys(POOLS, str(asked)))
    if "numpy" in sys.modules:
        from threadpoolctl import threadpool_limits

        threadpool_limits(asked)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(asked)


def _asked() -> int | None:
    """Return `PINGZE_THREADS` or else `OMP_NUM_THREADS` as a number, at most `cores()`, or None if neither is set."""
    numbers = (_number(os.environ.get(name, "")) for name in (VARIABLE, OPENMP))
    return next((min(number, cores()) for number in numbers if number), None)


def _number(value: str) -> int | None:
    """Parse a positive integer. If the value is anything else, return None."""
    short = value[:9]  # Python refuses to parse thousands of digits
    return int(short) or None if value.isascii() and value.isdecimal() else None


def keep_freed_memory() -> None:
    """Make glibc reuse freed memory instead of returning it to the system (mallopt(3)).

    Otherwise each training step allocates 50 MB again, in 12,000 page faults that take a sixth of
    the step's time.
    """
    _glibc("mallopt", M_MMAP_THRESHOLD, KEPT_BYTES)
    _glibc("mallopt", M_TRIM_THRESHOLD, KEPT_BYTES)


def share_freed_memory() -> None:
    """Make glibc share freed memory between threads (mallopt(3)).

    Otherwise each thread of a server keeps a separate arena, and memory use grows by a third under
    load.
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
    """Return the processor, the number of usable cores and Python's version.

    Only Linux reports a processor's name.
    """
    import platform
    from pathlib import Path

    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return {
        "processor": [*names, platform.machine()][0],
        "cores": cores(),
        "python": platform.python_version(),
    }
