"""Sampling under constraints: a model and constraints come in, one text that keeps them goes out.

Masks alone bend the distribution: where a rhyme is forced, an unlucky line is finished as readily as a lucky one. So a
population of particles is advanced together, each with a weight (sequential Monte Carlo). The target is the product
of the tempered conditionals over all texts that keep the constraints. Each step multiplies a particle's weight by the
share of the conditional that was allowed; where few particles carry the weight, the population is drawn anew from
itself; at the end one particle is drawn by weight. docs/sampling.md explains it from the beginning.

Source: Doucet, de Freitas & Gordon 2001; for language models Lew et al. 2023, Loula et al. 2025.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from pingze.composing.antithesis import Antithesis
from pingze.composing.constraints import Constraints, Plan
from pingze.composing.engine import Engine
from pingze.composing.lexicon import FREE
from pingze.composing.poem import mark_after
from pingze.errors import UnfinishedError
from pingze.lstm.formulas import Array

COLDEST = 0.01
"""A temperature below this is read as this: particles need some breadth."""
_TINY = 1e-30
_BLOCK = 64
_OUTSIDE = 1e-6
"""How likely a character outside the nucleus stays, as a share of what it was."""


class Start(NamedTuple):
    """What a population of N particles begins with."""

    plans: list[Plan]
    log_weights: Float[Array, "N"]
    rng: np.random.Generator
    """All its chance: so a population is the same whichever others are written beside it."""


@dataclass(frozen=True)
class Population:
    """N finished texts with their weights."""

    ids: Int[Array, "N P"]
    """A character for each place of each text."""
    log_weights: Float[Array, "N"]
    alive: Bool[Array, "N T G"]
    """The hypotheses, template and rhyme group, that each text keeps."""
    effective_sizes: list[float]
    """The effective number of particles after each place, before they were drawn anew."""

    def choose(self, rng: np.random.Generator) -> int:
        """A row drawn by weight."""
        return int((self.log_weights + rng.gumbel(size=len(self.log_weights))).argmax())


def populate(
    engine: Engine,
    constraints: Constraints,
    starts: Sequence[Start],
    *,
    temperature: float,
    top_p: float = 1.0,
    prefix: Sequence[int] = (),
    antithesis: Antithesis | None = None,
) -> list[Population]:
    """Write a text for each plan of each population; populations of one size are written side by side, as one batch.

    Below 1, `top_p` keeps to the likeliest characters that together have that share of the tempered conditional; others
    are `_OUTSIDE` times as likely as they were, so that a poem whose constraints need them is still written. `prefix`
    holds the tokens of the poems' conditions.
    With `antithesis` a text is exp(w·s) times as likely for each pair of opposite characters, w being the request's
    weight and s their score.

    Raises UnfinishedError when no draft of a population can stay original.
    """
    marks = [constraints.lexicon.vocabulary.ids[mark_after(line)] for line in range(2)]
    plans = [plan for start in starts for plan in start.plans]
    log_weights = np.stack([start.log_weights for start in starts])
    G, N = log_weights.shape

    def random() -> Float[Array, "rows"]:
        return np.concatenate([start.rng.random(N) for start in starts])

    histories, state = constraints.start(plans), engine.start(G * N, prefix)
    texts = np.full((G * N, constraints.places), FREE)
    sizes: list[list[float]] = [[] for _ in starts]
    coldness = np.float32(1 / max(temperature, COLDEST))
    for place in range(constraints.places):
        allowed = constraints.allowed(histories, place)
        original = allowed & constraints.original(texts, histories.plans, place)
        dead = ~original.any(axis=1)  # such a draft goes on without weight, until it is drawn anew
        original[dead] = allowed[dead]
        lean = _lean(antithesis, constraints, texts, place)
        log_mass, ids = _choose(engine.logits(state) * coldness, original, top_p, random, lean)
        log_weights = log_weights + np.where(dead, -np.inf, log_mass).reshape(G, N)
        if (log_weights.max(axis=1) == -np.inf).any():
            raise _unfinished(constraints, N, place)
        constraints.advance(histories, place, ids)
        texts[:, place] = ids
        state = engine.step(state, ids)
        if (place + 1) % constraints.width == 0:
            mark = marks[place // constraints.width % 2]
            log_weights = log_weights + _log_share(engine.logits(state) * coldness, mark).reshape(G, N)
            if place + 1 < constraints.places:
                state = engine.step(state, np.full(G * N, mark))
        rows = np.arange(G * N).reshape(G, N)
        for g, start in enumerate(starts):
            sizes[g].append(effective_size(log_weights[g]))
            if sizes[g][-1] < N / 2 and place + 1 < constraints.places:
                rows[g] = rows[g][resample(log_weights[g], start.rng)]
                log_weights[g] = 0
        if (np.diff(rows.ravel()) != 1).any():
            kept = rows.ravel()
            histories, state, texts = histories.take(kept), state.take(kept), texts[kept]
    parts = (
        texts.reshape(G, N, -1),
        log_weights,
        histories.alive.reshape(G, N, *histories.alive.shape[1:]),
        sizes,
    )
    return [Population(*part) for part in zip(*parts, strict=True)]


def _lean(
    antithesis: Antithesis | None, constraints: Constraints, texts: Int[Array, "N P"], place: int
) -> Float[Array, "N V"] | None:
    """What is added to the logarithm of each character's weight where it stands opposite one of the line before."""
    above = constraints.opposite(place)
    if antithesis is None or above is None:
        return None
    return antithesis.opposite(texts[:, above]) * np.float32(constraints.request.antithesis)


