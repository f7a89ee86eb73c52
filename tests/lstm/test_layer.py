"""The layer against `formulas`, `torch.nn.LSTM` and `gradcheck`: output, final state and each gradient by name."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from pingze.lstm import formulas
from pingze.lstm.dropout import Dropout
from pingze.lstm.formulas import Parameters
from pingze.lstm.layer import LSTM, _PackedLayer, cudnn_layer
from tests.comparing import assert_close

SIZES = [
    (1, 1, 1, 1),
    (1, 7, 3, 2),
    (7, 1, 1, 1),
    (5, 3, 7, 63),
    (2, 4, 63, 7),
    (63, 2, 4, 5),
    (2, 1, 7, 500),
]
"""T, B, E, H."""
ACTIVATIONS = ["tanh", "relu", "leaky_relu"]


@pytest.fixture(autouse=True)
def _fill_empty_tensors_with_nan() -> Iterator[None]:
    """What `torch.empty` gives is NaN under deterministic algorithms: a forgotten element shows."""
    torch.manual_seed(0)
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


def torch_lstm(ours: LSTM, input_size: int, hidden_size: int) -> torch.nn.LSTM:
    """PyTorch's layer with the same weights."""
    theirs = torch.nn.LSTM(input_size, hidden_size, len(ours.layers), dtype=next(ours.parameters()).dtype)
    with torch.no_grad():
        for depth, layer in enumerate(ours.layers):
            for name, parameter in layer.named_parameters():
                theirs.get_parameter(f"{'bias_ih' if name == 'bias' else name}_l{depth}").copy_(parameter)
            theirs.get_parameter(f"bias_hh_l{depth}").zero_()
    return theirs


