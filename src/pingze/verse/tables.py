"""Read the tables of facts in a package's `data` folder: a row a line, its cells separated by tabs."""

import re
from functools import cache
from importlib.resources import files

_COUNTED = re.compile(r"(\D)(\d*)")


@cache
def table(name: str, package: str = "pingze.verse") -> dict[str, str]:
    """Read the table `name`.tsv: each row's first cell, and the rest of the row."""
    rows = files(package).joinpath("data", f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return {key: cells for key, _, cells in (row.partition("\t") for row in rows)}


def counts(cell: str) -> dict[str, int]:
    """Parse names of one character with a count after each, as 支1齊52; no count is 0."""
    return {name: int(times or 0) for name, times in _COUNTED.findall(cell)}
