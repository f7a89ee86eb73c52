"""Perplexity: where the product overflows, what one small probability does, and what 416.69 and 238.83 are."""

import math
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import torch
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from pingze.network import checkpoint
from pingze.network.batches import Ids, encode_sequence, pack
from pingze.network.model import LanguageModel
from pingze.report.charts import Chart, Line
from pingze.report.experiment import Experiment, Judged, Measured, Rows, Trial
from pingze.report.setup import Setup
from pingze.report.training import train
from pingze.training.configuration import LENGTHS, PRESETS

MODEL = "report"
INITIAL, FINAL = 416.69, 238.83
"""What the report calls the initial and the final perplexity."""
LENGTH, CLASSES = LENGTHS["report"], PRESETS["report"].model.vocabulary_size
LARGEST, LEAST = (2 - 2**-23) * 2.0**127, 2.0**-150
"""Of float32: the largest number, and what a number must be above to be rounded to more than 0."""


def trials(setup: Setup) -> list[Trial]:
    """Arithmetic alone, an untrained network, and the shipped model of the report."""
    return [Trial("arithmetic", {}), Trial("untrained", {}), Trial("model", {"model": MODEL})]


def measure(setup: Setup, trial: Trial) -> Measured:
    """One of the three."""
    return {"arithmetic": _arithmetic, "untrained": _untrained, "model": _model}[trial.name](setup)


def _arithmetic(setup: Setup) -> Measured:
    """No model: the limits of float32, and the report's two figures read in other ways."""
    return Measured(
        {
            "gap_to_infinity": math.log(LARGEST),
            "gap_to_zero": -math.log(LEAST),
            "even_nats_per_48": LENGTH * math.log(CLASSES),
            "even_overflows_at": overflow([math.log(CLASSES)] * LENGTH),
            **{
                f"{name}_{reading}": value
                for name, figure in (("initial", INITIAL), ("final", FINAL))
                for reading, value in (
                    ("nats_per_token", figure / LENGTH),
                    ("perplexity", math.exp(figure / LENGTH)),
                )
            },
        }
    )


def _untrained(setup: Setup) -> Measured:
    nats = train(setup, {}, 0).dev[0]
    return Measured({"nats_per_48": LENGTH * nats, "perplexity": math.exp(nats)})


def _model(setup: Setup) -> Measured:
    """The product and the sum for each dev poem under the shipped model."""
    loaded = checkpoint.load(MODEL)
    sequences = [encode_sequence(text, loaded.vocabulary, LENGTH) for text in setup.dev]
    poems = losses(LanguageModel.of(loaded), sequences)
    over = [overflow(poem) for poem in poems]
    counts = np.array([LENGTH + 1 if at is None else at for at in over])
    every = np.concatenate(poems)
    nats = float(every.mean())
    met = sorted(at for at in over if at is not None)
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
        {"overflowed": [float((counts <= at).mean()) for at in range(LENGTH + 1)]},
    )


def losses(model: LanguageModel, sequences: Sequence[Ids]) -> list[np.ndarray]:
    """-ln p of each sequence's targets in order, the longest sequence first."""
    batch = pack(sequences)
    inputs, targets, sizes = map(torch.from_numpy, batch)
    with torch.no_grad():
        found = model.eval().token_losses(inputs, targets, sizes)
    padded, lengths = pad_packed_sequence(PackedSequence(found.double(), sizes))
    return [padded[:length, row].numpy() for row, length in enumerate(lengths.tolist())]


def overflow(nats: Sequence[float] | np.ndarray) -> int | None:
    """After how many factors e^nats their product is infinite in float32, multiplied one by one; None if never."""
    with np.errstate(all="ignore"):
        factors = np.exp(np.asarray(nats, np.float32))
        products = accumulate(factors, lambda product, factor: np.float32(product * factor))
        return next((at for at, product in enumerate(products, start=1) if np.isinf(product)), None)


