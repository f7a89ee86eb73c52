"""`pingze derive`; it needs torch."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pingze.cli.app import JsonOption, ModelOption, app, print_json
from pingze.cli.training import need


@app.command()
def derive(
    plots: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the pictures to this folder too.")
    ] = None,
    model: ModelOption = "report",
    as_json: JsonOption = False,
) -> None:
    """Check every formula of the report's Part 1 against automatic differentiation."""
    need("torch", "train", "checking the derivation")
    if plots:
        need("matplotlib", "plots", "drawing the pictures")
    from rich.console import Console

    from pingze.cli.terminal.derivation_table import summary, table
    from pingze.report.derivation import measure, pictures

    drawn = pictures.draw(plots, model) if plots else []
    rows = measure.derive(model)
    if as_json:
        print_json([asdict(row) for row in rows])
    else:
        Console().print(table(rows))
        typer.echo(summary(rows))
    for path in drawn:
        typer.echo(f"wrote {path}", err=True)
