"""The whole model against stock PyTorch parts that hold the same weights."""

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pad_sequence

from pingze import checkpoint
from pingze.batches import pack
from pingze.configuration import ModelConfiguration
from pingze.model import LanguageModel
from pingze.vocabulary import Vocabulary
from tests.comparing import assert_close

CONFIGURATION = ModelConfiguration(vocabulary_size=30, embedding_size=5, hidden_size=7, layers=2)
SEQUENCES = [np.random.default_rng(n).integers(1, 30, size=length) for n, length in enumerate((9, 2, 5, 5))]


def made(**options: object) -> LanguageModel:
    model = LanguageModel(CONFIGURATION, **options)
    model.initialize("orthogonal", np.random.default_rng(0))
    return model.double()


def stock_loss(model: LanguageModel) -> torch.Tensor:
    """nn.Embedding, nn.LSTM, nn.Linear and cross_entropy on padded sequences, padding ignored."""
    lstm = torch.nn.LSTM(5, 7, 2, dtype=torch.float64)
    state = {"bias_hh_l0": torch.zeros(28), "bias_hh_l1": torch.zeros(28)}
    for name, value in model.lstm.state_dict().items():
        depth, part = name.split(".")
        state[f"{part}_ih_l{depth}" if part == "bias" else f"{part}_l{depth}"] = value
    lstm.load_state_dict(state)
    ids = pad_sequence([torch.from_numpy(s) for s in SEQUENCES])
    hidden, _ = lstm(model.embedding(ids[:-1]))
    logits = hidden @ model.output.weight.T + model.output.bias
    targets = torch.where(ids[1:] == 0, -100, ids[1:])
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum")


def test_loss_and_gradients_agree_with_stock_parts_and_padding_never_counts() -> None:
    model = made()
    shared = [model.embedding.weight, model.output.weight, model.output.bias]
    ours = model.loss_sum(*map(torch.from_numpy, pack(SEQUENCES)))
    theirs = stock_loss(model)
    results = [
        {"loss": loss.detach()} | {str(n): g for n, g in enumerate(torch.autograd.grad(loss, shared))}
        for loss in (ours, theirs)
    ]
    assert_close(*results, tolerance=1e-12)


def test_token_losses_sum_to_the_loss() -> None:
    batch = tuple(map(torch.from_numpy, pack(SEQUENCES)))
    model = made()
    torch.testing.assert_close(model.token_losses(*batch).sum(), model.loss_sum(*batch).detach())


def test_dropout_acts_only_while_training() -> None:
    batch = tuple(map(torch.from_numpy, pack(SEQUENCES)))
    model = made(dropout=0.5)
    assert model.loss_sum(*batch) != model.loss_sum(*batch)
    model.eval()
    assert model.loss_sum(*batch) == model.loss_sum(*batch)


def test_tensors_are_those_of_a_checkpoint() -> None:
    model = made()
    assert {name: t.shape for name, t in model.tensors().items()} == checkpoint.shapes(CONFIGURATION)
    vocabulary = Vocabulary.of_texts([chr(0x4E00 + n) for n in range(26)], size=30)
    again = LanguageModel.of(checkpoint.Checkpoint("", CONFIGURATION, vocabulary, model.tensors())).double()
    assert_close(again.tensors(), model.tensors(), 1e-7)


@pytest.mark.parametrize("name", ["zero", "uniform", "xavier", "orthogonal"])
def test_a_fresh_model_knows_nothing(name: str) -> None:
    model = LanguageModel(ModelConfiguration(vocabulary_size=1000, embedding_size=16, hidden_size=32))
    model.initialize(name, np.random.default_rng(0))
    batch = tuple(map(torch.from_numpy, pack(SEQUENCES)))
    losses = model.token_losses(*batch)
    assert float(losses.mean()) == pytest.approx(np.log(1000), rel=0.01)
