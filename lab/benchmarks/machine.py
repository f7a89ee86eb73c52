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
    return {
        **describe(),
        "load": os.getloadavg()[0],
        "versions": {name: version(name) for name in ("numpy", *packages)},
        "commit": commit(),
    }
