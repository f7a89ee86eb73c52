"""The command line: parse, call, print. Results go to standard output, progress and notes to standard error.

One file a group of commands; importing it adds them to `app`.
"""

from pingze.cli import composing, corpus, derivation, export, originality, prosody, report, serve, training
from pingze.cli.app import app, print_start

__all__ = [
    "app",
    "composing",
    "corpus",
    "derivation",
    "export",
    "originality",
    "print_start",
    "prosody",
    "report",
    "serve",
    "training",
]
