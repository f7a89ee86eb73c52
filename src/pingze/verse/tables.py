"""Read the TSV tables in a package's `data` folder."""

import re
from functools import cache
from importlib.resources import files

_COUNTED = re.compile(r"(\D)(\d*)")


@cache
def table(name: str, package: str = "pingze.verse") -> dict[str, str]:
    """Read the table `name`.tsv, and map the first cell of each row to the rest of the row."""
    rows = files(package).joinpath("data", f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return {key: cells for key, _, cells in (row.partition("\t") for row in rows)}


def counts(cell: str) -> dict[str, int]:
    """Parse one-character names, each followed by a count, such as 支1齊52; a missing count is 0."""
    return {name: int(times or 0) for name, times in _COUNTED.findall(cell)}