def _unfinished(constraints: Constraints, particles: int, place: int) -> UnfinishedError:
    line, position = divmod(place, constraints.width)
    where = f"line {line + 1}, character {position + 1}, with original {constraints.request.original}"
    return UnfinishedError(
        f"none of {particles} drafts could go on at {where}: ask for more particles, another seed, or a larger number"
    )


def effective_size(log_weights: Float[Array, "N"]) -> float:
    """(Σ w)² / Σ w²: how many particles of equal weight would be as good."""
    weights = np.exp(log_weights - log_weights.max())
    return float(weights.sum() ** 2 / (weights**2).sum())


def resample(log_weights: Float[Array, "N"], rng: np.random.Generator) -> Int[Array, "N"]:
    """Rows drawn by weight, systematically: each appears N·w times, rounded up or down (Kitagawa 1996)."""
    weights = np.exp(log_weights - log_weights.max())
    N = len(weights)
    edges = weights.cumsum() / weights.sum()
    return np.minimum(np.searchsorted(edges, (np.arange(N) + rng.random()) / N), N - 1)


def _log_share(logits: Float[Array, "N V"], id_: int) -> Float[Array, "N"]:
    """The logarithm of one column's softmax. Overwrites the logits."""
    logits -= logits.max(axis=1, keepdims=True)
    one = logits[:, id_].astype(np.float64)
    share: Array = one - np.log(np.exp(logits, out=logits).sum(axis=1, dtype=np.float64))
    return share


def _choose(
    logits: Float[Array, "N V"],
    allowed: Bool[Array, "N V"],
    top_p: float,
    random: Callable[[], Array],
    lean: Float[Array, "N V"] | None = None,
) -> tuple[Float[Array, "N"], Int[Array, "N"]]:
    """For each particle the logarithm of the allowed share, and a character drawn from it. Overwrites the logits.

    `lean` makes a character exp(lean) times as heavy, without making the others lighter.
    """
    logits -= logits.max(axis=1, keepdims=True)
    if top_p < 1:
        logits[~_nucleus(logits, top_p)] += np.float32(np.log(_OUTSIDE))
    weights = np.exp(logits)
    log_total = np.log(weights.sum(axis=1))
    if lean is not None:
        logits += lean
        heaviest = logits.max(axis=1, keepdims=True)
        logits -= heaviest
        log_total -= heaviest[:, 0]
        weights = np.exp(logits)
    weights *= allowed
    for row in np.flatnonzero(weights.max(axis=1) < _TINY):  # all that is allowed would underflow
        reachable = logits[row, allowed[row]]
        log_total[row] -= reachable.max()
        weights[row, allowed[row]] = np.exp(reachable - reachable.max())
    # A block of columns is drawn first and then one of its columns, which is quicker than one of all.
    blocks = np.add.reduceat(weights, np.arange(0, weights.shape[1], _BLOCK), axis=1, dtype=np.float64)
    block = _draw_column(blocks, random())
    return np.log(blocks.sum(axis=1)) - log_total, _inside(weights, block, random())


def _nucleus(logits: Float[Array, "N V"], top_p: float) -> Bool[Array, "N V"]:
    """The smallest set of likeliest characters with at least `top_p` of the probability (Holtzman et al. 2020)."""
    ranked = -np.sort(-logits, axis=1)
    share = np.exp(ranked).cumsum(axis=1, dtype=np.float64)
    last = (share >= top_p * share[:, -1:]).argmax(axis=1)
    nucleus: Array = logits >= ranked[np.arange(len(ranked)), last][:, None]
    return nucleus


def _inside(
    weights: Float[Array, "N V"], block: Int[Array, "N"], random: Float[Array, "N"]
) -> Int[Array, "N"]:
    """For each row a column of its block, drawn by weight."""
    N, V = weights.shape
    columns = block[:, None] * _BLOCK + np.arange(_BLOCK)
    inside = np.where(columns < V, np.take_along_axis(weights, np.minimum(columns, V - 1), axis=1), 0)
    drawn: Array = columns[np.arange(N), _draw_column(inside.astype(np.float64), random)]
    return drawn


def _draw_column(weights: Float[Array, "N n"], random: Float[Array, "N"]) -> Int[Array, "N"]:
    """For each row a column drawn by weight; one of weight 0 never is."""
    cumulative = weights.cumsum(axis=1)
    threshold = random * cumulative[:, -1]
    drawn: Array = (cumulative > threshold[:, None]).argmax(axis=1)
    return drawn
