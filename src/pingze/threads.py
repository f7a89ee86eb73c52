"""Set how many threads this process has: in its own pools, and in those of torch, Numba, OpenMP and BLAS.

By default each pool has one thread for each core that the process may use. Pools of different sizes slow each other
down, because idle threads spin while they wait for a core: two trainings on two cores, each with one thread of torch
and two of Numba, took 4.6 s of processor time per step instead of 1.2 s. So one variable sets all of them. ONNX Runtime
is the exception: it always has one thread, since poems are composed in threads of this process.
"""

import os
import sys

VARIABLE = "PINGZE_THREADS"
OPENMP = "OMP_NUM_THREADS"
"""The variable that torchrun sets; it determines the size of all pools unless `VARIABLE` is set."""
POOLS = (OPENMP, "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMBA_NUM_THREADS")
"""The variables that size the pools of OpenMP (for torch and Numba), of each BLAS that NumPy may use, and of Numba."""


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
