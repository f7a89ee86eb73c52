"""Compare Adam and momentum SGD: fifteen settings of each, then a longer race between their best settings."""

import math
from collections.abc import Mapping, Sequence
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

The rates in the grids grow by a factor of about 4.
"""
GRID = plan("optimizers")
TARGETS, TOLERANCES = GRID["targets"], GRID["tolerances"]
SETTINGS: Mapping[str, Sequence[dict[str, Any]]] = {
    MOMENTUM: [
        {"optimizer": "sgd", "momentum": momentum, "learning_rate": rate}
        for momentum, rate in product(GRID["momentum"], GRID["momentum_rates"])
    ],
    ADAM: [{"optimizer": "adam", "learning_rate": rate} for rate in GRID["adam"]],
}


def _name(family: str, settings: Mapping[str, Any]) -> str:
    momentum = f" {settings['momentum']:g}" if family == MOMENTUM else ""
    return f"{family}{momentum}, rate {settings['learning_rate']:g}"


def trials(setup: Setup, rows: Rows) -> list[Trial]:
    """List fifteen settings of each optimizer.

    Once all are measured, also list a race between the best settings.
    """
    steps, race_steps = (setup.steps(GRID[name]) for name in ("steps", "race_steps"))
    grids = [(family, each) for family in FAMILIES for each in SETTINGS[family]]
    found = [Trial(_name(family, each), {**each, "steps": steps}) for family, each in grids]
    if all(trial.name in rows for trial in found):
        best = {family: best_of(rows, family).settings for family in FAMILIES}
        found += [
            Trial(family + RACE, {**each, "steps": race_steps}) for family, each in best.items()
        ]
    return found


def measure(setup: Setup, trial: Trial) -> Measured:
    """Train with the settings of a trial. In a race, measure the dev loss more often."""
    return train(setup, trial.settings, looks=32 if trial.name.endswith(RACE) else 2).measured()


def tuned(rows: Rows, family: str) -> list[Row]:
    """Return the rows of an optimizer's grid."""
    return [rows[_name(family, settings)] for settings in SETTINGS[family]]


def best_of(rows: Rows, family: str) -> Row:
    """Return the row with the lowest final dev loss in an optimizer's grid."""
    return min(tuned(rows, family), key=lambda row: row.number("dev_nats"))


def good(rows: Rows, family: str, tolerance: float) -> list[bool]:
    """Return for each setting whether its final dev loss is at most (1 + `tolerance`) times the lowest in the grid."""
    limit = (1 + tolerance) * best_of(rows, family).number("dev_nats")
    return [row.number("dev_nats") <= limit for row in tuned(rows, family)]


def decades(rows: Rows, family: str, tolerance: float) -> float:
    """Return the width, in decades, of the range of rates around the best rate in which all rates are `good`."""
    found, within = tuned(rows, family), good(rows, family, tolerance)
    best = found.index(best_of(rows, family))
    below, above = (
        sum(takewhile(bool, each)) for each in (within[:best][::-1], within[best + 1 :])
    )
    lowest, highest = (found[at].settings["learning_rate"] for at in (best - below, best + above))
    return math.log10(highest / lowest)


def unsteady(rows: Rows, family: str) -> float:
    """Return what percentage of trainings diverge or spike at the best momentum and rates near the best (`AROUND`)."""
    top = best_of(rows, family)
    own = [
        row
        for row in tuned(rows, family)
        if row.settings.get("momentum") == top.settings.get("momentum")
    ]
    factors = [row.settings["learning_rate"] / top.settings["learning_rate"] for row in own]
    near = [row for row, factor in zip(own, factors, strict=True) if 1 / AROUND <= factor <= AROUND]
    shaken = sum(bool(row.figures["diverged"] or row.figures["spikes"]) for row in near)
    return 100 * shaken / len(near)


def arrival(row: Row, nats: float) -> float:
    """Return the first step at which the measured dev loss is at most `nats`, or infinity if there is no such step."""
    looks = zip(row.curve("looks"), row.curve("dev"), strict=True)
    return next((at for at, dev in looks if dev <= nats), math.inf)


def judge(rows: Rows) -> Judged:
    """Compute the numbers by which each claim is judged."""
    momentum, adam = (unsteady(rows, family) for family in FAMILIES)
    shares = {
        f"good_{each}": sum(good(rows, MOMENTUM, each)) / sum(good(rows, ADAM, each))
        for each in TOLERANCES
    }
    ratios = {}
    for nats in TARGETS:
        ours, theirs = (max(1.0, arrival(rows[family + RACE], nats)) for family in FAMILIES)
        # infinity if neither arrives
        ratios[f"ratio_{nats}"] = ours if math.isinf(ours) else ours / theirs
    return {
        "fast": ratios,
        "momentum-unstable": {"more": momentum - adam},
        "momentum-tuned": shares,
        "adam-stable": {"unsteady": adam, "less": momentum - adam},
        "adam-wide": {f"decades_{each}": decades(rows, ADAM, each) for each in TOLERANCES},
    }


def figures(rows: Rows) -> Figures:
    """Draw the dev loss by learning rate, with a cross where training diverged.

    Draw the race's dev loss by step.
    """
    first = rows[MOMENTUM + RACE].curve("dev")[0]
    by_rate, every = panels(2, xlabel="learning rate", ylabel="dev, nats per token", xscale="log")
    kinds = [
        *((every[0], MOMENTUM, momentum) for momentum in GRID["momentum"]),
        (every[1], ADAM, None),
    ]
    for number, (axes, family, momentum) in enumerate(kinds):
        own = [row for row in tuned(rows, family) if row.settings.get("momentum") == momentum]
        lost = [row.settings["learning_rate"] for row in own if row.figures["diverged"]]
        dev = [math.nan if row.figures["diverged"] else row.number("dev_nats") for row in own]
        label = f"{family} {momentum or ''}".rstrip()
        axes.plot([row.settings["learning_rate"] for row in own], dev, f"C{number}o-", label=label)
        axes.plot(lost, [1.04 * first] * len(lost), f"C{number}x")
        axes.set_title(family)
    cap(every, 1.05 * first)
    race, (axes,) = panels(xlabel="step", ylabel="dev, nats per token")
    for family in FAMILIES:
        row = rows[family + RACE]
        axes.plot(row.curve("looks"), row.curve("dev"), label=_name(family, row.settings))
    cap([axes], 1.05 * first)
    for nats in TARGETS:
        level(axes, nats, f"{nats}")
    return [by_rate, race]
