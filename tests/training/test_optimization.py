"""Optimizers, clipping, the schedule, a step in parts, and figures: each against its formula."""

import contextlib
import math

import numpy as np
import pytest
import torch

from pingze.lstm.dropout import Dropout
from pingze.network.batches import encode_sequence
from pingze.network.model import LanguageModel
from pingze.network.reference import ReferenceNetwork
from pingze.network.vocabulary import BOS, EOS, UNK
from pingze.training.evaluation import evaluate
from pingze.training.optimization import Average, clip, make_optimizer, rate_factor
from pingze.training.presets import TrainingConfiguration, preset
from pingze.training.texts import Texts
from pingze.training.trainer import Trainer
from pingze.verse.characters import MARKS
from tests import invented

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


@pytest.mark.parametrize(("name", "decay"), [("sgd", 0.0), ("adam", 0.0), ("adamw", 0.3)])
def test_optimizers(name: str, decay: float) -> None:
    """SGD with momentum.

    Kingma & Ba 2015, algorithm 1, with the decoupled decay of Loshchilov & Hutter 2019.
    """
    weight, m, v = np.ones(3), np.zeros(3), np.zeros(3)
    for t, gradient in enumerate(GRADIENTS, start=1):
        if name == "sgd":
            m = 0.9 * m + gradient
            weight -= 0.1 * m
            continue
        weight *= 1 - 0.1 * decay
        m = 0.9 * m + 0.1 * gradient
        v = 0.999 * v + 0.001 * gradient**2
        weight -= 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    chosen = {"momentum": 0.9} if name == "sgd" else {"weight_decay": decay}
    actual = after_steps(TrainingConfiguration(optimizer=name, learning_rate=0.1, **chosen))
    np.testing.assert_allclose(actual, weight, rtol=1e-6)


@pytest.mark.parametrize(
    ("size", "options", "expected"),
    [
        (1, {"clip_norm": 20}, [3, -4, 12]),
        (1, {"clip_norm": 6.5}, [1.5, -2, 6]),
        (1e30, {"clip_norm": 6.5}, [1.5, -2, 6]),  # the squares overflow float32
        (1, {"clip_value": 3.5}, [3, -3.5, 3.5]),
    ],
)
def test_clipping(size: float, options: dict[str, float], expected: list[float]) -> None:
    """The norm, and what plain gradient descent takes from two weights, of the mean gradient (3, -4, 12) × size."""
    configuration = TrainingConfiguration(optimizer="sgd", learning_rate=1, **options)
    parameters = [torch.nn.Parameter(torch.zeros(2)), torch.nn.Parameter(torch.zeros(1))]
    optimizer = make_optimizer(parameters, configuration)
    for parameter, gradient in zip(parameters, ([3.0, -4.0], [12.0]), strict=True):
        parameter.grad = torch.tensor(gradient) * size * TOKENS
    assert float(clip(optimizer, TOKENS, configuration)) == pytest.approx(13 * size)
    optimizer.step()
    np.testing.assert_allclose(
        -torch.cat([p.detach() for p in parameters]).numpy(), expected, rtol=1e-6
    )


def test_the_rate_warms_up_and_falls() -> None:
    def factors(falling: int | None = None, **options: bool) -> list[float]:
        configuration = TrainingConfiguration(warmup_steps=4, **options)
        return [rate_factor(step, 20, configuration, falling) for step in range(21)]

    half_cosine, level, last_leg = factors(), factors(decay=False), factors(falling=5)
    assert half_cosine[:5] == level[:5] == last_leg[:5] == [0.25, 0.5, 0.75, 1.0, 1.0]
    np.testing.assert_allclose(
        half_cosine[4:], 0.5 + 0.5 * np.cos(np.linspace(0, np.pi, 17)), atol=1e-12
    )
    assert {*level[4:], *last_leg[4:16]} == {1.0}
    assert last_leg[16:] == pytest.approx([0.8, 0.6, 0.4, 0.2, 0])


def test_the_average_follows_its_formula_and_replaces_the_weights_only_within_the_block() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    model.weight.data.fill_(1)
    average, expected = Average(model, 0.5), 1.0
    for step, value in enumerate([3.0, -2.0, 5.0, 0.5, 7.0], start=1):
        model.weight.data.fill_(value)
        average.update()
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
    with contextlib.suppress(KeyboardInterrupt), average.in_place():
        assert model.weight.item() == pytest.approx(expected)
        raise KeyboardInterrupt
    assert model.weight.item() == 7


TEXTS = [text[: (6, 13, 24)[n % 3]] for n, text in enumerate(invented.texts(42))]
TINY = (
    "vocabulary_size=26",
    "embedding_size=8",
    "hidden_size=12",
    "batch_size=8",
    "precision=float32",
)


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
        np.testing.assert_allclose(
            parts.model.tensors()[name], tensor, rtol=1e-3, atol=1e-4, err_msg=name
        )


def test_an_epoch_takes_every_poem_once_and_sums_over_its_tokens() -> None:
    made = trainer("dropout=0")
    batches = [made._batch(number) for number in range(made.steps_per_epoch)]
    assert [len(batch) for batch in batches] == [8, 8, 8, 8, 8, 2]
    taken = sorted(s.tolist() for batch in batches for s in batch)
    assert taken == sorted(example.text.tolist() for example in made.train_examples)
    steps = [made.step(number, 0.0) for number in range(made.steps_per_epoch)]
    assert sum(step.tokens for step in steps) == sum(len(text) + 1 for text in TEXTS)
    assert [step.loss / step.tokens for step in steps] == pytest.approx([np.log(26)] * 6, rel=0.02)


def test_figures_by_their_definitions_of_a_model_that_is_training() -> None:
    checkpoint, length = invented.model(), 12
    texts = [*invented.texts(3, lines=2), "天龘，地。"]
    network = ReferenceNetwork(checkpoint)
    losses: list[tuple[str, float]] = []
    for text in texts:
        state = network.start()
        for id_ in encode_sequence(text, checkpoint.vocabulary, length)[1:].tolist():
            losses.append((checkpoint.vocabulary.tokens[id_], -state.log_p[0, id_]))
            state = network.step(state, np.array([id_]))
    nats = np.mean([loss for _, loss in losses])
    hanzi = np.mean([loss for token, loss in losses if token not in MARKS and token != "<eos>"])

    model = LanguageModel(checkpoint.configuration, dropout=Dropout(inputs=0.5))
    model.load_state_dict(LanguageModel.of(checkpoint).state_dict())
    figures = evaluate(model, texts, checkpoint.vocabulary, length)
    assert figures == evaluate(model, texts, checkpoint.vocabulary, length)
    assert model.training, "measuring drops nothing, and the model goes on training"
    assert figures.nats_per_token == pytest.approx(nats, rel=1e-5)
    assert figures.perplexity == pytest.approx(math.exp(nats), rel=1e-5)
    assert figures.hanzi_perplexity == pytest.approx(math.exp(hanzi), rel=1e-5)
    assert figures.nats_per_48_tokens == pytest.approx(48 * nats, rel=1e-5)
    assert figures.unknown_rate == pytest.approx(1 / len(losses))
    assert (figures.tokens, figures.texts) == (len(losses), 4)
    assert {BOS, EOS, UNK} == {1, 2, 3}
