"""Read the displayed formulas of the report's Part 1 line by line, and define the result of measuring a line."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

WRONG = "wrong"
"""The verdict on a line that is right in no reading; every other verdict begins with "right"."""
NOTHING, CONVENTION, RENAMING, SIGN = "nothing", "a convention for products", "a renaming", "a sign"
"""What must be granted for a line to be right. A renaming reads net_c as net_c̃; a sign reads + as =."""


@dataclass(frozen=True)
class PrintedLine:
    """A displayed line. The head of `printed_lines.toml` explains its fields; `left` is the left side of its block."""

    place: str
    left: str
    formula: str
    sum: int | None = None
    through: str = "fico"
    also: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""
    correction: str = ""

    @property
    def ways(self) -> Mapping[str, str]:
        """The versions of the formula that can be read, by the change that each makes; "" is the key for no change."""
        return self.also or {"": self.formula}

    @property
    def corrected(self) -> str:
        """The right formula; empty if the line should be removed."""
        return self.correction if self.fault else self.formula


Lines = Mapping[str, PrintedLine]
"""Lines by id, in printed order."""


@dataclass(frozen=True)
class LineResult:
    """The result of measuring a line.

    Each error is relative, measured in Frobenius norms. It is the largest over all points, and infinite if the shapes
    do not fit.
    """

    id: str
    """R1, R2, … in printed order."""
    place: str
    """Where the report prints the line."""
    formula: str
    """The formula as printed, in LaTeX."""
    verdict: str
    """"wrong", or "right" with any liberties that the reading takes, as in "right as a row scaling"."""
    granted: str
    """What a right line must be granted: `NOTHING`, `CONVENTION`, `RENAMING` or `SIGN`; "" if the line is wrong."""
    printed_error: float
    """The error of the printed line in its best reading, or in its worst if all readings must hold."""
    corrected_error: float
    """The error of the corrected line. Both errors are against automatic differentiation."""
    central_error: float | None
    """The error of the corrected line against central differences; None if the line is not a derivative."""
    readings: dict[str, float]
    """The error of each reading and, on the last line of a sum, of the whole sum."""
    fault: str
    """The mistake, in words; empty if the line is right."""
    correction: str
    """The right formula for a wrong line, in LaTeX; empty if the line is right or should be removed."""


@cache
def lines() -> Lines:
    """Read the report's lines R1, R2, … in printed order."""
    text = files("pingze.report.derivation").joinpath("printed_lines.toml").read_text(encoding="utf-8")
    found: list[PrintedLine] = []
    for block in tomllib.loads(text)["block"]:
        place, rows = block["place"], block["row"]
        left = rows[0]["formula"].split(" = ")[0]
        for number, row in enumerate(rows, start=1):
            found.append(PrintedLine(f"{place}, row {number}" if len(rows) > 1 else place, left, **row))
    return {f"R{number}": line for number, line in enumerate(found, start=1)}


def sum_of(id_: str, lines: Lines) -> list[str]:
    """List the ids of the rows that form one sum with this row; none if the row is not part of a sum."""
    number = lines[id_].sum
    return [other for other, line in lines.items() if number and line.sum == number]


def since_equality(id_: str, lines: Lines) -> list[str]:
    """List the ids of the rows from the last one that prints an equals sign down to this row."""
    ids = list(lines)
    rows = ids[: ids.index(id_) + 1]
    first = max(n for n, row in enumerate(rows) if "=" in lines[row].formula)
    return rows[first:]
