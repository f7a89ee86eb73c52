"""2,048 poems against 16,384, at equal steps and at equal epochs; and how many characters so many poems hold."""

import math
from bisect import bisect_right

import numpy as np

from pingze.network.vocabulary import SPECIAL_TOKENS
from pingze.report.charts import Chart, Line
from pingze.report.claims import plan
from pingze.report.experiment import Experiment, Judged, Measured, Row, Rows, Trial
from pingze.report.setup import Setup
from pingze.report.training import PlainTrainer, train
from pingze.training.configuration import LENGTHS, PRESETS

FEW, MANY, DRAWN = "few", "many", "drawn"
LOOKS = {FEW: 40, MANY: 16}
VOCABULARY = PRESETS["report"].model.vocabulary_size


def trials(setup: Setup) -> list[Trial]:
    """An eighth of the poems and all of them, each for its epochs; and as many drawn anew, to be counted."""
    grid = plan("data")
    counts = {FEW: len(setup.train) * grid["few"] // grid["many"], MANY: len(setup.train)}
    return [
        *(
            Trial(name, {"poems": count}, setup.steps(grid[f"{name}_epochs"]) * _epoch(setup, count))
            for name, count in counts.items()
        ),
        Trial(DRAWN, {"poems": len(setup.train)}),
    ]


def _epoch(setup: Setup, poems: int) -> int:
    return -(-poems // setup.budget.batch_size)


def measure(setup: Setup, trial: Trial) -> Measured:
    """Train on the first poems, all in the vocabulary of all; measure them and dev side by side."""
    poems, train_nats = trial.settings["poems"], []
    assert isinstance(poems, int)
    if trial.name == DRAWN:
        return _count_characters(setup, poems)

    def look(trainer: PlainTrainer) -> None:
        texts = [example.text for example in trainer.train_examples[: setup.budget.dev]]
        train_nats.append(trainer.nats(texts))

    course = train(setup, {}, trial.steps, looks=LOOKS[trial.name], poems=poems, look=look)
    measured = course.measured(
        steps_per_epoch=course.trainer.steps_per_epoch,
        best_step=course.looks[course.dev.index(min(course.dev))],
        gap=course.dev[-1] - train_nats[-1],
    )
    return Measured(measured.figures, {**measured.curves, "train": train_nats})


def _count_characters(setup: Setup, poems: int) -> Measured:
    """The natural vocabulary of poems drawn at random, whole and cut as they are trained on."""
    rng = np.random.default_rng(setup.seed)
    pool = setup.tang or setup.train
    drawn = [pool[place] for place in rng.choice(len(pool), min(poems, len(pool)), replace=False)]
    cut = [text[: LENGTHS["report"]] for text in drawn]
    return Measured(
        {
            name: len(set("".join(texts))) + len(SPECIAL_TOKENS)
            for name, texts in (("vocabulary_cut", cut), ("vocabulary_whole", drawn))
        }
    )


def _rise(row: Row, step: float) -> float:
    """The perplexity at the last look up to a step, over the best up to there."""
    upto = bisect_right([at or 0 for at in row.curves["looks"]], step)
    dev = [math.inf if value is None else value for value in row.curves["dev"][:upto]]
    return math.exp(dev[-1] - min(dev))


def _last(row: Row) -> float:
    return float(row.curves["looks"][-1] or 0)


def _overfits(rows: Rows, few_step: float, many_step: float) -> Judged:
    few, many = _rise(rows[FEW], few_step), _rise(rows[MANY], many_step)
    told = "; ".join(
        f"{rows[name].settings['poems']:,} poems at step {step:,.0f}, epoch "
        f"{step / rows[name].number('steps_per_epoch'):.0f}: {rise:.3f}"
        for name, step, rise in ((FEW, few_step, few), (MANY, many_step, many))
    )
    sentence = (
        f"Perplexity over its best up to then: {told}. Best of all at step "
        f"{rows[FEW].number('best_step'):,.0f} with the few, {rows[MANY].number('best_step'):,.0f} with the many; at "
        f"their ends train and dev part by {rows[FEW].number('gap'):.2f} and {rows[MANY].number('gap'):.2f} nats."
    )
    return Judged({"few": few / many}, sentence, [rows[FEW], rows[MANY]])


def _by_steps(rows: Rows) -> Judged:
    step = min(_last(rows[FEW]), _last(rows[MANY]))
    return _overfits(rows, step, step)


def _by_epochs(rows: Rows) -> Judged:
    epochs = min(_last(row) / row.number("steps_per_epoch") for row in (rows[FEW], rows[MANY]))
    few, many = (epochs * rows[name].number("steps_per_epoch") for name in (FEW, MANY))
    return _overfits(rows, few, many)


def _keeps_increasing(rows: Rows) -> Judged:
    row = rows[FEW]
    dev = [math.inf if value is None else value for value in row.curves["dev"]]
    at = dev.index(min(dev))
    after = list(zip(dev[at:], dev[at + 1 :], strict=False))
    rising = sum(later > earlier for earlier, later in after) / max(1, len(after))
    early = at <= (len(dev) - 1) / 3
    sentence = (
        f"In {_last(row) / row.number('steps_per_epoch'):.0f} epochs of {row.settings['poems']:,} poems the perplexity "
        f"is least at step {row.number('best_step'):,.0f} of {_last(row):,.0f}, {math.exp(min(dev)):,.0f}, and then "
        f"rises from look to look in {rising:.0%} of {len(after)}, to {math.exp(dev[-1]):,.0f}."
    )
    return Judged({"rising": rising if early else 0.0}, sentence, [row])


def _vocabulary(rows: Rows) -> Judged:
    row = rows[DRAWN]
    sentence = (
        f"{row.settings['poems']:,} poems, cut to {LENGTHS['report']} characters, hold "
        f"{row.figures['vocabulary_cut']:,} different ones with marks and special tokens; whole, "
        f"{row.figures['vocabulary_whole']:,}."
    )
    return Judged({"off": 100 * abs(VOCABULARY / row.number("vocabulary_cut") - 1)}, sentence, [row])


def charts(rows: Rows) -> list[Chart]:
    """Train and dev, by step and by epoch."""

    def lines(epochs: bool) -> list[Line]:
        return [
            Line(
                f"{rows[name].settings['poems']:,} poems{suffix}",
                [
                    (at or 0) / (rows[name].number("steps_per_epoch") if epochs else 1)
                    for at in rows[name].curves["looks"]
                ],
                rows[name].curves[key],
                n,
                style,
            )
            for n, name in enumerate((FEW, MANY))
            for style, (key, suffix) in enumerate((("dev", ""), ("train", ", train")))
        ]

    told = "Dev (solid) and training poems (dashed), for either number of training poems."
    return [
        Chart("By step", told, "step", "nats per token", lines(epochs=False)),
        Chart("By epoch", told, "epoch", "nats per token", lines(epochs=True)),
    ]


EXPERIMENT = Experiment(
    name="data",
    title="The number of poems",
    about=(
        "The same network is trained on an eighth of the poems (the report's 2,048) and on all of them (its 16,384), "
        "in the vocabulary of all, with no dropout and no other guard; compared after as many steps and after as "
        "many epochs. As many poems are drawn at random from all Tang poems of train, and their characters counted."
    ),
    trials=trials,
    measure=measure,
    judges={
        "steps": _by_steps,
        "epochs": _by_epochs,
        "keeps-increasing": _keeps_increasing,
        "vocabulary": _vocabulary,
    },
    charts=charts,
)
