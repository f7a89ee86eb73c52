"""What the rows of the optimizers say, on rows small enough to be judged by eye."""

import math

import pytest

from pingze.replication.experiment import Row, Rows
from pingze.replication.experiments.optimizer_grid import (
    ADAM,
    KINDS,
    RATES,
    arrival,
    best,
    decades,
    good_rates,
    grid_points,
    target,
)
from pingze.replication.experiments.optimizers import times

LOOKS = [0, 10, 20]


def row(family: str, rate: float, seed: int, dev: list[float | None]) -> Row:
    figures = {"dev_nats": dev[-1] if len(dev) == len(LOOKS) else None, "diverged": False, "spikes": 0}
    name = f"optimizers/{family}, rate {rate:g}, seed {seed}"
    return Row(
        name, KINDS[family][0] | {"learning_rate": rate}, figures, {"looks": LOOKS[: len(dev)], "dev": dev}
    )


def grid() -> Rows:
    """Every family comes to 5.0 at one rate; Adam goes further, at one rate of three with one seed only."""
    rows = [
        *(row(family, 1.0, seed, [9.0, 7.0, 5.0]) for family in RATES if family != ADAM for seed in (1, 2)),
        *(row(ADAM, 0.01, seed, [9.0, 5.0 - off, 4.2 - off]) for seed, off in ((1, 0.2), (2, -0.2))),
        *(row(ADAM, 0.03, seed, [9.0, 4.9, 4.3]) for seed in (1, 2)),
        *(row(ADAM, 0.1, seed, dev) for seed, dev in ((1, [9.0, 4.9, 4.1]), (2, [9.0, 4.9]))),
    ]
    return {each.id: each for each in rows}


def test_the_target_is_the_worst_of_the_bests_and_all_arrive() -> None:
    found = grid_points(grid())
    assert target(found) == 5.0
    assert best(found, ADAM).rate == 0.01
    arrivals = {(point.family, point.rate): arrival(point, 5.0) for point in found}
    assert arrivals[ADAM, 0.01] == 10
    assert arrivals["SGD", 1.0] == 20
    assert all(math.isfinite(min(arrivals[key] for key in arrivals if key[0] == family)) for family in RATES)


def test_the_good_rates_leave_out_what_failed_with_one_seed() -> None:
    assert good_rates(grid_points(grid()), ADAM) == [0.01, 0.03]
    assert decades([0.01, 0.03]) == pytest.approx(math.log10(3))


def test_seconds_are_the_share_of_the_training_up_to_the_look() -> None:
    told = times(grid(), lambda row: 30.0 if row.settings["learning_rate"] == 0.01 else 60.0)
    assert told == "Fewest seconds to dev 5.000: SGD 60, SGD with momentum 60, Adam 15, AdamW 60."
