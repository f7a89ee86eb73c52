"""Define the parts of an experiment: its trials, and the rows in which the results of the trials are stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, NamedTuple

from pingze.report.experiments.claims import plan
from pingze.report.experiments.setup import Setting, Setup

Experiment = ModuleType
"""A module with measure(setup, trial) -> Measured; judge(rows) -> each claim's numbers, by the part of its id after the
slash; figures(rows) -> Matplotlib figures; and trials(setup, rows), if `claims.toml` cannot list the trials."""


class Trial(NamedTuple):
    """One thing to measure: its name within the experiment, and its settings, such as the number of training steps."""

    name: str
    settings: Mapping[str, Setting]


@dataclass(frozen=True)
class Measured:
    """The figures and curves of a trial; a number that is not finite becomes None when it is stored as JSON."""

    figures: Mapping[str, Any]
    curves: Mapping[str, Sequence[float | None]] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A measured trial, as results.json stores it."""

    id: str
    """The key in results.json: experiment/trial, seed."""
    settings: Mapping[str, Setting]
    figures: Mapping[str, Any]
    curves: Mapping[str, Sequence[float | None]]

    def number(self, name: str) -> float:
        """Return a figure, or infinity if it was not finite."""
        value = self.figures[name]
        return float("inf") if value is None else float(value)

    def curve(self, name: str) -> list[float]:
        """Return a curve for drawing, with NaN in place of values that were not finite: NaN leaves a gap."""
        return [float("nan") if value is None else value for value in self.curves[name]]


Rows = Mapping[str, Row]
"""The rows of one experiment and one seed, by the name of the trial."""


def planned(name: str, setup: Setup) -> list[Trial]:
    """List the trials that `claims.toml` names for an experiment, with the number of steps that the budget allows."""
    return [
        Trial(trial, {key: setup.steps(value) if key == "steps" else value for key, value in fields.items()})
        for trial, fields in plan(name).get("trials", {}).items()
    ]
