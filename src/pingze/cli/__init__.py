"""The command line. Commands print results to standard output, and progress and notes to standard error.

Each module defines a group of commands; importing the module adds the commands to `app`.
"""

from pingze.cli import composing, corpus, prosody, report, serve, training, tunes  # noqa: F401
from pingze.cli.application import app, print_start

__all__ = ["app", "print_start"]
