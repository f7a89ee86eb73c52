"""The graph against the formulas in 8 bits and in float32; the formulas against PyTorch's model."""

import sys
from collections.abc import Callable

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pingze.lstm.formulas import ACTIVATIONS, cell_forward
from pingze.network import checkpoint
from pingze.network.model import LanguageModel
from pingze.network.reference import ReferenceNetwork, State
from pingze.network.step_graph import (
    GraphNetwork,
    input_graph,
    layers_graph,
    output_graph,
    session,
    softmax,
    whole_graph,
)
from pingze.network.vocabulary import BOS
from tests import invented
from tests.comparing import assert_close


def random_state(made: checkpoint.Checkpoint, batch: int) -> State:
    sizes = made.configuration
    rng = np.random.default_rng(1)
    layers = rng.uniform(-1, 1, (2 * sizes.layers, batch, sizes.hidden_size)).astype(np.float32)
    bias = rng.standard_normal((batch, 4 * sizes.hidden_size)).astype(np.float32)
    return State.unpredicted(list(layers), bias)


def by_name(state: State) -> dict[str, np.ndarray]:
    named = {"ln p": state.log_p}
    for depth in range(len(state.layers) // 2):
        named[f"h{depth}"] = state.layers[2 * depth]
        named[f"c{depth}"] = state.layers[2 * depth + 1]
    return named


def rounded(x: np.ndarray, *, within_1: bool) -> np.ndarray:
    """Round each row to whole numbers from -128 to 127 times a scale.

    The scale is 1/127, or the row's largest number by 127.
    """
    scale = 1 / 127
    if not within_1:
        scale = np.abs(x).max(axis=1, keepdims=True) / 127
    return np.clip(np.rint(x / scale), -128, 127) * scale


def by_formulas(
    made: checkpoint.Checkpoint, state: State, ids: np.ndarray
) -> dict[str, np.ndarray]:
    """The step by `formulas.cell_forward` in float64, with factors of its products in 8 bits."""
    w = {name: tensor.astype(np.float64) for name, tensor in made.tensors.items()}
    activation = made.configuration.activation
    is_tanh = activation == "tanh"
    named = {}
    x = w["embedding.weight"][ids]
    for depth in range(made.configuration.layers):
        h_prev = rounded(state.layers[2 * depth].astype(np.float64), within_1=is_tanh)
        c_prev = state.layers[2 * depth + 1].astype(np.float64)
        bias = state.bias if depth == 0 else w[f"lstm.{depth}.bias"]
        net = x @ w[f"lstm.{depth}.weight_ih"].T + h_prev @ w[f"lstm.{depth}.weight_hh"].T + bias
        (h, c), _ = cell_forward(net, c_prev, activation)
        named[f"h{depth}"] = h
        named[f"c{depth}"] = c
        x = rounded(h, within_1=is_tanh)
    weight = w.get("output.weight")
    if made.configuration.tied:
        x = rounded(x @ w["projection.weight"].T, within_1=False)
        weight = w["embedding.weight"]
    logits = x @ weight.T + w["output.bias"]
    named["ln p"] = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return named


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("layers", "tied", "batch"), [(1, False, 1), (1, True, 63), (3, True, 7)])
def test_a_step_is_that_of_the_formulas(
    activation: str, layers: int, tied: bool, batch: int
) -> None:
    made = invented.model(layers=layers, tied=tied, activation=activation)
    state = random_state(made, batch)
    ids = np.random.default_rng(2).integers(len(made.vocabulary), size=batch)
    found = by_name(GraphNetwork(made.rounded()).step(state, ids))
    assert_close(found, by_formulas(made.rounded(), state, ids), 1e-4)
    assert_close(found, by_name(ReferenceNetwork(made).step(state, ids)), 0.06)


def test_a_text_is_the_same_among_others() -> None:
    made = invented.model(hidden_size=64, layers=2, tied=True)
    network = GraphNetwork(made.rounded())
    state = random_state(made, 64)
    ids = np.arange(64) % len(made.vocabulary)
    rows = slice(7, 9)
    among = network.step(state, ids).take(rows)
    alone = network.step(state.take(rows), ids[rows])
    for name, value in by_name(alone).items():
        np.testing.assert_array_equal(by_name(among)[name], value, err_msg=name)


