"""Training on a terminal: a bar that moves with the steps, a line for each look at dev."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pingze.cli.terminal.status import status
from pingze.training.log import LogRow
from pingze.training.run import Run

OnRow = Callable[[LogRow], None]
OnStep = Callable[[], None]


@contextmanager
def progress(run: Run) -> Iterator[tuple[OnRow, OnStep]]:
    """Give what `Run.train` calls after a row of its log and after a step; the first process shows them.

    On standard error: a bar on a terminal, elsewhere a line from time to time and one at the end.
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
    columns = [
        MofNCompleteColumn(),
        BarColumn(),
        TextColumn("{task.fields[figures]}  left"),
        TimeRemainingColumn(),
    ]
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=run.total_steps, completed=run.position.step, figures="loss -")

        def on_row(row: LogRow) -> None:
            if row["kind"] == "train":
                bar.update(task, figures=_figures(row))
            else:
                bar.console.print(_event(row))

        yield on_row, lambda: bar.update(task, completed=run.position.step)


@contextmanager
def _lines(run: Run) -> Iterator[tuple[OnRow, OnStep]]:
    figures = ""
    with status() as tell:

        def on_step() -> None:
            tell(f"step {run.position.step}/{run.total_steps}{figures}")

        def on_row(row: LogRow) -> None:
            nonlocal figures
            if row["kind"] == "train":
                figures = "  " + _figures(row)
            else:
                tell(_event(row))

        on_step()
        yield on_row, on_step
        on_step()


def _figures(row: LogRow) -> str:
    """What training has measured since the row before."""
    nats = f"{row['nats_per_token']:.3f} ({row['nats_per_48_tokens']:.1f} per 48 tokens)"
    return f"loss {nats}  {row['tokens_per_second']:,.0f} tokens/s"


def _event(row: LogRow) -> str:
    """A look at dev, or why training stopped early."""
    if row["kind"] == "dev":
        return (
            f"step {row['step']}: dev {row['nats_per_token']:.4f} nats per token, perplexity "
            f"{row['perplexity']:.1f}, {row['nats_per_48_tokens']:.2f} nats per 48 tokens"
        )
    return f"stopped: dev has not improved for {row['stale_epochs']} epochs"
