"""Gradients and Jacobians by hand against PyTorch's automatic differentiation of the report's equations, in float64."""

import inspect
import itertools
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
import torch

from pingze.lstm import formulas, jacobians
from pingze.lstm.formulas import Parameters, StepCache, sequence_forward
from pingze.lstm.jacobians import VARIABLES, of_cell, of_hidden
from tests.comparing import assert_close

SIZES = [(1, 1, 1, 1), (1, 7, 3, 2), (5, 3, 7, 63), (2, 4, 63, 7), (63, 2, 4, 5), (2, 1, 7, 500)]
"""T, B, E, H."""
PHI = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": lambda x: torch.nn.functional.leaky_relu(x, 0.01),
}


def random_case(T: int, B: int, E: int, H: int, P: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng([T, B, E, H])
    shapes = {"x": (T, B, E), "h_0": (B, H), "c_0": (B, H), "p": (B, P)}
    shapes |= {
        "weight_ih": (4 * H, E),
        "weight_hh": (4 * H, H),
        "weight_ph": (4 * H, P),
        "bias": (4 * H,),
    }
    return {
        name: rng.standard_normal(shape) / np.sqrt(max(shape[-1], 1))
        for name, shape in shapes.items()
    }


def step(v: dict[str, torch.Tensor], activation: str = "tanh") -> tuple[torch.Tensor, torch.Tensor]:
    """The report's equations gate by gate over z = [h, x]; what `v` has for a letter from the middle is added there."""
    phi, z = PHI[activation], torch.cat([v["h_prev"], v["x"]], dim=1)
    net = {g: z @ v[f"W_{g}"].T + v[f"b_{g}"] for g in "fico"}
    f, i, o = (torch.sigmoid(net[g]) + v.get(g, 0) for g in "fio")
    c = f * v["c_prev"] + i * (phi(net["c"]) + v.get("c_tilde", 0)) + v.get("c", 0)
    return o * phi(c), c


def reference(
    case: dict[str, torch.Tensor], activation: str
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Those of a sequence, over z = [h, x, p], for autograd to differentiate."""
    W = torch.cat([case["weight_hh"], case["weight_ih"], case["weight_ph"]], dim=1).chunk(4)
    gates = {f"W_{g}": W_g for g, W_g in zip("ifco", W, strict=True)}
    gates |= {f"b_{g}": b_g for g, b_g in zip("ifco", case["bias"].chunk(4), strict=True)}
    h, c, hs = case["h_0"], case["c_0"], []
    for x_t in case["x"]:
        h, c = step(
            gates | {"h_prev": h, "c_prev": c, "x": torch.cat([x_t, case["p"]], dim=1)}, activation
        )
        hs.append(h)
    return torch.stack(hs), h, c


@pytest.mark.parametrize("P", [0, 3])
@pytest.mark.parametrize("activation", PHI)
@pytest.mark.parametrize(("T", "B", "E", "H"), SIZES)
def test_sequence_agrees_with_autograd(
    T: int, B: int, E: int, H: int, activation: str, P: int
) -> None:
    """With one bias for all sequences, or with a constant input p of each in its own bias."""
    case = random_case(T, B, E, H, P)
    tensors = {name: torch.from_numpy(value).requires_grad_() for name, value in case.items()}
    expected = reference(tensors, activation)
    rng = np.random.default_rng(0)
    douts = [rng.standard_normal(out.shape) for out in expected]
    sum(
        (out * torch.from_numpy(dout)).sum() for out, dout in zip(expected, douts, strict=True)
    ).backward()

    bias = formulas.held_bias(case["p"], case["weight_ph"], case["bias"]) if P else case["bias"]
    parameters = Parameters(case["weight_ih"], case["weight_hh"], bias)
    outs, caches = formulas.sequence_forward(
        case["x"], case["h_0"], case["c_0"], parameters, activation
    )
    dx, dh_0, dc_0, dparameters = formulas.sequence_backward(*douts, caches)

    names = ("hs", "h_T", "c_T")
    expected_outs = (out.detach() for out in expected)
    assert_close(
        dict(zip(names, outs, strict=True)), dict(zip(names, expected_outs, strict=True)), 1e-12
    )
    gradients = {"x": dx, "h_0": dh_0, "c_0": dc_0, **dparameters._asdict()}
    if P:
        dbiases = gradients["bias"]
        gradients |= {"p": dbiases @ case["weight_ph"], "weight_ph": dbiases.T @ case["p"]}
        gradients["bias"] = dbiases.sum(axis=0)
    assert_close(gradients, {name: tensors[name].grad for name in gradients}, 1e-11)


def test_sigmoid_does_not_overflow() -> None:
    x = np.array([-1e4, -50.0, 0.0, 50.0, 1e4])
    np.testing.assert_allclose(formulas.sigmoid(x), [0, 0, 0.5, 1, 1], atol=1e-15)


def test_sigmoid_takes_whole_numbers() -> None:
    unchecked = inspect.unwrap(formulas.sigmoid)  # tests check types, and the type asks for floats
    expected = 1 / (1 + np.exp([1.0, 0.0, -1.0]))
    np.testing.assert_allclose(unchecked(np.array([-1, 0, 1])), expected)


def test_leaky_relu_takes_whole_numbers() -> None:
    phi = formulas.ACTIVATIONS["leaky_relu"].phi
    np.testing.assert_array_equal(phi(np.array([-2, 3])), [-0.02, 3])


def test_sigmoid_keeps_the_type_of_floats() -> None:
    assert formulas.sigmoid(np.zeros(2, np.float32)).dtype == np.float32


def test_whole_numbers_as_weights_have_the_gradients_of_the_same_floats() -> None:
    found = []
    for kind in (int, float):
        weights = formulas.Parameters(
            weight_ih=np.ones((8, 1), kind), weight_hh=np.ones((8, 2), kind), bias=np.zeros(8, kind)
        )
        zero = np.zeros((1, 2))
        forward = inspect.unwrap(formulas.sequence_forward)
        backward = inspect.unwrap(formulas.sequence_backward)
        (hs, _, _), caches = forward(np.ones((3, 1, 1)), zero, zero, weights)
        *_, gradients = backward(np.ones_like(hs), zero, zero, caches)
        found.append(gradients._asdict())
    assert_close(*found, tolerance=1e-15)


def test_the_backward_pass_keeps_one_gradient_of_the_weights_not_one_a_step() -> None:
    caches = random_steps(60, 1, 1, 64)
    weights = sum(array.nbytes for array in caches[0].parameters)
    dhs = np.ones((60, 1, 64))
    zero = np.zeros((1, 64))
    tracemalloc.start()
    formulas.sequence_backward(dhs, zero, zero, caches)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * weights


RNG = np.random.default_rng(5)
SHAPES = [
    (1, 1, 1),
    (4, 9, 9),
    *((int(B), int(E), int(H)) for B, E, H in RNG.integers(1, (5, 10, 10), (18, 3))),
]
"""B, E, H of 20 steps."""
TOLERANCE = 1e-9


def random_steps(T: int, B: int, E: int, H: int, activation: str = "tanh") -> list[StepCache]:
    rng = np.random.default_rng([T, B, E, H])
    parameters = Parameters(
        *(rng.normal(0, 0.7, shape) for shape in ((4 * H, E), (4 * H, H), (4 * H,)))
    )
    h_0, c_0 = rng.standard_normal((2, B, H))
    return sequence_forward(rng.standard_normal((T, B, E)), h_0, c_0, parameters, activation)[1]


def variables(cache: StepCache) -> dict[str, torch.Tensor]:
    """What a step is given, and for each letter from its middle a 0 that is added to it, to differentiate by."""
    B, H = cache.h_prev.shape
    weight = np.concatenate([cache.parameters.weight_hh, cache.parameters.weight_ih], axis=1)
    given = {"h_prev": cache.h_prev, "c_prev": cache.c_prev, "x": cache.x}
    for n, g in enumerate("ifco"):
        given |= {
            f"W_{g}": weight[n * H : n * H + H],
            f"b_{g}": cache.parameters.bias[n * H : n * H + H],
        }
    moves = {name: np.zeros((B, H)) for name in ("o", "c", "f", "i", "c_tilde")}
    return {name: torch.from_numpy(value) for name, value in (given | moves).items()}


def by_autograd(
    function: Callable[..., torch.Tensor], v: dict[str, torch.Tensor], batch: int
) -> dict[str, np.ndarray]:
    """The Jacobian of a (B, H) function by each variable, a row of the batch at a time: (B, H, shape of variable)."""

    def of_tensors(*tensors: torch.Tensor) -> torch.Tensor:
        return function(dict(zip(v, tensors, strict=True)))

    whole = torch.autograd.functional.jacobian(of_tensors, tuple(v.values()))
    return {
        name: (
            jacobian
            if name[:2] in ("W_", "b_")
            else torch.stack([jacobian[b, :, b] for b in range(batch)])
        ).numpy()
        for name, jacobian in zip(v, whole, strict=True)
    }


@pytest.mark.parametrize(
    ("shape", "activation"), list(zip(SHAPES, itertools.cycle(PHI), strict=False))
)
def test_one_step(shape: tuple[int, int, int], activation: str) -> None:
    (cache,) = random_steps(1, *shape, activation)
    for number, of in enumerate((of_hidden, of_cell)):
        expected = by_autograd(
            lambda v, n=number: step(v, activation)[n], variables(cache), shape[0]
        )
        actual = {name: getattr(of(cache), name) for name in VARIABLES}
        assert_close(actual, {name: expected[name] for name in VARIABLES}, TOLERANCE)


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("variable", VARIABLES)
def test_any_variable_of_an_earlier_step(variable: str, steps: int) -> None:
    caches = random_steps(steps, 2, 3, 4)

    def last_hidden(v: dict[str, torch.Tensor]) -> torch.Tensor:
        h, c = step(v)
        for cache in caches[1:]:
            h, c = step(variables(cache) | {"h_prev": h, "c_prev": c})
        return h

    expected = by_autograd(last_hidden, variables(caches[0]), 2)[variable]
    assert_close(
        {variable: jacobians.hidden_through_time(caches, variable)}, {variable: expected}, TOLERANCE
    )


def test_products_through_time_agree_over_one_step_and_part() -> None:
    """Over two steps the report's product misses the way through the cell."""
    caches, H = random_steps(6, 3, 4, 5), 5
    hidden = np.eye(H)
    for distance, products in enumerate(jacobians.back_through_time(caches), start=1):
        hidden = hidden @ of_hidden(caches[-distance]).h_prev
        whole = jacobians.joint_product(caches[-distance:])[:, :H]
        assert_close(
            {"whole": products.whole, "hidden": products.hidden},
            {"whole": whole, "hidden": hidden},
            1e-12,
        )
        missed, size = hidden - whole[..., :H], np.linalg.norm(whole[..., :H], axis=(1, 2))
        share = np.linalg.norm(missed, axis=(1, 2)) / size
        assert (share < 1e-15).all() if distance == 1 else (share > 0.05).all()
        if distance == 2:
            assert_close({"missed": -missed}, {"missed": products.cell}, 1e-12)
