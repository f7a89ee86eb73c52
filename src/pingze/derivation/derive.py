"""`pingze derive`: the report's Part 1 is measured line by line; rows go out, a table of them, and pictures.

What needs the extra `train` is imported where it is called, so that its absence can be told in one line.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text

from pingze.derivation.latex import readable
from pingze.derivation.printed_lines import WRONG, Row
from pingze.errors import MissingExtraError


def derive(model: str | Path = "report", seed: int = 0) -> list[Row]:
    """Measure every line, at random weights and at those of a trained model, and say which are right.

    Raises MissingExtraError where PyTorch is not installed, which differentiates to check.
    """
    if find_spec("torch") is None:
        raise MissingExtraError("checking the derivation", "train")
    from pingze.derivation.measure import measure

    return measure(model, seed)


def draw(folder: Path, model: str | Path = "report") -> list[Path]:
    """Write the pictures of what comes through time (`pictures.draw`), and say where they are.

    Raises MissingExtraError where matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise MissingExtraError("drawing the pictures", "train")
    from pingze.derivation import pictures

    return pictures.draw(folder, model)


def table(rows: Sequence[Row]) -> Table:
    """The rows for a terminal; under a wrong line stands what it should say, and why."""
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


def summary(rows: Sequence[Row]) -> str:
    """How many lines are right, in one line."""
    wrong = [row.id for row in rows if row.verdict == WRONG]
    return f"{len(rows) - len(wrong)} of {len(rows)} lines are right; wrong are {', '.join(wrong)}"


def figure(error: float) -> str:
    """An error to two digits; what rounding alone makes is not told apart from zero."""
    return f"{error:.2g}" if error > 1e-11 else "0"


def _formula(row: Row) -> Text:
    text = Text.assemble((f"{row.place}\n", "dim"), readable(row.formula))
    if row.verdict == WRONG:
        text.append(f"\nshould be: {readable(row.correction) or 'nothing'}", "green")
        text.append(f"\n{row.fault}", "italic")
    return text
