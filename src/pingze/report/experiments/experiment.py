"""Define an experiment: trials leave rows, numbers follow from the rows, and conclusions from the numbers by a rule.

No conclusion is written by hand: a judge computes a claim's numbers from the rows of one seed and nothing else, and the
rule of `claims.toml` says what they mean.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from types import ModuleType
from typing import Any, NamedTuple

from pingze.report.experiments.claims import UNDECIDED, Claim, Numbers, Rule, plan
from pingze.report.experiments.setup import Setting, Setup


@dataclass(frozen=True)
class Trial:
    """One thing to measure: its name within the experiment, and its settings."""

    name: str
    settings: Mapping[str, Setting]
    steps: int = 0
    """Of its training, if it has one."""

    @property
    def all_settings(self) -> dict[str, Setting]:
        """The settings with which a row must have been measured to be this trial's."""
        return {**self.settings, "steps": self.steps} if self.steps else dict(self.settings)


@dataclass(frozen=True)
class Measured:
    """The figures and curves of a trial; numbers that are not finite are None in JSON, infinite here."""

    figures: Mapping[str, Any]
    curves: Mapping[str, Sequence[float | None]] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A trial and its figures, as results.json holds it."""

    id: str
    """The key in results.json: experiment/trial, seed."""
    settings: Mapping[str, Setting]
    figures: Mapping[str, Any]
    curves: Mapping[str, Sequence[float | None]]

    def number(self, name: str) -> float:
        """Return a figure; infinite if it is not finite."""
        value = self.figures[name]
        return float("inf") if value is None else float(value)

    def curve(self, name: str) -> list[float]:
        """Return a curve for drawing; NaN, which leaves a gap, where it is not finite."""
        return [float("nan") if value is None else value for value in self.curves[name]]


Rows = Mapping[str, Row]
"""The rows of an experiment with one seed, by the trial's name."""


Experiment = ModuleType
"""A module with measure(setup, trial) -> Measured, judge(rows) -> the numbers of each claim by the second half of its
id, and figures(rows) -> Matplotlib's; trials(setup, rows), if `claims.toml` cannot name them."""


def planned(name: str, setup: Setup) -> list[Trial]:
    """List the trials that `claims.toml` names."""
    found = []
    for trial, fields in plan(name).get("trials", {}).items():
        settings = {key: value for key, value in fields.items() if key != "steps"}
        found.append(Trial(trial, settings, setup.steps(fields["steps"]) if "steps" in fields else 0))
    return found


class Finding(NamedTuple):
    """A claim, and its numbers with each seed."""

    claim: Claim
    by_seed: Mapping[int, Numbers]

    @property
    def conclusion(self) -> str:
        """The verdict under the claim's rule."""
        return self.under(self.claim.rule)

    def under(self, rule: Rule) -> str:
        """Return the verdict under a rule: the conclusion of all seeds, or undecided."""
        found = self.votes(rule)
        return next(iter(found)) if len(found) == 1 else UNDECIDED

    def votes(self, rule: Rule) -> Mapping[str, int]:
        """Count the seeds by conclusion."""
        return Counter(rule.conclusion(numbers) for numbers in self.by_seed.values())

    def deciding(self, rule: Rule) -> str:
        """Name the number that decided."""
        return rule.deciding(self.votes(rule))

    def spread(self, number: str) -> str:
        """Write the median of the seeds, and the least and the largest."""
        values = sorted(numbers[number] for numbers in self.by_seed.values())
        middle, least, largest = (
            f"{value:.3g}".replace("inf", "∞") for value in (median(values), values[0], values[-1])
        )
        if len(values) == 1:
            return middle
        return f"{middle} (all seeds)" if least == largest else f"{middle} ({least} to {largest})"
