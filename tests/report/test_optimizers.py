"""The numbers of the optimizers, on rows small enough to judge by eye."""

import math

import pytest

from pingze.report.experiments import optimizers
from pingze.report.experiments.experiment import Row, Rows
from pingze.report.experiments.optimizers import ADAM, FAMILIES, MOMENTUM, RACE, SETTINGS
from tests.report.verse import setup


def rows(dev: dict[str, list[float]], spikes: dict[str, list[int]] | None = None) -> Rows:
    """The grids' rows with these figures of dev, in the grid's order; inf has diverged."""
    found = {}
    trials = iter(optimizers.trials(setup(), {}))
    for family in FAMILIES:
        for number, settings in enumerate(SETTINGS[family]):
            value, name = dev[family][number], next(trials).name
            figures = {
                "dev_nats": None if math.isinf(value) else value,
                "diverged": math.isinf(value),
                "spikes": (spikes or {}).get(family, [0] * 15)[number],
            }
            found[name] = Row(name, settings | {"steps": 6}, figures, {})
    return found


FLAT = [6.0] * 15
PEAKED = [9.0] * 6 + [6.0, 5.0, 5.2] + [9.0] * 5 + [math.inf]


def test_the_best_of_fifteen_settings_of_each_runs_in_the_race() -> None:
    assert {len(settings) for settings in SETTINGS.values()} == {15}
    assert len(optimizers.trials(setup(), {})) == 30
    found = rows({MOMENTUM: PEAKED, ADAM: PEAKED})
    race = {trial.name: trial.settings for trial in optimizers.trials(setup(), found)[30:]}
    assert [*race] == [family + RACE for family in FAMILIES]
    assert race[MOMENTUM + RACE].items() > SETTINGS[MOMENTUM][7].items()
    assert race[ADAM + RACE]["learning_rate"] == 0.0051


def test_a_wider_tolerance_admits_more_settings_but_none_beyond_a_gap() -> None:
    found = rows({MOMENTUM: FLAT, ADAM: PEAKED})
    assert sum(optimizers.good(found, MOMENTUM, 0.02)) == 15
    assert [sum(optimizers.good(found, ADAM, tolerance)) for tolerance in (0.02, 0.05, 0.2)] == [1, 2, 3]
    assert optimizers.decades(found, ADAM, 0.02) == 0
    assert optimizers.decades(found, ADAM, 0.2) == pytest.approx(math.log10(0.0077 / 0.0034))
    gap = rows({MOMENTUM: FLAT, ADAM: [5.1, 9.0, 5.0, 5.1] + [9.0] * 11})
    assert optimizers.decades(gap, ADAM, 0.05) == pytest.approx(math.log10(0.001 / 0.00068))


def test_steadiness_is_measured_around_the_best_rate() -> None:
    spikes = [1] + [0] * 7 + [2] + [0] * 6
    found = rows({MOMENTUM: PEAKED, ADAM: PEAKED}, {ADAM: spikes})
    assert optimizers.unsteady(found, ADAM) == pytest.approx(100 / 7)
    assert optimizers.unsteady(found, MOMENTUM) == 0


def test_the_race_is_judged_by_the_first_look_at_the_target() -> None:
    row = Row("", {}, {}, {"looks": [0, 10, 20, 30], "dev": [9.0, 6.5, 6.1, None]})
    assert [optimizers.arrival(row, nats) for nats in (6.5, 6.2, 6.0)] == [10, 20, math.inf]
    found = {**rows({MOMENTUM: PEAKED, ADAM: PEAKED})}
    for family, dev in ((MOMENTUM, [9.0, 9.0]), (ADAM, [9.0, 5.0])):
        found[family + RACE] = Row("", {}, {}, {"looks": [0, 10], "dev": dev})
    assert optimizers.judge(found)["fast"]["ratio_6.0"] == math.inf
