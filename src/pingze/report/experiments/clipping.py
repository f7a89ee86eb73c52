"""Gradient clipping by norm and by value: how often it acts, what it saves."""

from pingze.report.charts import Chart, Line
from pingze.report.claims import plan
from pingze.report.experiment import Experiment, Judged, Measured, Row, Rows, Trial
from pingze.report.setup import Setting, Setup
from pingze.report.training import PlainTrainer, train
from pingze.training.trainer import Taken

NETWORKS: dict[str, dict[str, Setting]] = {
    "tanh, Adam": {},
    "ReLU, Adam": {"activation": "relu", "learning_rate": 0.02},
    "tanh, momentum": {"optimizer": "sgd", "momentum": 0.9, "learning_rate": 1.0},
}
"""The plain training, and two that are near an explosion."""
PLAIN, *NEAR = NETWORKS
NONE = "none"
LOOKS = 4
NORMS, VALUES = plan("clipping")["norms"], plan("clipping")["values"]
CLIPS: dict[str, dict[str, Setting]] = {
    NONE: {},
    **{f"norm {limit:g}": {"clip_norm": limit} for limit in NORMS},
    **{f"value {limit:g}": {"clip_value": limit} for limit in VALUES},
}


def trials(setup: Setup) -> list[Trial]:
    """Each network under each clipping; the plain one, which needs none, without."""
    steps = setup.steps(plan("clipping")["steps"])
    return [
        Trial(f"{network}, {clip}", NETWORKS[network] | CLIPS[clip], steps)
        for network in NETWORKS
        for clip in ([NONE] if network == PLAIN else CLIPS)
    ]


def measure(setup: Setup, trial: Trial) -> Measured:
    """Train and count the steps in which clipping acts."""
    acted: list[bool] = []
    course = train(
        setup,
        trial.settings,
        trial.steps,
        looks=LOOKS,
        after_step=lambda trainer, taken: acted.append(acts(trainer, taken)),
    )
    return course.measured(acts=sum(acted) / max(1, len(acted)))


def acts(trainer: PlainTrainer, taken: Taken) -> bool:
    """Whether clipping changed a step's gradient; by value, an entry then stands at the threshold.

    After a step the fused optimizers have left the mean over the tokens, clipped, in place of the sum.
    """
    clip_norm, clip_value = trainer.configuration.clip_norm, trainer.configuration.clip_value
    if clip_norm is not None:
        return taken.norm > clip_norm
    if clip_value is None:
        return False
    largest = max(float(p.grad.abs().max()) for p in trainer.model.parameters() if p.grad is not None)
    return largest >= clip_value * (1 - 1e-6)


def _clipped(rows: Rows, network: str) -> dict[str, Row]:
    return {clip: rows[f"{network}, {clip}"] for clip in CLIPS if clip != NONE}


def _gradient(rows: Rows) -> Judged:
    plain = rows[f"{PLAIN}, {NONE}"]
    largest = plain.number("largest_norm")
    ratios = {
        network: min(row.number("largest_norm") / largest for row in _clipped(rows, network).values())
        for network in NEAR
    }
    told = "; ".join(
        f"{network}: "
        + ", ".join(f"{clip} {rows[f'{network}, {clip}'].number('largest_norm'):.3g}" for clip in CLIPS)
        for network in NEAR
    )
    sentence = (
        f"Largest norm before clipping ({PLAIN}: {largest:.3g}): {told}. Clipping bounds what a step takes; the "
        "gradient itself is as large as the weights make it."
    )
    return Judged({"raw": max(ratios.values())}, sentence, _all(rows))


def _step(rows: Rows) -> Judged:
    clipped = [row for network in NEAR for row in _clipped(rows, network).values()]
    learning = sum(not row.figures["diverged"] for row in clipped) / len(clipped)
    gains = [
        rows[f"{network}, {NONE}"].number("dev_nats")
        - min(row.number("dev_nats") for row in _clipped(rows, network).values())
        for network in NEAR
    ]
    told = " ".join(
        f"{network}: {', '.join(map(_tell, (rows[f'{network}, {NONE}'], *_clipped(rows, network).values())))}."
        for network in NEAR
    )
    sentence = f"Dev at the end, spikes in brackets, and the share of steps in which clipping acts. {told}"
    return Judged({"learning": learning, "gain": min(gains)}, sentence, _all(rows))


def _tell(row: Row) -> str:
    name = row.id.rpartition(", seed")[0].rpartition(", ")[2]
    dev = "diverged" if row.figures["diverged"] else f"{row.number('dev_nats'):.3f}"
    acts = "" if name == NONE else f", {row.number('acts'):.0%}"
    return f"{name} {dev} ({row.figures['spikes']}{acts})"


def _all(rows: Rows) -> list[Row]:
    return list(rows.values())


def charts(rows: Rows) -> list[Chart]:
    """The share of steps in which clipping acts, by threshold of either kind; a loss that spikes."""
    shares = [
        Line(
            network,
            limits,
            [rows[f"{network}, {kind} {limit:g}"].figures["acts"] for limit in limits],
            n,
            marked=True,
            panel=f"threshold of the {kind}",
        )
        for kind, limits in (("norm", NORMS), ("value", VALUES))
        for n, network in enumerate(NEAR)
    ]
    curves = [
        Line(clip, range(1, len(row.curves["loss"]) + 1), row.curves["loss"], n, panel=network)
        for network in NEAR
        for n, clip in enumerate((NONE, "norm 1"))
        for row in [rows[f"{network}, {clip}"]]
    ]
    top = max(row.curves["dev"][0] or 0 for row in rows.values()) + 3
    return [
        Chart(
            "How often clipping acts",
            "Share of the steps whose gradient is changed, by threshold. Logarithmic.",
            "threshold",
            "share of the steps",
            shares,
            x_scale="log",
            y_limits=(-0.03, 1.03),
        ),
        Chart(
            "What it saves",
            "Loss of each step, not clipped and with the norm clipped at 1.",
            "step",
            "nats per token",
            curves,
            y_limits=(None, top),
        ),
    ]


EXPERIMENT = Experiment(
    name="clipping",
    title="Gradient clipping",
    about=(
        "Three networks: the plain one; one with ReLU at ten times its rate; one trained by SGD with "
        "momentum 0.9 at the rate 1. The last two are trained without clipping, with the norm of the whole "
        'gradient clipped, and with every entry clipped. "Set a threshold value, and if a chosen function of a '
        'gradient is larger than this threshold, we set it to another value" says what clipping is, and claims '
        "nothing. A step spikes when its loss is a tenth above "
        "the mean of the ten before."
    ),
    trials=trials,
    measure=measure,
    judges={"gradient": _gradient, "step": _step},
    charts=charts,
)
