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
"""The variables with the thread counts of OpenMP, of NumPy's BLAS, and of Numba itself.

torch and Numba use OpenMP.
"""
# the numbers of mallopt's parameters
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
M_ARENA_MAX = -8
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
    value = os.environ.get(VARIABLE)
    if value and _number(value) is None:
        from pingze.errors import InputError

        raise InputError("threads", field=VARIABLE, has=value)
    return _requested() or cores()


def set_pools() -> None:
    """Set every pool to the requested number of threads, also in libraries that are loaded."""
    count = _requested()
    if count is None:
        return
    # A library reads its variable when it is loaded. One that is loaded already must be told.
    for variable in POOLS:
        os.environ[variable] = str(count)
    if "numpy" in sys.modules:
        from threadpoolctl import threadpool_limits

        threadpool_limits(count)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(count)


def _requested() -> int | None:
    """Return `PINGZE_THREADS` or `OMP_NUM_THREADS`, at most `cores()`; None if neither is set."""
    for variable in (VARIABLE, OPENMP):
        number = _number(os.environ.get(variable, ""))
        if number is not None:
            return min(number, cores())
    return None


def _number(value: str) -> int | None:
    """Parse a positive integer. If the value is anything else, return None."""
    if not value.isascii() or not value.isdecimal():
        return None
    return int(value[:9]) or None  # Python refuses to parse thousands of digits


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
    if sys.platform != "linux":
        return
    import ctypes

    call = getattr(ctypes.CDLL(None), function, None)
    if call:
        call(*arguments)


def describe() -> dict[str, str | int | None]:
    """Return the processor, the number of usable cores and Python's version.

    Only Linux reports a processor's name.
    """
    import contextlib
    import platform
    from pathlib import Path

    processor = platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                processor = line.partition(": ")[2]
                break
    return {
        "processor": processor,
        "cores": cores(),
        "python": platform.python_version(),
    }
