r"""Every derivative of one LSTM step as a full Jacobian, and their products through time, in NumPy.

A Jacobian is named in the report's letters and made from what `formulas.step_forward` remembers:
``of_hidden(cache).W_f`` is ∂h_t/∂W_f, ``of_cell(cache).W_f`` is ∂c_t/∂W_f. Everything follows from

    h_t = o_t ⊙ φ(c_t),    c_t = f_t ⊙ c_{t-1} + i_t ⊙ c̃_t,    net = W_h h_{t-1} + W_x x_t + b.

Where:

- a Jacobian of y by v has the shape (B, H, *shape of v*): its entry [b, k, …] is ∂y_k/∂v_… in row b of the batch;
- Z = H + E is the length of z = [h_{t-1}, x_t], G = 4H stacks the gates, S = 2H is the state [h_t, c_t];
- a list of caches holds consecutive steps, the earliest first;
- a Jacobian has the type of the cache.

Numbers in brackets are the terms of `formulas.step_backward`; docs/lstm-derivation.md derives them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import numpy as np

from pingze.arrays import Array, Float
from pingze.lstm.formulas import ACTIVATIONS, Gates, StepCache

VARIABLES = (
    *("o", "c", "f", "i", "c_tilde", "c_prev", "h_prev", "x"),
    *("W_o", "W_f", "W_i", "W_c", "b_o", "b_f", "b_i", "b_c"),
)
"""What the report differentiates h_t by, in its order."""


@dataclass(frozen=True)
class Jacobians:
    """∂y/∂v of one step for every variable v, where y is h_t or c_t.

    ∂y/∂o_t and ∂y/∂c_t are diagonal, since unit k of a gate reaches unit k of y alone; their diagonals are all that
    tells h_t from c_t.
    """

    cache: StepCache
    diagonal_o: Float[Array, "B H"]
    diagonal_c: Float[Array, "B H"]

    @property
    def o(self) -> Float[Array, "B H H"]:
        """∂y/∂o_t, (1)."""
        return diag(self.diagonal_o)

    @property
    def c(self) -> Float[Array, "B H H"]:
        """∂y/∂c_t, (2)."""
        return diag(self.diagonal_c)

    @property
    def f(self) -> Float[Array, "B H H"]:
        """∂y/∂f_t, (3)."""
        return diag(self.diagonal_c * self.cache.c_prev)

    @property
    def i(self) -> Float[Array, "B H H"]:
        """∂y/∂i_t, (4)."""
        return diag(self.diagonal_c * self.cache.gates.c_tilde)

    @property
    def c_tilde(self) -> Float[Array, "B H H"]:
        """∂y/∂c̃_t, (5)."""
        return diag(self.diagonal_c * self.cache.gates.i)

    @property
    def c_prev(self) -> Float[Array, "B H H"]:
        """∂y/∂c_{t-1}, h_{t-1} held fixed, (6)."""
        return diag(self.diagonal_c * self.cache.gates.f)

    @property
    def h_prev(self) -> Float[Array, "B H H"]:
        """∂y/∂h_{t-1}, c_{t-1} held fixed: the sum over the gates of diag[∂y/∂net] W_h, (12)."""
        return self._through_all_gates(self.cache.parameters.weight_hh)

    @property
    def x(self) -> Float[Array, "B H E"]:
        """∂y/∂x_t: the sum over the gates of diag[∂y/∂net] W_x, (11)."""
        return self._through_all_gates(self.cache.parameters.weight_ih)

    @property
    def W_o(self) -> Float[Array, "B H H Z"]:  # noqa: N802
        """∂y/∂W_o, (13) and (14)."""
        return self._by_weight(self.diagonal_net.o)

    @property
    def W_f(self) -> Float[Array, "B H H Z"]:  # noqa: N802
        """∂y/∂W_f, (13) and (14)."""
        return self._by_weight(self.diagonal_net.f)

    @property
    def W_i(self) -> Float[Array, "B H H Z"]:  # noqa: N802
        """∂y/∂W_i, (13) and (14)."""
        return self._by_weight(self.diagonal_net.i)

    @property
    def W_c(self) -> Float[Array, "B H H Z"]:  # noqa: N802
        """∂y/∂W_c, (13) and (14)."""
        return self._by_weight(self.diagonal_net.c_tilde)

    @property
    def b_o(self) -> Float[Array, "B H H"]:
        """∂y/∂b_o, (15): that of net_o."""
        return diag(self.diagonal_net.o)

    @property
    def b_f(self) -> Float[Array, "B H H"]:
        """∂y/∂b_f, (15): that of net_f."""
        return diag(self.diagonal_net.f)

    @property
    def b_i(self) -> Float[Array, "B H H"]:
        """∂y/∂b_i, (15): that of net_i."""
        return diag(self.diagonal_net.i)

    @property
    def b_c(self) -> Float[Array, "B H H"]:
        """∂y/∂b_c, (15): that of net_c̃."""
        return diag(self.diagonal_net.c_tilde)

    @property
    def diagonal_net(self) -> Gates:
        """The diagonals of ∂y/∂net_i, ∂y/∂net_f, ∂y/∂net_c̃ and ∂y/∂net_o, (7) to (10)."""
        (i, f, c_tilde, o), c_prev = self.cache.gates, self.cache.c_prev
        derivative = ACTIVATIONS[self.cache.activation].derivative
        return Gates(
            i=self.diagonal_c * c_tilde * i * (1 - i),
            f=self.diagonal_c * c_prev * f * (1 - f),
            c_tilde=self.diagonal_c * i * derivative(c_tilde),
            o=self.diagonal_o * o * (1 - o),
        )

    def _through_all_gates(self, weight: Float[Array, "G D"]) -> Float[Array, "B H D"]:
        """The sum over the gates of diag[∂y/∂net] W: row k of each W scaled by entry k of the diagonal."""
        net = np.stack(self.diagonal_net, axis=1)
        blocks = weight.reshape(4, net.shape[2], weight.shape[1])
        summed: Array = np.einsum("bgk,gkd->bkd", net, blocks)
        return summed

    def _by_weight(self, net: Float[Array, "B H"]) -> Float[Array, "B H H Z"]:
        """∂y_k/∂W_{lm} = δ_{kl} (∂y_k/∂net_k) z_m: the outer product of diagonal and z, on the diagonal k = l."""
        z = np.concatenate([self.cache.h_prev, self.cache.x], axis=1)
        jacobian: Array = np.einsum("bkl,bm->bklm", diag(net), z)
        return jacobian


def of_hidden(cache: StepCache) -> Jacobians:
    """∂h_t/∂v for every v: h_t = o_t ⊙ φ(c_t)."""
    return Jacobians(
        cache, cache.phi_c, cache.gates.o * ACTIVATIONS[cache.activation].derivative(cache.phi_c)
    )


def of_cell(cache: StepCache) -> Jacobians:
    """∂c_t/∂v for every v; o_t does not reach c_t."""
    return Jacobians(cache, np.zeros_like(cache.phi_c), np.ones_like(cache.phi_c))


def joint(cache: StepCache) -> Float[Array, "B S S"]:
    """J_t = ∂(h_t, c_t)/∂(h_{t-1}, c_{t-1}): one step of the whole state, in four blocks of (H, H)."""
    h, c = of_hidden(cache), of_cell(cache)
    return np.block([[h.h_prev, h.c_prev], [c.h_prev, c.c_prev]])


def joint_product(caches: Sequence[StepCache]) -> Float[Array, "B S S"]:
    """∂(h_t, c_t)/∂(h_k, c_k) = J_t J_{t-1} … J_{k+1}, from the caches of the steps k+1 … t."""
    product: Array = reduce(np.matmul, [joint(cache) for cache in reversed(caches)])
    return product


def hidden_through_time(caches: Sequence[StepCache], variable: str) -> Float[Array, "B H *variable"]:
    """∂h_t/∂v_k, (B, H, shape of v): what h_t owes to a variable of step k alone.

    A weight serves every step; its whole derivative is the sum over k.

    Args:
        caches: Of the steps k … t.
        variable: One of `VARIABLES`.
    """
    first, *later = caches
    reached = np.concatenate([getattr(of(first), variable) for of in (of_hidden, of_cell)], axis=1)
    B, H = first.phi_c.shape
    by_state = np.broadcast_to(np.eye(H, 2 * H, dtype=first.phi_c.dtype), (B, H, 2 * H))
    for cache in reversed(later):
        by_state = by_state @ joint(cache)
    jacobian: Array = np.einsum("bks,bs...->bk...", by_state, reached)
    return jacobian


class Products(NamedTuple):
    """∂h_t/∂h_k along all ways, and along some of them."""

    whole: Float[Array, "B H S"]
    """∂h_t/∂(h_k, c_k): its first H columns are ∂h_t/∂h_k, along all ways."""
    hidden: Float[Array, "B H H"]
    """The report's product: never from a cell to the next."""
    cell: Float[Array, "B H H"]
    """From h_k into the cell, then along the cell alone: diag[o_t φ'(c_t) f_t f_{t-1} … f_{k+2}] ∂c_{k+1}/∂h_k."""


def back_through_time(caches: Sequence[StepCache]) -> Iterator[Products]:
    """The products for k = t-1, t-2, …, where the last of the caches is step t's."""
    B, H = caches[-1].phi_c.shape
    whole = np.broadcast_to(np.eye(H, 2 * H, dtype=caches[-1].phi_c.dtype), (B, H, 2 * H))
    hidden = whole[..., :H]
    kept = of_hidden(caches[-1]).diagonal_c
    for cache in reversed(caches):
        whole = whole @ joint(cache)
        hidden = hidden @ of_hidden(cache).h_prev
        yield Products(whole, hidden, kept[..., None] * of_cell(cache).h_prev)
        kept = kept * cache.gates.f


def diag(v: Float[Array, "B H"]) -> Float[Array, "B H H"]:
    """The report's diag[v], for each row of the batch."""
    matrix: Array = v[:, :, None] * np.eye(v.shape[1], dtype=v.dtype)
    return matrix
