"""Show how a model reads a poem.

The routes show the units of a layer, the prediction of a character, and the reach of a gradient.
`tools/name_units.py` measures which property of a text each unit tracks. The results are shown
only for a model that has exactly the weights that were measured.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from pingze.arrays import Array
from pingze.composing.composer import Composer, load_composer
from pingze.composing.poem import Poem, marked
from pingze.composing.read_request import read_request
from pingze.composing.request import Request
from pingze.composing.sheet import Sheet
from pingze.deadline import check_deadline
from pingze.errors import InputError
from pingze.lstm.formulas import StepCache
from pingze.lstm.jacobians import of_cell, of_hidden
from pingze.network.reference import ReferenceNetwork
from pingze.network.vocabulary import BOS, EOS
from pingze.serve.schemas import (
    LONGEST_REACH,
    CharacterRequest,
    NextRequest,
    OfPoem,
    ReachRequest,
    UnitsRequest,
)

TEMPERATURES = [tenths / 10 for tenths in range(1, 21)]
# values are scaled to whole numbers of at most this absolute value before they are sent
LARGEST = 32767


@dataclass(frozen=True)
class Reach:
    """How strongly a layer's hidden state at a character depends on its state after each token."""

    token: int
    """The index of the chosen character among the poem's tokens, from 0."""
    reach: Sequence[float]
    """The Frobenius norm ‖∂h_t/∂(h_k, c_k)‖ / √H for each token k from 0 to t, where t is `token`.

    For k = t: 1.
    """


@dataclass(frozen=True)
class Packed:
    """An array of shape (tokens, units).

    The numbers are little-endian 16-bit integers in base64, to be multiplied by `scale`.
    """

    scale: float
    numbers: str


@dataclass(frozen=True)
class Known:
    """A unit whose cell state tracks a property of the text."""

    unit: int
    """The unit's number in its layer, from 1."""
    knows: str
    """The property.

    It is place (in line), line (in poem), half (of couplet), tone (just read) or foot (a rhyme is
    next).
    """
    share: float
    """R², measured on composed 七律: the share of the cell state's variance that it explains."""


@dataclass(frozen=True)
class Units:
    """The gates and states of every unit of a layer, for each token of a poem.

    The tokens are the poem's characters, the punctuation mark after each line, and `<eos>`.
    """

    tokens: Sequence[str]
    surprise: Sequence[float]
    """-ln p of each token given all tokens before it, in nats."""
    units: int
    i: Packed
    f: Packed
    o: Packed
    candidate: Packed
    cell: Packed
    hidden: Packed
    known: Sequence[Known]
    """The units that track a property, highest R² first.

    Empty if the weights of this model were not measured.
    """


@dataclass(frozen=True)
class Likely:
    """A character, and ln p of it at temperature 1."""

    character: str
    log_probability: float


@dataclass(frozen=True)
class Next:
    """The likeliest characters at a position.

    Their p at temperature T is exp(log_probability / T - log_sum).
    """

    characters: Sequence[Likely]
    temperatures: Sequence[float]
    log_sums: Sequence[float]
    """The logarithm, at each temperature, of the sum that normalizes the probabilities."""
    choices: Sequence[float]
    """exp(entropy) at each temperature: the effective number of characters to choose from."""


def reach(asked: ReachRequest) -> Reach:
    """Measure how strongly a layer's hidden state at a character depends on its earlier states."""
    composer, poem = _composer_and_poem(asked)
    if len(poem.lines) > LONGEST_REACH:
        has = len(poem.lines)
        raise InputError("too_many_lines", field="poem", has=has, most=LONGEST_REACH)
    token = _token_index(asked, poem)
    _, caches = _read_layer(composer, poem, asked)
    return Reach(token=token, reach=gradient_norms(caches[: token + 1]))


def units(asked: UnitsRequest) -> Units:
    """Return a layer's gates and states for each token of a poem, and what some units track."""
    composer, poem = _composer_and_poem(asked)
    prefix, caches = _read_layer(composer, poem, asked)
    # gates and states, each (tokens, units)
    o = np.concatenate([cache.gates.o for cache in caches])
    phi_c = np.concatenate([cache.phi_c for cache in caches])
    _, log_p = composer.score(poem.lines, prefix, poem.form)
    text = "".join(marked(poem.lines, poem.form))
    known_by_layer = measured().get(fingerprint(composer.network), {})
    return Units(
        tokens=[*text, composer.vocabulary.tokens[EOS]],
        surprise=(-log_p).tolist(),
        units=composer.network.configuration.hidden_size,
        i=_packed(np.concatenate([cache.gates.i for cache in caches])),
        f=_packed(np.concatenate([cache.gates.f for cache in caches])),
        o=_packed(o),
        candidate=_packed(np.concatenate([cache.gates.c_tilde for cache in caches])),
        cell=_packed(cells(caches)),
        hidden=_packed(o * phi_c),
        known=known_by_layer.get(str(asked.layer), []),
    )


