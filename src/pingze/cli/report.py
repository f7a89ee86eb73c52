"""`pingze report`; it needs torch, matplotlib and the corpus."""

from pathlib import Path
from typing import Annotated

import typer

from pingze.cli.app import app
from pingze.cli.training import need
from pingze.errors import StoppedError


@app.command()
def report(
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder of the page and its JSON.")],
    only: Annotated[str | None, typer.Option(metavar="NAME", help="One experiment of the eleven.")] = None,
    budget: Annotated[
        str, typer.Option(help="sketch: minutes, to see that it works; hours: the report's own model.")
    ] = "hours",
    seed: Annotated[
        int,
        typer.Option(
            help="The first of the seeds. Two runs with one seed on one machine give the same rows."
        ),
    ] = 11,
) -> None:
    """Rerun the report's experiments; the same command resumes a stopped run."""
    need("torch", "train", "rerunning the report")
    need("matplotlib", "plots", "drawing the report's charts")
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from pingze.corpus import Store
    from pingze.report.experiments.rerun import PAGE, rerun
    from pingze.report.experiments.setup import Setup

    with Store.open() as store:
        setup = Setup.of(store, budget, seed)
    columns = [MofNCompleteColumn(), BarColumn(), TimeRemainingColumn(), TextColumn("{task.description}")]
    try:
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("", total=None)
            sections = rerun(
                out,
                setup,
                only,
                lambda name, done, total: bar.update(task, description=name, completed=done, total=total),
            )
    except KeyboardInterrupt:
        raise StoppedError("report_stopped") from None
    for finding in (finding for section in sections for finding in section.findings):
        number = finding.spread(finding.deciding(finding.claim.rule))
        typer.echo(f"{finding.conclusion:9}  {finding.claim.id}: {number}  {finding.claim.quote}")
    typer.echo(f"wrote {out / PAGE}", err=True)
