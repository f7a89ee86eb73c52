"""The reference that the report is measured against: one step's equations, differentiated by machine.

Given a step's inputs and weights by name (`sample_layers.letters`), it gives the value of any of its letters, and the
Jacobian of one by another: by PyTorch's automatic differentiation, or by central differences. Nothing here is
derived by hand.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch

from pingze.arrays import Array

MOVE = 1e-5
"""By how much a central difference moves a variable."""


def step(given: Mapping[str, Any], xp: Any) -> dict[str, Any]:
    """The report's forward pass, its slips mended; `xp` is numpy or torch. What is given is not computed.

    So a letter from the middle, as net_f or c, can be given, and what follows be differentiated by it.
    """
    v = dict(given)
    v.setdefault("z", xp.concatenate([v["h_prev"], v["x"]]))
    for g in "fico":
        v.setdefault(f"net_{g}", v[f"W_{g}"] @ v["z"] + v[f"b_{g}"])
    for g in "fio":
        v.setdefault(g, 1 / (1 + xp.exp(-v[f"net_{g}"])))
    v.setdefault("c_tilde", xp.tanh(v["net_c"]))
    v.setdefault("c", v["f"] * v["c_prev"] + v["i"] * v["c_tilde"])
    v.setdefault("h", v["o"] * xp.tanh(v["c"]))
    return v


def last_state(steps: list[dict[str, Array]], state: Any, xp: Any) -> Any:
    """[h, c] after some steps, of which the first has `state` in place of its own."""
    H, weights = len(state) // 2, _given(steps[0], xp)
    h, c = state[:H], state[H:]
    for each in steps:
        v = step(weights | _given({"x": each["x"]}, xp) | {"h_prev": h, "c_prev": c}, xp)
        h, c = v["h"], v["c"]
    return xp.concatenate([h, c])


class Differentiation:
    """One step at one point: the values of its letters, and the Jacobians between them.

    `through` names the gates (letters of "fico") that may pass something on; the others' net is held fixed.
    """

    def __init__(self, given: Mapping[str, Array]) -> None:
        self.given = dict(given)
        self._known: dict[tuple[str, str, str], Array] = {}

    @cached_property
    def values(self) -> dict[str, Array]:
        """Every letter's value, computed by PyTorch, and the two halves of each W."""
        values = {name: value.numpy() for name, value in step(_given(self.given, torch), torch).items()}
        H = len(values["h_prev"])
        for g in "fico":
            values |= {f"W_{g}h": values[f"W_{g}"][:, :H], f"W_{g}x": values[f"W_{g}"][:, H:]}
        return values

    def automatic(self, of: str, by: str, through: str = "fico") -> Array:
        """∂of/∂by by automatic differentiation: (shape of `of`, shape of `by`)."""
        key = (of, by, through)
        if key not in self._known:
            self._known[key] = automatic_jacobian(self._function(*key, torch), self.values[by])
        return self._known[key]

    def central(self, of: str, by: str, through: str = "fico") -> Array:
        """∂of/∂by by central differences."""
        return central_differences(self._function(of, by, through, np), self.values[by])

    def _function(self, of: str, by: str, through: str, xp: Any) -> Callable[[Any], Any]:
        fixed = {f"net_{g}": self.values[f"net_{g}"] for g in "fico" if g not in through}
        given = _given(self.given | fixed, xp)
        return lambda value: step(given | {by: value}, xp)[of]


def automatic_jacobian(function: Callable[[Any], Any], start: Array) -> Array:
    """The Jacobian of a function of tensors, by reverse-mode automatic differentiation."""
    jacobian: Array = torch.autograd.functional.jacobian(function, torch.from_numpy(start)).numpy()
    return jacobian


def central_differences(function: Callable[[Array], Array], start: Array) -> Array:
    """The Jacobian of a function of arrays: (f(x + δ) - f(x - δ)) / 2δ, one entry of x at a time."""
    columns = []
    for entry in np.ndindex(start.shape):
        move = np.zeros_like(start)
        move[entry] = MOVE
        columns.append((function(start + move) - function(start - move)) / (2 * MOVE))
    by_entry: Array = np.stack(columns, axis=-1)
    return by_entry.reshape(*by_entry.shape[:-1], *start.shape)


def relative_error(actual: Array, reference: Array, whole: Array | None = None) -> float:
    """The distance of two Jacobians, relative to the reference, or where that is zero to the whole derivative.

    What has fewer axes than a Jacobian stands for its diagonal: v for diag[v], v z^T for δ_{kl} v_k z_m.
    """
    if actual.ndim < reference.ndim:
        actual = np.einsum("kl,k...->kl...", np.eye(len(actual)), actual)
    scale = reference if whole is None or reference.any() else whole
    return float(np.linalg.norm(actual - reference) / np.linalg.norm(scale))


def _given(arrays: Mapping[str, Array], xp: Any) -> dict[str, Any]:
    return {name: xp.asarray(array) for name, array in arrays.items()}
