"""The step by the formulas against the PyTorch model with the same weights."""

import numpy as np
import pytest
import torch

from pingze.network.model import LanguageModel
from pingze.network.reference import ReferenceNetwork, State
from pingze.network.vocabulary import BOS
from tests import invented
from tests.comparing import assert_close


@pytest.mark.parametrize(("tied", "held"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("prefix", [[], [9, 4, 7]])
def test_each_token_has_the_probability_that_the_model_gives_it(tied: bool, held: bool, prefix: list[int]) -> None:
    checkpoint = invented.model(tied=tied, held=held)
    model = LanguageModel.of(checkpoint)
    ids = np.random.default_rng(0).integers(4, checkpoint.configuration.vocabulary_size, (6, 3))
    ids[0] = BOS
    network = ReferenceNetwork(checkpoint)
    states = [network.start(3, prefix)]
    for row in ids[1:]:
        states.append(network.step(states[-1], row))
    with torch.no_grad():
        rows = torch.from_numpy(np.concatenate([np.repeat(np.array(prefix, int)[:, None], 3, axis=1), ids]))
        logits = model.output(model(rows.flatten(), torch.full((len(rows),), 3))).unflatten(0, (-1, 3))
    expected = logits.log_softmax(dim=-1)[len(prefix) :].numpy()
    assert_close({"ln p": np.stack([state.log_p for state in states])}, {"ln p": expected}, 1e-5)


def test_what_is_recorded_of_a_text_is_what_its_steps_did() -> None:
    network, prefix, text = ReferenceNetwork(invented.model(held=True)), [9, 4, 7], [5, 6, 8]
    state = network.start(prefix=prefix)
    for id_ in text:
        state = network.step(state, np.array([id_]))
    for depth, caches in enumerate(network.record(np.array([*prefix, BOS, *text]))):
        assert_close({"h": caches[-1].gates.o * caches[-1].phi_c}, {"h": state.layers[2 * depth]}, 1e-5)


def test_states_of_several_conditions_are_joined_and_taken_apart() -> None:
    network = ReferenceNetwork(invented.model(held=True))
    apart = [network.start(2, [9]), network.start(1, [4, 7]), network.start(2, [9])]
    joined = State.joined(apart)
    for one, rows in zip(apart, (slice(0, 2), np.array([2]), slice(3, 5)), strict=True):
        ids = np.array([5, 6])[: len(one.h)]
        expected, found = (network.step(state, ids) for state in (one, joined.take(rows)))
        assert_close({"ln p": found.log_p}, {"ln p": expected.log_p}, 1e-6)
