"""What a long command is at, on standard error."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

EVERY = 10.0
"""Seconds after which a line whose numbers alone have changed is told again where there is no terminal."""


@contextmanager
def status() -> Iterator[Callable[[str], None]]:
    """Give what tells a line: on a terminal in place of the one before, elsewhere beneath it, if there is news."""
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_terminal:
        with console.status("") as shown:
            yield shown.update
    else:
        yield _telling()


def _telling() -> Callable[[str], None]:
    told, at = "", 0.0

    def tell(line: str) -> None:
        nonlocal told, at
        words, now = re.sub(r"\d", "", line), time.monotonic()
        if words != told or now >= at + EVERY:
            typer.echo(line, err=True)
            told, at = words, now

    return tell
