"""First weights by their names, and dropout against PyTorch, which draws the same masks from the same seed."""

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence

from pingze.errors import InputError
from pingze.lstm.dropout import Dropout, type_dropout
from pingze.lstm.formulas import gate_weights
from pingze.lstm.initializers import initialize
from pingze.lstm.layer import LSTM
from tests.comparing import assert_close

LENGTHS = torch.tensor([6, 4, 4, 1])


def test_locked_dropout_drops_what_torch_drops_from_whole_channels() -> None:
    data = torch.rand(len(LENGTHS), 5, 6)  # sequence, feature, step
    torch.manual_seed(0)
    expected = pack_padded_sequence(
        torch.nn.functional.dropout1d(data, 0.4).permute(2, 0, 1), LENGTHS
    )
    packed = pack_padded_sequence(data.permute(2, 0, 1), LENGTHS)
    torch.manual_seed(0)
    actual = Dropout(locked=True).features(packed.data, packed.batch_sizes, 0.4)
    torch.testing.assert_close(actual, expected.data)
    assert 0 < (actual == 0).float().mean() < 1


def test_a_dropped_character_is_dropped_wherever_it_stands() -> None:
    ids = torch.randint(50, (400,))
    kept = type_dropout(torch.ones(400, 3), ids, 50, 0.3)
    for id_ in range(50):
        assert kept[ids == id_].unique().tolist() in ([0.0], [pytest.approx(1 / 0.7)])
    assert 0 < (kept == 0).float().mean() < 1


def test_dropped_recurrent_weights_act_at_every_step_and_get_their_gradients() -> None:
    ours = LSTM(3, 4, dropout=Dropout(weights=0.5)).double()
    weight_ih, weight_hh, bias = ours.parameters()
    x = torch.randn(7, 2, 3, dtype=torch.float64)
    torch.manual_seed(1)
    mask = torch.nn.functional.dropout(torch.ones_like(weight_hh), 0.5)
    stock = torch.nn.LSTM(3, 4, dtype=torch.float64)
    weights = {"weight_ih_l0": weight_ih, "weight_hh_l0": weight_hh * mask}
    weights |= {"bias_ih_l0": bias, "bias_hh_l0": torch.zeros_like(bias)}
    torch.manual_seed(1)
    results = []
    for out in (
        ours(x.flatten(0, 1), torch.full((7,), 2))[0].unflatten(0, (7, 2)),
        torch.func.functional_call(stock, weights, x)[0],
    ):
        gradients = torch.autograd.grad((out**2).sum(), [weight_ih, weight_hh, bias])
        results.append(
            {"out": out.detach()} | dict(zip(("ih", "hh", "bias"), gradients, strict=True))
        )
    assert_close(*results, tolerance=1e-12)
    np.testing.assert_array_equal(results[0]["hh"][mask == 0], 0)


def test_dropout_acts_between_layers_only_while_training() -> None:
    layer, packed = (
        LSTM(3, 4, 2, dropout=Dropout(inputs=0.5)),
        (torch.randn(10, 3), torch.full((5,), 2)),
    )
    assert not torch.equal(layer(*packed)[0], layer(*packed)[0])
    layer.eval()
    assert torch.equal(layer(*packed)[0], layer(*packed)[0])


E, H = 30, 40


@pytest.mark.parametrize("name", ["zero", "normal", "uniform", "xavier", "orthogonal"])
def test_first_weights_are_as_their_name_says(name: str) -> None:
    scale = 0.01 if name == "normal" else 1.0
    made, again = (initialize(name, E, H, np.random.default_rng(0), scale) for _ in range(2))
    for letter, gate in gate_weights(made).items():
        np.testing.assert_array_equal(gate.b, name == "orthogonal" and letter == "f")
        for weight in (gate.W_h, gate.W_x):
            assert weight.dtype == np.float32
            largest = np.abs(weight).max()
            if name == "zero":
                assert not largest
            elif name == "normal":
                assert weight.mean() == pytest.approx(0, abs=0.1 * scale)
                assert weight.std() == pytest.approx(scale, rel=0.1)
            elif name == "orthogonal" and weight is gate.W_h:
                np.testing.assert_allclose(weight @ weight.T, np.eye(H), atol=1e-5)
            else:
                bound = H**-0.5 if name == "uniform" else np.sqrt(6 / sum(weight.shape))
                assert 0.95 * bound < largest <= bound
    for one, other in zip(made, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_unknown_name_lists_the_known() -> None:
    with pytest.raises(InputError, match="'he' is unknown; choose one of zero, normal"):
        initialize("he", E, H, np.random.default_rng(0))
