"""One step: the parts of a batch add up to the whole, and nothing but its number and the weights matters."""

import numpy as np
import pytest

from pingze.training.presets import preset
from pingze.training.texts import Texts
from pingze.training.trainer import Trainer
from tests import invented

TEXTS = [text[: (6, 13, 24)[n % 3]] for n, text in enumerate(invented.texts(42))]
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


def test_an_epoch_takes_every_poem_once_and_sums_over_its_tokens() -> None:
    made = trainer("dropout=0")
    batches = [made._batch(number) for number in range(made.steps_per_epoch)]
    assert [len(batch) for batch in batches] == [8, 8, 8, 8, 8, 2]
    taken = sorted(s.tolist() for batch in batches for s in batch)
    assert taken == sorted(example.text.tolist() for example in made.train_examples)
    steps = [made.step(number, 0.0) for number in range(made.steps_per_epoch)]
    assert sum(step.tokens for step in steps) == sum(len(text) + 1 for text in TEXTS)
    assert [step.loss / step.tokens for step in steps] == pytest.approx([np.log(26)] * 6, rel=0.02)
