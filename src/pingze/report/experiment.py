"""An experiment: trials, rows that they leave, numbers that follow from the rows, conclusions that follow by a rule.

No conclusion is written by hand: a judge computes a claim's numbers from the rows of one seed and nothing else, and the
rule of `claims.toml` says what they mean.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, NamedTuple

from pingze.report.charts import Chart
from pingze.report.claims import UNDECIDED, Claim, Rule
from pingze.report.setup import Setting, Setup


@dataclass(frozen=True)
class Trial:
    """One thing to measure: its name within the experiment, and what sets it apart."""

    name: str
    settings: Mapping[str, Setting]
    steps: int = 0
    """Of its training, if it has one."""

    @property
    def all_settings(self) -> dict[str, Setting]:
        """What a row must have been measured with to be this trial's."""
        return {**self.settings, "steps": self.steps} if self.steps else dict(self.settings)


@dataclass(frozen=True)
class Measured:
    """What a trial showed; numbers that are not finite are None in JSON, infinite here."""

    figures: Mapping[str, Any]
    curves: Mapping[str, Sequence[float | None]] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A trial and what it showed, as the ledger holds it."""

    id: str
    """The key in results.json: experiment/trial, seed."""
    settings: Mapping[str, Setting]
    figures: Mapping[str, Any]
    curves: Mapping[str, Sequence[float | None]]

    def number(self, name: str) -> float:
        """A figure; what is no finite number is infinite."""
        value = self.figures[name]
        return float("inf") if value is None else float(value)


Rows = Mapping[str, Row]
"""The rows of an experiment with one seed, by the trial's name."""


class Judged(NamedTuple):
    """What the rows of one seed say of a claim."""

    numbers: Mapping[str, float]
    """Those that `claims.toml` names."""
    sentence: str
    rows: Sequence[Row]


Judge = Callable[[Rows], Judged]


@dataclass(frozen=True)
class Experiment:
    """One of the nine."""

    name: str
    title: str
    about: str
    """What is done, in a few sentences; no number in it is a result."""
    trials: Callable[[Setup], Sequence[Trial]]
    measure: Callable[[Setup, Trial], Measured]
    judges: Mapping[str, Judge]
    """For each claim of `claims.toml`, by the second half of its id."""
    charts: Callable[[Rows], Sequence[Chart]]
    """Of the rows of one seed."""
    further: Callable[[Setup, Rows], Sequence[Trial]] = lambda setup, rows: ()
    """Trials that follow from the rows of `trials`."""
    seeded: bool = True
    """Whether chance has a part in it; else it is measured once."""


class Series(NamedTuple):
    """An experiment with one seed."""

    experiment: Experiment
    setup: Setup

    def key(self, trial: Trial) -> str:
        """Of the trial's row in results.json."""
        seed = f", seed {self.setup.seed}" if self.experiment.seeded else ""
        return f"{self.experiment.name}/{trial.name}{seed}"


class Finding(NamedTuple):
    """A claim's conclusion over all seeds, and what it rests on."""

    claim: Claim
    by_seed: Mapping[int, Judged]

    @property
    def conclusion(self) -> str:
        """What follows under the claim's rule."""
        return self.under(self.claim.rule)

    def under(self, rule: Rule) -> str:
        """What follows under some rule: the conclusion of all seeds, or undecided."""
        found = {rule.conclusion(judged.numbers) for judged in self.by_seed.values()}
        return found.pop() if len(found) == 1 else UNDECIDED

    def told(self, rule: Rule) -> str:
        """The number that decides: the median of the seeds, and the least and the largest."""
        values = sorted(judged.numbers[rule.number] for judged in self.by_seed.values())
        middle, least, largest = (
            f"{value:.3g}".replace("inf", "∞") for value in (median(values), values[0], values[-1])
        )
        if len(values) == 1:
            return middle
        return f"{middle} (all seeds)" if least == largest else f"{middle} ({least} to {largest})"

    @property
    def sentence(self) -> str:
        """What the first seed says, in words."""
        seed, judged = next(iter(self.by_seed.items()))
        return judged.sentence if len(self.by_seed) == 1 else f"Seed {seed}: {judged.sentence}"

    @property
    def rows(self) -> list[Row]:
        """Those of all seeds."""
        return [row for judged in self.by_seed.values() for row in judged.rows]
