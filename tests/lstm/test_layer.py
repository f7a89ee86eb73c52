"""The layer against `formulas` and `torch.nn.LSTM`: output, final state and each gradient by name."""

from collections.abc import Iterator

import pytest
import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from pingze.lstm import formulas
from pingze.lstm.formulas import ACTIVATIONS, Parameters
from pingze.lstm.layer import LSTM, Layer, _PackedLayer, cudnn_layer
from tests.comparing import assert_close
from tests.lstm.test_formulas import SIZES


@pytest.fixture(autouse=True)
def _fill_empty_tensors_with_nan() -> Iterator[None]:
    """Under deterministic algorithms `torch.empty` is filled with NaN, so that a forgotten element shows."""
    torch.manual_seed(0)
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


def case(T: int, B: int, E: int, H: int, layers: int = 1, P: int = 0) -> dict[str, torch.Tensor]:
    shapes = {"x": (T, B, E), "h_0": (layers, B, H), "c_0": (layers, B, H), "p": (B, P)}
    return {name: torch.randn(shape).double().requires_grad_() for name, shape in shapes.items()}


def packed(x: torch.Tensor, *, unequal: bool = True) -> PackedSequence:
    """Pack sequences of different lengths, or of the same length."""
    T, B, _ = x.shape
    return pack_padded_sequence(
        x, torch.tensor(sorted(T - b % T * unequal for b in range(B))[::-1])
    )


def results(
    module: torch.nn.Module,
    x: PackedSequence,
    inputs: dict[str, torch.Tensor],
    **held: torch.Tensor,
) -> dict[str, torch.Tensor]:
    """Outputs and gradients by name, for a fixed random gradient of each output."""
    state = inputs["h_0"], inputs["c_0"]
    if isinstance(module, LSTM):
        out, (h_T, c_T) = module(x.data, x.batch_sizes, state, **held)
    else:
        (out, *_), (h_T, c_T) = module(x, state)
    outputs = {"out": out, "h_T": h_T, "c_T": c_T}
    generator = torch.Generator().manual_seed(1)
    drawn = {
        o: torch.randn(o.shape, generator=generator, dtype=torch.float64) for o in outputs.values()
    }
    loss = sum((o * weights.to(o.dtype)).sum() for o, weights in drawn.items())
    variables = {name: value for name, value in inputs.items() if value.numel()}
    variables |= dict(module.named_parameters())
    gradients = torch.autograd.grad(loss, list(variables.values()))
    named = {f"d{name}": gradient for name, gradient in zip(variables, gradients, strict=True)}
    return {name: o.detach() for name, o in outputs.items()} | named


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("T", "B", "E", "H"), SIZES)
def test_agrees_with_formulas(T: int, B: int, E: int, H: int, activation: str) -> None:
    layer, inputs = LSTM(E, H, activation=activation).double(), case(T, B, E, H)
    ours = results(layer, packed(inputs["x"], unequal=False), inputs)

    parameters = Parameters(
        **{name: p.detach().numpy() for name, p in layer.layers[0].named_parameters()}
    )
    x, h_0, c_0 = (inputs[name].detach().numpy() for name in ("x", "h_0", "c_0"))
    outs, caches = formulas.sequence_forward(x, h_0[0], c_0[0], parameters, activation)
    generator = torch.Generator().manual_seed(1)
    shapes = ((T * B, H), (B, H), (B, H))
    dhs, *dstate = (
        torch.randn(s, generator=generator, dtype=torch.float64).numpy() for s in shapes
    )
    dx, dh_0, dc_0, dparameters = formulas.sequence_backward(dhs.reshape(T, B, H), *dstate, caches)
    expected = {"out": outs[0].reshape(T * B, H), "h_T": outs[1][None], "c_T": outs[2][None]}
    expected |= {"dx": dx, "dh_0": dh_0[None], "dc_0": dc_0[None]}
    expected |= {f"d0.{name}": value for name, value in dparameters._asdict().items()}
    assert_close(ours, expected, 1e-11)


