r"""Compute all derivatives of one LSTM step, and of steps through time, as full Jacobians in NumPy.

Jacobians are named in the report's notation and computed from the cache of `formulas.step_forward`:
``of_hidden(cache).W_f`` is ∂h_t/∂W_f, ``of_cell(cache).W_f`` is ∂c_t/∂W_f. All of them follow from

    h_t = o_t ⊙ φ(c_t),    c_t = f_t ⊙ c_{t-1} + i_t ⊙ c̃_t,    net = W_h h_{t-1} + W_x x_t + b.

The Jacobian ∂y/∂v has the shape (B, H, *shape of v*); its entry [b, k, …] is ∂y_k/∂v_… in row b of
the batch. The lengths are Z = H + E for z = [h_{t-1}, x_t], G = 4H for the stacked gates, and S =
2H for [h_t, c_t]. A list of caches covers consecutive steps, the earliest first.

Numbers in parentheses name the terms of `formulas.step_backward`, which docs/lstm-derivation.md
derives.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import numpy as np

from pingze.arrays import Array, Float
from pingze.lstm.formulas import ACTIVATIONS, Gates, StepCache

VARIABLES = (
    "o",
    "c",
    "f",
    "i",
    "c_tilde",
    "c_prev",
    "h_prev",
    "x",
    "W_o",
    "W_f",
    "W_i",
    "W_c",
    "b_o",
    "b_f",
    "b_i",
    "b_c",
)
"""The variables v of a step, in the order of the report's derivatives of h_t."""


@dataclass(frozen=True)
class Jacobians:
    """The Jacobians ∂y/∂v of one step, where y is h_t or c_t.

    The attribute that is named after a variable v in `VARIABLES` is ∂y/∂v.

    All Jacobians follow from ∂y/∂o_t and ∂y/∂c_t, which are diagonal because unit k of a gate
    affects only unit k of y.
    """

    cache: StepCache
    diagonal_o: Float[Array, "B H"]
    diagonal_c: Float[Array, "B H"]

    @property
    def o(self) -> Float[Array, "B H H"]:
        """∂y/∂o_t: term (1)."""
        return diag(self.diagonal_o)

    @property
    def c(self) -> Float[Array, "B H H"]:
        """∂y/∂c_t: term (2)."""
        return diag(self.diagonal_c)

    @property
    def f(self) -> Float[Array, "B H H"]:
        """∂y/∂f_t: term (3)."""
        return diag(self.diagonal_c * self.cache.c_prev)

    @property
    def i(self) -> Float[Array, "B H H"]:
        """∂y/∂i_t: term (4)."""
        return diag(self.diagonal_c * self.cache.gates.c_tilde)

    @property
    def c_tilde(self) -> Float[Array, "B H H"]:
        """∂y/∂c̃_t: term (5)."""
        return diag(self.diagonal_c * self.cache.gates.i)

    @property
    def c_prev(self) -> Float[Array, "B H H"]:
        """∂y/∂c_{t-1} with h_{t-1} fixed: term (6)."""
        return diag(self.diagonal_c * self.cache.gates.f)

    @property
    def h_prev(self) -> Float[Array, "B H H"]:
        """∂y/∂h_{t-1} with c_{t-1} fixed: term (12)."""
        return self.through_all_gates(self.cache.parameters.weight_hh)

    @property
    def x(self) -> Float[Array, "B H E"]:
        """∂y/∂x_t: term (11)."""
        return self.through_all_gates(self.cache.parameters.weight_ih)

    @property
    def W_o(self) -> Float[Array, "B H H Z"]:
        """∂y/∂W_o: terms (13) and (14)."""
        return self.by_weight(self.diagonal_net.o)

    @property
    def W_f(self) -> Float[Array, "B H H Z"]:
        """∂y/∂W_f: terms (13) and (14)."""
        return self.by_weight(self.diagonal_net.f)

    @property
    def W_i(self) -> Float[Array, "B H H Z"]:
        """∂y/∂W_i: terms (13) and (14)."""
        return self.by_weight(self.diagonal_net.i)

    @property
    def W_c(self) -> Float[Array, "B H H Z"]:
        """∂y/∂W_c: terms (13) and (14)."""
        return self.by_weight(self.diagonal_net.c_tilde)

    @property
    def b_o(self) -> Float[Array, "B H H"]:
        """∂y/∂b_o: term (15)."""
        return diag(self.diagonal_net.o)

    @property
    def b_f(self) -> Float[Array, "B H H"]:
        """∂y/∂b_f: term (15)."""
        return diag(self.diagonal_net.f)

    @property
    def b_i(self) -> Float[Array, "B H H"]:
        """∂y/∂b_i: term (15)."""
        return diag(self.diagonal_net.i)

    @property
    def b_c(self) -> Float[Array, "B H H"]:
        """∂y/∂b_c: term (15)."""
        return diag(self.diagonal_net.c_tilde)

    @property
    def diagonal_net(self) -> Gates:
        """The diagonals of ∂y/∂net_i, ∂y/∂net_f, ∂y/∂net_c̃ and ∂y/∂net_o: terms (7) to (10)."""
        i, f, c_tilde, o = self.cache.gates
        c_prev = self.cache.c_prev
        derivative = ACTIVATIONS[self.cache.activation].derivative
        return Gates(
            i=self.diagonal_c * c_tilde * i * (1 - i),
            f=self.diagonal_c * c_prev * f * (1 - f),
            c_tilde=self.diagonal_c * i * derivative(c_tilde),
            o=self.diagonal_o * o * (1 - o),
        )

    def through_all_gates(self, weight: Float[Array, "G D"]) -> Float[Array, "B H D"]:
        """Compute Σ_g diag[∂y/∂net_g] W_g, the derivative by what `weight` multiplies.

        The sum is over the gates g, and `weight` is the stack of their matrices W_g.
        """
        diagonals = np.stack(self.diagonal_net, axis=1)  # (B, 4, H)
        H = diagonals.shape[2]
        weight_of_gates = weight.reshape(4, H, -1)  # (4, H, D)
        return np.einsum("bgk,gkd->bkd", diagonals, weight_of_gates)

    def by_weight(self, diagonal: Float[Array, "B H"]) -> Float[Array, "B H H Z"]:
        """Compute ∂y/∂W of a gate from `diagonal`, the diagonal of ∂y/∂net.

        ∂y_k/∂W_{lm} is diagonal_k z_m if k = l, and 0 otherwise.
        """
        z = np.concatenate([self.cache.h_prev, self.cache.x], axis=1)  # (B, Z)
        return np.einsum("bkl,bm->bklm", diag(diagonal), z)


