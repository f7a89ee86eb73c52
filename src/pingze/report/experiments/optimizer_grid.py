"""The grid of the experiment on optimizers: fifteen settings of each, the race, and what is read off both."""

import math
from collections.abc import Mapping

from pingze.report.claims import plan
from pingze.report.experiment import Row, Rows, Trial
from pingze.report.setup import Setting, Setup

MOMENTUM, ADAM = FAMILIES = ("SGD with momentum", "Adam")
RACE = ", race"
AROUND = 4.1
"""Steadiness is looked at from the best rate over this to the best rate times this: the grids round a factor of 4."""


def trials(setup: Setup) -> list[Trial]:
    """Fifteen settings of each optimizer."""
    steps = setup.steps(plan("optimizers")["steps"])
    return [
        Trial(setting_name(family, settings), settings, steps)
        for family in FAMILIES
        for settings in settings_of(family)
    ]


def settings_of(family: str) -> list[dict[str, Setting]]:
    """The grid of an optimizer, by momentum and rate."""
    grid = plan("optimizers")
    if family == MOMENTUM:
        return [
            {"optimizer": "sgd", "momentum": momentum, "learning_rate": rate}
            for momentum in grid["momentum"]
            for rate in grid["momentum_rates"]
        ]
    return [{"optimizer": "adam", "learning_rate": rate} for rate in grid["adam"]]


def further(setup: Setup, rows: Rows) -> list[Trial]:
    """The race: the best setting of each."""
    steps = setup.steps(plan("optimizers")["race_steps"])
    return [
        Trial(family + RACE, {name: value for name, value in best.settings.items() if name != "steps"}, steps)
        for family in FAMILIES
        for best in [best_of(rows, family)]
    ]


def setting_name(family: str, settings: Mapping[str, Setting]) -> str:
    """The name of the trial of a setting."""
    momentum = f" {settings['momentum']:g}" if family == MOMENTUM else ""
    return f"{family}{momentum}, rate {settings['learning_rate']:g}"


def tuned(rows: Rows, family: str) -> list[Row]:
    """The rows of an optimizer's grid."""
    return [rows[setting_name(family, settings)] for settings in settings_of(family)]


def best_of(rows: Rows, family: str) -> Row:
    """The setting whose dev ends lowest."""
    return min(tuned(rows, family), key=lambda row: row.number("dev_nats"))


def good_share(rows: Rows, family: str, tolerance: float) -> float:
    """The share of settings that end within a tolerance of the best."""
    top = best_of(rows, family).number("dev_nats")
    found = tuned(rows, family)
    return sum(row.number("dev_nats") <= (1 + tolerance) * top for row in found) / len(found)


def decades(rows: Rows, family: str, tolerance: float) -> float:
    """How many decades the rates around the best span that end within a tolerance of it without a gap."""
    top, found = best_of(rows, family), tuned(rows, family)
    good = [row.number("dev_nats") <= (1 + tolerance) * top.number("dev_nats") for row in found]
    first = last = found.index(top)
    while first > 0 and good[first - 1]:
        first -= 1
    while last < len(found) - 1 and good[last + 1]:
        last += 1
    return math.log10(rate_of(found[last]) / rate_of(found[first]))


def unsteady(rows: Rows, family: str) -> float:
    """Percent of the settings around the best rate, at its momentum, that diverge or spike."""
    top = best_of(rows, family)
    near = [
        row
        for row in tuned(rows, family)
        if row.settings.get("momentum") == top.settings.get("momentum")
        and 1 / AROUND <= rate_of(row) / rate_of(top) <= AROUND
    ]
    shaken = sum(bool(row.figures["diverged"] or row.figures["spikes"]) for row in near)
    return 100 * shaken / len(near)


def arrival(row: Row, nats: float) -> float:
    """The step of the first look at which dev was `nats` or less; infinite if never."""
    looks = zip(row.curves["looks"], row.curves["dev"], strict=True)
    return next((float(at or 0) for at, dev in looks if dev is not None and dev <= nats), math.inf)


def rate_of(row: Row) -> float:
    """The learning rate that a row was measured with."""
    return float(row.settings["learning_rate"] or 0)
