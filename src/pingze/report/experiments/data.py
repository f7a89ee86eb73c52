"""Compare training on 2,048 and on 16,384 poems, and count the characters in a random draw of 16,384 poems."""

import math
from bisect import bisect_right
from itertools import pairwise

import numpy as np

from pingze.network.vocabulary import SPECIAL_TOKENS
from pingze.report.experiments.charts import panels
from pingze.report.experiments.claims import plan
from pingze.report.experiments.course import PlainTrainer, train
from pingze.report.experiments.experiment import Figures, Judged, Measured, Row, Rows, Setup, Trial
from pingze.training.presets import LENGTHS, PRESETS

FEW, MANY, DRAWN = "few", "many", "drawn"
LOOKS = {FEW: 40, MANY: 16}
VOCABULARY = PRESETS["report"].model.vocabulary_size


def trials(setup: Setup, rows: Rows) -> list[Trial]:
    """List three trials: train on an eighth of the poems, train on all poems, and count characters in a random draw."""
    grid, found = plan("data"), []
    for name, count in ((FEW, len(setup.train) * grid["few"] // grid["many"]), (MANY, len(setup.train))):
        steps = setup.steps(grid[f"{name}_epochs"]) * -(-count // setup.budget["batch_size"])
        found.append(Trial(name, {"poems": count, "steps": steps}))
    return [*found, Trial(DRAWN, {"poems": len(setup.train)})]


def measure(setup: Setup, trial: Trial) -> Measured:
    """Train on the trial's poems and record the train and dev losses, or count the characters in a random draw."""
    if trial.name == DRAWN:
        # Count the vocabulary of equally many poems drawn at random, both cut as for training and whole.
        rng, pool = np.random.default_rng(setup.seed), setup.tang or setup.train
        drawn = [pool[at] for at in rng.choice(len(pool), min(len(setup.train), len(pool)), replace=False)]
        cut = [text[: LENGTHS["report"]] for text in drawn]
        counts = (len(set("".join(texts))) + len(SPECIAL_TOKENS) for texts in (cut, drawn))
        return Measured(dict(zip(("vocabulary_cut", "vocabulary_whole"), counts, strict=True)))
    train_nats: list[float] = []

    def look(trainer: PlainTrainer) -> None:
        texts = [example.text for example in trainer.train_examples[: setup.budget["dev"]]]
        train_nats.append(trainer.nats(texts))

    course = train(setup, trial.settings, looks=LOOKS[trial.name], look=look)
    return course.measured(
        {"train": train_nats},
        steps_per_epoch=course.trainer.steps_per_epoch,
        best_step=course.looks[course.dev.index(min(course.dev))],
        gap=course.dev[-1] - train_nats[-1],
    )


def _rise(row: Row, step: float) -> float:
    """Return the dev perplexity at the last look up to a step, divided by the lowest perplexity up to that look."""
    upto = bisect_right(row.curve("looks"), step)
    dev = [math.inf if value is None else value for value in row.curves["dev"][:upto]]
    return math.exp(dev[-1] - min(dev))


def judge(rows: Rows) -> Judged:
    """Compute the numbers by which each claim is judged."""
    both = few, many = rows[FEW], rows[MANY]
    epoch_steps = [row.number("steps_per_epoch") for row in both]
    # 1) Overfitting, compared after equal steps and after equal epochs.
    steps = min(row.curve("looks")[-1] for row in both)
    epochs = min(row.curve("looks")[-1] / size for row, size in zip(both, epoch_steps, strict=True))
    by_step = _rise(few, steps) / _rise(many, steps)
    by_epoch = _rise(few, epochs * epoch_steps[0]) / _rise(many, epochs * epoch_steps[1])
    # 2) The cure for overfitting, judged after all epochs.
    end_few, end_many = (_rise(row, math.inf) for row in both)
    share = math.log(end_many) / math.log(end_few) if end_few > 1 else math.inf
    turned_few, turned = (row.number("best_step") / size for row, size in zip(both, epoch_steps, strict=True))
    # 3) Whether dev keeps rising in the looks after the best one.
    dev = [math.inf if value is None else value for value in few.curves["dev"]]
    best = dev.index(min(dev))
    after = list(pairwise(dev[best:]))
    rising = sum(later > earlier for earlier, later in after) / max(1, len(after))
    return {
        "overfitting": {"few": by_step, "few_by_epoch": by_epoch},
        "cured": {"many": end_many, "share": share, "turned": turned, "turned_few": turned_few},
        "keeps-increasing": {"rising": rising if best <= (len(dev) - 1) / 3 else 0.0},
        "vocabulary": {"off": 100 * abs(VOCABULARY / rows[DRAWN].number("vocabulary_cut") - 1)},
    }


def figures(rows: Rows) -> Figures:
    """Draw the train and dev losses, by step and by epoch."""
    drawn = []
    for unit in ("step", "epoch"):
        figure, (axes,) = panels(xlabel=unit, ylabel="nats per token")
        for number, name in enumerate((FEW, MANY)):
            row = rows[name]
            size = row.number("steps_per_epoch") if unit == "epoch" else 1
            x, label = [at / size for at in row.curve("looks")], f"{row.settings['poems']:,} poems"
            axes.plot(x, row.curve("dev"), f"C{number}", label=label)
            axes.plot(x, row.curve("train"), f"C{number}--", label=f"{label}, train")
        drawn.append(figure)
    return drawn
