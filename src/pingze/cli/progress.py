"""Show the progress of long commands and of training on standard error."""

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from pingze.messages import here

if TYPE_CHECKING:
    from pingze.training.log import LogRow
    from pingze.training.run import Run

MANY = 100
"""The number of poems or lines above which progress is shown."""
EVERY = 10.0
"""Without a terminal, the minimum number of seconds between printed lines that differ only in their numbers."""
SHARE = 0.05
"""In a long run, this minimum becomes a share of the elapsed time, so that a night prints about a hundred lines."""


@contextmanager
def status() -> Iterator[Callable[[str], None]]:
    """Yield a function that shows a line: on a terminal in place of the previous line, elsewhere below it.

    Without a terminal, a line is printed if its words are new or it is the last line. A line with new numbers only is
    printed if enough time (see `EVERY` and `SHARE`) has passed since the last printed line.
    """
    console = Console(stderr=True)
    if console.is_terminal:
        with console.status("") as shown:
            yield shown.update
        return
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


@contextmanager
def counting(code: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield a function that shows how many items are done. If they are few or go to a terminal, it shows nothing."""
    if total <= MANY or sys.stdout.isatty():
        yield lambda done: None
        return
    with status() as show:
        yield lambda done: show(here(code, done=f"{done:,}", total=f"{total:,}"))


OnRow = Callable[["LogRow"], None]
OnStep = Callable[[], None]


@contextmanager
def training_progress(run: "Run") -> Iterator[tuple[OnRow, OnStep]]:
    """Yield two functions for `Run.train`, which calls one with each row of its log, the other after each step.

    The first process shows progress on standard error: a bar on a terminal, elsewhere lines at intervals.
    """
    console = Console(stderr=True)
    if not run.processes.is_first:
        yield (lambda row: None), (lambda: None)
    elif not console.is_terminal:
        with _training_lines(run) as shown:
            yield shown
    else:
        # Other commands show no bar, and start sooner without it.
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        figures = TextColumn("{task.fields[figures]}  left")
        with Progress(MofNCompleteColumn(), BarColumn(), figures, TimeRemainingColumn(), console=console) as bar:
            task = bar.add_task("", total=run.total_steps, completed=run.position.step, figures="loss -")

            def on_row(row: "LogRow") -> None:
                if row["kind"] == "train":
                    bar.update(task, figures=_line(row))
                else:
                    bar.console.print(_line(row))

            yield on_row, lambda: bar.update(task, completed=run.position.step)


@contextmanager
def _training_lines(run: "Run") -> Iterator[tuple[OnRow, OnStep]]:
    figures = ""
    with status() as show:

        def on_step() -> None:
            show(here("train_step", step=run.position.step, steps=run.total_steps) + figures)

        def on_row(row: "LogRow") -> None:
            nonlocal figures
            if row["kind"] == "train":
                figures = "  " + _line(row)
            else:
                show(_line(row))

        on_step()
        yield on_row, on_step
        on_step()


def _line(row: "LogRow") -> str:
    """Format a row of the log, which holds training figures, dev figures with a poem, or why training stopped early."""
    said = here(f"train_row_{row['kind']}", **row)
    return f"{said}\n    {row['sample']}" if row.get("sample") else said
