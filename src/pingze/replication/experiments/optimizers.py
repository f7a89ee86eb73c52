"""Optimizers at equal steps: the best of each, how wide its good rates lie, how often it fails, how soon it arrives."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from statistics import mean
from typing import NamedTuple

from pingze.replication.charts import Chart, Line
from pingze.replication.experiment import Claim, Experiment, Finding, Measured, Row, Rows, Trial, by_rule
from pingze.replication.setup import Setting, Setup
from pingze.replication.training import train

LOOKS = 16
NEAR = 0.05
"""A rate is good when dev ends within this share of the optimizer's best."""
MOMENTA = (0.5, 0.9)
SGD, MOMENTUM, ADAM, ADAMW = "SGD", "SGD with momentum", "Adam", "AdamW"
RATES: dict[str, Sequence[float]] = {
    SGD: (0.1, 0.3, 1.0, 3.0, 10.0),
    MOMENTUM: (0.03, 0.1, 0.3, 1.0, 3.0),
    ADAM: (3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
    ADAMW: (3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
}
"""Two decades each, two steps a decade."""
KINDS: dict[str, Sequence[dict[str, Setting]]] = {
    SGD: [{"optimizer": "sgd"}],
    MOMENTUM: [{"optimizer": "sgd", "momentum": momentum} for momentum in MOMENTA],
    ADAM: [{"optimizer": "adam"}],
    ADAMW: [{"optimizer": "adamw", "weight_decay": 0.05}],
}


class GridPoint(NamedTuple):
    """One optimizer at one rate and momentum, over all seeds."""

    family: str
    momentum: float
    rate: float
    rows: Sequence[Row]

    @property
    def dev(self) -> float:
        """Dev at the end, the mean of the seeds."""
        return mean(row.number("dev_nats") for row in self.rows)

    @property
    def failed(self) -> bool:
        """Whether it diverged with any seed."""
        return any(row.figures["diverged"] for row in self.rows)

    @property
    def spikes(self) -> int:
        """Over all seeds."""
        return sum(row.figures["spikes"] for row in self.rows)


def trials(setup: Setup) -> list[Trial]:
    """The grid, with each seed."""
    return [
        Trial(_name(family, each, rate, seed), each | {"learning_rate": rate, "seed": seed})
        for family, kinds in KINDS.items()
        for each in kinds
        for rate in RATES[family]
        for seed in range(setup.seed, setup.seed + setup.budget.seeds)
    ]


def _name(family: str, settings: Mapping[str, Setting], rate: float, seed: int) -> str:
    return f"{_kind(family, float(settings.get('momentum') or 0))}, rate {rate:g}, seed {seed}"


def _kind(family: str, momentum: float) -> str:
    return f"{family} {momentum:g}" if momentum else family


def _family(settings: Mapping[str, Setting]) -> str:
    """The family with a kind of these settings; SGD, whose kind has the fewest, is looked at last."""
    return next(
        family
        for family, kinds in reversed(KINDS.items())
        for kind in kinds
        if kind.items() <= settings.items()
    )


def measure(setup: Setup, trial: Trial) -> Measured:
    """Train."""
    return train(setup, trial.settings, setup.budget.steps["optimizers"], looks=LOOKS).measured()


def cells(rows: Rows) -> list[GridPoint]:
    """The grid's cells in order."""

    def key(row: Row) -> tuple[str, float, float]:
        momentum, rate = row.settings.get("momentum", 0.0), row.settings["learning_rate"]
        return _family(row.settings), float(momentum or 0), float(rate or 0)

    return [GridPoint(*found, list(each)) for found, each in groupby(rows.values(), key)]


def best(found: Sequence[GridPoint], family: str) -> GridPoint:
    """The cell of a family whose dev is least."""
    return min((cell for cell in found if cell.family == family), key=lambda cell: cell.dev)


def good_rates(found: Sequence[GridPoint], family: str) -> list[float]:
    """The rates of a family, at the momentum of its best, that end near it."""
    top = best(found, family)
    return [
        cell.rate
        for cell in found
        if (cell.family, cell.momentum) == (family, top.momentum) and cell.dev <= (1 + NEAR) * top.dev
    ]


def decades(rates: Sequence[float]) -> float:
    """How many decades rates span."""
    return math.log10(max(rates) / min(rates))


def target(found: Sequence[GridPoint]) -> float:
    """The dev figure that all families reach: the worst of their bests."""
    return max(best(found, family).dev for family in RATES)


def arrival(cell: GridPoint, nats: float) -> float:
    """The step of the first look at which dev, the mean of the seeds, was `nats` or less; infinite if never."""
    looks = zip(cell.rows[0].curves["looks"], *(row.curves["dev"] for row in cell.rows), strict=False)
    means = ((at, mean(math.inf if value is None else value for value in dev)) for at, *dev in looks)
    return next((float(at or 0) for at, dev in means if dev <= nats), math.inf)


def _soonest(found: Sequence[GridPoint], family: str) -> float:
    """The fewest steps in which a family's cells come to the target."""
    return min(arrival(cell, target(found)) for cell in found if cell.family == family)


def _unsteady(found: Sequence[GridPoint], family: str) -> tuple[int, int, int]:
    """Of a family: cells that diverged or spiked, its cells, and all its spikes."""
    own = [cell for cell in found if cell.family == family]
    return sum(cell.failed or cell.spikes > 0 for cell in own), len(own), sum(cell.spikes for cell in own)


def _tell_steps(found: Sequence[GridPoint]) -> str:
    steps = ", ".join(f"{family} {_soonest(found, family):.0f}" for family in RATES)
    bests = ", ".join(f"{family} {best(found, family).dev:.3f}" for family in RATES)
    return f"Fewest steps to dev {target(found):.3f}, which all reach: {steps}. Best dev: {bests}."


def _momentum_fast(rows: Rows) -> Finding:
    found = cells(rows)
    ours, adam = _soonest(found, MOMENTUM), _soonest(found, ADAM)
    return Finding(by_rule(ours < adam, ours <= 1.25 * adam), _tell_steps(found), list(rows.values()))


def _momentum_unstable(rows: Rows) -> Finding:
    found = cells(rows)
    ours, adam = (bad / count for bad, count, _ in (_unsteady(found, MOMENTUM), _unsteady(found, ADAM)))
    return Finding(
        by_rule(ours >= 1.5 * adam and ours > 0, ours > adam), _tell_failures(found), list(rows.values())
    )


def _tell_failures(found: Sequence[GridPoint]) -> str:
    told = []
    for family in RATES:
        bad, count, spikes = _unsteady(found, family)
        diverged = sum(cell.failed for cell in found if cell.family == family)
        told.append(f"{family} {bad} of {count} ({diverged} diverge; spikes: {spikes})")
    return f"Cells that diverge or spike, without clipping: {', '.join(told)}."


def _momentum_tuned(rows: Rows) -> Finding:
    found = cells(rows)
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
    found = cells(rows)
    adam, ours = _unsteady(found, ADAM), _unsteady(found, MOMENTUM)
    fewer = adam[0] / adam[1] < ours[0] / ours[1]
    return Finding(by_rule(adam[0] == 0, fewer), _tell_failures(found), list(rows.values()))


def _adam_slow(rows: Rows) -> Finding:
    found = cells(rows)
    ours, adam = _soonest(found, MOMENTUM), _soonest(found, ADAM)
    return Finding(by_rule(adam > 1.25 * ours, adam > ours), _tell_steps(found), list(rows.values()))


def _adam_wide(rows: Rows) -> Finding:
    found = cells(rows)
    width = decades(good_rates(found, ADAM))
    return Finding(by_rule(width >= 0.99, width >= 0.47), _tell_ranges(found), list(rows.values()))


def times(rows: Rows, seconds: Callable[[Row], float]) -> str:
    """The fewest seconds in which each family comes to the target; looks at dev are counted with the steps."""
    found = cells(rows)

    def arrives(cell: GridPoint) -> float:
        share = arrival(cell, target(found)) / float(cell.rows[0].curves["looks"][-1] or 1)
        return share * mean(map(seconds, cell.rows))

    told = ", ".join(
        f"{family} {min(arrives(cell) for cell in found if cell.family == family):.0f}" for family in RATES
    )
    return f"Fewest seconds to dev {target(found):.3f}: {told}."


def charts(rows: Rows) -> list[Chart]:
    """Dev by rate; dev by step of each family's best."""
    found = cells(rows)
    kinds = [
        (family, momentum) for family in RATES for momentum in (MOMENTA if family == MOMENTUM else (0.0,))
    ]
    by_rate = [
        Line(
            _kind(family, momentum),
            [cell.rate for cell in own],
            [cell.dev if math.isfinite(cell.dev) else None for cell in own],
            n,
            marked=True,
        )
        for n, (family, momentum) in enumerate(kinds)
        for own in [[cell for cell in found if (cell.family, cell.momentum) == (family, momentum)]]
    ]
    by_step = [
        Line(
            f"{_kind(family, cell.momentum)}, rate {cell.rate:g}",
            row.curves["looks"],
            row.curves["dev"],
            n,
            n % 2,
        )
        for n, family in enumerate(RATES)
        for cell in [best(found, family)]
        for row in cell.rows[:1]
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
