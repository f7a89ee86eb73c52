"""Show the progress of long commands and of training on standard error."""

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from pingze.messages import here

if TYPE_CHECKING:
    from rich.progress import Progress

    from pingze.training.run import LogRow, OnRow, OnStep, Run

MANY = 100  # the number of poems or lines above which progress is shown
# without a terminal, the fewest seconds between printed lines that differ only in their numbers
EVERY = 10.0
# in a long run, at least this share of the elapsed time: a night prints about a hundred lines
SHARE = 0.05


@contextmanager
def status() -> Iterator[Callable[[str], None]]:
    """Yield a function that shows a status line.

    On a terminal, each line replaces the previous one.

    Without a terminal, lines are printed one below another. A line that differs from the last
    printed line only in digits is skipped if too little time has passed (see `EVERY` and `SHARE`).
    The final line is never skipped.
    """
    console = Console(stderr=True)
    if console.is_terminal:
        with console.status("") as shown:
            yield shown.update
        return
    last_line = ""
    printed_line = ""
    started_at = time.monotonic()
    printed_at = started_at

    def tell(line: str) -> None:
        nonlocal last_line, printed_line, printed_at
        last_line = line
        now = time.monotonic()
        line_without_digits = re.sub(r"\d", "", line)
        is_news = line_without_digits != re.sub(r"\d", "", printed_line)
        wait = max(EVERY, SHARE * (now - started_at))
        is_due = now >= printed_at + wait
        if is_news or (line != printed_line and is_due):
            typer.echo(line, err=True)
            printed_line = line
            printed_at = now

    try:
        yield tell
    finally:
        if last_line != printed_line:
            typer.echo(last_line, err=True)


@contextmanager
def counting(code: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield a function that shows how many items are done.

    It is silent if `total` <= MANY. It is silent too if standard output is a terminal, because the
    results that appear there show the progress.
    """
    if total <= MANY or sys.stdout.isatty():
        yield lambda done: None
        return
    with status() as show:
        yield lambda done: show(here(code, done=f"{done:,}", total=f"{total:,}"))


@contextmanager
def training_progress(run: "Run") -> "Iterator[tuple[OnRow, OnStep]]":
    """Yield two callbacks for `Run.train`: one for each row of the log, and one for each step.

    Only the first process shows progress, on standard error: a bar on a terminal, otherwise lines,
    which `status` shows at intervals.
    """
    if not run.processes.is_first:
        yield (lambda row: None), (lambda: None)
        return
    figures = ""  # of the newest training row, shown behind the number of the step
    with ExitStack() as stack:
        if Console(stderr=True).is_terminal:
            shown = stack.enter_context(bar())
            task = shown.add_task("", total=run.total_steps)
            tell: Callable[[str], None] = shown.console.print

            def on_step() -> None:
                shown.update(task, completed=run.position.step, description=figures)
        else:
            tell = stack.enter_context(status())

            def on_step() -> None:
                tell(here("train_step", step=run.position.step, steps=run.total_steps) + figures)

        def on_row(row: "LogRow") -> None:
            nonlocal figures
            if row["kind"] == "train":  # there are many: each is shown only until the next
                figures = "  " + _sentence(row)
            else:
                tell(_sentence(row))

        on_step()
        yield on_row, on_step
        on_step()  # the last step, with its figures


def bar() -> "Progress":
    """Build a progress bar.

    It is shown on standard error, with the time left and the description of its task.
    """
    # Other commands show no bar, and start sooner without this import.
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        MofNCompleteColumn(),
        BarColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    return Progress(*columns, console=Console(stderr=True))


def _sentence(row: "LogRow") -> str:
    """Format a row of the log: training figures, dev figures and a poem, or why it stopped."""
    sentence = here(f"train_row_{row['kind']}", **row)
    if row.get("sample"):
        return f"{sentence}\n    {row['sample']}"
    return sentence
