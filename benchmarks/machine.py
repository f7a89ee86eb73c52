"""What every benchmark says beside its numbers: where it was measured; and where its figures go."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def description(*packages: str) -> dict[str, Any]:
    """Processor, load, versions and commit."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("numpy", *packages)},
        "commit": commit.stdout.strip(),
    }


def record(command: str, values: Mapping[str, float]) -> None:
    """Write the figures by the experiments' one function."""
    sys.path.append(str(ROOT / "experiments"))
    from figures import record as write

    write(command, values)
