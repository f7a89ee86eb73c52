"""The schedule at its corners."""

import itertools

import pytest

from pingze.training.configuration import TrainingConfiguration
from pingze.training.schedule import rate_factor


def test_rate_warms_up_to_its_peak_and_falls_to_zero() -> None:
    configuration = TrainingConfiguration(warmup_steps=4)
    factors = [rate_factor(step, 20, configuration) for step in range(21)]
    assert factors[:5] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert all(one > other for one, other in itertools.pairwise(factors[4:]))
    assert factors[12] == pytest.approx(0.5)
    assert factors[20] == pytest.approx(0)


def test_rate_stays_constant_and_falls_straight_in_a_last_leg() -> None:
    configuration = TrainingConfiguration(warmup_steps=4)
    factors = [rate_factor(step, 20, configuration, falling=5) for step in range(21)]
    assert factors[:4] == [0.25, 0.5, 0.75, 1.0]
    assert set(factors[4:16]) == {1.0}
    assert factors[16:] == pytest.approx([0.8, 0.6, 0.4, 0.2, 0])


def test_rate_stays_without_decay() -> None:
    assert {rate_factor(step, 20, TrainingConfiguration(decay=False)) for step in range(20)} == {1.0}
