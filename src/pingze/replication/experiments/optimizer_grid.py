"""The grid of the experiment on optimizers: every optimizer at several rates, and what is read off it."""

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from statistics import mean
from typing import NamedTuple

from pingze.replication.experiment import Row, Rows, Trial
from pingze.replication.setup import Setting, Setup

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
    return f"{kind_name(family, float(settings.get('momentum') or 0))}, rate {rate:g}, seed {seed}"


def kind_name(family: str, momentum: float) -> str:
    """The family, with its momentum where it has one."""
    return f"{family} {momentum:g}" if momentum else family


def _family(settings: Mapping[str, Setting]) -> str:
    """The family with a kind of these settings; SGD, whose kind has the fewest, is looked at last."""
    return next(
        family
        for family, kinds in reversed(KINDS.items())
        for kind in kinds
        if kind.items() <= settings.items()
    )


def grid_points(rows: Rows) -> list[GridPoint]:
    """The grid's points in order."""

    def key(row: Row) -> tuple[str, float, float]:
        momentum, rate = row.settings.get("momentum", 0.0), row.settings["learning_rate"]
        return _family(row.settings), float(momentum or 0), float(rate or 0)

    return [GridPoint(*found, list(each)) for found, each in groupby(rows.values(), key)]


def best(found: Sequence[GridPoint], family: str) -> GridPoint:
    """The point of a family whose dev is least."""
    return min((point for point in found if point.family == family), key=lambda point: point.dev)


def good_rates(found: Sequence[GridPoint], family: str) -> list[float]:
    """The rates of a family, at the momentum of its best, that end near it."""
    top = best(found, family)
    return [
        point.rate
        for point in found
        if (point.family, point.momentum) == (family, top.momentum) and point.dev <= (1 + NEAR) * top.dev
    ]


def decades(rates: Sequence[float]) -> float:
    """How many decades rates span."""
    return math.log10(max(rates) / min(rates))


def target(found: Sequence[GridPoint]) -> float:
    """The dev figure that all families reach: the worst of their bests."""
    return max(best(found, family).dev for family in RATES)


def arrival(point: GridPoint, nats: float) -> float:
    """The step of the first look at which dev, the mean of the seeds, was `nats` or less; infinite if never."""
    looks = zip(point.rows[0].curves["looks"], *(row.curves["dev"] for row in point.rows), strict=False)
    means = ((at, mean(math.inf if value is None else value for value in dev)) for at, *dev in looks)
    return next((float(at or 0) for at, dev in means if dev <= nats), math.inf)


def soonest(found: Sequence[GridPoint], family: str) -> float:
    """The fewest steps in which a family's points come to the target."""
    return min(arrival(point, target(found)) for point in found if point.family == family)


def unsteady(found: Sequence[GridPoint], family: str) -> tuple[int, int, int]:
    """Of a family: points that diverged or spiked, its points, and all its spikes."""
    own = [point for point in found if point.family == family]
    return (
        sum(point.failed or point.spikes > 0 for point in own),
        len(own),
        sum(point.spikes for point in own),
    )
