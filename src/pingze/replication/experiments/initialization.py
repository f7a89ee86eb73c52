"""Random initialization: gates, gradients and learning under five kinds of first weights."""

from pingze.replication.charts import Chart, Line
from pingze.replication.diagnostics import diagnose
from pingze.replication.experiment import Claim, Experiment, Finding, Measured, Rows, Trial, by_rule
from pingze.replication.setup import Setting, Setup
from pingze.replication.training import train

STANDARD, GOOD = "standard normal", "orthogonal"
SETTINGS: dict[str, dict[str, Setting]] = {
    STANDARD: {"initialization": "normal", "initialization_scale": 1.0},
    "normal 0.01": {"initialization": "normal", "initialization_scale": 0.01},
    "uniform": {"initialization": "uniform"},
    "xavier": {"initialization": "xavier"},
    GOOD: {"initialization": "orthogonal"},
}
BACK = 16
"""Steps back at which the gradient that arrives is compared."""
LARGE, SMALL = 10.0, 0.1


def trials(setup: Setup) -> list[Trial]:
    """A network for each kind."""
    return [Trial(name, settings) for name, settings in SETTINGS.items()]


def measure(setup: Setup, trial: Trial) -> Measured:
    """Look inside before and after a training."""
    before = train(setup, trial.settings, 0).trainer
    first = diagnose(before.model, before.dev_sequences)
    course = train(setup, trial.settings, setup.budget.steps["initialization"])
    last = diagnose(course.trainer.model, course.trainer.dev_sequences)
    measured = course.measured(
        saturated_before=first.saturated,
        saturated_after=last.saturated,
        reach_before=float(first.reach[BACK]),
        reach_after=float(last.reach[BACK]),
        at_once_before=float(first.reach[0]),
    )
    reaches = {"reach_before": first.reach.tolist(), "reach_after": last.reach.tolist()}
    return Measured(measured.figures, {**measured.curves, **reaches})


def _gradients(rows: Rows) -> Finding:
    row, good = rows[STANDARD], rows[GOOD]
    total = row.number("first_norm") / good.number("first_norm")
    back = row.number("reach_before") / good.number("reach_before")
    off = [not SMALL < ratio < LARGE for ratio in (total, back)]
    saturated = ", ".join(
        f"{name} {row.number('saturated_before'):.0%} → {row.number('saturated_after'):.0%}"
        for name, row in rows.items()
    )
    sentence = (
        f"Before training, standard normal weights give a gradient {total:.2g} times that of orthogonal "
        f"ones, and {BACK} steps back {back:.2g} times as much arrives. Saturated gates, before → after "
        f"training: {saturated}."
    )
    return Finding(by_rule(all(off), any(off)), sentence, list(rows.values()))


def _convenient(rows: Rows) -> Finding:
    best = min(rows.values(), key=lambda row: row.number("dev_nats"))
    row = rows[STANDARD]
    excess = row.number("dev_nats") / best.number("dev_nats") - 1
    sentence = (
        f"After equal steps dev stands at {row.number('dev_nats'):.3f} nats per token from standard "
        f"normal weights; the best start, {best.id.partition('/')[2]}, is at "
        f"{best.number('dev_nats'):.3f} ({excess:+.1%} for the former)."
    )
    return Finding(by_rule(excess <= 0.01, excess <= 0.05), sentence, list(rows.values()))


def charts(rows: Rows) -> list[Chart]:
    """Gradient by distance, before and after; dev by step."""
    reach = [
        Line(
            name + suffix, range(len(row.curves[key])), [value or None for value in row.curves[key]], n, style
        )
        for n, (name, row) in enumerate(rows.items())
        for key, suffix, style in (("reach_before", "", 0), ("reach_after", ", trained", 1))
    ]
    dev = [
        Line(name, row.curves["looks"], row.curves["dev"], n, marked=True)
        for n, (name, row) in enumerate(rows.items())
    ]
    return [
        Chart(
            "How far back the gradient reaches",
            "Norm of the gradient of the last character's loss at the input so many steps before it; "
            "solid before, dashed after training. Logarithmic.",
            "steps back",
            "norm of ∂L/∂x",
            reach,
            y_scale="log",
        ),
        Chart("What is learnt", "Dev by step, from each start.", "step", "dev, nats per token", dev),
    ]


EXPERIMENT = Experiment(
    name="initialization",
    title="Random initialization",
    about=(
        "The LSTM's weights start as standard normal numbers, as normal ones of standard deviation 0.01, "
        "uniform on ±1/√H, after Xavier Glorot, or orthogonal with Xavier's input weights and a forget "
        "bias of 1; embedding and output start alike. A gate is saturated below 0.05 or above 0.95."
    ),
    trials=trials,
    measure=measure,
    claims=(
        Claim(
            "Initialize weights randomly, following standard normal distribution … can lead to too large "
            "or too small gradients",
            "Set beside orthogonal weights, before training: the norm of the first batch's gradient, and "
            f"what arrives {BACK} steps back. Confirmed if both are off by a factor of {LARGE:g} or more; "
            "refined if one is; refuted if neither.",
            _gradients,
        ),
        Claim(
            "Initialize weights randomly, following standard normal distribution … convenient and fast",
            "Read as learning fast. Confirmed if dev after equal steps is within 1 % of the best start; "
            "refined within 5 %; else refuted.",
            _convenient,
        ),
    ),
    charts=charts,
)
