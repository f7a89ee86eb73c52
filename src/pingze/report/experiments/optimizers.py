"""SGD with momentum and Adam: the same tuning budget for each, then a race of each one's best setting.

A seed tunes for itself: it trains fifteen settings of each optimizer for some steps, and the best of each goes on to
the race, from the start and for two epochs.
"""

import math

from pingze.report.charts import Chart, Line
from pingze.report.claims import plan
from pingze.report.experiment import Experiment, Judged, Measured, Row, Rows, Trial
from pingze.report.experiments.optimizer_grid import (
    ADAM,
    FAMILIES,
    MOMENTUM,
    RACE,
    arrival,
    best_of,
    decades,
    further,
    good_share,
    rate_of,
    trials,
    tuned,
    unsteady,
)
from pingze.report.setup import Setup
from pingze.report.training import train

LOOKS, RACE_LOOKS = 2, 32
TARGETS, TOLERANCES = plan("optimizers")["targets"], plan("optimizers")["tolerances"]


def measure(setup: Setup, trial: Trial) -> Measured:
    """Train."""
    looks = RACE_LOOKS if trial.name.endswith(RACE) else LOOKS
    return train(setup, trial.settings, trial.steps, looks=looks).measured()


def _ratios(rows: Rows, family: str, beside: str) -> dict[str, float]:
    """Steps to each target over those of another; infinite where the first never arrives, also if neither does."""
    steps = {nats: [arrival(rows[each + RACE], nats) for each in (family, beside)] for nats in TARGETS}
    return {
        f"ratio_{nats}": max(1.0, ours) / max(1.0, theirs) if math.isfinite(ours) else math.inf
        for nats, (ours, theirs) in steps.items()
    }


def _tell_race(rows: Rows) -> str:
    told = "; ".join(
        f"{family} ({_setting(rows[family + RACE])}) "
        + ", ".join(f"{_steps(arrival(rows[family + RACE], nats))} to {nats}" for nats in TARGETS)
        + f", in the end {rows[family + RACE].number('dev_nats'):.3f}"
        for family in FAMILIES
    )
    return f"Steps to a dev of so many nats, each at its best setting: {told}."


def _steps(arrived: float) -> str:
    return f"{arrived:.0f}" if math.isfinite(arrived) else "never"


def _setting(row: Row) -> str:
    momentum = f"momentum {row.settings['momentum']:g}, " if "momentum" in row.settings else ""
    return f"{momentum}rate {rate_of(row):g}"


def _momentum_fast(rows: Rows) -> Judged:
    return Judged(_ratios(rows, MOMENTUM, ADAM), _tell_race(rows), _racing(rows, MOMENTUM, ADAM))


def _adam_slow(rows: Rows) -> Judged:
    return Judged(_ratios(rows, ADAM, MOMENTUM), _tell_race(rows), _racing(rows, ADAM, MOMENTUM))


def _racing(rows: Rows, *families: str) -> list[Row]:
    return [rows[family + RACE] for family in families]


def _momentum_unstable(rows: Rows) -> Judged:
    more = unsteady(rows, MOMENTUM) - unsteady(rows, ADAM)
    return Judged({"more": more}, _tell_steadiness(rows), _tuned_both(rows))


def _adam_stable(rows: Rows) -> Judged:
    adam = unsteady(rows, ADAM)
    numbers = {"unsteady": adam, "less": unsteady(rows, MOMENTUM) - adam}
    return Judged(numbers, _tell_steadiness(rows), _tuned_both(rows))


def _tuned_both(rows: Rows) -> list[Row]:
    return [row for family in (MOMENTUM, ADAM) for row in tuned(rows, family)]


def _tell_steadiness(rows: Rows) -> str:
    told = ", ".join(
        f"{family} {unsteady(rows, family):.0f} % (best: {_setting(best_of(rows, family))})"
        for family in FAMILIES
    )
    return f"Of the rates from a quarter of the best to four times it, so many diverge or spike: {told}."


def _momentum_tuned(rows: Rows) -> Judged:
    numbers = {
        f"good_{tolerance}": good_share(rows, MOMENTUM, tolerance) / good_share(rows, ADAM, tolerance)
        for tolerance in TOLERANCES
    }
    return Judged(numbers, _tell_tuning(rows), _tuned_both(rows))


def _adam_wide(rows: Rows) -> Judged:
    numbers = {f"decades_{tolerance}": decades(rows, ADAM, tolerance) for tolerance in TOLERANCES}
    return Judged(numbers, _tell_tuning(rows), tuned(rows, ADAM))


def _tell_tuning(rows: Rows) -> str:
    told = "; ".join(
        f"within {tolerance:.0%}: "
        + ", ".join(f"{family} {good_share(rows, family, tolerance):.0%}" for family in FAMILIES)
        + f", Adam's rates {decades(rows, ADAM, tolerance):.2f} decades"
        for tolerance in TOLERANCES
    )
    return f"Settings whose dev ends near the optimizer's best: {told}."


def charts(rows: Rows) -> list[Chart]:
    """Dev by rate, what diverged marked; dev by step in the race."""
    momenta = plan("optimizers")["momentum"]
    kinds = [*((MOMENTUM, momentum) for momentum in momenta), (ADAM, None)]
    by_rate = [
        Line(
            f"{family} {momentum:g}" if momentum else family,
            [rate_of(row) for row in own],
            [None if row.figures["diverged"] else row.number("dev_nats") for row in own],
            n,
            marked=True,
            panel=family,
            crossed=True,
        )
        for n, (family, momentum) in enumerate(kinds)
        for own in [[row for row in tuned(rows, family) if row.settings.get("momentum") == momentum]]
    ]
    race = [
        Line(f"{family}, {_setting(row)}", row.curves["looks"], row.curves["dev"], n)
        for n, family in enumerate(FAMILIES)
        for row in [rows[family + RACE]]
    ]
    first = race[0].y[0] or 0
    return [
        Chart(
            "How much the rate matters",
            "Dev after equal steps by learning rate; a cross at the top is a rate that diverged. Logarithmic.",
            "learning rate",
            "dev, nats per token",
            by_rate,
            x_scale="log",
            y_limits=(None, 1.05 * first),
        ),
        Chart(
            "The race",
            "Dev by step, each optimizer at its best setting; dotted, the targets.",
            "step",
            "dev, nats per token",
            race,
            y_limits=(None, 1.05 * first),
            marks=[(nats, f"{nats}") for nats in TARGETS],
        ),
    ]


EXPERIMENT = Experiment(
    name="optimizers",
    title="Optimizers",
    about=(
        "SGD with momentum and Adam each get fifteen settings: of momentum and rate, or of the rate alone. All "
        "train the same network for the same number of steps at a constant rate, without clipping. Then each one's "
        "best setting trains from the start for two epochs. A setting diverges where a number is not finite or dev "
        "ends above its start; a step spikes when its loss is a tenth above the mean of the ten before."
    ),
    trials=trials,
    measure=measure,
    further=further,
    judges={
        "momentum-fast": _momentum_fast,
        "momentum-unstable": _momentum_unstable,
        "momentum-tuned": _momentum_tuned,
        "adam-stable": _adam_stable,
        "adam-slow": _adam_slow,
        "adam-wide": _adam_wide,
    },
    charts=charts,
)
