"""Measure where perplexity overflows and whether one small probability is the cause.

Interpret the report's values.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch

from lab.report.course import train
from lab.report.experiment import Figures, Judged, Measured, Rows, Setup, Trial
from pingze.derivation.charts import panels
from pingze.network import checkpoint
from pingze.network.batches import encode_sequence, pack
from pingze.network.model import LanguageModel
from pingze.training.presets import LENGTHS, PRESETS

MODEL = "report"
INITIAL, FINAL = 416.69, 238.83
"""The report's initial and final perplexity."""
LENGTH, CLASSES = LENGTHS["report"], PRESETS["report"].model.vocabulary_size
LARGEST = float(np.finfo(np.float32).max)


def measure(setup: Setup, trial: Trial) -> Measured:
    """Measure one of three trials: arithmetic, an untrained model, or the shipped model."""
    # the limits of float32, and the report's figures as nats per 48 tokens
    if trial.name == "arithmetic":
        even = math.log(CLASSES)
        read = {"even_nats_per_48": LENGTH * even, "even_overflows_at": overflow([even] * LENGTH)}
        for name, figure in (("initial", INITIAL), ("final", FINAL)):
            nats = figure / LENGTH
            read |= {f"{name}_nats_per_token": nats, f"{name}_perplexity": math.exp(nats)}
        return Measured(read)
    if trial.name == "untrained":
        (nats,) = train(setup, {}).curves["dev"]
        return Measured({"nats_per_48": LENGTH * nats, "perplexity": math.exp(nats)})
    # With the shipped model, compute the product of 1/p and the sum of -ln p for each dev poem.
    loaded = checkpoint.load(MODEL)
    model, poems = LanguageModel.of(loaded).eval(), []
    with torch.no_grad():
        for text in setup.dev:
            batch = map(torch.from_numpy, pack([encode_sequence(text, loaded.vocabulary, LENGTH)]))
            poems.append(model.token_losses(*batch).double().numpy())
    over, every = [overflow(poem) for poem in poems], np.concatenate(poems)
    nats, met = float(every.mean()), sorted(at for at in over if at is not None)
    return Measured(
        {
            "poems": len(poems),
            "overflowing": len(met),
            "median_overflow": met[len(met) // 2] if met else None,
            "first_overflow": met[0] if met else None,
            "least_probability": float(np.exp(-every.max())),
            "by_one_alone": sum(
                at is not None and overflow(np.delete(poem, poem.argmax())) is None
                for at, poem in zip(over, poems, strict=True)
            ),
            "infinite_factors": int((every > math.log(LARGEST)).sum()),
            "finite_sums": sum(math.isfinite(float(poem.sum())) for poem in poems),
            "nats_per_token": nats,
            "nats_per_48": LENGTH * nats,
            "perplexity": math.exp(nats),
        },
        {
            "overflowed": [
                sum(at <= length for at in met) / len(poems) for length in range(LENGTH + 1)
            ]
        },
    )


def overflow(nats: Sequence[float] | np.ndarray) -> int | None:
    """Return the number of factors e^nats after which their float32 product is infinite, or None if it stays finite."""
    with np.errstate(over="ignore"):
        products = np.multiply.accumulate(np.exp(np.asarray(nats, np.float32)))
    return int(np.isinf(products).argmax()) + 1 if np.isinf(products[-1:]).any() else None


def judge(rows: Rows) -> Judged:
    """Compute the numbers by which each claim is judged."""
    row, limits = rows["model"], rows["arithmetic"]
    overflowing = row.number("overflowing")

    def off(figure: float, right: float) -> float:
        return 100 * abs(figure / right - 1)

    overflows = {
        "single": row.number("by_one_alone") / overflowing if overflowing else -1.0,
        "overflowing": overflowing / row.number("poems"),
        "alone": row.number("infinite_factors") / max(1.0, overflowing),
    }
    even, nats = limits.number("even_nats_per_48"), row.number("nats_per_48")
    return {
        "overflows": overflows,
        "sum": {"finite": row.number("finite_sums") / row.number("poems")},
        "initial": {"as_perplexity": off(INITIAL, CLASSES), "as_nats": off(INITIAL, even)},
        "final": {
            "as_perplexity": off(FINAL, row.number("perplexity")),
            "as_nats": off(FINAL, nats),
        },
    }


def figures(rows: Rows) -> Figures:
    """Draw the share of poems whose product of 1/p has overflowed, by the number of factors in the product."""
    figure, (axes,) = panels(xlabel="characters", ylabel="share of the poems")
    shares, even = rows["model"].curve("overflowed"), rows["arithmetic"].number("even_overflows_at")
    axes.plot(shares, label=f"model {MODEL}")
    axes.plot([float(at >= even) for at in range(len(shares))], "--", label="even")
    return [figure]
