"""Describe what a measurement depends on besides the code: the processor, its cores and Python."""

import platform
from pathlib import Path

from pingze.threads import cores


def processor() -> str:
    """Return the processor's name if Linux reports it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def describe() -> dict[str, str | int | None]:
    """Return the processor's name, the number of cores that this process may use, and Python's version."""
    return {"processor": processor(), "cores": cores(), "python": platform.python_version()}
