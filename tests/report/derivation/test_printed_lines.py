"""The lines that are measured are the lines that the report prints."""

import hashlib
import os
import re
from pathlib import Path

import pytest

from pingze.report.derivation.printed_lines import lines

DIGEST = "3d81e4a1cbc6622b"
"""Of the printed formulas without spaces, one after the other, as the first test found them in the report."""


def squeezed(latex: str) -> str:
    """LaTeX without what only sets it: spaces, alignment, line ends, displays."""
    return re.sub(r"\\begin\{split\}|\\end\{split\}|\\\\|[&\s$]", "", latex)


def printed() -> str:
    return "".join(squeezed(line.formula) for line in lines().values())


def test_the_lines_are_the_displays_of_the_report_s_part_1() -> None:
    path = os.environ.get("PINGZE_REPORT")
    if not path:
        pytest.skip("the report is no part of this repository; PINGZE_REPORT names its Markdown")
    part = Path(path).read_text(encoding="utf-8").partition("Part 1")[2].partition("Part 2")[0]
    displays = re.findall(r"\$\$(.*?)\$\$", part, re.DOTALL)
    assert "".join(map(squeezed, displays)) == printed()


def test_the_lines_are_those_that_were_held_to_the_report() -> None:
    assert hashlib.blake2b(printed().encode(), digest_size=8).hexdigest() == DIGEST
