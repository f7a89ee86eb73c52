"""Show training on a terminal: a bar of its steps, and for each evaluation on dev a line and a poem."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pingze.cli.terminal.status import status
from pingze.messages import here
from pingze.training.log import LogRow
from pingze.training.run import Run

OnRow = Callable[[LogRow], None]
OnStep = Callable[[], None]


@contextmanager
def progress(run: Run) -> Iterator[tuple[OnRow, OnStep]]:
    """Give the functions that `Run.train` calls after a row of its log and after a step.

    The first process shows them on standard error: a bar on a terminal, elsewhere a line from time to time and at the
    end.
    """
    console = Console(stderr=True)
    if not run.processes.is_first:
        yield (lambda row: None), (lambda: None)
    elif console.is_terminal:
        with _bar(run, console) as shown:
            yield shown
    else:
        with _lines(run) as shown:
            yield shown


@contextmanager
def _bar(run: Run, console: Console) -> Iterator[tuple[OnRow, OnStep]]:
    figures = TextColumn("{task.fields[figures]}  left")
    with Progress(MofNCompleteColumn(), BarColumn(), figures, TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task("", total=run.total_steps, completed=run.position.step, figures="loss -")

        def on_row(row: LogRow) -> None:
            if row["kind"] == "train":
                bar.update(task, figures=_line(row))
            else:
                bar.console.print(_line(row))

        yield on_row, lambda: bar.update(task, completed=run.position.step)


@contextmanager
def _lines(run: Run) -> Iterator[tuple[OnRow, OnStep]]:
    figures = ""
    with status() as show:

        def on_step() -> None:
            show(here("train_step", step=run.position.step, steps=run.total_steps) + figures)

        def on_row(row: LogRow) -> None:
            nonlocal figures
            if row["kind"] == "train":
                figures = "  " + _line(row)
            else:
                show(_line(row))

        on_step()
        yield on_row, on_step
        on_step()


def _line(row: LogRow) -> str:
    """Say a row of the log: measures of training, of dev with a poem, or why training stopped early."""
    said = here(f"train_row_{row['kind']}", **row)
    return f"{said}\n    {row['sample']}" if row.get("sample") else said
