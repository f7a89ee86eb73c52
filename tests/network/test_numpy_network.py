"""The NumPy network against the PyTorch model with the same weights."""

import numpy as np
import pytest
import torch

from pingze.network.model import LanguageModel
from pingze.network.numpy_network import NumpyNetwork
from pingze.network.products import in_float32
from pingze.network.vocabulary import BOS
from tests import invented
from tests.comparing import assert_close


@pytest.mark.parametrize(("tied", "held"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("prefix", [[], [9, 4, 7]])
def test_logits_after_each_character_agree_with_the_model_s(
    tied: bool, held: bool, prefix: list[int]
) -> None:
    checkpoint = invented.model(tied=tied, held=held)
    model = LanguageModel.of(checkpoint)
    ids = np.random.default_rng(0).integers(4, checkpoint.configuration.vocabulary_size, (6, 3))
    ids[0] = BOS
    network = NumpyNetwork(checkpoint, in_float32)
    state = network.start(3, prefix)
    actual = {"0": network.logits(state)}
    for step, row in enumerate(ids[1:], start=1):
        state = network.step(state, row)
        actual[str(step)] = network.logits(state)
    with torch.no_grad():
        rows = torch.from_numpy(np.concatenate([np.repeat(np.array(prefix, int)[:, None], 3, axis=1), ids]))
        logits = model.output(model(rows.flatten(), torch.full((len(rows),), 3))).unflatten(0, (-1, 3))
    expected = logits[len(prefix) :].numpy()
    assert_close(actual, {str(step): values for step, values in enumerate(expected)}, 1e-5)


def test_a_text_read_whole_is_as_if_read_step_by_step() -> None:
    network, prefix, text = NumpyNetwork(invented.model(held=True), in_float32), [9, 4, 7], [5, 6, 8]
    state = network.start(prefix=prefix)
    for id_ in text:
        state = network.step(state, np.array([id_]))
    recorded = network.record(np.array([*prefix, BOS, *text]))
    for layer, caches in enumerate(recorded):
        last = caches[-1]
        h = last.gates.o * last.phi_c
        assert_close({"h": h}, {"h": state.h[layer]}, 1e-5)
