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
    paths: list[Path] = []
    if plots:  # drawn first, so that a folder that cannot be written is refused before the check
        need("plots", "drawing the pictures")
        from pingze.derivation import pictures

        paths = pictures.draw(plots, model)
    from rich.console import Console

    from pingze.derivation import measure

    results = measure.derive(model)
    if not as_json:  # the table is for people; `show` prints the summary below it, or the JSON
        Console().print(lines_table(results))
    show([asdict(result) for result in results], [summary(results)], as_json=as_json)
    for path in paths:
        typer.echo(f"wrote {path}", err=True)


def lines_table(results: Sequence["LineResult"]) -> "Table":
    """Build a table of the lines of the report's derivation.

    Below each wrong line are its correction and its fault.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from pingze.derivation.latex import readable
    from pingze.derivation.measure import WRONG

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("line")
    table.add_column("as printed", ratio=3)
    table.add_column("verdict", ratio=1)
    table.add_column("error", justify="right")
    table.add_column("corrected", justify="right")
    for result in results:
        formula = Text.assemble((f"{result.place}\n", "dim"), readable(result.formula))
        verdict = Text(result.verdict)
        if result.verdict == WRONG:
            verdict.stylize("bold red")
            formula.append(f"\nshould be: {readable(result.correction) or 'nothing'}", "green")
            formula.append(f"\n{result.fault}", "italic")
        printed_error = figure(result.printed_error)
        corrected_error = figure(result.corrected_error)
        table.add_row(result.id, formula, verdict, printed_error, corrected_error)
    return table


def summary(results: Sequence["LineResult"]) -> str:
    """Count the right lines by what must be granted to call them right; name the wrong lines."""
    from pingze.derivation.measure import CONVENTION, NOTHING, RENAMING, SIGN, WRONG

    wrong = [result.id for result in results if result.verdict == WRONG]
    granted = Counter(result.granted for result in results)
    return (
        f"{len(results) - len(wrong)} of {len(results)} lines are right: "
        f"{granted[NOTHING]} as printed, {granted[CONVENTION]} under a convention for products, "
        f"{granted[RENAMING]} by renaming net_c, {granted[SIGN]} by re-reading a sign; "
        f"wrong are {', '.join(wrong)}"
    )


def figure(error: float) -> str:
    """Format a numerical error with two significant digits.

    An error of at most 1e-11 is mere rounding, shown as 0.
    """
    if error > 1e-11:
        return f"{error:.2g}"
    return "0"
