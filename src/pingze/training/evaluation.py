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
    """How well a model predicts texts, over all predicted tokens, `<eos>` and `<unk>` included."""

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
    """Measure hanzi perplexity given only the dynasty, and given the dynasty and a condition.

    The condition is the form, the poet or the title; each is measured separately.
    """
    perplexities = {}
    for given in ("nothing", *GIVEN):
        progress(here("evaluate_condition", poems=len(texts), condition=given))
        conditions = ["dynasty"]
        if given != "nothing":
            conditions.append(given)
        figures = evaluate(model, texts, vocabulary, length, conditions)
        perplexities[f"hanzi_perplexity_given_{given}"] = figures.hanzi_perplexity
    return perplexities


@torch.no_grad()
def evaluate_sequences(
    model: LanguageModel, sequences: Sequence[Ids], vocabulary: Vocabulary
) -> Figures:
    """Measure a model on encoded sequences."""
    # 1) compute -ln p of every target, in batches of sequences of about equal length; `model.eval`
    # turns dropout off
    was_training = model.training
    device = next(model.parameters()).device
    model.eval()
    batch_losses = []
    batch_targets = []
    for batch in batches(sorted(sequences, key=len), BATCH_SIZE):
        token_losses = model.token_losses(
            torch.from_numpy(batch.inputs).to(device),
            torch.from_numpy(batch.targets).to(device),
            torch.from_numpy(batch.sizes),
        )
        # both arrays have an entry for each predicted target of the batch, in the same order
        batch_losses.append(token_losses.double().cpu().numpy())
        batch_targets.append(batch.targets[batch.predicted])
    model.train(was_training)
    losses = np.concatenate(batch_losses)
    targets = np.concatenate(batch_targets)
    # 2) average the losses over all targets, and over those that are Han characters
    is_unknown = targets == UNK
    is_hanzi = is_unknown | vocabulary.is_han[targets]
    nats = float(losses.mean())
    return Figures(
        nats_per_token=nats,
        perplexity=_perplexity(nats),
        hanzi_perplexity=_perplexity(float(losses[is_hanzi].mean())),
        nats_per_48_tokens=48 * nats,
        unknown_rate=float(is_unknown.mean()),
        tokens=len(targets),
        texts=len(sequences),
    )


def _perplexity(nats: float) -> float:
    """Compute e to the power of `nats`, or infinity if that is too large for a float."""
    if nats < 709:
        return math.exp(nats)
    return math.inf
