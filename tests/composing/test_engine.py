"""The NumPy engine against the PyTorch model with the same weights."""

import numpy as np
import torch
from torch.nn.utils.rnn import PackedSequence

from pingze.composing.engine import Engine, log_softmax
from pingze.model import LanguageModel
from pingze.vocabulary import BOS
from tests import invented
from tests.comparing import assert_close


def test_logits_after_each_character_agree_with_the_model_s() -> None:
    checkpoint = invented.model()
    model = LanguageModel.of(checkpoint)
    ids = np.random.default_rng(0).integers(4, checkpoint.configuration.vocabulary_size, (6, 3))
    ids[0] = BOS
    engine = Engine(checkpoint)
    state = engine.start(batch=3)
    actual = {"0": engine.logits(state)}
    for step, row in enumerate(ids[1:], start=1):
        state = engine.step(state, row)
        actual[str(step)] = engine.logits(state)
    with torch.no_grad():
        packed = PackedSequence(model.embedding(torch.from_numpy(ids).flatten()), torch.full((6,), 3))
        logits = model.output(model.lstm(packed)[0].data).unflatten(0, (6, 3)).numpy()
    assert_close(actual, {str(step): rows for step, rows in enumerate(logits)}, 1e-5)


def test_log_softmax_keeps_what_is_excluded_excluded() -> None:
    logits = np.array([[1.0, -np.inf, 1e4], [0.0, 0.0, -np.inf]])
    np.testing.assert_allclose(
        log_softmax(logits), [[1 - 1e4, -np.inf, 0], [-np.log(2), -np.log(2), -np.inf]]
    )
