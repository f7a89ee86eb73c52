"""What a measurement depends on besides the code: the processor, its cores, Python."""

import platform
from pathlib import Path

from pingze.threads import cores


def processor() -> str:
    """The processor's name as Linux has it, else its kind."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def describe() -> dict[str, str | int | None]:
    """Name the processor, the number of cores that this process may use, and the version of Python."""
    return {"processor": processor(), "cores": cores(), "python": platform.python_version()}
