"""Rows survive between processes, and times are kept apart."""

import math
from pathlib import Path

import pytest

from pingze.errors import InputError
from pingze.report.experiments.experiment import Measured, Trial
from pingze.report.experiments.results import RESULTS, Results

ONE, TWO = Trial("one", {"rate": 0.1}), Trial("two", {"rate": 0.2, "steps": 3})
KEY = "sums/one, seed 11"
HEADINGS = {"seed": 1}, {"cores": 2}


def test_rows_are_there_for_the_next_process_of_the_same_report(tmp_path: Path) -> None:
    Results(tmp_path, *HEADINGS).add(KEY, ONE, Measured({"x": 1 / 3}, {"y": [1.0, math.nan]}), seconds=2.5)
    later = Results(tmp_path, *HEADINGS)
    row = later.row(KEY, ONE)
    assert row is not None
    assert (row.id, row.number("x"), row.curves["y"]) == (KEY, 0.333333, [1.0, None])
    assert later.minutes([row]) == 2.5 / 60
    assert later.row("sums/two, seed 11", TWO) is None
    assert later.row(KEY, Trial("one", {"rate": 0.3})) is None
    later.add("sums/two, seed 11", TWO, Measured({"x": math.inf}), seconds=1)
    row = Results(tmp_path, *HEADINGS).row("sums/two, seed 11", TWO)
    assert row is not None
    assert (row.number("x"), row.settings) == (math.inf, {"rate": 0.2, "steps": 3})
    with pytest.raises(InputError, match="another budget, seed or corpus"):
        Results(tmp_path, {"seed": 2}, {"cores": 2})


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_other_files_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / RESULTS).write_text(content)
    with pytest.raises(InputError, match="holds no results of a report"):
        Results(tmp_path, *HEADINGS)
