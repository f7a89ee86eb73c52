"""One seed, one poem: whatever the processor computes with."""

import json
import os
import shutil
import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest

CORE = "numpy._core" if int(np.__version__.split(".")[0]) > 1 else "numpy.core"
umath = import_module(f"{CORE}._multiarray_umath")

COMPOSE = """
import json, pingze
asked = [("五絕", {"title": "春曉"}), ("七律", {"rhyme": "陽"}), ("七古", {"about": "雁", "lines": 4})]
poems = [pingze.compose(form=form, seed=1, count=4, particles=32, **options) for form, options in asked]
print(json.dumps([[poem.lines, poem.log_probability] for some in poems for poem in some]))
"""
FEATURES = [name for name in umath.__cpu_dispatch__ if umath.__cpu_features__.get(name)]
"""What NumPy uses of this processor beyond what it needs."""
PROCESSORS = {
    "NumPy without AVX-512": {
        "NPY_DISABLE_CPU_FEATURES": " ".join(n for n in FEATURES if n == "X86_V4" or n.startswith("AVX512"))
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
    ended = subprocess.run(command, env=os.environ | environment, check=True, capture_output=True, encoding="utf-8")
    found: list[list[object]] = json.loads(ended.stdout)
    return found


@pytest.fixture(scope="module")
def here() -> list[list[object]]:
    return poems()


@pytest.mark.parametrize("environment", PROCESSORS.values(), ids=PROCESSORS)
def test_a_seed_writes_the_same_poem_on_every_processor(here: list[list[object]], environment: dict[str, str]) -> None:
    assert poems(**environment) == here


@pytest.mark.slow
@pytest.mark.skipif(
    not (shutil.which("qemu-x86_64") and umath.__cpu_features__.get("AVX2")), reason="needs qemu-x86_64 and AVX2"
)
def test_a_processor_without_avx512_writes_the_same_poem_in_onnx_runtime_too() -> None:
    few = COMPOSE.replace("count=4, particles=32", "count=1, particles=8")
    assert poems("qemu-x86_64", "-cpu", "Haswell", script=few) == poems(script=few)
