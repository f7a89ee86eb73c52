"""Read the displayed lines of the report's Part 1, and define the result of measuring one."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

WRONG = "wrong"
"""The verdict on a line that is right in no reading; all others begin with "right"."""
NOTHING, CONVENTION, RENAMING, SIGN = "nothing", "a convention for products", "a renaming", "a sign"
"""What a right line may need: net_c read as net_c̃, a + read as =."""


@dataclass(frozen=True)
class PrintedLine:
    """A displayed line; the head of `printed_lines.toml` explains the fields; `left` is its block's left side."""

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
        """The formulas that can be read, by the change that each needs; the printed one needs none."""
        return self.also or {"": self.formula}

    @property
    def corrected(self) -> str:
        """What the line should say; empty if it should go."""
        return self.correction if self.fault else self.formula


Lines = Mapping[str, PrintedLine]
"""Lines by id, in printed order."""


@dataclass(frozen=True)
class LineResult:
    """A line as measured. Errors are relative (Frobenius norms), the largest of all points; a misfit is infinite."""

    id: str
    """R1, R2, … in printed order."""
    place: str
    """Where in the report."""
    formula: str
    """As printed, in LaTeX."""
    verdict: str
    """"right", "right as …" where a product had to be read as another, or "wrong"."""
    granted: str
    """What a right line needs: `NOTHING`, `CONVENTION`, `RENAMING`, `SIGN`; "" for a wrong one."""
    printed_error: float
    """How far the printed line is from automatic differentiation, in the reading that suits it best."""
    corrected_error: float
    """The same of the corrected line."""
    central_error: float | None
    """How far the corrected line is from central differences; None for a line without derivative."""
    readings: dict[str, float]
    """The error of each reading, and of each sum as a whole."""
    fault: str
    """What is wrong, in words; empty for a right line."""
    correction: str
    """What a wrong line should say, in LaTeX; empty if it is right, or should go."""


@cache
def lines() -> Lines:
    """Read R1, R2, … in printed order."""
    text = files("pingze.report.derivation").joinpath("printed_lines.toml").read_text(encoding="utf-8")
    found: list[PrintedLine] = []
    for block in tomllib.loads(text)["block"]:
        place, rows = block["place"], block["row"]
        left = rows[0]["formula"].split(" = ")[0]
        for number, row in enumerate(rows, start=1):
            found.append(PrintedLine(f"{place}, row {number}" if len(rows) > 1 else place, left, **row))
    return {f"R{number}": line for number, line in enumerate(found, start=1)}


def sum_of(id_: str, lines: Lines) -> list[str]:
    """List the rows that make one sum with this one; none if it is no term of a sum."""
    number = lines[id_].sum
    return [other for other, line in lines.items() if number and line.sum == number]


def since_equality(id_: str, lines: Lines) -> list[str]:
    """List the rows from the last printed equals sign to this one."""
    ids = list(lines)
    rows = ids[: ids.index(id_) + 1]
    first = max(n for n, row in enumerate(rows) if "=" in lines[row].formula)
    return rows[first:]
