"""Check each line of the report's LSTM derivation, and draw how gradients flow back in time.

This file reads the displayed formulas of the report's Part 1 line by line, with their faults and
corrections.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class PrintedLine:
    """A line of a displayed formula whose left side is `left`.

    `printed_lines.toml` explains the other fields.
    """

    place: str
    left: str
    formula: str
    sum: int | None = None
    through: str = "fico"
    also: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""
    correction: str = ""

    @property
    def readings(self) -> Mapping[str, str]:
        """The readings of the formula, keyed by what each changes in print; "" is no change."""
        return self.also or {"": self.formula}

    @property
    def corrected(self) -> str:
        """The correct formula, or "" if the line should be removed."""
        return self.correction if self.fault else self.formula


@cache
def lines() -> Mapping[str, PrintedLine]:
    """Read the report's lines, keyed R1, R2, … in printed order."""
    text = files(__package__).joinpath("printed_lines.toml").read_text(encoding="utf-8")
    printed: dict[str, PrintedLine] = {}
    for block in tomllib.loads(text)["block"]:
        rows = block["row"]
        left = rows[0]["formula"].split(" = ")[0]  # the rows of a block share one left side
        for number, row in enumerate(rows, start=1):
            place = block["place"]
            if len(rows) > 1:
                place += f", row {number}"
            id_ = f"R{len(printed) + 1}"
            printed[id_] = PrintedLine(place=place, left=left, **row)
    return printed


def sum_of(id_: str, lines: Mapping[str, PrintedLine]) -> list[str]:
    """List the ids of all lines in the printed sum to which a line belongs, [] if it is in none."""
    number = lines[id_].sum
    if number is None:
        return []
    return [term_id for term_id, line in lines.items() if line.sum == number]
