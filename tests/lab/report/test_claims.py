"""The claims, the verdicts that rules give to numbers, rows between processes, and the full run."""

import json
import math
import os
import re
from collections import Counter
from pathlib import Path

import pytest
from markupsafe import escape

from lab.report import (
    CONFIRMED,
    REFINED,
    REFUTED,
    REGISTERED,
    UNDECIDED,
    Claim,
    Finding,
    Rule,
    claims,
    document,
)
from lab.report.__main__ import SEED
from lab.report.experiment import BUDGETS, Measured, Row, Setup, Trial
from lab.report.rerun import (
    EXPERIMENTS,
    PAGE,
    RESULTS,
    TIMES,
    Results,
    concluded,
    registered,
    section,
)
from lab.report.samples import printed_poems

FOLDER = Path(__file__).parents[3] / "lab" / "report" / "results"
CLAIMS = [claim for name in EXPERIMENTS for claim in claims(name).values()]


def test_every_claim_belongs_to_an_experiment_and_every_quote_is_judged_once() -> None:
    assert len(CLAIMS) == len(document()["claim"]) == len({claim.quote for claim in CLAIMS})
    assert sorted(document()["order"]["run"]) == sorted(EXPERIMENTS)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_claim_has_all_that_its_rules_need(claim: Claim) -> None:
    for rule in (claim.rule, *claim.other, *claim.before):
        rule.conclusion(dict.fromkeys(claim.numbers, 0.0))
        assert "Confirmed if" in rule.in_words(claim.numbers)
    assert len(claim.reason) > 30
    assert all(rule.label for rule in (*claim.other, *claim.before))


def words(text: str) -> str:
    """A text on one line, with formulas in one kind of marks."""
    return re.sub(r"\s+", " ", text.replace("$`", "$").replace("`$", "$"))


def quotes_of_the_page() -> list[str]:
    """The parts of what docs/training-explained.md quotes."""
    page = (FOLDER.parents[2] / "docs" / "training-explained.md").read_text(encoding="utf-8")
    found = []
    for block in re.findall(r"(?:^>.*\n)+", page, re.MULTILINE):
        for paragraph in block.split("\n>\n"):
            text = words(re.sub(r"^> ?", "", paragraph, flags=re.MULTILINE)).strip()
            found += text.split(" […] ")
    return found


def test_the_report_is_quoted_in_its_words() -> None:
    path = os.environ.get("PINGZE_REPORT")
    if not path:
        pytest.skip("the report is no part of this repository; PINGZE_REPORT names its Markdown")
    report = words(Path(path).read_text(encoding="utf-8"))
    parts = [part for claim in CLAIMS for part in re.split(" … ?", claim.quote)]
    assert [part for part in parts + quotes_of_the_page() if part not in report] == []


def test_27_rules_were_registered() -> None:
    assert sum(len(claim.registered) for claim in CLAIMS) == 27


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_rule_that_is_not_registered_says_why(claim: Claim) -> None:
    assert claim.written in (REGISTERED, "before its rows", "after its rows")
    assert bool(claim.change) == (claim.written != REGISTERED)


def test_no_seed_was_used_before_and_the_command_takes_them() -> None:
    seeds = document()["seeds"]
    assert len(seeds["hours"]) >= 5
    assert not {*seeds["hours"], *seeds["sketch"]} & set(seeds["used_before"])
    for name, budget in BUDGETS.items():
        assert Setup(budget, SEED, [], [], {}).seeds == range(seeds[name][0], seeds[name][-1] + 1)


def test_a_rule_tries_its_conditions_in_turn() -> None:
    found = [Rule("x <= 0.5", "x <= 5").conclusion({"x": x}) for x in (0.5, 0.6, 5.1, math.nan)]
    assert found == [CONFIRMED, REFINED, REFUTED, REFUTED]
    rule = Rule("x > 1", "y >= -2")
    assert rule.conclusion({"x": 1, "y": -2}) == REFINED
    words = "the one. Confirmed if > 1; refined if the other: ≥ -2; else refuted."
    assert rule.in_words({"x": "the one", "y": "the other"}) == words


def finding(*values: float, confirmed: str = "x <= 1", refined: str = "x <= 2") -> Finding:
    claim = Claim("one/two", "", {"x": ""}, Rule(confirmed, refined), "", "", REGISTERED)
    return Finding(
        claim, {seed: {"x": value, "y": 0} for seed, value in enumerate(values, start=11)}
    )


def test_the_number_of_the_refined_condition_decides_if_no_seed_met_the_other() -> None:
    """Also if that seed met neither."""
    cases = (
        ((2,), "y > -2", "x"),
        ((1,), "y > -2", "y"),
        ((1,), "y > 0", "y"),
        ((1, 2), "y > 0", "x"),
    )
    for values, refined, decides in cases:
        assert finding(*values, confirmed="x > 1", refined=refined).deciding == decides


