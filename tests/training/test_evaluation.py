"""The figures against probabilities multiplied out one token at a time by the NumPy network."""

import math

import numpy as np
import pytest

from pingze.lstm.dropout import Dropout
from pingze.network.batches import encode_sequence
from pingze.network.model import LanguageModel
from pingze.network.reference import ReferenceNetwork
from pingze.network.vocabulary import BOS, EOS, UNK
from pingze.training.evaluation import evaluate
from pingze.verse.characters import MARKS
from tests import invented

LENGTH = 12


def test_figures_by_their_definitions() -> None:
    checkpoint = invented.model()
    texts = [*invented.texts(3, lines=2), "天龘，地。"]
    network = ReferenceNetwork(checkpoint)
    losses: list[tuple[str, float]] = []
    for text in texts:
        state = network.start()
        for id_ in encode_sequence(text, checkpoint.vocabulary, LENGTH)[1:].tolist():
            losses.append((checkpoint.vocabulary.tokens[id_], -state.log_p[0, id_]))
            state = network.step(state, np.array([id_]))
    nats = np.mean([loss for _, loss in losses])
    hanzi = np.mean([loss for token, loss in losses if token not in MARKS and token != "<eos>"])

    figures = evaluate(LanguageModel.of(checkpoint), texts, checkpoint.vocabulary, LENGTH)
    assert figures.nats_per_token == pytest.approx(nats, rel=1e-5)
    assert figures.perplexity == pytest.approx(math.exp(nats), rel=1e-5)
    assert figures.hanzi_perplexity == pytest.approx(math.exp(hanzi), rel=1e-5)
    assert figures.nats_per_48_tokens == pytest.approx(48 * nats, rel=1e-5)
    assert figures.unknown_rate == pytest.approx(1 / len(losses))
    assert (figures.tokens, figures.texts) == (len(losses), 4)
    assert {BOS, EOS, UNK} == {1, 2, 3}


def test_measuring_drops_nothing_and_leaves_the_model_training() -> None:
    checkpoint = invented.model()
    model = LanguageModel(checkpoint.configuration, dropout=Dropout(inputs=0.5))
    figures = [evaluate(model, invented.texts(4), checkpoint.vocabulary, 48) for _ in range(2)]
    assert figures[0] == figures[1]
    assert model.training