def test_texts_that_continue_the_same_one_are_read_as_if_each_had_its_own_row() -> None:
    made = invented.model(hidden_size=64, layers=2, tied=True)
    rows, ids = np.array([2, 0, 2, 2]), np.array([5, 6, 7, 5])
    for network in (GraphNetwork(made.rounded()), ReferenceNetwork(made)):
        state = random_state(made, 3)
        together = network.predict(network.read(state, rows, ids))
        apart = network.step(state.take(rows), ids)
        for name, value in by_name(apart).items():
            np.testing.assert_allclose(by_name(together)[name], value, rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("name", checkpoint.SHIPPED)
def test_the_shipped_models_lose_little_in_8_bits(name: str) -> None:
    """ln p along a text of random characters: its mean hardly moves."""
    made = checkpoint.load(name)
    size = len(made.vocabulary)
    ids = np.random.default_rng(0).integers(size - 3000, size - 1000, (12, 8))

    def log_p(network: ReferenceNetwork) -> np.ndarray:
        state = network.start(8)
        log_p = []
        for row in ids:
            log_p.append(state.log_p[np.arange(8), row])
            state = network.step(state, row)
        return np.stack(log_p)

    difference = log_p(GraphNetwork(made.rounded())) - log_p(ReferenceNetwork(made))
    assert abs(np.mean(difference)) < 0.05
    assert np.abs(difference).max() < 1


@pytest.mark.parametrize("build", [input_graph, layers_graph, output_graph, whole_graph])
def test_each_graph_is_valid_onnx(build: Callable[[checkpoint.Checkpoint], bytes]) -> None:
    made = invented.model(layers=2, tied=True, held=True, activation="leaky_relu").rounded()
    onnx.checker.check_model(onnx.load_from_string(build(made)))


@given(
    shape=st.sampled_from([(1, 1), (1, 7), (3, 50), (64, 7261)]),
    scale=st.sampled_from([0.0, 1.0, 100.0]),
    seed=st.integers(0, 99),
)
def test_softmax_agrees_with_torch(shape: tuple[int, int], scale: float, seed: int) -> None:
    logits = (scale * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)
    p, log_sum = softmax(logits)
    exact = torch.from_numpy(logits).double()
    exact_p = torch.softmax(exact, dim=-1).numpy()
    exact_log_sum = torch.logsumexp(exact, dim=-1).numpy()
    np.testing.assert_allclose(p, exact_p, rtol=1e-4, atol=1e-30)
    np.testing.assert_allclose(log_sum, exact_log_sum, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(softmax(logits[-1:])[0], p[-1:])  # the same among others


def test_what_is_excluded_stays_excluded() -> None:
    p, log_sum = softmax(np.array([[1.0, -np.inf, 1e4], [0.0, 0.0, -np.inf]], np.float32))
    np.testing.assert_allclose(p, [[0, 0, 1], [0.5, 0.5, 0]])
    np.testing.assert_allclose(log_sum, [1e4, np.log(2)])


@pytest.mark.parametrize(("tied", "held"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("prefix", [[], [9, 4, 7]])
def test_each_token_has_the_probability_that_the_model_gives_it(
    tied: bool, held: bool, prefix: list[int]
) -> None:
    checkpoint = invented.model(tied=tied, held=held)
    model = LanguageModel.of(checkpoint)
    ids = np.random.default_rng(0).integers(4, checkpoint.configuration.vocabulary_size, (6, 3))
    ids[0] = BOS
    network = ReferenceNetwork(checkpoint)
    states = [network.start(3, prefix)]
    for row in ids[1:]:
        states.append(network.step(states[-1], row))
    prefixes = np.repeat(np.array(prefix, int)[:, None], 3, axis=1)
    rows = torch.from_numpy(np.concatenate([prefixes, ids]))
    with torch.no_grad():
        hidden = model(rows.flatten(), torch.full((len(rows),), 3))
        logits = model.output(hidden).unflatten(0, (-1, 3))
    expected = logits.log_softmax(dim=-1)[len(prefix) :].numpy()
    assert_close({"ln p": np.stack([state.log_p for state in states])}, {"ln p": expected}, 1e-5)


def test_what_is_recorded_of_a_text_is_what_its_steps_did() -> None:
    network = ReferenceNetwork(invented.model(held=True))
    prefix = [9, 4, 7]
    text = [5, 6, 8]
    state = network.start(prefix=prefix)
    for id_ in text:
        state = network.step(state, np.array([id_]))
    recorded = network.record(np.array([*prefix, BOS, *text]))
    for depth, caches in enumerate(recorded):
        h = caches[-1].gates.o * caches[-1].phi_c
        assert_close({"h": h}, {"h": state.layers[2 * depth]}, 1e-5)


def test_a_session_does_not_keep_the_bytes_of_its_graph() -> None:
    graph = output_graph(invented.model().rounded())
    before = sys.getrefcount(graph)
    run = session(graph)
    assert sys.getrefcount(graph) == before
    del run
