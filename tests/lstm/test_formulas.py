"""The hand-derived gradients against PyTorch's automatic differentiation of the report's equations, in float64."""

import numpy as np
import pytest
import torch

from pingze.lstm import formulas
from pingze.lstm.formulas import Parameters
from tests.comparing import assert_close

SIZES = [(1, 1, 1, 1), (1, 7, 3, 2), (5, 3, 7, 63), (2, 4, 63, 7), (63, 2, 4, 5), (2, 1, 7, 500)]
"""T, B, E, H."""
PHI = {"tanh": torch.tanh, "relu": torch.relu, "leaky_relu": lambda x: torch.nn.functional.leaky_relu(x, 0.01)}


def random_case(T: int, B: int, E: int, H: int, P: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng([T, B, E, H])
    shapes = {"x": (T, B, E), "h_0": (B, H), "c_0": (B, H), "p": (B, P)}
    shapes |= {"weight_ih": (4 * H, E), "weight_hh": (4 * H, H), "weight_ph": (4 * H, P), "bias": (4 * H,)}
    return {name: rng.standard_normal(shape) / np.sqrt(max(shape[-1], 1)) for name, shape in shapes.items()}


def step(v: dict[str, torch.Tensor], activation: str = "tanh") -> tuple[torch.Tensor, torch.Tensor]:
    """The report's equations gate by gate over z = [h, x]; what `v` has for a letter from the middle is added there."""
    phi, z = PHI[activation], torch.cat([v["h_prev"], v["x"]], dim=1)
    net = {g: z @ v[f"W_{g}"].T + v[f"b_{g}"] for g in "fico"}
    f, i, o = (torch.sigmoid(net[g]) + v.get(g, 0) for g in "fio")
    c = f * v["c_prev"] + i * (phi(net["c"]) + v.get("c_tilde", 0)) + v.get("c", 0)
    return o * phi(c), c


def reference(case: dict[str, torch.Tensor], activation: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Those of a sequence, over z = [h, x, p], for autograd to differentiate."""
    W = torch.cat([case["weight_hh"], case["weight_ih"], case["weight_ph"]], dim=1).chunk(4)
    gates = {f"W_{g}": W_g for g, W_g in zip("ifco", W, strict=True)}
    gates |= {f"b_{g}": b_g for g, b_g in zip("ifco", case["bias"].chunk(4), strict=True)}
    h, c, hs = case["h_0"], case["c_0"], []
    for x_t in case["x"]:
        h, c = step(gates | {"h_prev": h, "c_prev": c, "x": torch.cat([x_t, case["p"]], dim=1)}, activation)
        hs.append(h)
    return torch.stack(hs), h, c


@pytest.mark.parametrize("P", [0, 3])
@pytest.mark.parametrize("activation", PHI)
@pytest.mark.parametrize(("T", "B", "E", "H"), SIZES)
def test_sequence_agrees_with_autograd(T: int, B: int, E: int, H: int, activation: str, P: int) -> None:
    """With one bias for all sequences, or with a constant input p of each in its own bias."""
    case = random_case(T, B, E, H, P)
    tensors = {name: torch.from_numpy(value).requires_grad_() for name, value in case.items()}
    expected = reference(tensors, activation)
    rng = np.random.default_rng(0)
    douts = [rng.standard_normal(out.shape) for out in expected]
    sum((out * torch.from_numpy(dout)).sum() for out, dout in zip(expected, douts, strict=True)).backward()

    bias = formulas.held_bias(case["p"], case["weight_ph"], case["bias"]) if P else case["bias"]
    parameters = Parameters(case["weight_ih"], case["weight_hh"], bias)
    outs, caches = formulas.sequence_forward(case["x"], case["h_0"], case["c_0"], parameters, activation)
    dx, dh_0, dc_0, dparameters = formulas.sequence_backward(*douts, caches)

    names = ("hs", "h_T", "c_T")
    expected_outs = (out.detach() for out in expected)
    assert_close(dict(zip(names, outs, strict=True)), dict(zip(names, expected_outs, strict=True)), 1e-12)
    gradients = {"x": dx, "h_0": dh_0, "c_0": dc_0, **dparameters._asdict()}
    if P:
        dbiases = gradients["bias"]
        gradients |= {"p": dbiases @ case["weight_ph"], "weight_ph": dbiases.T @ case["p"]}
        gradients["bias"] = dbiases.sum(axis=0)
    assert_close(gradients, {name: tensors[name].grad for name in gradients}, 1e-11)


def test_sigmoid_does_not_overflow() -> None:
    x = np.array([-1e4, -50.0, 0.0, 50.0, 1e4])
    np.testing.assert_allclose(formulas.sigmoid(x), [0, 0, 0.5, 1, 1], atol=1e-15)
