"""Measure how well a model predicts texts, in nats per token and in perplexity."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from pingze.messages import here
from pingze.network.batches import Ids, batches
from pingze.network.conditions import GIVEN, Prefix
from pingze.network.model import LanguageModel
from pingze.network.vocabulary import UNK, Vocabulary
from pingze.training.texts import Text, examples, sequence

BATCH_SIZE = 128


@dataclass(frozen=True)
class Figures:
    """How well a model predicts texts, measured over all predicted tokens, including `<eos>` and `<unk>`."""

    nats_per_token: float
    """Mean -ln p over the predicted tokens."""
    perplexity: float
    hanzi_perplexity: float
    """Perplexity over targets that are Han characters; `<unk>` counts as a Han character."""
    nats_per_48_tokens: float
    """48 times `nats_per_token`. The report calls this value perplexity."""
    unknown_rate: float
    tokens: int
    texts: int


def evaluate(
    model: LanguageModel,
    texts: Iterable[Text],
    vocabulary: Vocabulary,
    length: int,
    conditions: Sequence[str] = Prefix._fields,
) -> Figures:
    """Measure a model on texts.

    Each text is cut to `length` predicted tokens and preceded by the named conditions.
    """
    sequences = [sequence(example, conditions) for example in examples(texts, vocabulary, length)]
    return evaluate_sequences(model, sequences, vocabulary)


def by_condition(
    model: LanguageModel,
    texts: Sequence[Text],
    vocabulary: Vocabulary,
    length: int,
    progress: Callable[[str], None] = lambda line: None,
) -> dict[str, float]:
    """Measure hanzi perplexity given the dynasty alone, and given the dynasty and the form, the poet, or the title."""
    found = {}
    for name, names in {"nothing": (), **{name: (name,) for name in GIVEN}}.items():
        progress(here("evaluate_condition", poems=len(texts), condition=name))
        figures = evaluate(model, texts, vocabulary, length, ("dynasty", *names))
        found[f"hanzi_perplexity_given_{name}"] = figures.hanzi_perplexity
    return found


@torch.no_grad()
def evaluate_sequences(
    model: LanguageModel, sequences: Sequence[Ids], vocabulary: Vocabulary
) -> Figures:
    """Measure a model on encoded sequences."""
    # 1) compute -ln p of every target, in batches of sequences of about equal length
    training, device = model.training, next(model.parameters()).device
    model.eval()
    found, predicted = [], []
    for batch in batches(sorted(sequences, key=len), BATCH_SIZE):
        inputs, expected, sizes = map(torch.from_numpy, batch)
        of_batch = model.token_losses(inputs.to(device), expected.to(device), sizes)
        found.append(of_batch.double().cpu().numpy())
        predicted.append(batch.targets[batch.predicted])
    model.train(training)
    losses, targets = np.concatenate(found), np.concatenate(predicted)
    # 2) average it over all targets, and over those that are Han characters
    hanzi = (targets == UNK) | vocabulary.is_han[targets]
    nats, hanzi_nats = (float(part.mean()) for part in (losses, losses[hanzi]))
    perplexity, hanzi_perplexity = (
        math.exp(n) if n < 709 else math.inf for n in (nats, hanzi_nats)
    )
    unknown_rate = float((targets == UNK).mean())
    return Figures(
        nats, perplexity, hanzi_perplexity, 48 * nats, unknown_rate, len(targets), len(sequences)
    )
