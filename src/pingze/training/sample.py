"""Write a poem beside each dev figure, to show what the model has learnt by then."""

import numpy as np

from pingze.network.checkpoint import Checkpoint
from pingze.network.conditions import Conditions
from pingze.network.line_sampler import LineSampler
from pingze.network.model import LanguageModel
from pingze.network.reference import ReferenceNetwork
from pingze.network.vocabulary import Vocabulary

OPENING, FORM = "日", "七絕"
"""The report's first opening, for models that know no forms, and the form asked of the others."""
TEMPERATURE, SEED, LINES = 0.7, 7, 8


def sample(model: LanguageModel, vocabulary: Vocabulary, length: int) -> str:
    """Write a poem with the model's own marks and end, from the same opening and seed at each call.

    Args:
        model: The model as it is.
        vocabulary: Its tokens.
        length: Maximum of tokens.
    """
    network = ReferenceNetwork(Checkpoint("", model.configuration, vocabulary, model.tensors()))
    conditions = Conditions(vocabulary)
    sampler = LineSampler(network, vocabulary, TEMPERATURE, np.random.default_rng(SEED))
    prefix = conditions.prefix(FORM, None, None) if conditions else ()
    sampler.start([int(id_) for part in prefix for id_ in part])
    opening = "" if conditions or OPENING not in vocabulary else OPENING
    return sampler.free(opening, LINES, length).replace("\n", "")
