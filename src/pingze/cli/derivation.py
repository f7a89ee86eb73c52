"""`pingze derive`, which needs torch."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pingze.cli.application import command, need, show

if TYPE_CHECKING:
    from rich.table import Table

    from pingze.derivation.measure import LineResult


@command()
def derive(
    plots: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also write the pictures to this folder.")
    ] = None,
    model: str = "report",
    as_json: bool = False,
) -> None:
    """Check every formula of the report's Part 1 against automatic differentiation."""
    need("train", "checking the derivation")
    drawn: list[Path] = []
    if plots:
        need("plots", "drawing the pictures")
        from pingze.derivation import pictures

        drawn = pictures.draw(plots, model)
    from rich.console import Console

    from pingze.derivation import measure

    rows = measure.derive(model)
    if not as_json:
        Console().print(lines_table(rows))
    show([asdict(row) for row in rows], [summary(rows)], as_json=as_json)
    for path in drawn:
        typer.echo(f"wrote {path}", err=True)


def lines_table(rows: Sequence["LineResult"]) -> "Table":
    """Build a table of the lines of the report's derivation.

    Below each wrong line are its correction and its fault.
    """
    from rich import box
    from rich.table import Column, Table
    from rich.text import Text

    from pingze.derivation.latex import readable
    from pingze.derivation.measure import WRONG

    errors = [Column(name, justify="right") for name in ("error", "corrected")]
    columns = [Column("line"), Column("as printed", ratio=3), Column("verdict", ratio=1), *errors]
    shown = Table(*columns, box=box.SIMPLE_HEAD)
    for row in rows:
        formula, verdict = (
            Text.assemble((f"{row.place}\n", "dim"), readable(row.formula)),
            Text(row.verdict),
        )
        if row.verdict == WRONG:
            verdict.stylize("bold red")
            formula.append(f"\nshould be: {readable(row.correction) or 'nothing'}", "green")
            formula.append(f"\n{row.fault}", "italic")
        shown.add_row(
            row.id, formula, verdict, figure(row.printed_error), figure(row.corrected_error)
        )
    return shown


def summary(rows: Sequence["LineResult"]) -> str:
    """Count the lines right as printed, by convention, by renaming or by rereading a sign; name the wrong lines."""
    from pingze.derivation.measure import CONVENTION, NOTHING, RENAMING, SIGN, WRONG

    wrong = [row.id for row in rows if row.verdict == WRONG]
    granted = Counter(row.granted for row in rows)
    return (
        f"{len(rows) - len(wrong)} of {len(rows)} lines are right: {granted[NOTHING]} as printed, "
        f"{granted[CONVENTION]} under a convention for products, {granted[RENAMING]} by renaming net_c, "
        f"{granted[SIGN]} by re-reading a sign; wrong are {', '.join(wrong)}"
    )


def figure(error: float) -> str:
    """Format a numerical error with two significant digits.

    An error of at most 1e-11 is mere rounding, shown as 0.
    """
    return f"{error:.2g}" if error > 1e-11 else "0"
