"""Rows survive whatever happens between them, and times stand apart."""

import json
import math
from pathlib import Path

import pytest

from pingze.errors import InputError
from pingze.replication.experiment import Experiment, Measured, Trial
from pingze.replication.ledger import RESULTS, TIMES, Ledger

ONE, TWO = Trial("one", {"rate": 0.1}), Trial("two", {"rate": 0.2})


def experiment() -> Experiment:
    return Experiment(
        "sums",
        "Sums",
        "",
        lambda setup: [ONE, TWO],
        lambda setup, trial: Measured({}),
        (),
        lambda rows: [],
    )


def ledger(folder: Path, seed: int = 1) -> Ledger:
    return Ledger(folder, {"seed": seed}, {"cores": 2})


def test_rows_stand_for_the_next_process(tmp_path: Path) -> None:
    ledger(tmp_path).add(experiment(), ONE, Measured({"x": 1 / 3}, {"y": [1.0, math.nan]}), seconds=2.5)
    later = ledger(tmp_path)
    row = later.row(experiment(), ONE)
    assert row is not None
    assert (row.id, row.number("x"), row.curves["y"]) == ("sums/one", 0.333333, [1.0, None])
    assert later.seconds(row) == 2.5
    assert later.rows(experiment(), [ONE, TWO]) is None
    later.add(experiment(), TWO, Measured({"x": math.inf}), seconds=1)
    rows = ledger(tmp_path).rows(experiment(), [ONE, TWO])
    assert rows is not None
    assert list(rows) == ["one", "two"]
    assert rows["two"].number("x") == math.inf


def test_times_are_no_part_of_the_results(tmp_path: Path) -> None:
    for folder, seconds in ((tmp_path / "a", 1.0), (tmp_path / "b", 9.0)):
        ledger(folder).add(experiment(), ONE, Measured({"x": 1}), seconds)
    assert (tmp_path / "a" / RESULTS).read_bytes() == (tmp_path / "b" / RESULTS).read_bytes()
    assert json.loads((tmp_path / "b" / TIMES).read_text())["seconds"] == {"sums/one": 9.0}


def test_a_row_of_other_settings_is_measured_again(tmp_path: Path) -> None:
    ledger(tmp_path).add(experiment(), ONE, Measured({}), 1)
    assert ledger(tmp_path).row(experiment(), Trial("one", {"rate": 0.3})) is None


def test_another_report_in_the_folder_is_refused(tmp_path: Path) -> None:
    ledger(tmp_path).add(experiment(), ONE, Measured({}), 1)
    with pytest.raises(InputError, match="another budget, seed or corpus"):
        ledger(tmp_path, seed=2)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_what_is_no_ledger_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / RESULTS).write_text(content)
    with pytest.raises(InputError, match="no ledger of a report"):
        ledger(tmp_path)
