"""Training on a terminal: a bar that moves with the steps, a line for each look at dev, a table of rates."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pingze.training.log import LogRow
from pingze.training.rate_finder import Search
from pingze.training.run import Run

WIDTH = 40
"""Of the bars of a table, in characters."""


@contextmanager
def progress(run: Run) -> Iterator[Callable[[LogRow], None]]:
    """Give a function for `Run.train` to call; what it hears is shown on standard error, by the first process."""
    columns = [
        MofNCompleteColumn(),
        BarColumn(),
        TextColumn("loss {task.fields[loss]}  {task.fields[speed]}  left"),
        TimeRemainingColumn(),
    ]
    silent = not run.fabric.is_global_zero
    with Progress(*columns, console=Console(stderr=True), disable=silent) as bar:
        task = bar.add_task("", total=run.total_steps, completed=run.position.step, loss="-", speed="-")

        def show(row: LogRow) -> None:
            if row["kind"] == "train":
                bar.update(
                    task,
                    completed=int(row["step"]),
                    loss=f"{row['nats_per_token']:.3f} ({row['nats_per_48_tokens']:.1f} per 48 tokens)",
                    speed=f"{row['tokens_per_second']:,.0f} tokens/s",
                )
            elif row["kind"] == "dev":
                bar.console.print(
                    f"step {row['step']}: dev {row['nats_per_token']:.4f} nats per token, perplexity "
                    f"{row['perplexity']:.1f}, {row['nats_per_48_tokens']:.2f} nats per 48 tokens"
                )
            else:
                bar.console.print(f"stopped: dev has not improved for {row['stale_epochs']} epochs")

        yield show


def table(search: Search) -> str:
    """A line for every few rates, with a bar as long as the loss, and the suggestion."""
    every = max(1, len(search.rates) // 20)
    rows = list(zip(search.rates, search.nats_per_token, strict=True))[every - 1 :: every]
    least, most = min(search.nats_per_token), max(search.nats_per_token)
    lines = [
        f"{rate:8.1e}  {loss:7.3f}  {'█' * round(WIDTH * (loss - least) / (most - least))}".rstrip()
        for rate, loss in rows
    ]
    title = "    rate  nats per token, smoothed"
    return "\n".join([title, *lines, f"the loss falls fastest at learning_rate={search.suggestion:.1e}"])