def next_(asked: NextRequest) -> Next:
    """Predict the character at a position from all before it, at several temperatures."""
    composer, poem = _composer_and_poem(asked)
    # 1) ln p of every character at temperature 1, (V), and unnormalized at each of the T
    # temperatures, (T, V).
    prefix = composer.prefix(_request(composer, poem))
    log_p_of_tokens, _ = composer.score(poem.lines, prefix, poem.form)
    log_p = log_p_of_tokens[_token_index(asked, poem)].astype(np.float64)
    temperatures = np.array(TEMPERATURES)[:, None]  # (T, 1)
    tempered = log_p / temperatures
    # 2) The entropy -Σ p ln p at each temperature, (T). As ln p = tempered - log_sums, it is
    # log_sums - Σ p tempered. A p of 0 adds nothing, but `tempered` may be -∞ there: it counts as 0.
    log_sums = np.logaddexp.reduce(tempered, axis=1)
    p = np.exp(tempered - log_sums[:, None])
    finite_tempered = np.where(p > 0, tempered, 0)
    entropies = log_sums - (p * finite_tempered).sum(axis=1)
    # 3) The likeliest characters.
    ids_by_p = np.argsort(log_p)[::-1]
    characters = []
    for id_ in ids_by_p[: asked.limit]:
        character = composer.vocabulary.tokens[id_]
        characters.append(Likely(character=character, log_probability=float(log_p[id_])))
    return Next(
        characters=characters,
        temperatures=TEMPERATURES,
        log_sums=log_sums.tolist(),
        choices=np.exp(entropies).tolist(),
    )


def gradient_norms(caches: Sequence[StepCache]) -> list[float]:
    """Compute the Frobenius norms ‖∂h_t/∂(h_k, c_k)‖ / √H for k = 1 … t.

    `caches` are a layer's caches of the steps 1 to t, each for a batch of one text.
    """
    H = caches[-1].phi_c.shape[1]
    # ∂h_t/∂h_k and ∂h_t/∂c_k, (H, H), at first for k = t: h_t depends on itself alone
    by_h = np.eye(H, dtype=np.float32)
    by_c = np.zeros((H, H), np.float32)
    norms = [1.0]  # from k = t down to k = 1
    for step in reversed(caches[1:]):  # from k to k - 1, by the chain rule
        check_deadline()
        of_h = of_hidden(step)
        of_c = of_cell(step)
        by_h_prev = by_h @ of_h.h_prev[0] + by_c @ of_c.h_prev[0]
        # ∂h_k/∂c_(k-1) and ∂c_k/∂c_(k-1) are diagonal, so a product with them multiplies columns.
        by_c = by_h * np.diagonal(of_h.c_prev[0]) + by_c * np.diagonal(of_c.c_prev[0])
        by_h = by_h_prev
        norm = np.hypot(np.linalg.norm(by_h), np.linalg.norm(by_c))  # of both side by side
        norms.append(float(norm / np.sqrt(H)))
    return norms[::-1]


def cells(caches: Sequence[StepCache]) -> Array:
    """Compute the cell state after each step, (T, H): c = f c_prev + i c̃."""
    states = []
    for step in caches:
        i, f, c_tilde, _ = step.gates
        states.append(f * step.c_prev + i * c_tilde)
    return np.concatenate(states)


def fingerprint(network: ReferenceNetwork) -> str:
    """Compute a digest that identifies a model's weights."""
    digest = hashlib.sha256(network.checkpoint.tensor("output.bias").tobytes())
    for depth in range(network.configuration.layers):
        digest.update(network.checkpoint.tensor(f"lstm.{depth}.weight_hh").tobytes())
    return digest.hexdigest()


@cache
def measured() -> dict[str, dict[str, list[Known]]]:
    """Load the units that track a property, by fingerprint and by the layer's number, from 1."""

    def known(found: dict[str, Any]) -> Any:
        """Convert an object of the file, of which the innermost describe units."""
        return Known(**found) if "unit" in found else found

    text = files("pingze.serve").joinpath("units.json").read_text(encoding="utf-8")
    return json.loads(text, object_hook=known)


def _composer_and_poem(asked: OfPoem) -> tuple[Composer, Poem]:
    """Load the model and parse the poem.

    Raises InputError if the layer, line or position does not exist.
    """
    poem = asked.poem.read()
    composer = load_composer(asked.model, form=poem.form)
    # Not every request names a layer, a line and a position; 1 stands for what it does not name. A
    # line beyond the last is refused below, before the position, so any line will do for it here.
    line = min(getattr(asked, "line", 1), len(poem.lines))
    largest = {
        "layer": composer.network.configuration.layers,
        "line": len(poem.lines),
        "position": len(poem.lines[line - 1]),
    }
    for name, most in largest.items():
        value = getattr(asked, name, 1)
        if value > most:
            raise InputError("beyond", field=name, has=value, least=1, most=most)
    return composer, poem


def _read_layer(
    composer: Composer, poem: Poem, asked: UnitsRequest
) -> tuple[list[int], list[StepCache]]:
    """Return the ids of the conditions' tokens, and the layer's cache at each token of the poem."""
    prefix = composer.prefix(_request(composer, poem))
    ids = np.array([*prefix, BOS, *composer.token_ids(poem.lines, poem.form)])
    caches = composer.network.record(ids)[asked.layer - 1]
    first = len(prefix) + 1  # the caches before it are those of the prefix and of BOS
    return prefix, caches[first:]


def _token_index(asked: CharacterRequest, poem: Poem) -> int:
    """Return the requested character's index among the poem's tokens, from 0.

    The mark after each line is a token too.
    """
    earlier_lines = poem.lines[: asked.line - 1]
    earlier_tokens = sum(len(line) + 1 for line in earlier_lines)
    return earlier_tokens + asked.position - 1


def _request(composer: Composer, poem: Poem) -> Request:
    return read_request(composer.vocabulary, Sheet.of(poem))


def _packed(values: Array) -> Packed:
    """Round values to 16-bit integers."""
    largest = float(np.abs(values).max())
    if largest == 0:  # any scale will do for zeros, except 0
        largest = 1.0
    scale = largest / LARGEST
    whole = np.rint(values / scale).astype("<i2")
    numbers = base64.b64encode(whole.tobytes()).decode("ascii")
    return Packed(scale=scale, numbers=numbers)