def backward(
    module: torch.nn.Module, x: object, state: tuple[torch.Tensor, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Outputs and gradients by name, for a fixed random gradient of each output."""
    out, (h_T, c_T) = module(x, state)
    data = out.data if isinstance(out, PackedSequence) else out
    generator = torch.Generator().manual_seed(1)
    loss = sum(
        (o * torch.randn(o.shape, generator=generator, dtype=torch.float64).to(o.dtype)).sum()
        for o in (data, h_T, c_T)
    )
    loss.backward()
    gradients = {f"d{name}": p.grad for name, p in module.named_parameters()}
    return {"out": data.detach(), "h_T": h_T.detach(), "c_T": c_T.detach()} | gradients


def case(
    T: int, B: int, E: int, H: int, layers: int = 1
) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
    x, h_0, c_0 = torch.randn(T, B, E), torch.randn(layers, B, H), torch.randn(layers, B, H)
    return x.double().requires_grad_(), (h_0.double().requires_grad_(), c_0.double().requires_grad_())


def with_input_gradients(results: dict, x: torch.Tensor, state: tuple[torch.Tensor, torch.Tensor]) -> dict:
    return results | {"dx": x.grad, "dh_0": state[0].grad, "dc_0": state[1].grad}


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("T", "B", "E", "H"), SIZES)
def test_agrees_with_formulas(T: int, B: int, E: int, H: int, activation: str) -> None:
    layer = LSTM(E, H, activation=activation).double()
    x, state = case(T, B, E, H)
    ours = with_input_gradients(backward(layer, x, state), x, state)

    parameters = Parameters(**{name: p.detach().numpy() for name, p in layer.layers[0].named_parameters()})
    h_0, c_0 = (s[0].detach().numpy() for s in state)
    outs, caches = formulas.sequence_forward(x.detach().numpy(), h_0, c_0, parameters, activation)
    generator = torch.Generator().manual_seed(1)
    shapes = ((T, B, H), (1, B, H), (1, B, H))
    dhs, dh_T, dc_T = (torch.randn(s, generator=generator, dtype=torch.float64).numpy() for s in shapes)
    dx, dh_0, dc_0, dparameters = formulas.sequence_backward(dhs, dh_T[0], dc_T[0], caches)

    expected = {"out": outs[0], "h_T": outs[1][None], "c_T": outs[2][None]}
    expected |= {"dx": dx, "dh_0": dh_0[None], "dc_0": dc_0[None]}
    expected |= {f"d0.{name}": value for name, value in dparameters._asdict().items()}
    assert_close({name: ours[name] for name in expected}, expected, 1e-11)


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize(("T", "B", "E", "H"), SIZES)
def test_agrees_with_torch(T: int, B: int, E: int, H: int, layers: int) -> None:
    ours = LSTM(E, H, layers).double()
    theirs = torch_lstm(ours, E, H)
    x, state = case(T, B, E, H, layers)
    actual = with_input_gradients(backward(ours, x, state), x, state)
    x.grad = state[0].grad = state[1].grad = None
    expected = with_input_gradients(backward(theirs, x, state), x, state)
    names = {"weight_ih": "weight_ih_l", "weight_hh": "weight_hh_l", "bias": "bias_ih_l"}
    renamed = {name: expected[name] for name in ("out", "h_T", "c_T", "dx", "dh_0", "dc_0")}
    for depth in range(layers):
        renamed |= {f"d{depth}.{ours}": expected[f"d{theirs}{depth}"] for ours, theirs in names.items()}
    assert_close(actual, renamed, 1e-11)


def test_what_is_held_stays_with_its_sequence_where_those_come_in_any_order() -> None:
    ours, lengths = LSTM(4, 5, 2, held_size=3).double(), [2, 5, 3]
    torch.nn.init.normal_(ours.layers[0].weight_ph)
    x, held = torch.randn(5, 3, 4).double(), torch.randn(3, 3).double()
    _, (h, _) = ours(pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False), held=held)
    for n, length in enumerate(lengths):
        _, (alone, _) = ours(x[:length, n : n + 1], held=held[n : n + 1])
        torch.testing.assert_close(h[:, n : n + 1], alone)


@pytest.mark.parametrize(("T", "B", "E", "H"), SIZES)
def test_what_is_held_beside_every_input_is_as_if_joined_to_it(T: int, B: int, E: int, H: int) -> None:
    """Against `torch.nn.LSTM` over [x, p], sequences of unequal length."""
    ours = LSTM(E, H, 2, held_size=3).double()
    torch.nn.init.normal_(ours.layers[0].weight_ph)
    theirs = torch_lstm(LSTM(E + 3, H, 2).double(), E + 3, H)
    names = {"weight_ih_l0": "0.weight_ih", "weight_hh_l0": "0.weight_hh", "bias_ih_l0": "0.bias"}
    names |= {"weight_ih_l1": "1.weight_ih", "weight_hh_l1": "1.weight_hh", "bias_ih_l1": "1.bias"}
    with torch.no_grad():
        for stock, name in names.items():
            theirs.get_parameter(stock)[..., : ours.get_parameter(name).shape[-1]] = ours.get_parameter(name)
        theirs.weight_ih_l0[:, E:] = ours.layers[0].weight_ph
    lengths = [T - b % T for b in range(B)]
    x, p = case(T, B, E, H)[0], torch.randn(B, 3).double().requires_grad_()
    order = torch.tensor(lengths).argsort(descending=True, stable=True)
    x, packed = x[:, order], packed_again(x[:, order], [lengths[n] for n in order])
    results = []
    for joined in (False, True):
        p.grad = None
        given = packed_again(torch.cat([x, p.expand(T, B, 3)], dim=2), [lengths[n] for n in order])
        out, _ = theirs(given) if joined else ours(packed, held=p)
        weights = torch.randn(out.data.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        (out.data * weights).sum().backward()
        gradients = {
            f"d{name}": value.grad for name, value in (theirs if joined else ours).named_parameters()
        }
        if joined:
            first = gradients["dweight_ih_l0"]
            split = {"d0.weight_ih": first[:, :E], "d0.weight_ph": first[:, E:]}
            gradients = {f"d{ours}": gradients[f"d{stock}"] for stock, ours in names.items()} | split
        results.append(gradients | {"out": out.data.detach(), "dp": torch.clone(p.grad)})
    assert_close(*results, 1e-11)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradcheck(activation: str) -> None:
    layer = LSTM(3, 2, activation=activation).double()
    x, state = case(3, 2, 3, 2)

    def run(x: torch.Tensor, h_0: torch.Tensor, c_0: torch.Tensor, *weights: torch.Tensor) -> tuple:
        named = dict(zip(("0.weight_ih", "0.weight_hh", "0.bias"), weights, strict=True))
        out, (h_T, c_T) = torch.func.functional_call(layer, named, (x, (h_0, c_0)))
        return out, h_T, c_T

    assert torch.autograd.gradcheck(run, (x, *state, *layer.parameters()))


@pytest.mark.parametrize("lengths", [[5, 4, 1], [1, 1], [7], [2, 5, 3, 5, 1]])
@pytest.mark.parametrize("layers", [1, 2])
def test_sequences_of_unequal_length_are_as_if_alone(lengths: list[int], layers: int) -> None:
    layer = LSTM(3, 4, layers).double()
    x, state = case(max(lengths), len(lengths), 3, 4, layers)
    packed = pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)
    actual = with_input_gradients(backward(layer, packed, state), x, state)
    padded, _ = pad_packed_sequence(PackedSequence(actual["out"], *packed[1:]))
    for column, length in enumerate(lengths):
        own_state = tuple(s[:, column : column + 1] for s in state)
        alone, (h_T, c_T) = layer(x[:length, column : column + 1], own_state)
        assert_close(
            {
                "out": padded[:length, column],
                "h_T": actual["h_T"][:, column],
                "c_T": actual["c_T"][:, column],
            },
            {"out": alone[:, 0].detach(), "h_T": h_T[:, 0].detach(), "c_T": c_T[:, 0].detach()},
            1e-12,
        )
    theirs = torch_lstm(layer, 3, 4)
    x.grad = state[0].grad = state[1].grad = None
    expected = with_input_gradients(backward(theirs, packed_again(x, lengths), state), x, state)
    names = ("dx", "dh_0", "dc_0")
    assert_close({n: actual[n] for n in names}, {n: expected[n] for n in names}, 1e-11)


def packed_again(x: torch.Tensor, lengths: list[int]) -> PackedSequence:
    return pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)


def test_non_contiguous_input() -> None:
    layer = LSTM(3, 4).double()
    batch_first = torch.randn(2, 5, 3, dtype=torch.float64)
    transposed, copied = batch_first.transpose(0, 1), batch_first.transpose(0, 1).contiguous()
    assert not transposed.is_contiguous()
    torch.testing.assert_close(layer(transposed)[0], layer(copied)[0])


def test_state_defaults_to_zero() -> None:
    layer = LSTM(3, 4, 2)
    x = torch.randn(5, 2, 3)
    zeros = torch.zeros(2, 2, 4)
    torch.testing.assert_close(layer(x), layer(x, (zeros, zeros)))


def test_going_on_from_a_state_is_as_one_run() -> None:
    layer = LSTM(3, 4, 2).double()
    x = torch.randn(6, 2, 3, dtype=torch.float64)
    whole, last = layer(x)
    first, state = layer(x[:2])
    second, last_in_parts = layer(x[2:], state)
    torch.testing.assert_close(torch.cat([first, second]), whole)
    torch.testing.assert_close(last_in_parts, last)


@pytest.mark.parametrize(("operands", "tolerance"), [(torch.float32, 2e-6), (torch.bfloat16, 1.5e-2)])
@pytest.mark.parametrize(("T", "B", "E", "H"), [*SIZES, (20, 7, 63, 65)])
def test_lower_precision_stays_near_float64(
    T: int, B: int, E: int, H: int, operands: torch.dtype, tolerance: float
) -> None:
    """Float32 is the compiled step; bfloat16 operands round to one part in 256."""
    exact = LSTM(E, H).double()
    rounded = LSTM(E, H, operands=operands)
    rounded.load_state_dict({name: value.float() for name, value in exact.state_dict().items()})
    lengths = [T - b % T for b in range(B)]
    results = []
    for layer, dtype in ((rounded, torch.float32), (exact, torch.float64)):
        torch.manual_seed(1)
        x, state = case(T, B, E, H)
        x, state = (
            x.detach().to(dtype).requires_grad_(),
            tuple(s.detach().to(dtype).requires_grad_() for s in state),
        )
        results.append(with_input_gradients(backward(layer, packed_again(x, lengths), state), x, state))
    assert {value.dtype for value in results[0].values()} == {torch.float32}
    assert_close(*results, tolerance)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("operands", [None, torch.bfloat16])
def test_the_path_through_cudnn_is_the_same_layer(device: str, operands: torch.dtype | None) -> None:
    """`torch.nn.LSTM` is cuDNN on a GPU; on a CPU the same lines run through its own kernels."""
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU here")
    sizes = packed_again(torch.zeros(5, 5, 1), [2, 5, 3, 5, 1]).batch_sizes
    shapes = {
        "x": (16, 7),
        "h_0": (5, 6),
        "c_0": (5, 6),
        "weight_ih": (24, 7),
        "weight_hh": (24, 6),
        "bias": (24,),
    }
    results = []
    for by_hand in (False, True):
        torch.manual_seed(1)
        given = {n: torch.randn(*shape, device=device).requires_grad_() for n, shape in shapes.items()}
        x, *weights, bias = given.values()
        out = (
            _PackedLayer.apply(x, *weights, bias.expand(5, -1), sizes.tolist(), "tanh", operands)
            if by_hand
            else cudnn_layer(x, sizes, *weights, bias, operands=operands)
        )
        sum(o.square().sum() for o in out).backward()
        gradients = {f"d{name}": tensor.grad for name, tensor in given.items()}
        values = dict(zip(("out", "h_T", "c_T"), out, strict=True)) | gradients
        results.append({name: value.detach().cpu() for name, value in values.items()})
    assert_close(*results, 3e-2 if operands else 2e-6)


def test_dropout_acts_between_layers_only_while_training() -> None:
    layer = LSTM(3, 4, 2, dropout=Dropout(inputs=0.5))
    x = torch.randn(5, 2, 3)
    assert not torch.equal(layer(x)[0], layer(x)[0])
    layer.eval()
    assert torch.equal(layer(x)[0], layer(x)[0])


def test_unknown_activation_is_named() -> None:
    with pytest.raises(ValueError, match="gelu"):
        LSTM(3, 4, activation="gelu")


def test_weights_keep_pytorch_s_names_and_layout() -> None:
    shapes = {name: tuple(p.shape) for name, p in LSTM(3, 4, 2).named_parameters()}
    assert shapes == {
        "0.weight_ih": (16, 3),
        "0.weight_hh": (16, 4),
        "0.bias": (16,),
        "1.weight_ih": (16, 4),
        "1.weight_hh": (16, 4),
        "1.bias": (16,),
    }
    assert np.abs(next(LSTM(3, 4).parameters()).detach().numpy()).max() <= 0.5
