"""The full run under docs/report: its verdicts follow from its rows, and its page tells them."""

import json
from html import escape
from pathlib import Path
from typing import Any

import pytest

from pingze.replication.experiment import Experiment, Row, Rows
from pingze.replication.ledger import RESULTS, TIMES
from pingze.replication.rerun import EXPERIMENTS, PAGE

FOLDER = Path(__file__).parents[2] / "docs" / "report"


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    return json.loads((FOLDER / RESULTS).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def page() -> str:
    return (FOLDER / PAGE).read_text(encoding="utf-8")


def rows(results: dict[str, Any], experiment: Experiment) -> Rows:
    start = f"{experiment.name}/"
    return {
        key.removeprefix(start): Row(key, **row)
        for key, row in results["rows"].items()
        if key.startswith(start)
    }


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.name)
def test_verdicts_follow_from_the_rows_and_stand_on_the_page(
    experiment: Experiment, results: dict[str, Any], page: str
) -> None:
    found = [claim.judge(rows(results, experiment)) for claim in experiment.claims]
    told = [
        {"verdict": f.conclusion, "sentence": f.sentence, "rows": [row.id for row in f.rows]} for f in found
    ]
    assert results["verdicts"][experiment.name] == told
    for claim, finding in zip(experiment.claims, found, strict=True):
        for line in (claim.quote, claim.rule, finding.sentence):
            assert escape(line) in page


def test_the_page_shows_every_row_and_was_measured_with_the_budget_of_hours(
    results: dict[str, Any], page: str
) -> None:
    times = json.loads((FOLDER / TIMES).read_text(encoding="utf-8"))
    assert results["heading"]["budget"]["name"] == "hours"
    assert times["seconds"].keys() == results["rows"].keys()
    for key in results["rows"]:
        assert f'<th scope="row">{escape(key)}</th>' in page
