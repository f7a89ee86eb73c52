"""Call the command line: in this process, or as a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pingze.__main__ import run


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a command."""
    with pytest.raises(SystemExit) as exit_:
        run(list(arguments))
    return int(exit_.value.code or 0), *capsys.readouterr()


def python(
    *arguments: str, cwd: Path | None = None, **environment: str
) -> "subprocess.CompletedProcess[bytes]":
    """A finished process of Python."""
    environment = os.environ | environment
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, cwd=cwd, env=environment, check=False
    )


def pingze(*arguments: str, cwd: Path | None = None, **environment: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a command in a process of its own."""
    done = python("-m", "pingze", *arguments, cwd=cwd, **environment)
    return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
