"""The verdicts on the report's own poems are those of the checker."""

import os
from pathlib import Path

import pytest

from experiments import printed_poems as script
from pingze.report.experiments.samples import CALLS, printed_poems

POEM = "風起山河遠，人歸日月長。夜深江水淨，花落故園香。"


def test_fourteen_poems_are_judged_and_none_is_kept_here() -> None:
    rows = printed_poems()
    assert len(rows) == len(CALLS) == 14
    assert not any("text" in row for row in rows)


def test_they_are_those_of_the_report() -> None:
    path = os.environ.get("PINGZE_REPORT")
    if not path:
        pytest.skip("the report is no part of this repository; PINGZE_REPORT names its Markdown")
    assert script.judged(Path(path)) == printed_poems()


def test_a_poem_is_judged_by_its_opening_its_lines_and_its_form() -> None:
    row = script.judge_printed(POEM, "風", 6)
    assert (row["lines"], row["shaped"], row["kept"], row["faults"]) == (4, True, True, {})
    assert not any(script.judge_printed(POEM, *asked)["shaped"] for asked in (("花", 6), ("風", 8)))
    broken = script.judge_printed(POEM.replace("香", "夜"), "風", 6)
    assert broken["faults"]
    assert not broken["kept"]
