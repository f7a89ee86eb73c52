"""Compare Adam and momentum SGD: some settings of each, then a longer race between their best settings."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product, takewhile
from typing import Any

from lab.report import plan
from lab.report.charts import cap, level
from lab.report.course import train
from lab.report.experiment import Figures, Judged, Measured, Row, Rows, Setup, Trial
from pingze.derivation.charts import panels

MOMENTUM, ADAM = FAMILIES = ("SGD with momentum", "Adam")
RACE = ", race"
AROUND = 4.1
"""Rates within this factor of the best rate count as near it.

In both grids these are the rates up to about four times as large or small.
"""
TARGETS, TOLERANCES = plan("optimizers")["targets"], plan("optimizers")["tolerances"]


@dataclass(frozen=True)
class Grid:
    """The settings of each optimizer, and what all its trainings have in common."""

    planned: Mapping[str, Any]
    """The plan in `claims.toml`."""
    prefix: str = ""
    """What the names of its trials begin with."""
    common: Mapping[str, Any] = field(default_factory=dict)
    """The settings of all its trials."""

    def settings(self, family: str) -> Sequence[dict[str, Any]]:
        """List the settings of an optimizer in the order of the grid."""
        if family == ADAM:
            return [
                {"optimizer": "adam", "learning_rate": rate, **self.common}
                for rate in self.planned["adam"]
            ]
        pairs = product(self.planned["momentum"], self.planned["momentum_rates"])
        return [
            {"optimizer": "sgd", "momentum": momentum, "learning_rate": rate, **self.common}
            for momentum, rate in pairs
        ]

    def name(self, family: str, settings: Mapping[str, Any]) -> str:
        """Return the name of the trial with these settings."""
        momentum = f" {settings['momentum']:g}" if family == MOMENTUM else ""
        return f"{self.prefix}{family}{momentum}, rate {settings['learning_rate']:g}"

    def race(self, family: str) -> str:
        """Return the name of the trial that trains longer at an optimizer's best setting."""
        return self.prefix + family + RACE


PLAIN = Grid(plan("optimizers"))
"""Without clipping, from our start: orthogonal weights and a forget bias of 1."""
CLIPPED = Grid(
    plan("optimizers")["clipped"],
    prefix="report's start, clipped, ",
    common=plan("optimizers")["clipped"]["common"],
)
"""With the gradient's norm clipped, from the report's start: Xavier weights and zero biases."""


def trials(setup: Setup, rows: Rows) -> list[Trial]:
    """List the settings of each optimizer in both grids.

    Once all of a grid are measured, also list a race between the best settings.
    """
    found = []
    for grid in (PLAIN, CLIPPED):
        steps = setup.steps(grid.planned["steps"])
        own = []
        for family in FAMILIES:
            own += [
                Trial(grid.name(family, settings), {**settings, "steps": steps})
                for settings in grid.settings(family)
            ]
        if all(trial.name in rows for trial in own):
            race_steps = setup.steps(grid.planned["race_steps"])
            for family in FAMILIES:
                best = best_of(rows, family, grid).settings
                own.append(Trial(grid.race(family), {**best, "steps": race_steps}))
        found += own
    return found


def measure(setup: Setup, trial: Trial) -> Measured:
    """Train with the settings of a trial. In a race, measure the dev loss more often."""
    return train(setup, trial.settings, looks=32 if trial.name.endswith(RACE) else 2).measured()


def tuned(rows: Rows, family: str, grid: Grid = PLAIN) -> list[Row]:
    """Return the rows of an optimizer's settings."""
    return [rows[grid.name(family, settings)] for settings in grid.settings(family)]


def best_of(rows: Rows, family: str, grid: Grid = PLAIN) -> Row:
    """Return the row with the lowest final dev loss among an optimizer's settings."""
    return min(tuned(rows, family, grid), key=lambda row: row.number("dev_nats"))


def good(rows: Rows, family: str, tolerance: float, grid: Grid = PLAIN) -> list[bool]:
    """Return for each setting whether its final dev loss is at most (1 + `tolerance`) times the lowest of all."""
    limit = (1 + tolerance) * best_of(rows, family, grid).number("dev_nats")
    return [row.number("dev_nats") <= limit for row in tuned(rows, family, grid)]


def decades(rows: Rows, family: str, tolerance: float, grid: Grid = PLAIN) -> float:
    """Return the width, in decades, of the range of rates around the best rate in which all rates are `good`."""
    found = tuned(rows, family, grid)
    within = good(rows, family, tolerance, grid)
    best = found.index(best_of(rows, family, grid))
    below, above = (
        sum(takewhile(bool, each)) for each in (within[:best][::-1], within[best + 1 :])
    )
    lowest, highest = (found[at].settings["learning_rate"] for at in (best - below, best + above))
    return math.log10(highest / lowest)


