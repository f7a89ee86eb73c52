"""Gradient clipping by norm and by value: how often it acts, what it saves."""

from pingze.replication.charts import Chart, Line
from pingze.replication.experiment import Claim, Experiment, Finding, Measured, Row, Rows, Trial, by_rule
from pingze.replication.setup import Setting, Setup
from pingze.replication.training import PlainTrainer, train
from pingze.training.trainer import Taken

NETWORKS: dict[str, dict[str, Setting]] = {
    "tanh, Adam": {},
    "ReLU, Adam": {"activation": "relu", "learning_rate": 0.02},
    "tanh, momentum": {"optimizer": "sgd", "momentum": 0.9, "learning_rate": 1.0},
}
"""The plain training, and two that are near an explosion."""
CLIPS: dict[str, dict[str, Setting]] = {
    "none": {},
    "norm 5": {"clip_norm": 5.0},
    "norm 1": {"clip_norm": 1.0},
    "norm 0.25": {"clip_norm": 0.25},
    "value 0.1": {"clip_value": 0.1},
    "value 0.01": {"clip_value": 0.01},
    "value 0.001": {"clip_value": 0.001},
}


def trials(setup: Setup) -> list[Trial]:
    """Each network under each clipping."""
    return [
        Trial(f"{network}, {clip}", NETWORKS[network] | CLIPS[clip]) for network in NETWORKS for clip in CLIPS
    ]


def measure(setup: Setup, trial: Trial) -> Measured:
    """Train and count the steps in which clipping acts."""
    acted: list[bool] = []
    course = train(
        setup,
        trial.settings,
        setup.budget.steps["clipping"],
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


def _fails(row: Row) -> bool:
    return bool(row.figures["diverged"]) or row.figures["spikes"] > 0


def _tell(row: Row) -> str:
    name = row.id.rpartition(", ")[2]
    dev = "diverged" if row.figures["diverged"] else f"{row.number('dev_nats'):.3f}"
    return f"{name} {dev} ({row.figures['spikes']})"


def _saves(rows: Rows) -> Finding:
    bad = {network: rows[f"{network}, none"] for network in NETWORKS if _fails(rows[f"{network}, none"])}
    clipped = {network: [rows[f"{network}, {clip}"] for clip in CLIPS if clip != "none"] for network in bad}
    saved = {network: [row for row in found if not _fails(row)] for network, found in clipped.items()}
    everything = all(len(saved[network]) == len(clipped[network]) for network in bad)
    told = "".join(
        f" {network}, dev at the end (spikes) by threshold: {', '.join(map(_tell, (row, *clipped[network])))}."
        for network, row in bad.items()
    )
    sentence = f"Without clipping {len(bad)} of {len(NETWORKS)} networks diverge or spike.{told}"
    used = [rows[f"{network}, none"] for network in NETWORKS] + [
        r for found in clipped.values() for r in found
    ]
    return Finding(by_rule(bool(bad) and everything, all(saved.values())), sentence, used)


def _costs(rows: Rows) -> Finding:
    network = next(iter(NETWORKS))
    found = {clip: rows[f"{network}, {clip}"] for clip in CLIPS}
    acting = {clip: row for clip, row in found.items() if row.number("acts") > 0}
    plain = found["none"].number("dev_nats")
    told = ", ".join(
        f"{clip} acts in {row.number('acts'):.0%} of the steps ({row.number('dev_nats') / plain - 1:+.1%} "
        "dev)"
        for clip, row in found.items()
        if clip != "none"
    )
    return Finding(
        by_rule(len(acting) == len(CLIPS) - 1, bool(acting)), f"{network}: {told}.", list(found.values())
    )


def charts(rows: Rows) -> list[Chart]:
    """Dev at the end and the share of steps in which clipping acts, by threshold; a loss that spikes."""
    clips = list(CLIPS)
    shares = [
        Line(
            network,
            range(len(clips)),
            [rows[f"{network}, {clip}"].figures["acts"] for clip in clips],
            n,
            n,
            True,
        )
        for n, network in enumerate(NETWORKS)
    ]
    curves = [
        Line(f"{network}, {clip}", range(1, len(row.curves["loss"]) + 1), row.curves["loss"], n, style)
        for n, network in enumerate(NETWORKS)
        for style, clip in enumerate(("none", "norm 1"))
        for row in [rows[f"{network}, {clip}"]]
    ]
    top = max(row.curves["dev"][0] or 0 for row in rows.values()) + 3
    return [
        Chart(
            "How often clipping acts",
            "Share of the steps whose gradient is changed, by threshold: "
            + ", ".join(f"{n} {clip}" for n, clip in enumerate(clips))
            + ".",
            "threshold",
            "share of the steps",
            shares,
        ),
        Chart(
            "What it saves",
            "Loss of each step, not clipped (solid) and with the norm clipped at 1 (dashed).",
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
        "momentum 0.9 at the rate 1. Each is trained without clipping, with the norm of the whole "
        "gradient clipped, and with every entry clipped. A step spikes when its loss is a tenth above "
        "the mean of the ten before."
    ),
    trials=trials,
    measure=measure,
    claims=(
        Claim(
            "gradient clipping … avoid exploding gradient issue",
            "Of the networks that diverge or spike without clipping: confirmed if every threshold "
            "prevents it; refined if for each network some threshold does, or if none needed it; refuted "
            "if one is saved by none.",
            _saves,
        ),
        Claim(
            "Set a threshold value, and if a chosen function of a gradient is larger than this "
            "threshold, we set it to another value.",
            "Of the six thresholds on the plain network: confirmed if each acts in some step; refined if "
            "some do; refuted if none does.",
            _costs,
        ),
    ),
    charts=charts,
)
