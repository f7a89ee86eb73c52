"""Describe where a benchmark was measured, for the record next to its numbers."""

import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lab.figures import commit
from pingze.machine import describe

ROOT = Path(__file__).parents[2]


def description(*packages: str) -> dict[str, Any]:
    """Return the processor, the load, the versions of packages, and the commit."""
    versions = {"numpy": version("numpy")}
    for name in packages:
        versions[name] = version(name)
    return {
        **describe(),
        "load": os.getloadavg()[0],
        "versions": versions,
        "commit": commit(),
    }
