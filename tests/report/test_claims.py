"""The claims as they are written down, and what rules make of numbers."""

import inspect
import math

import pytest

from pingze.cli.report import report
from pingze.report.budget import BUDGETS
from pingze.report.claims import CONFIRMED, REFINED, REFUTED, UNDECIDED, Claim, Rule, claims, document
from pingze.report.experiment import Finding, Judged
from pingze.report.rerun import EXPERIMENTS
from pingze.report.setup import Setup

NAMES = [experiment.name for experiment in EXPERIMENTS]


def test_every_claim_has_a_judge_and_no_other() -> None:
    for experiment in EXPERIMENTS:
        assert list(claims(experiment.name)) == list(experiment.judges)
    assert sum(len(claims(name)) for name in NAMES) == len(document()["claim"])
    assert sorted(document()["order"]["run"]) == sorted(NAMES)


@pytest.mark.parametrize(
    "claim", [claim for name in NAMES for claim in claims(name).values()], ids=lambda c: c.id
)
def test_a_claim_says_what_its_rules_need_and_why(claim: Claim) -> None:
    for rule in (claim.rule, *claim.other):
        rule.conclusion(dict.fromkeys(claim.numbers, 0.0))
        assert "Confirmed if" in rule.told(claim.numbers)
    assert len(claim.reason) > 30
    assert all(rule.label for rule in claim.other)


def test_no_seed_was_used_before() -> None:
    seeds = document()["seeds"]
    assert len(seeds["hours"]) >= 5
    assert not {*seeds["hours"], *seeds["sketch"]} & {*seeds["used_before"]}


def test_the_command_takes_these_seeds() -> None:
    first = inspect.signature(report).parameters["seed"].default
    for budget, seeds in ((name, document()["seeds"][name]) for name in BUDGETS):
        assert Setup(BUDGETS[budget], first, [], [], {}).seeds == range(seeds[0], seeds[-1] + 1)


@pytest.mark.parametrize(
    ("value", "conclusion"),
    [
        (0.4, CONFIRMED),
        (0.5, CONFIRMED),
        (0.6, REFINED),
        (5.1, REFUTED),
        (math.inf, REFUTED),
        (math.nan, REFUTED),
    ],
)
def test_a_rule_looks_at_its_conditions_in_turn(value: float, conclusion: str) -> None:
    assert Rule("x <= 0.5", "x <= 5").conclusion({"x": value}) == conclusion


def test_a_rule_may_refine_by_another_number() -> None:
    rule = Rule("x > 1", "y >= -2")
    assert rule.conclusion({"x": 1, "y": -2}) == REFINED
    assert rule.told({"x": "the one", "y": "the other"}) == (
        "the one. Confirmed if > 1; refined if the other: ≥ -2; else refuted."
    )


@pytest.mark.parametrize("condition", ["x", "x == 1", "x <= one", "x <= 1 "])
def test_what_is_no_condition_is_refused(condition: str) -> None:
    with pytest.raises(ValueError, match="is no condition"):
        Rule(condition, "x > 1").conclusion({"x": 0})


def finding(*values: float) -> Finding:
    claim = Claim(
        "one/two", "", {"x": ""}, Rule("x <= 1", "x <= 2"), "", "", other=[Rule("x <= 9", "x <= 9", "wide")]
    )
    return Finding(
        claim, {seed: Judged({"x": value}, f"{value}", []) for seed, value in enumerate(values, start=11)}
    )


def test_a_verdict_is_undecided_where_seeds_disagree() -> None:
    assert finding(0.2, 0.9, 0.5).conclusion == CONFIRMED
    assert finding(0.2, 1.1, 0.5).conclusion == UNDECIDED
    assert finding(1.2, 1.1, 1.9).conclusion == REFINED
    wide = finding(0.2, 1.1, 0.5)
    assert wide.under(wide.claim.other[0]) == CONFIRMED
    assert wide.told(wide.claim.rule) == "0.5 (0.2 to 1.1)"
    assert finding(2, 2, 2).told(wide.claim.rule) == "2 (all seeds)"
    assert wide.sentence == "Seed 11: 0.2"
    assert (finding(3).told(wide.claim.rule), finding(3).sentence) == ("3", "3")
    assert finding(3, math.inf, 4).told(wide.claim.rule) == "4 (3 to ∞)"
