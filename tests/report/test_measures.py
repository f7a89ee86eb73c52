"""The measurements of the experiments agree with independent references."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from pingze.network.batches import Ids
from pingze.network.configuration import ModelConfiguration
from pingze.network.model import LanguageModel
from pingze.report.experiments import perplexity, softmax
from pingze.report.experiments.clipping import acts
from pingze.report.experiments.course import STEPS, diagnose, spikes, train
from pingze.report.experiments.zero import compare_units
from tests.report.verse import setup


def model(vocabulary_size: int = 30) -> LanguageModel:
    torch.manual_seed(0)
    return LanguageModel(ModelConfiguration(vocabulary_size, 5, 6))


def sequences(count: int = 5, length: int = STEPS + 1) -> list[Ids]:
    return list(np.random.default_rng(0).integers(4, 30, (count, length)))


def test_reach_is_what_automatic_differentiation_finds() -> None:
    made, ids = model().double(), torch.tensor(np.array(sequences())).T
    stock = nn.LSTM(5, 6).double()
    layer = dict(made.lstm.layers[0].named_parameters())
    with torch.no_grad():
        for name in ("weight_ih", "weight_hh"):
            getattr(stock, f"{name}_l0").copy_(layer[name])
        stock.bias_ih_l0.copy_(layer["bias"])
        stock.bias_hh_l0.zero_()
    x = made.embedding(ids[:-1]).detach().requires_grad_()
    last = made.output(stock(x)[0][-1])
    nn.functional.cross_entropy(last, ids[-1], reduction="sum").backward()
    assert x.grad is not None
    expected = x.grad.norm(dim=2).mean(dim=1).flip(0).numpy()
    np.testing.assert_allclose(diagnose(made, sequences())[1], expected, rtol=1e-9)


def test_large_weights_saturate_the_gates() -> None:
    made = model()
    few, _ = diagnose(made, sequences())
    with torch.no_grad():
        made.lstm.layers[0].weight_hh.mul_(1000)
        made.lstm.layers[0].weight_ih.mul_(1000)
    assert few < 0.1 < 0.9 < diagnose(made, sequences())[0]


def test_units_are_told_apart_by_one_bit() -> None:
    made = model()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.fill_(0.5)
        assert compare_units(made) == (1, 0.0)
        made.output.weight[7, 2] = float(np.nextafter(np.float32(0.5), np.float32(1)))
        assert compare_units(made)[0] == 2
        made.output.weight[8, 3] = 0.75
        assert compare_units(made) == (3, 0.25)


def test_the_bound_is_the_least_loss_of_two_softmaxes() -> None:
    for classes in (2, 26, 5851):
        certain = torch.full((1, classes), -1e9).double()
        certain[0, 1] = 0
        target = torch.tensor([1])
        loss = nn.functional.cross_entropy(torch.softmax(certain, dim=1), target).item()
        assert softmax.bound(classes) == pytest.approx(loss, rel=1e-12)
        for seed in range(20):
            logits = 10 * torch.randn(1, classes, generator=torch.Generator().manual_seed(seed)).double()
            assert nn.functional.cross_entropy(torch.softmax(logits, dim=1), target).item() > loss
    assert softmax.bound(5851) == pytest.approx(7.6747, abs=1e-4)


def test_the_product_overflows_where_its_logarithm_says() -> None:
    rng = np.random.default_rng(0)
    for nats in [*rng.uniform(1, 8, (20, 48)), np.full(48, 1.0), np.full(3, 89.0)]:
        sums = np.cumsum(nats)
        past = np.flatnonzero(sums > math.log(float(np.finfo(np.float32).max)))
        assert perplexity.overflow(nats) == (past[0] + 1 if len(past) else None)


def test_a_spike_is_a_tenth_above_the_ten_before() -> None:
    losses = [[], [5.4, 5.0], [5.6, 5.0]]
    assert [spikes([5.0] * 20 + more) for more in losses] == [0, 0, 1]
    assert spikes([9.0] * 5) == 0


def test_a_training_that_explodes_ends_and_says_where() -> None:
    """It reads a quarter of the poems, and has the vocabulary of all."""
    exploding = {"activation": "relu", "optimizer": "sgd", "learning_rate": 1e6, "steps": 12, "poems": 32}
    course = train(setup(), exploding)
    assert (course.trainer.steps_per_epoch, len(course.trainer.vocabulary)) == (2, setup().vocabulary_size)
    assert course.failed_at is not None
    measured = course.measured()
    assert measured.figures["diverged"] is True
    assert measured.figures["dev_nats"] == math.inf
    assert len(measured.curves["loss"]) == course.failed_at - 1


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("clip", ["clip_norm", "clip_value"])
@pytest.mark.parametrize(("threshold", "expected"), [(1e-4, True), (1e4, False)])
def test_clipping_acts_where_a_threshold_is_passed(optimizer: str, clip: str, threshold: float, expected: bool) -> None:
    seen: list[bool] = []
    settings = {"optimizer": optimizer, clip: threshold, "steps": 3}
    train(setup(), settings, after_step=lambda trainer, taken: seen.append(acts(trainer, taken)))
    assert seen == [expected] * 3
