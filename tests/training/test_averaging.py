"""The moving average against its formula written out."""

import contextlib

import numpy as np
import torch

from pingze.training.averaging import Average


def model_of(value: float) -> torch.nn.Linear:
    model = torch.nn.Linear(2, 1)
    for parameter in model.parameters():
        parameter.data.fill_(value)
    return model


def test_the_average_follows_its_formula() -> None:
    model = model_of(1)
    average, expected = Average(model, 0.5), 1.0
    for step, value in enumerate([3.0, -2.0, 5.0, 0.5, 7.0], start=1):
        model.weight.data.fill_(value)
        average.update()
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
    np.testing.assert_allclose(average.tensors["weight"], expected, rtol=1e-6)


def test_the_average_replaces_the_weights_only_within_the_block() -> None:
    model = model_of(1)
    average = Average(model, 0.9)
    model.weight.data.fill_(2)
    with contextlib.suppress(KeyboardInterrupt), average.in_place():
        assert model.weight.tolist() == [[1, 1]]
        raise KeyboardInterrupt
    assert model.weight.tolist() == [[2, 2]]
