"""All units of a layer while the model reads a poem, what some of them were found to know, and what may come next.

What a unit knows is measured by `scripts/name_units.py`, and told only of the very weights that were measured.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from pingze.arrays import Array
from pingze.composing.composer import composer
from pingze.composing.revise import poem_request
from pingze.network.reference import ReferenceNetwork
from pingze.serve.answers import model
from pingze.serve.gates import cells, check_within, read_layer, token_of
from pingze.serve.schemas.requests import NextRequest, UnitsRequest

TEMPERATURES = [tenths / 10 for tenths in range(1, 21)]
LARGEST = 32767
"""The largest of the whole numbers that values are sent as."""


@dataclass(frozen=True)
class Packed:
    """Values over tokens and units, as little-endian 16-bit numbers in base64; each is to be multiplied by `scale`."""

    scale: float
    numbers: str


@dataclass(frozen=True)
class Known:
    """A unit whose cell was found to tell something."""

    unit: int
    """From 1."""
    knows: str
    """place (in the line), line (its number), half (of a couplet), tone (of the character read), foot (comes next)."""
    share: float
    """R²: the share of the cell's variance that it explains, over the tokens of composed 七律."""


@dataclass(frozen=True)
class Units:
    """What every unit of a layer did while the model read a poem."""

    tokens: Sequence[str]
    """The poem's characters, the mark after each line, and `<eos>`."""
    surprise: Sequence[float]
    """-ln p of each token, in nats."""
    units: int
    i: Packed
    f: Packed
    o: Packed
    candidate: Packed
    cell: Packed
    hidden: Packed
    known: Sequence[Known]
    """The units that were found to know something, the surest first; none where these weights were not measured."""


@dataclass(frozen=True)
class Likely:
    """A character and how likely it is at temperature 1."""

    character: str
    log_probability: float


@dataclass(frozen=True)
class Next:
    """What may stand at a place after all before it: at temperature T, p = exp(log_probability / T - log_sum)."""

    characters: Sequence[Likely]
    """The likeliest."""
    temperatures: Sequence[float]
    log_sums: Sequence[float]
    """At each temperature."""
    choices: Sequence[float]
    """At each temperature the exponential of the entropy: so many equally likely characters would be as uncertain."""


def units(asked: UnitsRequest) -> Units:
    """Read the poem and tell of every unit of a layer. Raises InputError on a layer that is not there."""
    chosen, poem = composer(model(asked.model)), asked.poem.read()
    size = chosen.network.configuration
    check_within(asked, layer=size.layers)
    prefix, caches = read_layer(chosen, poem, asked.layer)
    i, f, candidate, o = (np.concatenate(gate) for gate in zip(*(c.gates for c in caches), strict=True))
    values = {"i": i, "f": f, "o": o, "candidate": candidate, "cell": cells(caches)}
    values["hidden"] = o * np.concatenate([cache.phi_c for cache in caches])
    return Units(
        tokens=[chosen.vocabulary.tokens[id_] for id_ in chosen.token_ids(poem.lines)],
        surprise=(-chosen.score(poem.lines, prefix)[1]).tolist(),
        units=size.hidden_size,
        known=measured().get(fingerprint(chosen.network), {}).get(str(asked.layer), []),
        **{name: _packed(array) for name, array in values.items()},
    )


def likely(asked: NextRequest) -> Next:
    """What may stand at a place. Raises InputError on a place that is not there."""
    chosen, poem = composer(model(asked.model)), asked.poem.read()
    check_within(asked, line=len(poem.lines), position=len(poem.lines[0]))
    log_p, _ = chosen.score(poem.lines, chosen.prefix(poem_request(chosen, poem)))
    row = log_p[token_of(asked, poem)].astype(np.float64)
    best = np.argsort(row)[::-1][: asked.limit]
    tempered = row / np.array(TEMPERATURES)[:, None]
    sums = np.logaddexp.reduce(tempered, axis=1)
    p = np.exp(tempered - sums[:, None])
    entropies = sums - (p * np.where(p > 0, tempered, 0)).sum(axis=1)
    return Next(
        [Likely(chosen.vocabulary.tokens[id_], float(row[id_])) for id_ in best],
        TEMPERATURES,
        sums.tolist(),
        np.exp(entropies).tolist(),
    )


def _packed(values: Array) -> Packed:
    scale = float(np.abs(values).max() or 1) / LARGEST
    return Packed(scale, base64.b64encode(np.rint(values / scale).astype("<i2").tobytes()).decode("ascii"))


def fingerprint(network: ReferenceNetwork) -> str:
    """A digest by which weights are known again."""
    digest = hashlib.sha256(network.checkpoint.tensor("output.bias").tobytes())
    for layer in network.parameters:
        digest.update(layer.weight_hh.tobytes())
    return digest.hexdigest()


@cache
def measured() -> dict[str, dict[str, list[Known]]]:
    """What was measured: by the weights' fingerprint and by the layer from 1 the units that know something."""
    found = json.loads(files("pingze.serve").joinpath("units.json").read_text(encoding="utf-8"))
    return {
        weights: {layer: [Known(**known) for known in all_known] for layer, all_known in layers.items()}
        for weights, layers in found.items()
    }
