"""Optimizers and clipping against their formulas written out in NumPy, and the schedule at its corners."""

import itertools

import numpy as np
import pytest
import torch

from pingze.training.optimization import clip, make_optimizer, rate_factor
from pingze.training.presets import TrainingConfiguration

TOKENS = 4
GRADIENTS = np.random.default_rng(0).standard_normal((5, 3))


def after_steps(configuration: TrainingConfiguration) -> np.ndarray:
    weight = torch.nn.Parameter(torch.ones(3, dtype=torch.float64))
    optimizer = make_optimizer([weight], configuration)
    for gradient in GRADIENTS:
        weight.grad = torch.from_numpy(gradient * TOKENS)
        clip(optimizer, TOKENS, configuration)
        optimizer.step()
    return weight.detach().numpy()


def test_sgd_with_momentum() -> None:
    weight, velocity = np.ones(3), np.zeros(3)
    for gradient in GRADIENTS:
        velocity = 0.9 * velocity + gradient
        weight -= 0.1 * velocity
    actual = after_steps(TrainingConfiguration(optimizer="sgd", learning_rate=0.1, momentum=0.9))
    np.testing.assert_allclose(actual, weight)


@pytest.mark.parametrize(("name", "decay"), [("adam", 0.0), ("adamw", 0.3)])
def test_adam(name: str, decay: float) -> None:
    """Kingma & Ba 2015, algorithm 1; the decay decoupled as in Loshchilov & Hutter 2019."""
    weight, m, v = np.ones(3), np.zeros(3), np.zeros(3)
    for t, gradient in enumerate(GRADIENTS, start=1):
        weight *= 1 - 0.1 * decay
        m = 0.9 * m + 0.1 * gradient
        v = 0.999 * v + 0.001 * gradient**2
        weight -= 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    actual = after_steps(TrainingConfiguration(optimizer=name, learning_rate=0.1, weight_decay=decay))
    np.testing.assert_allclose(actual, weight, rtol=1e-6)


def clipped(size: float = 1, **options: float) -> tuple[float, np.ndarray]:
    """The norm, and what plain gradient descent takes from two weights, of the mean gradient (3, -4, 12) × size."""
    configuration = TrainingConfiguration(optimizer="sgd", learning_rate=1, **options)
    parameters = [torch.nn.Parameter(torch.zeros(2)), torch.nn.Parameter(torch.zeros(1))]
    optimizer = make_optimizer(parameters, configuration)
    for parameter, gradient in zip(parameters, ([3.0, -4.0], [12.0]), strict=True):
        parameter.grad = torch.tensor(gradient) * size * TOKENS
    norm = clip(optimizer, TOKENS, configuration)
    optimizer.step()
    return float(norm), -torch.cat([p.detach() for p in parameters]).numpy()


@pytest.mark.parametrize(
    ("size", "options", "expected"),
    [
        (1, {}, [3, -4, 12]),
        (1, {"clip_norm": 20}, [3, -4, 12]),
        (1, {"clip_norm": 6.5}, [1.5, -2, 6]),
        (1e30, {"clip_norm": 6.5}, [1.5, -2, 6]),  # the squares overflow float32
        (1, {"clip_value": 3.5}, [3, -3.5, 3.5]),
    ],
)
def test_clipping(size: float, options: dict[str, float], expected: list[float]) -> None:
    norm, step = clipped(size, **options)
    assert norm == pytest.approx(13 * size)
    np.testing.assert_allclose(step, expected, rtol=1e-6)


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
