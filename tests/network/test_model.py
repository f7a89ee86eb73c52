"""The whole model against stock PyTorch parts that hold the same weights."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pad_sequence

from pingze.lstm.dropout import Dropout
from pingze.network.batches import Batch, pack
from pingze.network.configuration import ModelConfiguration
from pingze.network.model import LanguageModel
from pingze.network.vocabulary import BOS
from tests.comparing import assert_close

CONFIGURATION = ModelConfiguration(vocabulary_size=30, embedding_size=5, hidden_size=7, layers=2)
TIED = replace(CONFIGURATION, tied=True)
HELD = replace(TIED, held=True)
SEQUENCES = [np.array([BOS, *np.random.default_rng(n).integers(4, 30, n)]) for n in (8, 1, 4, 4)]


def made(configuration: ModelConfiguration = CONFIGURATION, **options: object) -> LanguageModel:
    model = LanguageModel(configuration, **options)
    model.initialize("orthogonal", np.random.default_rng(0))
    if configuration.held:
        torch.nn.init.normal_(model.lstm.layers[0].weight_ph)
    return model.double()


def tensors_of(batch: Batch) -> list[torch.Tensor]:
    return [torch.from_numpy(array) for array in batch]


def stock_loss(model: LanguageModel, sequences: list[np.ndarray] = SEQUENCES) -> torch.Tensor:
    """nn.LSTM, nn.Linear and cross_entropy on padded sequences, without padding and prefixes."""
    held = model.configuration.held
    lstm = torch.nn.LSTM(10 if held else 5, 7, 2, dtype=torch.float64)
    state = {"bias_hh_l0": torch.zeros(28), "bias_hh_l1": torch.zeros(28)}
    weights = model.lstm.state_dict()
    if held:
        weights["0.weight_ih"] = torch.cat(
            [weights["0.weight_ih"], weights.pop("0.weight_ph")], dim=1
        )
    for name, value in weights.items():
        depth, part = name.split(".")
        state[f"{part}_ih_l{depth}" if part == "bias" else f"{part}_l{depth}"] = value
    lstm.load_state_dict(state)
    ids = pad_sequence([torch.from_numpy(s) for s in sequences])
    inputs = model.embedding(ids[:-1])
    if held:
        before = [model.embedding(torch.from_numpy(s[: list(s).index(BOS)])) for s in sequences]
        means = torch.stack([e.mean(dim=0) if len(e) else torch.zeros(5).double() for e in before])
        inputs = torch.cat([inputs, means.expand_as(inputs)], dim=2)
    hidden, _ = lstm(inputs)
    if model.configuration.tied:
        logits = hidden @ model.projection.weight.T @ model.embedding.weight.T + model.output.bias
    else:
        logits = hidden @ model.output.weight.T + model.output.bias
    begun = (ids[:-1] == BOS).cumsum(dim=0) > 0
    targets = torch.where((ids[1:] == 0) | ~begun, -100, ids[1:])
    return torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), reduction="sum"
    )


@pytest.mark.parametrize(
    "configuration", [CONFIGURATION, TIED, HELD], ids=["untied", "tied", "held"]
)
@pytest.mark.parametrize("prefix", [[], [7, 8, 9]], ids=["text", "prefix and text"])
def test_loss_and_gradients_agree_with_stock_parts(
    configuration: ModelConfiguration, prefix: list[int]
) -> None:
    model = made(configuration)
    sequences = [np.array([*prefix[n:], *sequence]) for n, sequence in enumerate(SEQUENCES)]
    shared = {name: p for name, p in model.named_parameters() if not name.startswith("lstm")}
    assert ("projection.weight" in shared) == configuration.tied
    assert ("output.weight" in shared) == (not configuration.tied)

    def results(loss: torch.Tensor) -> dict[str, torch.Tensor]:
        gradients = torch.autograd.grad(loss, shared.values())
        return {"loss": loss.detach()} | dict(zip(shared, gradients, strict=True))

    ours = results(model.loss_sum(*tensors_of(pack(sequences))))
    stock = results(stock_loss(model, sequences))
    assert_close(ours, stock, tolerance=1e-12)


@pytest.mark.parametrize("locked", [False, True])
@pytest.mark.parametrize("kind", ["inputs", "outputs", "types", "weights"])
def test_each_dropout_acts_only_while_training(kind: str, locked: bool) -> None:
    batch = tensors_of(pack(SEQUENCES))
    model = made(dropout=Dropout(**{kind: 0.5}, locked=locked))
    assert model.loss_sum(*batch) != model.loss_sum(*batch)
    model.eval()
    assert model.loss_sum(*batch) == model.loss_sum(*batch)
