"""Optimizers at equal steps: the best of each, how wide its good rates lie, how often it fails, how soon it arrives."""

import math
from collections.abc import Callable, Sequence
from statistics import mean

from pingze.replication.charts import Chart, Line
from pingze.replication.experiment import Claim, Experiment, Finding, Measured, Row, Rows, Trial, by_rule
from pingze.replication.experiments.optimizer_grid import (
    ADAM,
    MOMENTA,
    MOMENTUM,
    NEAR,
    RATES,
    GridPoint,
    arrival,
    best,
    decades,
    good_rates,
    grid_points,
    kind_name,
    soonest,
    target,
    trials,
    unsteady,
)
from pingze.replication.setup import Setup
from pingze.replication.training import train

LOOKS = 16


def measure(setup: Setup, trial: Trial) -> Measured:
    """Train."""
    return train(setup, trial.settings, setup.budget.steps["optimizers"], looks=LOOKS).measured()


def _tell_steps(found: Sequence[GridPoint]) -> str:
    steps = ", ".join(f"{family} {soonest(found, family):.0f}" for family in RATES)
    bests = ", ".join(f"{family} {best(found, family).dev:.3f}" for family in RATES)
    return f"Fewest steps to dev {target(found):.3f}, which all reach: {steps}. Best dev: {bests}."


def _momentum_fast(rows: Rows) -> Finding:
    found = grid_points(rows)
    ours, adam = soonest(found, MOMENTUM), soonest(found, ADAM)
    return Finding(by_rule(ours < adam, ours <= 1.25 * adam), _tell_steps(found), list(rows.values()))


def _momentum_unstable(rows: Rows) -> Finding:
    found = grid_points(rows)
    ours, adam = (bad / count for bad, count, _ in (unsteady(found, MOMENTUM), unsteady(found, ADAM)))
    return Finding(
        by_rule(ours >= 1.5 * adam and ours > 0, ours > adam), _tell_failures(found), list(rows.values())
    )


def _tell_failures(found: Sequence[GridPoint]) -> str:
    told = []
    for family in RATES:
        bad, count, spikes = unsteady(found, family)
        diverged = sum(point.failed for point in found if point.family == family)
        told.append(f"{family} {bad} of {count} ({diverged} diverge; spikes: {spikes})")
    return f"Cells that diverge or spike, without clipping: {', '.join(told)}."


def _momentum_tuned(rows: Rows) -> Finding:
    found = grid_points(rows)
    ours, adam = (decades(good_rates(found, family)) for family in (MOMENTUM, ADAM))
    return Finding(by_rule(ours < adam, ours == adam), _tell_ranges(found), list(rows.values()))


def _tell_ranges(found: Sequence[GridPoint]) -> str:
    told = []
    for family in RATES:
        rates, top = good_rates(found, family), best(found, family)
        momentum = f", momentum {top.momentum:g}" if top.momentum else ""
        told.append(f"{family} {min(rates):g} to {max(rates):g} ({decades(rates):.1f} decades{momentum})")
    return f"Rates that end within {NEAR:.0%} of the optimizer's best: {'; '.join(told)}."


def _adam_stable(rows: Rows) -> Finding:
    found = grid_points(rows)
    adam, ours = unsteady(found, ADAM), unsteady(found, MOMENTUM)
    fewer = adam[0] / adam[1] < ours[0] / ours[1]
    return Finding(by_rule(adam[0] == 0, fewer), _tell_failures(found), list(rows.values()))


def _adam_slow(rows: Rows) -> Finding:
    found = grid_points(rows)
    ours, adam = soonest(found, MOMENTUM), soonest(found, ADAM)
    return Finding(by_rule(adam > 1.25 * ours, adam > ours), _tell_steps(found), list(rows.values()))


def _adam_wide(rows: Rows) -> Finding:
    found = grid_points(rows)
    width = decades(good_rates(found, ADAM))
    return Finding(by_rule(width >= 0.99, width >= 0.47), _tell_ranges(found), list(rows.values()))


