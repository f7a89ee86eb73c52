"""Show the progress of a long command on standard error."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

EVERY = 10.0
"""Without a terminal, seconds after which a line is printed again if only its numbers have changed."""
SHARE = 0.05
"""In a long run, this share of the elapsed time instead, so that a night leaves some hundred lines."""


@contextmanager
def status() -> Iterator[Callable[[str], None]]:
    """Give a function that shows a line: on a terminal in place of the last one, elsewhere below it.

    Without a terminal a line is printed if its words are new, if its numbers are and it is time, or if it is the last.
    """
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_terminal:
        with console.status("") as shown:
            yield shown.update
    else:
        with _lines() as tell:
            yield tell


@contextmanager
def _lines() -> Iterator[Callable[[str], None]]:
    last, printed, begun = "", "", time.monotonic()
    at = begun

    def tell(line: str) -> None:
        nonlocal last, printed, at
        last, now = line, time.monotonic()
        is_news = re.sub(r"\d", "", line) != re.sub(r"\d", "", printed)
        if is_news or (line != printed and now >= at + max(EVERY, SHARE * (now - begun))):
            typer.echo(line, err=True)
            printed, at = line, now

    try:
        yield tell
    finally:
        if last != printed:
            typer.echo(last, err=True)
