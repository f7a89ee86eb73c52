"""ReLU and leaky ReLU in the cell, with and without clipping, against tanh: what explodes, what learns."""

from itertools import product

from pingze.replication.charts import Chart, Line
from pingze.replication.diagnostics import diagnose
from pingze.replication.experiment import Claim, Experiment, Finding, Measured, Row, Rows, Trial, by_rule
from pingze.replication.setup import Setup
from pingze.replication.training import train

ACTIVATIONS = ("tanh", "relu", "leaky_relu")
RECTIFIERS = ACTIVATIONS[1:]
RATES = (0.002, 0.02)
CLIPS = (None, 1.0)
BACK = 16
LARGE = 10.0


def trial_name(activation: str, rate: float, clip: float | None) -> str:
    """The name of a trial."""
    return f"{activation}, rate {rate:g}, {'clipped' if clip else 'not clipped'}"


def trials(setup: Setup) -> list[Trial]:
    """Each activation at each rate, clipped and not."""
    return [
        Trial(
            trial_name(activation, rate, clip),
            {"activation": activation, "learning_rate": rate, "clip_norm": clip},
        )
        for activation, rate, clip in product(ACTIVATIONS, RATES, CLIPS)
    ]


def measure(setup: Setup, trial: Trial) -> Measured:
    """Train; see how far back the gradient reaches afterwards."""
    course = train(setup, trial.settings, setup.budget.steps["activation"])
    reach = diagnose(course.trainer.model, course.trainer.dev_sequences).reach
    measured = course.measured(share_back=float(reach[BACK] / reach[0]))
    return Measured(measured.figures, {**measured.curves, "reach": reach.tolist()})


def _vanishing(rows: Rows) -> Finding:
    found = [rows[trial_name(activation, RATES[0], CLIPS[1])] for activation in ACTIVATIONS]
    tanh, *rectified = (row.figures["share_back"] or 0.0 for row in found)
    wins = [share >= 2 * tanh for share in rectified]
    shares = ", ".join(f"{name} {share:.3g}" for name, share in zip(RECTIFIERS, rectified, strict=True))
    sentence = (
        f"Of the gradient at the last character, {BACK} steps back this share arrives: tanh {tanh:.3g}, "
        f"{shares} (trained at the rate {RATES[0]:g}, clipped)."
    )
    return Finding(by_rule(all(wins), any(wins)), sentence, found)


def _explodes(row: Row, tanh: Row) -> bool:
    return bool(row.figures["diverged"]) or row.number("largest_norm") > LARGE * tanh.number("largest_norm")


def _exploding(rows: Rows) -> Finding:
    pairs = {
        f"{activation} at {rate:g}": (
            rows[trial_name(activation, rate, None)],
            rows[trial_name("tanh", rate, None)],
        )
        for rate in RATES
        for activation in RECTIFIERS
    }
    exploded = [name for name, pair in pairs.items() if _explodes(*pair)]
    norms = "; ".join(f"{name} {_norm(row)} (tanh {_norm(tanh)})" for name, (row, tanh) in pairs.items())
    clipped = {
        f"{activation} at {rate:g}": rows[trial_name(activation, rate, CLIPS[1])]
        for activation, rate in product(ACTIVATIONS, RATES)
    }
    learnt = ", ".join(f"{name} {row.number('dev_nats'):.3f}" for name, row in clipped.items())
    sentence = (
        f"Without clipping, {len(exploded)} of {len(pairs)} "
        f"explode{': ' if exploded else ''}{', '.join(exploded)}. Largest norm of the gradient: {norms}. With "
        f"the norm clipped, dev ends at: {learnt} nats per token."
    )
    return Finding(
        by_rule(not exploded, len(exploded) < len(pairs)),
        sentence,
        [*(row for pair in pairs.values() for row in pair), *clipped.values()],
    )


def _norm(row: Row) -> str:
    return (
        f"not finite at step {row.figures['failed_at']}"
        if row.figures["failed_at"]
        else f"{row.number('largest_norm'):.3g}"
    )


def charts(rows: Rows) -> list[Chart]:
    """Norms without clipping; dev of all."""
    norms = [
        Line(
            f"{activation}, {rate:g}",
            range(1, len(row.curves["norm"]) + 1),
            row.curves["norm"],
            ACTIVATIONS.index(activation),
            RATES.index(rate),
        )
        for activation, rate in product(ACTIVATIONS, RATES)
        for row in [rows[trial_name(activation, rate, None)]]
    ]
    dev = [
        Line(
            name,
            row.curves["looks"],
            row.curves["dev"],
            ACTIVATIONS.index(activation),
            2 * RATES.index(rate) + CLIPS.index(clip),
        )
        for activation, rate, clip in product(ACTIVATIONS, RATES, CLIPS)
        for name in [trial_name(activation, rate, clip)]
        for row in [rows[name]]
    ]
    top = max(row.curves["dev"][0] or 0 for row in rows.values()) + 1
    return [
        Chart(
            "The gradient without clipping",
            "Norm of each step's gradient, by activation and rate. A line that stops ends in numbers "
            "that are not finite. Logarithmic.",
            "step",
            "norm of the gradient",
            norms,
            y_scale="log",
        ),
        Chart("What is learnt", "Dev by step.", "step", "dev, nats per token", dev, y_limits=(None, top)),
    ]


EXPERIMENT = Experiment(
    name="activation",
    title="ReLU and leaky ReLU in the cell",
    about=(
        "The candidate c̃ and the output φ(c) go through tanh, ReLU or leaky ReLU (slope 0.01), all else "
        "equal, at two rates of Adam, with the gradient's norm clipped at 1 and not clipped."
    ),
    trials=trials,
    measure=measure,
    claims=(
        Claim(
            "Use RELU/ leaky RELU as the activation function. avoid vanishing … gradient issue",
            f"Set beside tanh: the share of the gradient that arrives {BACK} steps back. Confirmed if it "
            "is at least twice as large with both; refined if with one; refuted if with neither.",
            _vanishing,
        ),
        Claim(
            "Use RELU/ leaky RELU as the activation function. avoid … exploding gradient issue",
            "Without clipping, a network explodes if its loss is not finite, dev ends above its start, "
            f"or the gradient's largest norm is over {LARGE:g} times that of tanh. Confirmed if neither "
            "does at either rate; refined if some do; refuted if all do.",
            _exploding,
        ),
    ),
    charts=charts,
)
