"""Sampling under constraints: a model and constraints come in, one text that keeps them goes out.

Masks alone bend the distribution: where a rhyme is forced, an unlucky line is finished as readily as a lucky one. So a
population of particles is advanced together, each with a weight (sequential Monte Carlo). The target is the product
of the tempered conditionals over all texts that keep the constraints. Each step multiplies a particle's weight by the
share of the conditional that was allowed; where few particles carry the weight, the population is drawn anew from
itself; at the end one particle is drawn by weight. docs/sampling.md explains it from the beginning.

Source: Doucet, de Freitas & Gordon 2001; for language models Lew et al. 2023, Loula et al. 2025.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from pingze.composing.constraints import FREE, Constraints, Plan
from pingze.composing.engine import Engine
from pingze.composing.poem import mark_after
from pingze.lstm.formulas import Array

COLDEST = 0.01
"""A temperature below this is read as this: particles need some breadth."""
_TINY = 1e-30
_BLOCK = 64
_OUTSIDE = 1e-6
"""How likely a character outside the nucleus stays, as a share of what it was."""


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
    plans: list[Plan],
    log_weights: Float[Array, "N"],
    *,
    temperature: float,
    rng: np.random.Generator,
    top_p: float = 1.0,
) -> Population:
    """Write a text for each plan, `log_weights` being the logarithms of the particles' first weights.

    Below 1, `top_p` keeps to the likeliest characters that together have that share of the tempered conditional; others
    are `_OUTSIDE` times as likely as they were, so that a poem whose constraints need them is still written.
    """
    marks = [constraints.lexicon.vocabulary.ids[mark_after(line)] for line in range(2)]
    particles = len(plans)
    histories, state = constraints.start(plans), engine.start(particles)
    texts = np.full((particles, constraints.places), FREE)
    sizes = []
    coldness = np.float32(1 / max(temperature, COLDEST))
    for place in range(constraints.places):
        allowed = constraints.allowed(histories, place)
        log_mass, ids = _choose(engine.logits(state) * coldness, allowed, top_p, rng)
        log_weights = log_weights + log_mass
        constraints.advance(histories, place, ids)
        texts[:, place] = ids
        state = engine.step(state, ids)
        if (place + 1) % constraints.width == 0:
            mark = marks[place // constraints.width % 2]
            log_weights = log_weights + _log_share(engine.logits(state) * coldness, mark)
            if place + 1 < constraints.places:
                state = engine.step(state, np.full(particles, mark))
        sizes.append(effective_size(log_weights))
        if sizes[-1] < particles / 2 and place + 1 < constraints.places:
            rows = resample(log_weights, rng)
            histories, state, texts = histories.take(rows), state.take(rows), texts[rows]
            log_weights = np.zeros(particles)
    return Population(texts, log_weights, histories.alive, sizes)


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
    logits: Float[Array, "N V"], allowed: Bool[Array, "N V"], top_p: float, rng: np.random.Generator
) -> tuple[Float[Array, "N"], Int[Array, "N"]]:
    """For each particle the logarithm of the allowed share, and a character drawn from it. Overwrites the logits."""
    logits -= logits.max(axis=1, keepdims=True)
    if top_p < 1:
        logits[~_nucleus(logits, top_p)] += np.float32(np.log(_OUTSIDE))
    weights = np.exp(logits)
    log_total = np.log(weights.sum(axis=1))
    weights *= allowed
    for row in np.flatnonzero(weights.max(axis=1) < _TINY):  # all that is allowed would underflow
        reachable = logits[row, allowed[row]]
        log_total[row] -= reachable.max()
        weights[row, allowed[row]] = np.exp(reachable - reachable.max())
    # A block of columns is drawn first and then one of its columns, which is quicker than one of all.
    blocks = np.add.reduceat(weights, np.arange(0, weights.shape[1], _BLOCK), axis=1, dtype=np.float64)
    block = _draw_column(blocks, rng)
    return np.log(blocks.sum(axis=1)) - log_total, _inside(weights, block, rng)


def _nucleus(logits: Float[Array, "N V"], top_p: float) -> Bool[Array, "N V"]:
    """The smallest set of likeliest characters with at least `top_p` of the probability (Holtzman et al. 2020)."""
    ranked = -np.sort(-logits, axis=1)
    share = np.exp(ranked).cumsum(axis=1, dtype=np.float64)
    last = (share >= top_p * share[:, -1:]).argmax(axis=1)
    nucleus: Array = logits >= ranked[np.arange(len(ranked)), last][:, None]
    return nucleus


def _inside(
    weights: Float[Array, "N V"], block: Int[Array, "N"], rng: np.random.Generator
) -> Int[Array, "N"]:
    """For each row a column of its block, drawn by weight."""
    N, V = weights.shape
    columns = block[:, None] * _BLOCK + np.arange(_BLOCK)
    inside = np.where(columns < V, np.take_along_axis(weights, np.minimum(columns, V - 1), axis=1), 0)
    drawn: Array = columns[np.arange(N), _draw_column(inside.astype(np.float64), rng)]
    return drawn


def _draw_column(weights: Float[Array, "N n"], rng: np.random.Generator) -> Int[Array, "N"]:
    """For each row a column drawn by weight; one of weight 0 never is."""
    cumulative = weights.cumsum(axis=1)
    threshold = rng.random(len(weights)) * cumulative[:, -1]
    drawn: Array = (cumulative > threshold[:, None]).argmax(axis=1)
    return drawn
