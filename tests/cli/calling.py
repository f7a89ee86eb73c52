"""Run the command line in this process, by the fixture `call`, or in one of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Call = Callable[..., tuple[int, str, str]]
"""The fixture `call`: runs a command with arguments; exit status, standard output and standard error."""


def python(
    *arguments: str, cwd: Path | None = None, **environment: str
) -> "subprocess.CompletedProcess[bytes]":
    """A finished process of Python."""
    command, environment = [sys.executable, *arguments], os.environ | environment
    return subprocess.run(command, capture_output=True, cwd=cwd, env=environment, check=False)


def pingze(*arguments: str, cwd: Path | None = None, **environment: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a command in a process of its own."""
    done = python("-m", "pingze", *arguments, cwd=cwd, **environment)
    return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