def times(rows: Rows, seconds: Callable[[Row], float]) -> str:
    """The fewest seconds in which each family comes to the target; looks at dev are counted with the steps."""
    found = grid_points(rows)

    def arrives(point: GridPoint) -> float:
        share = arrival(point, target(found)) / float(point.rows[0].curves["looks"][-1] or 1)
        return share * mean(map(seconds, point.rows))

    told = ", ".join(
        f"{family} {min(arrives(point) for point in found if point.family == family):.0f}" for family in RATES
    )
    return f"Fewest seconds to dev {target(found):.3f}: {told}."


def charts(rows: Rows) -> list[Chart]:
    """Dev by rate; dev by step of each family's best."""
    found = grid_points(rows)
    kinds = [
        (family, momentum) for family in RATES for momentum in (MOMENTA if family == MOMENTUM else (0.0,))
    ]
    by_rate = [
        Line(
            kind_name(family, momentum),
            [point.rate for point in own],
            [point.dev if math.isfinite(point.dev) else None for point in own],
            n,
            marked=True,
        )
        for n, (family, momentum) in enumerate(kinds)
        for own in [[point for point in found if (point.family, point.momentum) == (family, momentum)]]
    ]
    by_step = [
        Line(
            f"{kind_name(family, point.momentum)}, rate {point.rate:g}",
            row.curves["looks"],
            row.curves["dev"],
            n,
            n % 2,
        )
        for n, family in enumerate(RATES)
        for point in [best(found, family)]
        for row in point.rows[:1]
    ]
    first = found[0].rows[0].curves["dev"][0] or 0
    return [
        Chart(
            "How much the rate matters",
            "Dev after equal steps by learning rate, the mean of the seeds. A gap is a rate that diverged.",
            "learning rate",
            "dev, nats per token",
            by_rate,
            x_scale="log",
            y_limits=(None, 1.05 * first),
        ),
        Chart(
            "The best of each",
            "Dev by step, first seed.",
            "step",
            "dev, nats per token",
            by_step,
            y_limits=(None, 1.05 * first),
        ),
    ]


EXPERIMENT = Experiment(
    name="optimizers",
    title="Optimizers",
    about=(
        "SGD, SGD with momentum 0.5 and 0.9, Adam and AdamW (weight decay 0.05) train the same network "
        "for the same number of steps at five rates each, constant, without clipping. A cell is one rate "
        "and momentum over all seeds. A cell diverges where a number is not finite or dev ends above its "
        "start; a step spikes when its loss is a tenth above the mean of the ten before."
    ),
    trials=trials,
    measure=measure,
    claims=(
        Claim(
            "SGD with momentum: Fast",
            "By the fewest steps to the dev figure that all four reach. Confirmed if fewer than Adam's; "
            "refined if at most a quarter more; else refuted.",
            _momentum_fast,
        ),
        Claim(
            "SGD with momentum: … kind of unstable",
            "By the share of cells that diverge or spike. Confirmed if it is at least 1.5 times Adam's; "
            "refined if it is greater; else refuted.",
            _momentum_unstable,
        ),
        Claim(
            "SGD with momentum: … tune the learning rate and momentum many times",
            "By the decades of rates that end within 5 % of the optimizer's best. Confirmed if fewer "
            "than Adam's; refined if as many; else refuted.",
            _momentum_tuned,
        ),
        Claim(
            "Adam: Very stable",
            "Confirmed if none of its cells diverges or spikes; refined if a smaller share than with "
            "momentum; else refuted.",
            _adam_stable,
        ),
        Claim(
            "Adam: … kind of slow",
            "Confirmed if Adam's fewest steps are over 1.25 times those of SGD with momentum; refined if "
            "they are more; else refuted.",
            _adam_slow,
        ),
        Claim(
            "Adam: … You don't have to adjust the learning rate too often",
            "Confirmed if Adam's good rates span a decade; refined if half a decade; else refuted.",
            _adam_wide,
        ),
    ),
    charts=charts,
    times=times,
)
