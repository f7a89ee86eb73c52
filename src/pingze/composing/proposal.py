"""Draw characters from logits, and resample particles by their log-weights."""

import math

import numpy as np

from pingze.arrays import Array, Bool, Float, Int
from pingze.network.step_graph import exp, softmax

OUTSIDE = 1e-6  # the fraction of its probability that a character outside the nucleus keeps
_TINY = 1e-30  # a total weight below this has lost its precision, or is 0
_LOWEST = np.float32(-1e30)  # the log of a factor that is never the largest
_BLOCK = 64  # the maximum number of columns in a block
_MULTIPLES = (30, 10, 1)  # of the limit below which no column is in a nucleus; see `_nucleus`


def effective_sizes(log_weights: Float[Array, "G N"]) -> Float[Array, "G"]:
    """Compute the effective sample size of each population, (Σ w)² / Σ w²."""
    weights = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
    sizes: Array = weights.sum(axis=1) ** 2 / (weights**2).sum(axis=1)
    return sizes


def resample(log_weights: Float[Array, "N"], rng: np.random.Generator) -> Int[Array, "N"]:
    """Resample systematically: a particle of share w is drawn ⌊N·w⌋ or ⌈N·w⌉ times.

    Source: Kitagawa 1996.
    """
    weights = np.exp(log_weights - log_weights.max())
    N = len(weights)
    edges = weights.cumsum() / weights.sum()
    # N evenly spaced points, all shifted by the same random amount; rounding may leave the last
    # point beyond the last edge
    points = (np.arange(N) + rng.random()) / N
    return np.minimum(np.searchsorted(edges, points), N - 1)


def choose(
    logits: Float[Array, "U V"],
    rows: Int[Array, "N"],
    allowed: Bool[Array, "N V"],
    top_p: float,
    random: Float[Array, "2 N"],
    lean: Float[Array, "... V"] | None = None,
) -> tuple[Float[Array, "N"], Int[Array, "N"]]:
    """Draw an allowed character per particle.

    Return the log of the allowed characters' total weight, and the drawn id.

    Characters outside the nucleus keep the fraction `OUTSIDE` of their probability, and are drawn
    only if the nucleus has no allowed character.

    Args:
        logits: One row of logits for each distinct text. The largest logit of a row is 0.
        rows: The number of each particle's row in `logits`.
        allowed: The characters that each particle may draw.
        top_p: The total probability of the nucleus.
        random: Two numbers within [0, 1) for each particle.
        lean: The logs of factors. A character's weight is its probability times its factor, not
            normalized to sum to 1.
    """
    weights, log_sums = softmax(logits, shifted=True)
    if top_p == 1:
        return _draw_any(logits, weights, log_sums, rows, allowed, random, lean)
    # 1. Draw from the nucleus, which has few columns.
    columns, nucleus_weights, nucleus_share = _nucleus(weights, top_p)
    columns = columns[rows]  # from here on a row for each particle, not for each distinct text
    nucleus_weights = nucleus_weights[rows]
    nucleus_weights *= np.take_along_axis(allowed, columns, axis=1)
    log_scale = np.zeros(len(rows))
    if lean is not None:
        # a lean of one axis has the same factors for all particles
        log_factors = lean[columns] if lean.ndim == 1 else np.take_along_axis(lean, columns, axis=1)
        # Divide by the largest factor of an allowed character, so that no weight overflows. The
        # factor of another character may be larger still; its weight is 0, so limit the factor.
        log_scale = np.where(nucleus_weights > 0, log_factors, _LOWEST).max(axis=1)
        nucleus_weights *= exp(np.minimum(log_factors - log_scale[:, None], 0))
    drawn, total = _draw_column(nucleus_weights.astype(np.float64), random[0])
    ids = columns[np.arange(len(rows)), drawn]
    # 2. Where the nucleus has no allowed character, draw from the rest.
    rest = np.flatnonzero(total == 0)
    # the log of 0 would warn, so put 1 where the share is replaced below
    log_share = np.log(np.where(total == 0, 1, total)) + log_scale
    if len(rest):
        if lean is not None and lean.ndim == 2:
            lean = lean[rest]
        log_outside, ids[rest] = _draw_any(
            logits, weights, log_sums, rows[rest], allowed[rest], random[:, rest], lean
        )
        log_share[rest] = log_outside + np.log(OUTSIDE)
    # 3. Divide by the total weight of all characters, allowed or not. Those outside the nucleus are
    #    reduced, so that a distinct text's row no longer sums to 1.
    log_totals = np.log(nucleus_share + OUTSIDE * (1 - nucleus_share))
    return log_share - log_totals[rows], ids


