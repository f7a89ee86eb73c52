"""What the rows of the optimizers say, on rows small enough to be judged by eye."""

import math

import pytest

from pingze.report.experiment import Row, Rows
from pingze.report.experiments import optimizers
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
    setting_name,
    settings_of,
    unsteady,
)
from tests.report.verse import setup


def rows(dev: dict[str, list[float]], spikes: dict[str, list[int]] | None = None) -> Rows:
    """The grids' rows with these figures of dev, in the grid's order; inf has diverged."""
    found = {}
    for family in FAMILIES:
        for number, settings in enumerate(settings_of(family)):
            value = dev[family][number]
            figures = {
                "dev_nats": None if math.isinf(value) else value,
                "diverged": math.isinf(value),
                "spikes": (spikes or {}).get(family, [0] * 15)[number],
            }
            name = setting_name(family, settings)
            found[name] = Row(name, settings | {"steps": 6}, figures, {})
    return found


FLAT = [6.0] * 15
PEAKED = [9.0] * 6 + [6.0, 5.0, 5.2] + [9.0] * 5 + [math.inf]


def test_each_optimizer_has_the_same_tuning_budget() -> None:
    assert {len(settings_of(family)) for family in FAMILIES} == {15}


def test_the_best_setting_of_each_goes_on_to_the_race() -> None:
    found = rows({MOMENTUM: PEAKED, ADAM: PEAKED})
    race = further(setup(), found)
    assert [trial.name for trial in race] == [family + RACE for family in FAMILIES]
    assert race[0].settings == settings_of(MOMENTUM)[7]
    assert race[1].settings == {"optimizer": "adam", "learning_rate": 0.0051}
    assert best_of(found, ADAM).number("dev_nats") == 5.0


def test_a_tolerance_widens_what_is_good() -> None:
    found = rows({MOMENTUM: FLAT, ADAM: PEAKED})
    assert good_share(found, MOMENTUM, 0.02) == 1
    assert [good_share(found, ADAM, tolerance) for tolerance in (0.02, 0.05, 0.2)] == [1 / 15, 2 / 15, 3 / 15]
    assert decades(found, ADAM, 0.02) == 0
    assert decades(found, ADAM, 0.2) == pytest.approx(math.log10(0.0077 / 0.0034))


def test_good_rates_beyond_a_gap_do_not_count() -> None:
    gap = [5.1, 9.0, 5.0, 5.1] + [9.0] * 11
    found = rows({MOMENTUM: FLAT, ADAM: gap})
    assert decades(found, ADAM, 0.05) == pytest.approx(math.log10(0.001 / 0.00068))


def test_steadiness_is_looked_at_around_the_best_rate() -> None:
    spikes = [1] + [0] * 7 + [2] + [0] * 6
    found = rows({MOMENTUM: PEAKED, ADAM: PEAKED}, {ADAM: spikes})
    assert unsteady(found, ADAM) == pytest.approx(100 / 7)
    assert unsteady(found, MOMENTUM) == 0


def test_the_race_is_told_by_the_first_look_at_the_target() -> None:
    row = Row("", {}, {}, {"looks": [0, 10, 20, 30], "dev": [9.0, 6.5, 6.1, None]})
    assert [arrival(row, nats) for nats in (6.5, 6.2, 6.0)] == [10, 20, math.inf]


def test_who_never_arrives_is_slower_than_any() -> None:
    never, soon = ({"looks": [0, 10], "dev": dev} for dev in ([9.0, 9.0], [9.0, 5.0]))
    found = {
        family + RACE: Row("", {"learning_rate": 1}, {"dev_nats": 5.0}, curves)
        for family, curves in ((MOMENTUM, never), (ADAM, soon))
    }
    assert optimizers._momentum_fast(found).numbers["ratio_6.0"] == math.inf
    assert optimizers._adam_slow(found).numbers["ratio_6.0"] == 0
