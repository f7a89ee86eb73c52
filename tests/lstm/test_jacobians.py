"""Each Jacobian against PyTorch's automatic differentiation of the report's equations, in float64, with batch."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch

from pingze.lstm import jacobians
from pingze.lstm.formulas import Parameters, StepCache, sequence_forward
from pingze.lstm.jacobians import VARIABLES, of_cell, of_hidden
from tests.comparing import assert_close
from tests.lstm.test_formulas import PHI, step

RNG = np.random.default_rng(5)
SHAPES = [(1, 1, 1), (4, 9, 9), *((int(B), int(E), int(H)) for B, E, H in RNG.integers(1, (5, 10, 10), (18, 3)))]
"""B, E, H of 20 steps."""
TOLERANCE = 1e-9


def random_steps(T: int, B: int, E: int, H: int, activation: str = "tanh") -> list[StepCache]:
    rng = np.random.default_rng([T, B, E, H])
    parameters = Parameters(*(rng.normal(0, 0.7, shape) for shape in ((4 * H, E), (4 * H, H), (4 * H,))))
    h_0, c_0 = rng.standard_normal((2, B, H))
    return sequence_forward(rng.standard_normal((T, B, E)), h_0, c_0, parameters, activation)[1]


def variables(cache: StepCache) -> dict[str, torch.Tensor]:
    """What a step is given, and for each letter from its middle a 0 that is added to it, to differentiate by."""
    B, H = cache.h_prev.shape
    weight = np.concatenate([cache.parameters.weight_hh, cache.parameters.weight_ih], axis=1)
    given = {"h_prev": cache.h_prev, "c_prev": cache.c_prev, "x": cache.x}
    for n, g in enumerate("ifco"):
        given |= {f"W_{g}": weight[n * H : n * H + H], f"b_{g}": cache.parameters.bias[n * H : n * H + H]}
    moves = {name: np.zeros((B, H)) for name in ("o", "c", "f", "i", "c_tilde")}
    return {name: torch.from_numpy(value) for name, value in (given | moves).items()}


def by_autograd(function: Callable[..., torch.Tensor], v: dict[str, torch.Tensor], batch: int) -> dict[str, np.ndarray]:
    """The Jacobian of a (B, H) function by each variable, a row of the batch at a time: (B, H, shape of variable)."""

    def of_tensors(*tensors: torch.Tensor) -> torch.Tensor:
        return function(dict(zip(v, tensors, strict=True)))

    whole = torch.autograd.functional.jacobian(of_tensors, tuple(v.values()))
    rows = range(batch)
    return {
        name: (jacobian if name[:2] in ("W_", "b_") else torch.stack([jacobian[b, :, b] for b in rows])).numpy()
        for name, jacobian in zip(v, whole, strict=True)
    }


@pytest.mark.parametrize(("shape", "activation"), list(zip(SHAPES, itertools.cycle(PHI), strict=False)))
def test_one_step(shape: tuple[int, int, int], activation: str) -> None:
    (cache,) = random_steps(1, *shape, activation)
    for number, of in enumerate((of_hidden, of_cell)):
        expected = by_autograd(lambda v, n=number: step(v, activation)[n], variables(cache), shape[0])
        actual = {name: getattr(of(cache), name) for name in VARIABLES}
        assert_close(actual, {name: expected[name] for name in VARIABLES}, TOLERANCE)


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("variable", VARIABLES)
def test_any_variable_of_an_earlier_step(variable: str, steps: int) -> None:
    caches = random_steps(steps, 2, 3, 4)

    def last_hidden(v: dict[str, torch.Tensor]) -> torch.Tensor:
        h, c = step(v)
        for cache in caches[1:]:
            held = variables(cache)
            h, c = step(held | {"h_prev": h, "c_prev": c})
        return h

    expected = by_autograd(last_hidden, variables(caches[0]), 2)[variable]
    actual = jacobians.hidden_through_time(caches, variable)
    assert_close({variable: actual}, {variable: expected}, TOLERANCE)


def test_products_through_time_agree_over_one_step_and_part() -> None:
    """Over two steps the report's product misses the way through the cell."""
    caches, H = random_steps(6, 3, 4, 5), 5
    hidden = np.eye(H)
    for distance, products in enumerate(jacobians.back_through_time(caches), start=1):
        hidden = hidden @ of_hidden(caches[-distance]).h_prev
        whole = jacobians.joint_product(caches[-distance:])[:, :H]
        found = {"whole": products.whole, "hidden": products.hidden}
        assert_close(found, {"whole": whole, "hidden": hidden}, 1e-12)
        missed, size = hidden - whole[..., :H], np.linalg.norm(whole[..., :H], axis=(1, 2))
        share = np.linalg.norm(missed, axis=(1, 2)) / size
        assert (share < 1e-15).all() if distance == 1 else (share > 0.05).all()
        if distance == 2:
            assert_close({"missed": -missed}, {"missed": products.cell}, 1e-12)
