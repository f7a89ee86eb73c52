"""2,048 poems against 16,384, and between: when dev turns, how far train and dev part."""

from pingze.replication.charts import Chart, Line
from pingze.replication.experiment import Claim, Experiment, Finding, Measured, Row, Rows, Trial, by_rule
from pingze.replication.setup import Setup
from pingze.replication.training import PlainTrainer, train

PARTS = (8, 4, 2, 1)
"""Of the training poems an eighth, a quarter, a half and all."""
LOOKS = 24
TURNED = 0.02
"""Dev has turned when it ends so far above its best."""


def trials(setup: Setup) -> list[Trial]:
    """A number of poems each."""
    counts = [len(setup.train) // part for part in PARTS]
    return [Trial(f"{count:,} poems", {"poems": count}) for count in counts]


def measure(setup: Setup, trial: Trial) -> Measured:
    """Train on the first poems, all in the vocabulary of all; measure them and dev side by side."""
    poems, train_nats = trial.settings["poems"], []
    assert isinstance(poems, int)

    def look(trainer: PlainTrainer) -> None:
        texts = [example.text for example in trainer.train_examples[: setup.budget.dev]]
        train_nats.append(trainer.nats(texts))

    course = train(setup, {}, setup.budget.steps["data"], looks=LOOKS, poems=poems, look=look)
    best = min(course.dev)
    measured = course.measured(
        epochs=course.looks[-1] / course.trainer.steps_per_epoch,
        best_step=course.looks[course.dev.index(best)],
        rise=course.dev[-1] / best - 1,
        gap=course.dev[-1] - train_nats[-1],
        train_nats=train_nats[-1],
    )
    return Measured(measured.figures, {**measured.curves, "train": train_nats})


def _turned(row: Row) -> bool:
    return row.number("rise") > TURNED


def _overfits(rows: Rows) -> Finding:
    first, *_, last = rows.values()
    apart = last.number("gap") < first.number("gap") / 2
    told = "; ".join(
        f"{name} (best at step {row.figures['best_step']:,}, epoch "
        f"{row.figures['best_step'] / row.curves['looks'][-1] * row.number('epochs'):.1f}, then "
        f"{row.number('rise'):+.1%}; train and dev part by {row.number('gap'):.2f} nats)"
        for name, row in rows.items()
    )
    conclusion = by_rule(_turned(first) and not _turned(last) and apart, _turned(first))
    return Finding(conclusion, f"{told}. All after {first.curves['looks'][-1]:,} steps.", list(rows.values()))


def _keeps_rising(rows: Rows) -> Finding:
    row = next(iter(rows.values()))
    dev = [value if value is not None else float("inf") for value in row.curves["dev"]]
    at = dev.index(min(dev))
    after = list(zip(dev[at:], dev[at + 1 :], strict=False))
    rising = sum(later > earlier for earlier, later in after) / max(1, len(after))
    early = at <= (len(dev) - 1) / 3
    sentence = (
        f"With {row.figures['epochs']:.0f} epochs of {row.settings['poems']:,} poems, dev is least at "
        f"step {row.figures['best_step']:,} of {row.curves['looks'][-1]:,}, then rises from look to look "
        f"in {rising:.0%} of {len(after)}, from {min(dev):.3f} to {dev[-1]:.3f} nats per token."
    )
    return Finding(by_rule(_turned(row) and early and rising >= 0.9, _turned(row)), sentence, [row])


def charts(rows: Rows) -> list[Chart]:
    """Train and dev by step."""
    lines = [
        Line(name if style == 0 else f"{name}, train", row.curves["looks"], row.curves[key], n, style)
        for n, (name, row) in enumerate(rows.items())
        for style, key in enumerate(("dev", "train"))
    ]
    return [
        Chart(
            "Train and dev part",
            "Dev (solid) and training poems (dashed) by step, for each number of training poems.",
            "step",
            "nats per token",
            lines,
        )
    ]


EXPERIMENT = Experiment(
    name="data",
    title="The number of poems",
    about=(
        "The same network takes the same number of steps on an eighth, a quarter, a half and all of the "
        "training poems (the report's 2,048 and 16,384 are the ends), in the vocabulary of all, with no "
        "dropout and no other guard."
    ),
    trials=trials,
    measure=measure,
    claims=(
        Claim(
            "At first I use 2048 poems to train, but I found it can easily lead to overfitting",
            f"Dev turns if it ends over {TURNED:.0%} above its best. Confirmed if it turns with the "
            "fewest poems and not with all, and train and dev part less than half as far with all; "
            "refined if it turns with the fewest; else refuted.",
            _overfits,
        ),
        Claim(
            "the perplexity will keep increasing after a short term of decreasing",
            "With the fewest poems: confirmed if dev turns, its best lies in the first third, and from "
            "there nine in ten looks are above the one before; refined if it turns; else refuted.",
            _keeps_rising,
        ),
    ),
    charts=charts,
)