def of_hidden(cache: StepCache) -> Jacobians:
    """Differentiate h_t = o_t ⊙ φ(c_t) with respect to every variable."""
    derivative = ACTIVATIONS[cache.activation].derivative
    return Jacobians(
        cache=cache,
        diagonal_o=cache.phi_c,
        diagonal_c=cache.gates.o * derivative(cache.phi_c),
    )


def of_cell(cache: StepCache) -> Jacobians:
    """Differentiate c_t with respect to every variable; c_t does not depend on o_t."""
    return Jacobians(
        cache=cache,
        diagonal_o=np.zeros_like(cache.phi_c),
        diagonal_c=np.ones_like(cache.phi_c),
    )


def joint(cache: StepCache) -> Float[Array, "B S S"]:
    """Compute J_t = ∂(h_t, c_t)/∂(h_{t-1}, c_{t-1}), the Jacobian of one step's state."""
    h = of_hidden(cache)
    c = of_cell(cache)
    return np.block([[h.h_prev, h.c_prev], [c.h_prev, c.c_prev]])


def joint_product(caches: Sequence[StepCache]) -> Float[Array, "B S S"]:
    """Compute ∂(h_t, c_t)/∂(h_k, c_k) = J_t J_{t-1} … J_{k+1} from the caches of steps k+1 … t."""
    return reduce(np.matmul, [joint(cache) for cache in reversed(caches)])


def hidden_through_time(
    caches: Sequence[StepCache], variable: str
) -> Float[Array, "B H *variable"]:
    """Compute ∂h_t/∂v_k, (B, H, shape of v), from the caches of steps k … t.

    v_k is the variable v at step k. A weight is used at every step, so the total derivative with
    respect to a weight is the sum of ∂h_t/∂v_k over k.
    """
    first, *later = caches
    h_by_variable = getattr(of_hidden(first), variable)  # ∂h_k/∂v_k
    c_by_variable = getattr(of_cell(first), variable)  # ∂c_k/∂v_k
    # If there is one step, k = t.
    if not later:
        return h_by_variable
    # Otherwise apply the chain rule: ∂h_t/∂v_k = ∂h_t/∂(h_k, c_k) ∂(h_k, c_k)/∂v_k.
    H = h_by_variable.shape[1]
    hidden_by_state = joint_product(later)[:, :H]  # the rows of h_t, without those of c_t
    state_by_variable = np.concatenate([h_by_variable, c_by_variable], axis=1)
    return np.einsum("bks,bs...->bk...", hidden_by_state, state_by_variable)


class Products(NamedTuple):
    """The derivative ∂h_t/∂h_k along all paths from h_k to h_t, and along two subsets of them."""

    whole: Float[Array, "B H S"]
    """∂h_t/∂(h_k, c_k) along all paths; its first H columns are ∂h_t/∂h_k."""
    hidden: Float[Array, "B H H"]
    """The report's product of the Jacobians ∂h_t/∂h_{t-1}.

    It omits every path from one cell state to the next.
    """
    cell: Float[Array, "B H H"]
    """The path from h_k through c_{k+1}, …, c_t to h_t.

    diag[o_t φ'(c_t) f_t f_{t-1} … f_{k+2}] ∂c_{k+1}/∂h_k.
    """


def back_through_time(caches: Sequence[StepCache]) -> Iterator[Products]:
    """Yield the derivatives ∂h_t/∂h_k for k = t-1, t-2, …, where t is the last step."""
    # 1) Begin with the products for k = t: ∂h_t/∂h_t is the identity, and ∂h_t/∂c_t along the cell
    # is diagonal.
    last = caches[-1]
    hidden = diag(np.ones_like(last.phi_c))
    whole = np.concatenate([hidden, np.zeros_like(hidden)], axis=2)
    diagonal_along_cell = of_hidden(last).diagonal_c
    # 2) Multiply by the Jacobians of one more step. Its cache leads from step k to step k+1, and
    # `diagonal_along_cell` is the diagonal of ∂h_t/∂c_{k+1} along the cell.
    for cache in reversed(caches):
        whole = whole @ joint(cache)
        hidden = hidden @ of_hidden(cache).h_prev
        cell = diagonal_along_cell[..., None] * of_cell(cache).h_prev
        yield Products(whole=whole, hidden=hidden, cell=cell)
        diagonal_along_cell = diagonal_along_cell * cache.gates.f


def diag(v: Float[Array, "B H"]) -> Float[Array, "B H H"]:
    """Build the diagonal matrix diag[v] for each row of the batch."""
    return v[:, :, None] * np.eye(v.shape[1], dtype=v.dtype)