def _product(rows: Rows) -> Judged:
    row, limits = rows["model"], rows["arithmetic"]
    overflowing, poems = row.figures["overflowing"], row.figures["poems"]
    median = f"at the median after {row.figures['median_overflow']} characters" if overflowing else "never"
    sentence = (
        f"Under the model `{MODEL}` the product of 1/p passes the largest float32 number in "
        f"{overflowing:,} of {poems:,} dev poems, {median}; {row.figures['by_one_alone']} of them would be "
        "finite without their least probability. Factors that are infinite alone: "
        f"{row.figures['infinite_factors']}; the least probability of all is "
        f"{row.number('least_probability'):.1e}, and 1/p is infinite below "
        f"e^-{limits.number('gap_to_infinity'):.1f}, where p itself becomes 0 below "
        f"e^-{limits.number('gap_to_zero'):.1f}. Even probabilities overflow after "
        f"{limits.figures['even_overflows_at']} characters."
    )
    single = row.number("by_one_alone") / overflowing if overflowing else -1.0
    return Judged({"single": single}, sentence, [row, limits])


def _sum(rows: Rows) -> Judged:
    row = rows["model"]
    sentence = (
        f"The sum of ln(1/p) is finite for {row.figures['finite_sums']:,} of {row.figures['poems']:,} "
        f"poems. It grows with the poem; its mean, {row.number('nats_per_token'):.3f} nats per token, "
        f"does not, and the mean's exponential, {row.number('perplexity'):.1f}, is the perplexity."
    )
    return Judged({"finite": row.number("finite_sums") / row.number("poems")}, sentence, [row])


def _initial(rows: Rows) -> Judged:
    limits, row = rows["arithmetic"], rows["untrained"]
    sentence = (
        f"{LENGTH} ln {CLASSES:,} = {limits.number('even_nats_per_48'):.2f} nats per {LENGTH} tokens is "
        f"what a model that knows nothing needs; as a perplexity {INITIAL} would be a model that knows "
        f"much already. Read as nats per {LENGTH} tokens it is "
        f"{limits.number('initial_nats_per_token'):.3f} a token, perplexity "
        f"{limits.number('initial_perplexity'):,.0f}. Our untrained network: "
        f"{row.number('nats_per_48'):.2f} and {row.number('perplexity'):,.0f}."
    )
    numbers = {
        "as_perplexity": _percent_off(INITIAL, CLASSES),
        "as_nats": _percent_off(INITIAL, limits.number("even_nats_per_48")),
    }
    return Judged(numbers, sentence, [limits, row])


def _final(rows: Rows) -> Judged:
    limits, row = rows["arithmetic"], rows["model"]
    sentence = (
        f"Read as nats per {LENGTH} tokens, {FINAL} is {limits.number('final_nats_per_token'):.3f} a "
        f"token, perplexity {limits.number('final_perplexity'):.1f}. The model `{MODEL}` has "
        f"{row.number('nats_per_48'):.2f} on these dev poems, {row.number('nats_per_token'):.3f} a token, "
        f"perplexity {row.number('perplexity'):.1f}."
    )
    numbers = {
        "as_perplexity": _percent_off(FINAL, row.number("perplexity")),
        "as_nats": _percent_off(FINAL, row.number("nats_per_48")),
    }
    return Judged(numbers, sentence, [limits, row])


def _percent_off(figure: float, right: float) -> float:
    return 100 * abs(figure / right - 1)


def charts(rows: Rows) -> list[Chart]:
    """The share of poems whose product has overflowed, by the number of characters."""
    shares = rows["model"].curves["overflowed"]
    even = rows["arithmetic"].figures["even_overflows_at"]
    return [
        Chart(
            "Where the product overflows",
            "Share of the dev poems whose product of 1/p is infinite in float32, by the number of "
            f"characters multiplied; dashed, with even probabilities among {CLASSES:,}.",
            "characters",
            "share of the poems",
            [
                Line(f"model {MODEL}", range(len(shares)), shares, 0),
                Line("even", range(len(shares)), [float(at >= even) for at in range(len(shares))], 1, 1),
            ],
        )
    ]


EXPERIMENT = Experiment(
    name="perplexity",
    title="Perplexity",
    about=(
        "Nothing is trained. The probabilities of the shipped model are multiplied and summed over each "
        "dev poem, cut to 48 tokens, in float32; and the report's two figures are read in other ways."
    ),
    trials=trials,
    measure=measure,
    judges={"overflows": _product, "sum": _sum, "initial": _initial, "final": _final},
    charts=charts,
    seeded=False,
)
