"""Virtual environments of their own, for tests of what is installed."""

import os
import subprocess
import sys
from pathlib import Path


def new_environment(folder: Path) -> Path:
    """Make one in the folder's `venv`, and return its Python."""
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    return programs(folder) / "python"


def programs(folder: Path) -> Path:
    """The folder of the programs of that environment."""
    return folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