def unsteady(rows: Rows, family: str, grid: Grid = PLAIN) -> float:
    """Return what percentage of trainings diverge or spike at the best momentum and rates near the best (`AROUND`)."""
    top = best_of(rows, family, grid)
    near = []
    for row in tuned(rows, family, grid):
        factor = row.settings["learning_rate"] / top.settings["learning_rate"]
        same_momentum = row.settings.get("momentum") == top.settings.get("momentum")
        if same_momentum and 1 / AROUND <= factor <= AROUND:
            near.append(row)
    shaken = sum(bool(row.figures["diverged"] or row.figures["spikes"]) for row in near)
    return 100 * shaken / len(near)


def arrival(row: Row, nats: float) -> float:
    """Return the first step at which the measured dev loss is at most `nats`, or infinity if there is no such step."""
    looks = zip(row.curve("looks"), row.curve("dev"), strict=True)
    return next((at for at, dev in looks if dev <= nats), math.inf)


def arrivals(rows: Rows, nats: float, grid: Grid = PLAIN) -> tuple[float, float]:
    """Return the steps that momentum and Adam need to a target in their race, at least one."""
    momentum = max(1.0, arrival(rows[grid.race(MOMENTUM)], nats))
    adam = max(1.0, arrival(rows[grid.race(ADAM)], nats))
    return momentum, adam


def steps_ratio(rows: Rows, nats: float, grid: Grid) -> float:
    """Return momentum's steps to a target over Adam's, or infinity if momentum does not arrive."""
    momentum, adam = arrivals(rows, nats, grid)
    return momentum if math.isinf(momentum) else momentum / adam


def good_ratio(rows: Rows, tolerance: float, grid: Grid) -> float:
    """Return the number of good settings of momentum over that of Adam."""
    momentum = sum(good(rows, MOMENTUM, tolerance, grid))
    return momentum / sum(good(rows, ADAM, tolerance, grid))


def judge(rows: Rows) -> Judged:
    """Compute the numbers by which each claim is judged."""
    # 1) The grid without clipping: the race, how steady each optimizer is around its best setting, how
    # many settings are good, and how wide Adam's good rates are.
    fast = {f"ratio_{nats}": steps_ratio(rows, nats, PLAIN) for nats in TARGETS}
    momentum, adam = arrivals(rows, 6.0)
    fast["slow_6.0"] = adam if math.isinf(adam) else adam / momentum
    momentum, adam = (unsteady(rows, family) for family in FAMILIES)
    unstable = {"more": momentum - adam}
    stable = {"unsteady": adam, "less": momentum - adam}
    shares = {f"good_{each}": good_ratio(rows, each, PLAIN) for each in TOLERANCES}
    wide = {f"decades_{each}": decades(rows, ADAM, each) for each in TOLERANCES}
    # 2) The clipped grid.
    fast |= {f"clipped_{nats}": steps_ratio(rows, nats, CLIPPED) for nats in TARGETS}
    momentum, adam = (unsteady(rows, family, CLIPPED) for family in FAMILIES)
    unstable["clipped_more"] = momentum - adam
    stable |= {"clipped_unsteady": adam, "clipped_less": momentum - adam}
    shares["clipped_good"] = good_ratio(rows, 0.05, CLIPPED)
    wide["clipped_decades"] = decades(rows, ADAM, 0.05, CLIPPED)
    return {
        "fast": fast,
        "momentum-unstable": unstable,
        "momentum-tuned": shares,
        "adam-stable": stable,
        "adam-wide": wide,
    }


def figures(rows: Rows) -> Figures:
    """Draw the dev loss by learning rate, with a cross where training diverged.

    Draw the dev loss of the races by step, from our start and from the report's.
    """
    first = rows[PLAIN.race(MOMENTUM)].curve("dev")[0]
    by_rate, every = panels(2, xlabel="learning rate", ylabel="dev, nats per token", xscale="log")
    kinds = [(every[0], MOMENTUM, momentum) for momentum in PLAIN.planned["momentum"]]
    kinds.append((every[1], ADAM, None))
    for number, (axes, family, momentum) in enumerate(kinds):
        own = [row for row in tuned(rows, family) if row.settings.get("momentum") == momentum]
        lost = [row.settings["learning_rate"] for row in own if row.figures["diverged"]]
        dev = [math.nan if row.figures["diverged"] else row.number("dev_nats") for row in own]
        label = f"{family} {momentum or ''}".rstrip()
        axes.plot([row.settings["learning_rate"] for row in own], dev, f"C{number}o-", label=label)
        axes.plot(lost, [1.04 * first] * len(lost), f"C{number}x")
        axes.set_title(family)
    cap(every, 1.05 * first)
    races, every = panels(2, xlabel="step", ylabel="dev, nats per token")
    titles = ("our start, not clipped", "the report's start, clipped")
    for axes, grid, title in zip(every, (PLAIN, CLIPPED), titles, strict=True):
        axes.set_title(title)
        for family in FAMILIES:
            row = rows[grid.race(family)]
            label = grid.name(family, row.settings).removeprefix(grid.prefix)
            axes.plot(row.curve("looks"), row.curve("dev"), label=label)
        for nats in TARGETS:
            level(axes, nats, f"{nats}")
    cap(every, 1.05 * first)
    return [by_rate, races]