def test_a_verdict_is_undecided_if_seeds_disagree() -> None:
    assert finding(0.2, 0.9, 0.5).conclusion == CONFIRMED
    assert finding(1.2, 1.1, 1.9).conclusion == REFINED
    mixed = finding(0.2, 1.1, 0.5)
    assert mixed.conclusion == UNDECIDED
    assert mixed.votes(mixed.claim.rule) == {CONFIRMED: 2, REFINED: 1}
    assert mixed.under(Rule("x <= 9", "x <= 9")) == CONFIRMED
    assert mixed.spread("x") == "0.5 (0.2 to 1.1)"
    assert finding(2, 2, 2).spread("x") == "2 (all seeds)"
    assert finding(3).spread("x") == "3"
    assert finding(3, math.inf, 4).spread("x") == "4 (3 to ∞)"


ONE, TWO = Trial("one", {"rate": 0.1}), Trial("two", {"rate": 0.2, "steps": 3})
KEY = "sums/one, seed 11"
HEADINGS = {"seed": 1}, {"cores": 2}


def test_rows_are_there_for_the_next_process_of_the_same_report(tmp_path: Path) -> None:
    Results(tmp_path, *HEADINGS).add(
        KEY, ONE, Measured({"x": 1 / 3}, {"y": [1.0, math.nan]}), seconds=2.5
    )
    later = Results(tmp_path, *HEADINGS)
    row = later.row(KEY, ONE)
    assert (row.id, row.number("x"), row.curves["y"]) == (KEY, 0.333333, [1.0, None])
    assert later.minutes([row]) == 2.5 / 60  # type: ignore[list-item]
    assert later.row("sums/two, seed 11", TWO) is None
    assert later.row(KEY, Trial("one", {"rate": 0.3})) is None
    later.add("sums/two, seed 11", TWO, Measured({"x": math.inf}), seconds=1)
    row = Results(tmp_path, *HEADINGS).row("sums/two, seed 11", TWO)
    assert (row.number("x"), row.settings) == (math.inf, {"rate": 0.2, "steps": 3})
    with pytest.raises(SystemExit, match="another budget, seed or corpus"):
        Results(tmp_path, {"seed": 2}, {"cores": 2})


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_other_files_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / RESULTS).write_text(content)
    with pytest.raises(SystemExit, match="holds no results of a report"):
        Results(tmp_path, *HEADINGS)


SHOWN = (FOLDER / PAGE).read_text(encoding="utf-8")
RECORDED = json.loads((FOLDER / RESULTS).read_text(encoding="utf-8"))


def by_seed(experiment: str) -> dict[int, dict[str, Row]]:
    """The rows of an experiment by seed and trial."""
    found: dict[int, dict[str, Row]] = {}
    for key, row in RECORDED["rows"].items():
        if key.startswith(f"{experiment}/"):
            trial, _, seed = key.removeprefix(f"{experiment}/").partition(", seed ")
            found.setdefault(int(seed or RECORDED["heading"]["seeds"][0]), {})[trial] = Row(
                key, **row
            )
    return found


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_verdicts_follow_from_the_rows_and_are_on_the_page(experiment: str) -> None:
    for finding in section(
        experiment, by_seed(experiment), Results(FOLDER, RECORDED["heading"], {})
    ).findings:
        assert RECORDED["verdicts"][finding.claim.id] == concluded(finding)
        assert str(escape(finding.claim.quote)) in SHOWN
        assert finding.claim.finding, f"{finding.claim.id} needs a person's sentence"
        for number in finding.claim.numbers:
            assert finding.spread(number) in SHOWN


def test_the_rows_of_the_printed_poems_are_those_of_their_file() -> None:
    (rows,) = by_seed("samples").values()
    printed = [row.figures for row in rows.values() if "printed" in row.settings]
    assert printed == printed_poems()


def test_the_registered_rules_give_the_verdicts_of_the_registered_run() -> None:
    """Those of commit 5c74766, from the same rows."""
    counts: Counter[str] = Counter()
    for name in EXPERIMENTS:
        results = Results(FOLDER, RECORDED["heading"], {})
        counts += registered(section(name, by_seed(name), results).findings)
    assert counts == {CONFIRMED: 10, REFINED: 5, REFUTED: 6, UNDECIDED: 6}
    assert "Registered rules: 10 confirmed, 5 refined, 6 refuted, 6 undecided, of 27" in SHOWN


def test_the_page_shows_every_row_and_was_measured_with_the_budget_of_hours() -> None:
    assert RECORDED["heading"]["budget"]["name"] == "hours"
    assert (
        json.loads((FOLDER / TIMES).read_text(encoding="utf-8"))["seconds"].keys()
        >= RECORDED["rows"].keys()
    )
    for key in RECORDED["rows"]:
        assert f'<th scope="row">{escape(key)}</th>' in SHOWN