@pytest.mark.parametrize("P", [0, 3])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize(("T", "B", "E", "H"), SIZES)
def test_agrees_with_torch(T: int, B: int, E: int, H: int, layers: int, P: int) -> None:
    """Over sequences of unequal length; a constant input p of each sequence is joined to each x for PyTorch."""
    ours, inputs = LSTM(E, H, layers, held_size=P).double(), case(T, B, E, H, layers, P)
    theirs = torch.nn.LSTM(E + P, H, layers, dtype=torch.float64)
    with torch.no_grad():
        for depth, layer in enumerate(ours.layers):
            weight_ih = [layer.weight_ih]
            if P and not depth:
                weight_ih.append(torch.nn.init.normal_(layer.weight_ph))
            theirs.get_parameter(f"weight_ih_l{depth}").copy_(torch.cat(weight_ih, dim=1))
            theirs.get_parameter(f"weight_hh_l{depth}").copy_(layer.weight_hh)
            theirs.get_parameter(f"bias_ih_l{depth}").copy_(torch.nn.init.normal_(layer.bias))
            theirs.get_parameter(f"bias_hh_l{depth}").zero_()
    expected = results(
        theirs, packed(torch.cat([inputs["x"], inputs["p"].expand(T, B, P)], dim=2)), inputs
    )
    names = {"weight_ih": "weight_ih_l", "weight_hh": "weight_hh_l", "bias": "bias_ih_l"}
    renamed = {name: expected[name] for name in expected if "_l" not in name}
    for depth in range(layers):
        renamed |= {
            f"d{depth}.{ours}": expected[f"d{stock}{depth}"] for ours, stock in names.items()
        }
    if P:
        renamed["d0.weight_ih"], renamed["d0.weight_ph"] = renamed["d0.weight_ih"].split(
            [E, P], dim=1
        )
    held = {"held": inputs["p"]} if P else {}
    assert_close(results(ours, packed(inputs["x"]), inputs, **held), renamed, 1e-11)


@pytest.mark.parametrize(
    ("operands", "tolerance"), [(torch.float32, 2e-6), (torch.bfloat16, 1.5e-2)]
)
@pytest.mark.parametrize(("T", "B", "E", "H"), [*SIZES, (20, 7, 63, 65)])
def test_lower_precision_stays_near(
    T: int, B: int, E: int, H: int, operands: torch.dtype, tolerance: float
) -> None:
    """Float32 is the compiled step; bfloat16 operands round to one part in 256."""
    exact, inputs = LSTM(E, H).double(), case(T, B, E, H)
    rounded = LSTM(E, H, operands=operands)
    rounded.load_state_dict({name: value.float() for name, value in exact.state_dict().items()})
    lower = {name: value.detach().float().requires_grad_() for name, value in inputs.items()}
    found = results(rounded, packed(lower["x"]), lower)
    assert {value.dtype for value in found.values()} == {torch.float32}
    assert_close(found, results(exact, packed(inputs["x"]), inputs), tolerance)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("operands", [None, torch.bfloat16])
def test_the_path_through_cudnn_is_the_same_layer(
    device: str, operands: torch.dtype | None
) -> None:
    """`torch.nn.LSTM` is cuDNN on a GPU; on a CPU the same lines run through its own kernels."""
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU here")
    sizes = torch.tensor([5, 4, 3, 2, 2])
    shapes = [(16, 7), (5, 6), (5, 6), (24, 7), (24, 6), (24,)]
    given = [torch.randn(*shape, device=device).requires_grad_() for shape in shapes]
    x, *weights, bias = given
    by_hand = _PackedLayer.apply(x, *weights, bias.expand(5, -1), sizes, "tanh", operands)
    found = []
    for out in (by_hand, cudnn_layer(x, sizes, *weights, bias, operands=operands)):
        gradients = torch.autograd.grad(sum(o.square().sum() for o in out), given)
        found.append({str(n): value.detach().cpu() for n, value in enumerate([*out, *gradients])})
    assert_close(*found, 3e-2 if operands else 2e-6)


def test_an_unknown_activation_is_named() -> None:
    with pytest.raises(ValueError, match="gelu"):
        LSTM(3, 4, activation="gelu")


def test_a_replaced_child_is_the_layer_that_computes() -> None:
    torch.manual_seed(0)
    made = LSTM(3, 4)
    new = Layer(3, 4)
    setattr(made, "0", new)
    made(torch.randn(2, 3), torch.tensor([1, 1]))[0].sum().backward()
    assert made.layers == (new,)
    assert new.weight_ih.grad is not None