def _nucleus(
    weights: Float[Array, "U V"], top_p: float
) -> tuple[Int[Array, "U n"], Float[Array, "U n"], Float[Array, "U"]]:
    """Return each row's heaviest columns, their weights, and the weight of the row's nucleus.

    Each row of `weights` sums to 1. Its nucleus is the smallest set of its heaviest columns that
    sums to at least `top_p`. A returned column outside the nucleus has weight 0.

    Columns lighter than (1 - top_p) / V weigh at most 1 - top_p in total, so only columns above
    this limit need sorting. To sort even fewer columns, multiples of the limit (`_MULTIPLES`) are
    tried first, the largest multiple first.
    """
    U, V = weights.shape
    for multiple in _MULTIPLES:
        limit = np.float32(multiple * (1 - top_p) / V)
        row, column = divmod(np.flatnonzero(weights >= limit), V)
        count = np.bincount(row, minlength=U)
        # each row's heavy columns stand at its left; the rest is filled with weight 0
        filled = np.arange(max(1, count.max())) < count[:, None]
        columns = np.zeros(filled.shape, np.int64)
        columns[filled] = column
        heavy = np.zeros(filled.shape, weights.dtype)
        heavy[filled] = weights[row, column]
        negated = np.sort(-heavy, axis=1)  # the heaviest first
        sums = -negated.cumsum(axis=1, dtype=np.float64)
        if (sums[:, -1] >= top_p).all():  # these columns hold the nucleus of every row
            break
    reached = np.minimum(top_p, sums[:, -1])[:, None]  # rounding may leave less than `top_p`
    last = (sums >= reached).argmax(axis=1)  # where the sorted nucleus ends
    lightest = -negated[np.arange(U), last]
    heavy[heavy < lightest[:, None]] = 0  # all columns as heavy as the lightest one are inside
    return columns, heavy, heavy.sum(axis=1, dtype=np.float64)


def _draw_any(
    logits: Float[Array, "U V"],
    weights: Float[Array, "U V"],
    log_sums: Float[Array, "U"],
    rows: Int[Array, "N"],
    allowed: Bool[Array, "N V"],
    random: Float[Array, "2 N"],
    lean: Float[Array, "... V"] | None,
) -> tuple[Float[Array, "N"], Int[Array, "N"]]:
    """Draw an allowed character for each particle from all columns; see `choose`."""
    weights = weights[rows]
    log_sums = log_sums[rows]
    # the log of the number by which each row of `weights` is too small
    log_scale = np.zeros(len(rows))
    if lean is not None:
        logits = logits[rows] + lean
        rows = np.arange(len(rows))  # `logits` now has a row for each particle
        # `softmax` divides by the sum of the changed logits, but factors are not to be normalized:
        # they multiply probabilities, for which the sum of the model's own logits counts.
        weights, log_sums_with_lean = softmax(logits)
        log_scale = log_sums_with_lean - log_sums
    weights *= allowed
    # Drawing a block of columns and then one of its columns is quicker than drawing among all
    # columns. Block b has the columns b, b + n, b + 2n, … where n is the number of blocks, so that
    # the sums of all blocks are sums of whole vectors. BLAS is quicker, but adds in an order that
    # depends on the processor.
    N, V = weights.shape
    block_count = math.ceil(V / _BLOCK)
    block_sums = _block_sums(weights, block_count)
    # Where all allowed weights have nearly or quite underflowed, compute them relative to the
    # largest of them.
    for n in np.flatnonzero(block_sums.sum(axis=1) < _TINY):
        allowed_logits = logits[rows[n], allowed[n]]
        log_scale[n] = allowed_logits.max() - log_sums[n]
        weights[n, allowed[n]] = np.exp(allowed_logits - allowed_logits.max())
        block_sums[n] = _block_sums(weights[n : n + 1], block_count)[0]
    block, total = _draw_column(block_sums, random[0])
    columns = block[:, None] + np.arange(0, V, block_count)
    # The last blocks have one column less; the column beyond the end gets weight 0.
    existing_columns = np.minimum(columns, V - 1)
    block_weights = np.take_along_axis(weights, existing_columns, axis=1).astype(np.float64)
    block_weights[columns >= V] = 0
    drawn, _ = _draw_column(block_weights, random[1])
    ids: Array = columns[np.arange(N), drawn]
    return np.log(total) + log_scale, ids


def _block_sums(weights: Float[Array, "N V"], count: int) -> Float[Array, "N count"]:
    """Add up the weights of each block; the columns of a block are `count` apart."""
    N, V = weights.shape
    whole = V - V % count  # the columns that fill all blocks equally
    sums: Array = weights[:, :whole].reshape(N, -1, count).sum(axis=1)
    sums[:, : V - whole] += weights[:, whole:]
    return sums.astype(np.float64)


def _draw_column(
    weights: Float[Array, "N n"], random: Float[Array, "N"]
) -> tuple[Int[Array, "N"], Float[Array, "N"]]:
    """Draw a column for each row in proportion to the weights, but none of weight 0.

    Return the columns and the sum of each row.
    """
    cumulative = weights.cumsum(axis=1)
    total = cumulative[:, -1]
    drawn: Array = (cumulative > (random * total)[:, None]).argmax(axis=1)
    return drawn, total
