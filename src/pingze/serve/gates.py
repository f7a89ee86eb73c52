"""A look inside: what the model saw of a poem, what a unit kept, and what a character can still change.

- surprise: -ln p of each token after all before it, in nats;
- gates, cell and hidden state of one unit after each token was read;
- reach: the norm of ∂h_t/∂(h_k, c_k), the product of the steps' Jacobians from an earlier token k to the one chosen, t.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pingze.arrays import Array
from pingze.composing import Poem
from pingze.composing.composer import Composer, composer
from pingze.composing.revise import poem_request
from pingze.deadline import check_deadline
from pingze.errors import InputError
from pingze.lstm.formulas import StepCache
from pingze.lstm.jacobians import of_cell, of_hidden
from pingze.network.vocabulary import BOS
from pingze.serve.answers import model
from pingze.serve.schemas.requests import InsideRequest, NextRequest, ReachRequest


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
    """Empty where it was not asked for; else what `Reach` has."""


@dataclass(frozen=True)
class Reach:
    """How far back a character's gradient reaches in one layer."""

    token: int
    """The chosen character, as an index of the poem's tokens from 0."""
    reach: Sequence[float]
    """‖∂h_t/∂(h_k, c_k)‖ (Frobenius, over √H, so that it is 1 at k = t) for each token k up to the chosen one, t."""


def inside(asked: InsideRequest) -> Inside:
    """Read the poem with the model and tell what happened inside. Raises InputError on a place or unit not there."""
    chosen, poem, prefix, caches = _read(asked)
    check_within(asked, unit=chosen.network.configuration.hidden_size)
    _, log_p = chosen.score(poem.lines, prefix)
    at = token_of(asked, poem)
    return Inside(
        tokens=[chosen.vocabulary.tokens[id_] for id_ in chosen.token_ids(poem.lines)],
        surprise=(-log_p).tolist(),
        token=at,
        reach=reach(caches[: at + 1]) if asked.reach else [],
        **_of_unit(caches, asked.unit - 1),
    )


def look_back(asked: ReachRequest) -> Reach:
    """How far back a character's gradient reaches. Raises InputError on a place or layer not there."""
    _, poem, _, caches = _read(asked)
    at = token_of(asked, poem)
    return Reach(at, reach(caches[: at + 1]))


def _read(asked: ReachRequest) -> tuple[Composer, Poem, list[int], list[StepCache]]:
    """The model, the poem, the tokens before it, and what the layer that is asked for did at each token of it."""
    chosen, poem = composer(model(asked.model)), asked.poem.read()
    layers = chosen.network.configuration.layers
    check_within(asked, layer=layers, line=len(poem.lines), position=len(poem.lines[0]))
    return chosen, poem, *read_layer(chosen, poem, asked.layer)


def read_layer(chosen: Composer, poem: Poem, layer: int) -> tuple[list[int], list[StepCache]]:
    """The tokens before a poem, and what a layer, from 1, did at each token of it."""
    prefix = chosen.prefix(poem_request(chosen, poem))
    read = np.array([*prefix, BOS, *chosen.token_ids(poem.lines)])
    return prefix, chosen.network.record(read)[layer - 1][len(prefix) + 1 :]


def token_of(asked: ReachRequest | NextRequest, poem: Poem) -> int:
    """The token that stands at a place, from 0: a mark stands after each line."""
    return (asked.line - 1) * (len(poem.lines[0]) + 1) + asked.position - 1


def check_within(asked: object, **most: int) -> None:
    """Raises InputError where a number that is asked for, as the layer, is larger than there are."""
    for name, there in most.items():
        if (value := getattr(asked, name)) > there:
            message = f"{name} is {value}; there are {there}"
            raise InputError(message, field=name, code="range", has=value, least=1, most=there)


def reach(caches: Sequence[StepCache]) -> list[float]:
    """‖∂h_t/∂(h_k, c_k)‖ / √H for k = 1 … t, where the last of the caches is step t's.

    A step's Jacobian is diagonal where a cell's state comes in, so that half of each product is elementwise.
    """
    H = caches[-1].phi_c.shape[1]
    by_h, by_c, norms = np.eye(H, dtype=np.float32), np.zeros((H, H), np.float32), [1.0]
    for cache in reversed(caches[1:]):
        check_deadline()
        h, c = of_hidden(cache), of_cell(cache)
        by_h, by_c = (
            by_h @ h.h_prev[0] + by_c @ c.h_prev[0],
            by_h * np.diagonal(h.c_prev[0]) + by_c * np.diagonal(c.c_prev[0]),
        )
        norms.append(float(np.hypot(np.linalg.norm(by_h), np.linalg.norm(by_c)) / np.sqrt(H)))
    return norms[::-1]


def _of_unit(caches: Sequence[StepCache], unit: int) -> dict[str, Any]:
    """Gates, cell and hidden state of one unit."""
    i, f, candidate, o = (
        np.array([gate[0, unit] for gate in gates]) for gates in zip(*(c.gates for c in caches), strict=True)
    )
    hidden = o * np.array([cache.phi_c[0, unit] for cache in caches])
    gates = GateValues(*(values.tolist() for values in (i, f, o, candidate)))
    return {"gates": gates, "cell": cells(caches)[:, unit].tolist(), "hidden": hidden.tolist()}


def cells(caches: Sequence[StepCache]) -> Array:
    """The cell's state after each step, (T, H): c = f c_prev + i c̃."""
    return np.concatenate([c.gates.f * c.c_prev + c.gates.i * c.gates.c_tilde for c in caches])
