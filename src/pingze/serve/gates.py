"""A look inside: a poem, a unit and a character come in; what the model saw, kept and can still change go out.

- surprise: -ln p of each token after all before it, in nats;
- gates, cell and hidden state of one unit after each token was read;
- reach: the norm of ∂h_t/∂(h_k, c_k), the product of the steps' Jacobians from an earlier token k to the one chosen, t.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pingze.composing.composer import composer
from pingze.composing.deadline import check_deadline
from pingze.composing.revision import poem_request
from pingze.errors import InputError
from pingze.lstm.formulas import StepCache
from pingze.lstm.jacobians import back_through_time
from pingze.serve.answers import model
from pingze.serve.schemas import InsideRequest
from pingze.vocabulary import BOS


@dataclass(frozen=True)
class GateValues:
    """Input, forget and output gate, and the candidate, of one unit over the tokens."""

    i: Sequence[float]
    f: Sequence[float]
    o: Sequence[float]
    candidate: Sequence[float]


@dataclass(frozen=True)
class Inside:
    """What one layer's unit did while the model read a poem; every list is over the tokens."""

    tokens: Sequence[str]
    """The poem's characters, the mark after each line, and `<eos>`."""
    surprise: Sequence[float]
    """-ln p of each token, in nats."""
    gates: GateValues
    cell: Sequence[float]
    hidden: Sequence[float]
    token: int
    """The chosen character, as an index of `tokens` from 0."""
    reach: Sequence[float]
    """‖∂h_t/∂(h_k, c_k)‖ (Frobenius, over √H, so that it is 1 at k = t) for each token k up to the chosen one, t."""


def inside(asked: InsideRequest) -> Inside:
    """Read the poem with the model and tell what happened inside. Raises InputError on a place or unit not there."""
    chosen, poem = composer(model(asked.model)), asked.poem.read()
    size = chosen.network.configuration
    for name, value, most in (
        ("layer", asked.layer, size.layers),
        ("unit", asked.unit, size.hidden_size),
        ("line", asked.line, len(poem.lines)),
        ("position", asked.position, len(poem.lines[0])),
    ):
        if value > most:
            message = f"{name} is {value}; there are {most}"
            raise InputError(message, field=name, code="range", has=value, least=1, most=most)
    prefix = chosen.prefix(poem_request(chosen, poem, (), {}))
    ids = chosen.token_ids(poem.lines)
    read = np.array([*prefix, BOS, *ids])
    caches = chosen.network.record(read)[asked.layer - 1][len(prefix) + 1 :]
    _, log_p = chosen.score(poem.lines, prefix)
    at = (asked.line - 1) * (len(poem.lines[0]) + 1) + asked.position - 1
    return Inside(
        tokens=[chosen.vocabulary.tokens[id_] for id_ in ids],
        surprise=(-log_p).tolist(),
        token=at,
        reach=reach(caches[: at + 1]),
        **_of_unit(caches, asked.unit - 1),
    )


def reach(caches: Sequence[StepCache]) -> list[float]:
    """‖∂h_t/∂(h_k, c_k)‖ / √H for k = 1 … t, where the last of the caches is step t's."""
    norms = [1.0]
    for products in back_through_time(caches[1:]) if len(caches) > 1 else ():
        check_deadline()
        norms.append(float(np.linalg.norm(products.whole) / np.sqrt(products.whole.shape[1])))
    return norms[::-1]


def _of_unit(caches: Sequence[StepCache], unit: int) -> dict[str, Any]:
    """Gates, cell and hidden state of one unit."""
    i, f, candidate, o = (
        np.array([gate[0, unit] for gate in gates]) for gates in zip(*(c.gates for c in caches), strict=True)
    )
    cell = f * np.array([cache.c_prev[0, unit] for cache in caches]) + i * candidate
    hidden = o * np.array([cache.phi_c[0, unit] for cache in caches])
    gates = GateValues(*(values.tolist() for values in (i, f, o, candidate)))
    return {"gates": gates, "cell": cell.tolist(), "hidden": hidden.tolist()}
