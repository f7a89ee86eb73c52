"""Define an experiment: its trials leave rows, from which the numbers of each claim are computed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, NamedTuple

from pingze.report.experiments.claims import plan
from pingze.report.experiments.setup import Setting, Setup

Experiment = ModuleType
"""A module with measure(setup, trial) -> Measured, judge(rows) -> the numbers of each claim by the second half of its
id, and figures(rows) -> Matplotlib's; trials(setup, rows), if `claims.toml` cannot name them."""


class Trial(NamedTuple):
    """One thing to measure: its name within the experiment, and its settings, among them the steps of a training."""

    name: str
    settings: Mapping[str, Setting]


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


def planned(name: str, setup: Setup) -> list[Trial]:
    """List the trials that `claims.toml` names."""
    return [
        Trial(trial, {key: setup.steps(value) if key == "steps" else value for key, value in fields.items()})
        for trial, fields in plan(name).get("trials", {}).items()
    ]
