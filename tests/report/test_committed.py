"""The full run under docs/report: its verdicts follow from its rows, and its page tells them."""

import json
from html import escape
from pathlib import Path
from typing import Any

import pytest

from pingze.report.experiment import Experiment, Row
from pingze.report.ledger import RESULTS, TIMES, concluded
from pingze.report.rerun import EXPERIMENTS, PAGE, section

FOLDER = Path(__file__).parents[2] / "docs" / "report"


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    return json.loads((FOLDER / RESULTS).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def page() -> str:
    return (FOLDER / PAGE).read_text(encoding="utf-8")


def by_seed(results: dict[str, Any], experiment: Experiment) -> dict[int, dict[str, Row]]:
    """The rows of an experiment by seed and trial."""
    found: dict[int, dict[str, Row]] = {}
    for key, row in results["rows"].items():
        if key.startswith(f"{experiment.name}/"):
            trial, _, seed = key.removeprefix(f"{experiment.name}/").partition(", seed ")
            found.setdefault(int(seed or results["heading"]["seeds"][0]), {})[trial] = Row(key, **row)
    return found


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.name)
def test_verdicts_follow_from_the_rows_and_stand_on_the_page(
    experiment: Experiment, results: dict[str, Any], page: str
) -> None:
    for finding in section(experiment, by_seed(results, experiment)).findings:
        assert results["verdicts"][finding.claim.id] == concluded(finding)
        assert escape(finding.claim.quote) in page
        assert escape(finding.told(finding.claim.rule)) in page


def test_the_page_shows_every_row_and_was_measured_with_the_budget_of_hours(
    results: dict[str, Any], page: str
) -> None:
    times = json.loads((FOLDER / TIMES).read_text(encoding="utf-8"))
    assert results["heading"]["budget"]["name"] == "hours"
    assert times["seconds"].keys() == results["rows"].keys()
    for key in results["rows"]:
        assert f'<th scope="row">{escape(key)}</th>' in page
