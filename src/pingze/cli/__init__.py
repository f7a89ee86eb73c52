"""The command line. Commands print results to standard output, and progress and notes to standard error.

Each module defines a group of commands; importing the module adds the commands to `app`.
"""

from collections.abc import Sequence
from importlib import import_module

import typer

from pingze.cli.application import START, app

__all__ = ["START", "application_for"]

COMMANDS = {
    "composing": ("compose", "collect", "couplet", "revise", "mend", "generate"),
    "corpus": ("corpus", "originality"),
    "prosody": ("check", "tones", "rhyme", "tunes"),
    "report": ("derive", "report"),
    "serve": ("serve",),
    "training": ("train", "evaluate", "export"),
}
"""The commands of each module; only the module of the command that is run is imported."""


def application_for(arguments: Sequence[str]) -> typer.Typer:
    """Import the module of the command with which the arguments begin; without one (--help), import all modules."""
    named = [module for module, commands in COMMANDS.items() if {*arguments[:1]} & {*commands}]
    for module in named or COMMANDS:
        import_module(f"pingze.cli.{module}")
    return app
