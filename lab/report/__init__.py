"""Rerun the report's experiments: measure the trials in `claims.toml`, judge the claims, and write a page.

This file reads `claims.toml` (the claims, rules, grids and seeds; its first comment explains them),
and judges claims.
"""

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from operator import ge, gt, le, lt
from statistics import median
from typing import Any, NamedTuple

CONFIRMED, REFINED, REFUTED, UNDECIDED = "confirmed", "refined", "refuted", "undecided"
REGISTERED = "registered"
"""When the rule of a claim was written: with the 27 rules that were registered before the first of today's rows."""
_COMPARISONS = {"<=": le, "<": lt, ">=": ge, ">": gt}

Numbers = Mapping[str, float]
"""The numbers that decide one claim, measured with one seed and keyed by their names in `claims.toml`."""


@dataclass(frozen=True)
class Rule:
    """The conditions under which a claim is confirmed or refined, each written like `name <= 1.5`."""

    confirmed: str
    refined: str
    label: str = ""
    """Why the claim has this rule in addition to its main rule. The main rule has no label."""
    registered: bool = False
    """Whether the rule is one of those that were registered before the rows were measured and replaced later."""

    def conclusion(self, numbers: Numbers) -> str:
        """Return the conclusion from the numbers of one seed: confirmed, refined or refuted."""
        for conclusion, condition in ((CONFIRMED, self.confirmed), (REFINED, self.refined)):
            number, comparison, limit = condition.split()
            if _COMPARISONS[comparison](numbers[number], float(limit)):
                return conclusion
        return REFUTED

    def in_words(self, numbers: Mapping[str, str]) -> str:
        """Describe the rule in words. `numbers` holds the description of each number."""
        (first, confirmed), (second, refined) = (
            each.split(maxsplit=1) for each in (self.confirmed, self.refined)
        )
        other = "" if second == first else f"{numbers[second]}: "
        limits = f"Confirmed if {confirmed}; refined if {other}{refined}; else refuted."
        return f"{numbers[first]}. {limits.replace('<=', '≤').replace('>=', '≥')}"


@dataclass(frozen=True)
class Claim:
    """A claim of the report, and how it is judged.

    The comment at the top of `claims.toml` explains the fields.
    """

    id: str
    quote: str
    numbers: Mapping[str, str]
    rule: Rule
    reason: str
    first_run: str
    written: str
    change: str = ""
    finding: str = ""
    reading: str = ""
    other: Sequence[Rule] = ()
    before: Sequence[Rule] = ()

    @property
    def registered(self) -> Sequence[Rule]:
        """The rules that were registered before the rows were measured: none for a claim that was added later."""
        found = [rule for rule in self.before if rule.registered]
        if self.written == REGISTERED:
            found.insert(0, self.rule)
        return found


class Finding(NamedTuple):
    """A claim, and its numbers measured with each seed."""

    claim: Claim
    by_seed: Mapping[int, Numbers]

    @property
    def conclusion(self) -> str:
        """The verdict under the claim's main rule."""
        return self.under(self.claim.rule)

    def under(self, rule: Rule) -> str:
        """Return the conclusion that all seeds reach under a rule.

        If the seeds disagree, return undecided.
        """
        found = self.votes(rule)
        return next(iter(found)) if len(found) == 1 else UNDECIDED

    def votes(self, rule: Rule) -> Mapping[str, int]:
        """Count the seeds that reach each conclusion under a rule."""
        return Counter(rule.conclusion(numbers) for numbers in self.by_seed.values())

    @property
    def deciding(self) -> str:
        """The name of the number in the condition `confirmed` if any seed confirms the claim, else in `refined`."""
        rule = self.claim.rule
        return (rule.confirmed if CONFIRMED in self.votes(rule) else rule.refined).split()[0]

    def spread(self, number: str) -> str:
        """Format the median of a number over the seeds, and the least and the largest value of the number."""
        values = sorted(numbers[number] for numbers in self.by_seed.values())
        shown = [
            f"{value:.3g}".replace("inf", "∞") for value in (median(values), values[0], values[-1])
        ]
        if len(values) == 1:
            return shown[0]
        return f"{shown[0]} (all seeds)" if shown[1] == shown[2] else "{} ({} to {})".format(*shown)


@cache
def document() -> Mapping[str, Any]:
    """Read the whole of `claims.toml`."""
    return tomllib.loads(files(__package__).joinpath("claims.toml").read_text(encoding="utf-8"))


@cache
def claims(experiment: str) -> Mapping[str, Claim]:
    """Return the claims of an experiment, keyed by name: "cured" for the claim with the id "data/cured"."""
    found: dict[str, Claim] = {}
    for fields in document()["claim"]:
        name, _, half = fields["id"].partition("/")
        if name == experiment:
            rest = {
                key: value for key, value in fields.items() if key not in ("confirmed", "refined")
            }
            rules = {
                key: [Rule(**each) for each in fields.get(key, [])] for key in ("other", "before")
            }
            found[half] = Claim(**rest | rules, rule=Rule(fields["confirmed"], fields["refined"]))
    return found


def plan(experiment: str) -> Mapping[str, Any]:
    """Return the grid of settings that `claims.toml` plans for an experiment."""
    return document()["plan"][experiment]
