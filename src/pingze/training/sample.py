"""Write a poem beside each dev figure, to show what the model has learnt by then."""

import numpy as np

from pingze.network.checkpoint import Checkpoint
from pingze.network.conditions import Conditions
from pingze.network.model import LanguageModel
from pingze.network.reference import ReferenceNetwork
from pingze.network.vocabulary import EOS, Vocabulary
from pingze.verse.characters import MARKS

OPENING, FORM = "日", "七絕"
"""The report's first opening, for models that know no forms, and the form asked of the others."""
TEMPERATURE, SEED = 0.7, 7


def sample(model: LanguageModel, vocabulary: Vocabulary, length: int) -> str:
    """Write a poem with the model's own marks and end, from the same opening and seed at each call.

    Args:
        model: The model as it is.
        vocabulary: Its tokens.
        length: Maximum of tokens.
    """
    network = ReferenceNetwork(Checkpoint("", model.configuration, vocabulary, model.tensors()))
    conditions, rng = Conditions(vocabulary), np.random.default_rng(SEED)
    prefix = conditions.prefix(FORM, None, None) if conditions else ()
    state = network.start(prefix=[int(id_) for part in prefix for id_ in part])
    opening = [] if conditions or OPENING not in vocabulary.ids else [vocabulary.ids[OPENING]]
    barred = [
        id_ != EOS and not vocabulary.is_han(id_) and token not in MARKS
        for id_, token in enumerate(vocabulary.tokens)
    ]
    text = ""
    for place in range(length):
        logits = np.where(barred, -np.inf, state.logits[0].astype(np.float64) / TEMPERATURE)
        drawn = int(
            (logits + rng.gumbel(size=len(logits))).argmax()
        )  # Gumbel's trick: a draw from their softmax
        id_ = opening[place] if place < len(opening) else drawn
        if id_ == EOS:
            break
        text += vocabulary.tokens[id_]
        state = network.step(state, np.array([id_]))
    return text
