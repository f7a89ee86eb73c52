"""Compose a poem for each dev figure, to show what the model has learnt so far."""

import numpy as np

from pingze.network.checkpoint import Checkpoint
from pingze.network.conditions import Conditions
from pingze.network.line_sampler import LineSampler
from pingze.network.model import LanguageModel
from pingze.network.reference import ReferenceNetwork
from pingze.network.vocabulary import Vocabulary

OPENING, FORM = "日", "七絕"
"""The opening for models without conditions (the report's first), and the form for models with conditions."""
TEMPERATURE, SEED, LINES = 0.7, 7, 8


def sample(model: LanguageModel, vocabulary: Vocabulary, length: int) -> str:
    """Compose a poem whose marks and length the model chooses, with the same opening and seed at each call.

    Args:
        model: The model, with its current weights.
        vocabulary: The model's tokens.
        length: Maximum number of tokens.
    """
    network = ReferenceNetwork(Checkpoint("", model.configuration, vocabulary, model.tensors()))
    conditions = Conditions(vocabulary)
    sampler = LineSampler(network, vocabulary, TEMPERATURE, np.random.default_rng(SEED))
    prefix = conditions.prefix(FORM, None, None) if conditions else ()
    sampler.start([int(id_) for part in prefix for id_ in part])
    opening = "" if conditions or OPENING not in vocabulary else OPENING
    return sampler.free(opening, LINES, length).replace("\n", "")
