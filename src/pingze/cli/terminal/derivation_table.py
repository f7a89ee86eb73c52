"""Print the report's lines as measured, in a table."""

from collections import Counter
from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from pingze.report.derivation.latex import readable
from pingze.report.derivation.printed_lines import CONVENTION, NOTHING, RENAMING, SIGN, WRONG, LineResult


def table(rows: Sequence[LineResult]) -> Table:
    """Make the table for a terminal; below a wrong line are its correction and its fault."""
    shown = Table(box=box.SIMPLE_HEAD)
    shown.add_column("line")
    shown.add_column("as printed", ratio=3)
    shown.add_column("verdict", ratio=1)
    shown.add_column("error", justify="right")
    shown.add_column("corrected", justify="right")
    for row in rows:
        verdict = Text(row.verdict, "bold red" if row.verdict == WRONG else "")
        shown.add_row(row.id, _formula(row), verdict, figure(row.printed_error), figure(row.corrected_error))
    return shown


def summary(rows: Sequence[LineResult]) -> str:
    """Count the right lines, and what had to be granted for it, in one line."""
    wrong = [row.id for row in rows if row.verdict == WRONG]
    granted = Counter(row.granted for row in rows)
    return (
        f"{len(rows) - len(wrong)} of {len(rows)} lines are right: {granted[NOTHING]} as printed, "
        f"{granted[CONVENTION]} under a convention for products, {granted[RENAMING]} by renaming net_c, "
        f"{granted[SIGN]} by re-reading a sign; wrong are {', '.join(wrong)}"
    )


def figure(error: float) -> str:
    """Write an error to two digits; an error of rounding alone is 0."""
    return f"{error:.2g}" if error > 1e-11 else "0"


def _formula(row: LineResult) -> Text:
    text = Text.assemble((f"{row.place}\n", "dim"), readable(row.formula))
    if row.verdict == WRONG:
        text.append(f"\nshould be: {readable(row.correction) or 'nothing'}", "green")
        text.append(f"\n{row.fault}", "italic")
    return text
