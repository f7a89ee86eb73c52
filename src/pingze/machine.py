"""Describe what a measurement depends on besides the code: the processor, its cores and Python."""

import platform
from pathlib import Path

from pingze.threads import cores


def describe() -> dict[str, str | int | None]:
    """Return the processor (by name if Linux reports it), the number of usable cores, and Python's version."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return {"processor": [*names, platform.machine()][0], "cores": cores(), "python": platform.python_version()}
