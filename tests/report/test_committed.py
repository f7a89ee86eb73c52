"""The full run under docs/report: its verdicts follow from its rows, and its page shows them."""

import json
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape

from pingze.report.experiments.experiment import Row
from pingze.report.experiments.rerun import EXPERIMENTS, PAGE, section
from pingze.report.experiments.results import RESULTS, TIMES, Results, concluded

FOLDER = Path(__file__).parents[2] / "docs" / "report"
SHOWN = (FOLDER / PAGE).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    return json.loads((FOLDER / RESULTS).read_text(encoding="utf-8"))


def by_seed(results: dict[str, Any], experiment: str) -> dict[int, dict[str, Row]]:
    """The rows of an experiment by seed and trial."""
    found: dict[int, dict[str, Row]] = {}
    for key, row in results["rows"].items():
        if key.startswith(f"{experiment}/"):
            trial, _, seed = key.removeprefix(f"{experiment}/").partition(", seed ")
            found.setdefault(int(seed or results["heading"]["seeds"][0]), {})[trial] = Row(key, **row)
    return found


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_verdicts_follow_from_the_rows_and_are_on_the_page(experiment: str, results: dict[str, Any]) -> None:
    kept = Results(FOLDER, results["heading"], {})
    for finding in section(experiment, by_seed(results, experiment), kept).findings:
        assert results["verdicts"][finding.claim.id] == concluded(finding)
        assert str(escape(finding.claim.quote)) in SHOWN
        assert finding.claim.finding, f"{finding.claim.id} needs a person's sentence"
        for number in finding.claim.numbers:
            assert finding.spread(number) in SHOWN


def test_the_page_shows_every_row_and_was_measured_with_the_budget_of_hours(results: dict[str, Any]) -> None:
    times = json.loads((FOLDER / TIMES).read_text(encoding="utf-8"))
    assert results["heading"]["budget"]["name"] == "hours"
    assert times["seconds"].keys() >= results["rows"].keys()
    for key in results["rows"]:
        assert f'<th scope="row">{key}</th>' in SHOWN
