"""What a measurement depends on besides the code: the processor, its cores, Python."""

import os
import platform
from pathlib import Path


def processor() -> str:
    """The processor's name as Linux has it, else its kind."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def describe() -> dict[str, str | int | None]:
    """Processor, number of cores, and Python's version."""
    return {"processor": processor(), "cores": os.cpu_count(), "python": platform.python_version()}
