"""One step: the parts of a batch add up to the whole, and nothing but its number and the weights matters."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pingze.training.presets import preset
from pingze.training.texts import Texts
from pingze.training.trainer import Trainer
from tests import invented

TEXTS = [
    text[:length] for text, length in zip(invented.texts(42), itertools.cycle((6, 13, 24)), strict=False)
]
TINY = ("vocabulary_size=26", "embedding_size=8", "hidden_size=12", "batch_size=8", "precision=float32")


def trainer(*settings: str) -> Trainer:
    return Trainer(preset("report", [*TINY, *settings]), Texts(TEXTS, []))


@pytest.mark.parametrize("accumulate", [2, 3, 8])
def test_parts_of_a_batch_train_as_the_whole(accumulate: int) -> None:
    whole, parts = trainer("dropout=0"), trainer("dropout=0", f"accumulate={accumulate}")
    for number in range(whole.steps_per_epoch + 1):  # the last batch of an epoch holds two poems
        expected, actual = whole.step(number, 0.01), parts.step(number, 0.01)
        assert actual.tokens == expected.tokens
        assert actual.loss == pytest.approx(expected.loss, rel=1e-5)
        assert actual.norm == pytest.approx(expected.norm, rel=1e-4)
    for name, tensor in whole.model.tensors().items():
        np.testing.assert_allclose(parts.model.tensors()[name], tensor, rtol=1e-3, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_processes_share_each_batch_without_overlap(accumulate: int) -> None:
    taken: list[list[int]] = []
    for rank in range(3):
        made = trainer(f"accumulate={accumulate}")
        made.processes = SimpleNamespace(  # type: ignore[assignment]
            count=3, rank=rank, device=torch.device("cpu"), sum=lambda tensor: None
        )
        made._loss_and_gradients = lambda part: taken.append([len(s) for s in part]) or torch.zeros(())  # type: ignore[func-returns-value, method-assign]
        for number in (0, 5):
            made.step(number, 0.01)
    expected = [len(s) for number in (0, 5) for s in made._batch(number)]
    assert sorted(length for part in taken for length in part) == sorted(expected)
    assert len(taken) == 3 * accumulate + 2  # the last batch holds two poems


def test_what_is_dropped_depends_on_the_seed_the_step_and_the_part_alone() -> None:
    one, other = trainer("dropout=0.5"), trainer("dropout=0.5")
    torch.manual_seed(99)
    assert one.step(3, 0) == other.step(3, 0)
    assert one.step(4, 0) != one.step(3, 0)
    losses = set()
    for settings in (("seed=1",), ("seed=1", "accumulate=2")):
        made = trainer("dropout=0.5", "batch_size=2", *settings)
        losses.add(made.step(0, 0).loss)
    assert len(losses) == 2


def test_an_epoch_takes_every_poem_once_and_sums_over_its_tokens() -> None:
    made = trainer("dropout=0")
    batches = [made._batch(number) for number in range(made.steps_per_epoch)]
    assert [len(batch) for batch in batches] == [8, 8, 8, 8, 8, 2]
    taken = sorted(s.tolist() for batch in batches for s in batch)
    assert taken == sorted(example.text.tolist() for example in made.train_examples)
    steps = [made.step(number, 0.0) for number in range(made.steps_per_epoch)]
    assert sum(step.tokens for step in steps) == sum(len(text) + 1 for text in TEXTS)
    assert [step.loss / step.tokens for step in steps] == pytest.approx([np.log(26)] * 6, rel=0.02)
