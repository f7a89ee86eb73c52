"""Draw characters from logits, and resample particles by their log-weights."""

import math

import numpy as np

from pingze.arrays import Array, Bool, Float, Int
from pingze.network.step_graph import softmax

OUTSIDE = 1e-6  # the fraction of its probability that a character outside the nucleus keeps
_TINY = 1e-30
_BLOCK = 64  # the maximum number of columns in a block
_ABOVE_MEAN = (30, 10, 1)


def effective_sizes(log_weights: Float[Array, "G N"]) -> Float[Array, "G"]:
    """Compute the effective sample size of each population, (Σ w)² / Σ w²."""
    weights = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
    sizes: Array = weights.sum(axis=1) ** 2 / (weights**2).sum(axis=1)
    return sizes


def resample(log_weights: Float[Array, "N"], rng: np.random.Generator) -> Int[Array, "N"]:
    """Resample systematically: a particle with share w of the weight is drawn ⌊N·w⌋ or ⌈N·w⌉ times (Kitagawa 1996)."""
    weights = np.exp(log_weights - log_weights.max())
    N = len(weights)
    edges = weights.cumsum() / weights.sum()
    return np.minimum(np.searchsorted(edges, (np.arange(N) + rng.random()) / N), N - 1)


def choose(
    logits: Float[Array, "U V"],
    rows: Int[Array, "N"],
    allowed: Bool[Array, "N V"],
    top_p: float,
    random: Float[Array, "2 N"],
    lean: Float[Array, "... V"] | None = None,
) -> tuple[Float[Array, "N"], Int[Array, "N"]]:
    """Draw an allowed character for each particle. Return the log of the allowed characters' weight, and the drawn id.

    Args:
        logits: One row of logits for each distinct text. The largest logit of a row is 0. The array is overwritten.
        rows: The number of each particle's row in `logits`.
        allowed: The characters that each particle may draw.
        top_p: The total probability of the nucleus. Other characters keep the fraction `OUTSIDE` of their probability.
        random: Two numbers within [0, 1) for each particle.
        lean: The logs of factors by which probabilities are multiplied to give weights, without normalizing again.
    """
    weights, log_sums = softmax(logits, shifted=True)
    log_total = np.zeros(len(weights))
    if top_p < 1:
        inside, share = _nucleus(weights, top_p)
        log_total = np.log(1 - share + share / OUTSIDE)
        # Few characters are inside the nucleus, so raising their weights takes less work than lowering all the others.
        if lean is None:
            weights.reshape(-1)[inside] /= np.float32(OUTSIDE)
        else:
            logits.reshape(-1)[inside] -= np.float32(np.log(OUTSIDE))
    if lean is not None:
        if lean.ndim == 2:  # the factors differ from particle to particle
            logits, log_sums, log_total = logits[rows], log_sums[rows], log_total[rows]
            rows = np.arange(len(rows))
        logits += lean
        log_total += log_sums
        weights, log_sums = softmax(logits)
        log_total -= log_sums
    log_total, weights = log_total[rows], weights[rows]
    weights *= allowed
    # Drawing a block of columns and then one of its columns is quicker than drawing among all columns. The columns of
    # a block are `count` apart, so that whole vectors are added. BLAS is quicker, but adds in an order that depends on
    # the processor.
    N, V = weights.shape
    count = math.ceil(V / _BLOCK)
    blocks = _block_sums(weights, count)
    for row in np.flatnonzero(blocks.sum(axis=1) < _TINY):  # all allowed weights would underflow
        reachable = logits[rows[row], allowed[row]]
        log_total[row] += log_sums[rows[row]] - reachable.max()
        weights[row, allowed[row]] = np.exp(reachable - reachable.max())
        blocks[row] = _block_sums(weights[row, None], count)[0]
    columns = _draw_column(blocks, random[0])[:, None] + np.arange(0, V, count)
    inside = np.where(columns < V, np.take_along_axis(weights, np.minimum(columns, V - 1), axis=1), 0)
    ids: Array = columns[np.arange(N), _draw_column(inside.astype(np.float64), random[1])]
    return np.log(blocks.sum(axis=1)) - log_total, ids


def _nucleus(weights: Float[Array, "N V"], top_p: float) -> tuple[Int[Array, "n"], Float[Array, "N"]]:
    """Return the flat indices of every row's nucleus, and the nucleus's share of each row (Holtzman et al. 2020).

    Each row sums to 1. Its nucleus is the smallest set of its heaviest columns that sums to at least `top_p`. Columns
    lighter than (1 - top_p) / V weigh at most 1 - top_p in total, so only heavier columns need sorting. Higher
    thresholds, which leave fewer columns to sort, are tried first.
    """
    N, V = weights.shape
    for above in _ABOVE_MEAN:
        at = np.flatnonzero(weights >= np.float32(above * (1 - top_p) / V))
        row, heavy = at // V, weights.reshape(-1)[at]
        count = np.bincount(row, minlength=N)
        ranked = np.zeros((N, max(1, count.max())), weights.dtype)
        ranked[np.arange(ranked.shape[1]) < count[:, None]] = -heavy
        ranked.sort(axis=1)
        share = -ranked.cumsum(axis=1, dtype=np.float64)
        if (share[:, -1] >= top_p).all():
            break
    rows = np.arange(N)
    lightest = ranked[rows, (share >= np.minimum(top_p, share[:, -1])[:, None]).argmax(axis=1)]
    last = (ranked <= lightest[:, None]).sum(axis=1) - 1  # include all columns as heavy as the lightest one
    return at[-heavy <= lightest[row]], share[rows, last]


def _block_sums(weights: Float[Array, "N V"], count: int) -> Float[Array, "N count"]:
    N, V = weights.shape
    whole = V - V % count
    sums: Array = weights[:, :whole].reshape(N, -1, count).sum(axis=1)
    sums[:, : V - whole] += weights[:, whole:]
    return sums.astype(np.float64)


def _draw_column(weights: Float[Array, "N n"], random: Float[Array, "N"]) -> Int[Array, "N"]:
    """Draw a column for each row in proportion to the columns' weights, but never one of weight 0."""
    cumulative = weights.cumsum(axis=1)
    threshold = random * cumulative[:, -1]
    drawn: Array = (cumulative > threshold[:, None]).argmax(axis=1)
    return drawn
