"""Compare training on 2,048 and on 16,384 poems, and count the characters in a random draw of 16,384 poems."""

import math

import numpy as np

from lab.report import plan
from lab.report.course import train
from lab.report.experiment import Figures, Judged, Measured, Row, Rows, Setup, Trial
from pingze.derivation.charts import panels
from pingze.network.vocabulary import SPECIAL_TOKENS
from pingze.training.presets import LENGTHS, PRESETS

FEW, MANY, DRAWN = "few", "many", "drawn"
LOOKS = {FEW: 40, MANY: 16}
VOCABULARY = PRESETS["report"].model.vocabulary_size


def trials(setup: Setup, rows: Rows) -> list[Trial]:
    """List three trials: train on an eighth of the poems, train on all poems, and count characters in a random draw."""
    grid, found = plan("data"), []
    for name, count in (
        (FEW, len(setup.train) * grid["few"] // grid["many"]),
        (MANY, len(setup.train)),
    ):
        steps = setup.steps(grid[f"{name}_epochs"]) * -(-count // setup.budget["batch_size"])
        found.append(Trial(name, {"poems": count, "steps": steps}))
    return [*found, Trial(DRAWN, {"poems": len(setup.train)})]


def measure(setup: Setup, trial: Trial) -> Measured:
    """Train on the trial's poems and record the train and dev losses, or count the characters in a random draw."""
    if trial.name == DRAWN:
        # Count the vocabulary of equally many poems drawn at random, both cut as for training and
        # whole.
        rng, pool = np.random.default_rng(setup.seed), setup.tang or setup.train
        drawn = [
            pool[at]
            for at in rng.choice(len(pool), min(len(setup.train), len(pool)), replace=False)
        ]
        cut = [text[: LENGTHS["report"]] for text in drawn]
        counts = (len(set("".join(texts))) + len(SPECIAL_TOKENS) for texts in (cut, drawn))
        return Measured(dict(zip(("vocabulary_cut", "vocabulary_whole"), counts, strict=True)))
    train_nats: list[float] = []
    course = train(
        setup,
        trial.settings,
        looks=LOOKS[trial.name],
        look=lambda trainer: train_nats.append(trainer.train_nats(setup.budget["dev"])),
    )
    return course.measured(
        {"train": train_nats},
        steps_per_epoch=course.trainer.steps_per_epoch,
        best_step=course.curves["looks"][int(np.argmin(course.curves["dev"]))],
        gap=course.curves["dev"][-1] - train_nats[-1],
    )


def _rise(row: Row, step: float) -> float:
    """Return the last dev perplexity up to a step, divided by the lowest dev perplexity up to that step."""
    dev = np.nan_to_num(row.curve("dev"), nan=math.inf)[row.curve("looks") <= step]
    return math.exp(dev[-1] - dev.min())


def judge(rows: Rows) -> Judged:
    """Compute the numbers by which each claim is judged."""
    both = few, many = rows[FEW], rows[MANY]
    epoch = np.array([row.number("steps_per_epoch") for row in both])
    # 1) Overfitting, compared after equal steps and after equal epochs.
    last = np.array([row.curve("looks")[-1] for row in both])
    by_step = _rise(few, last.min()) / _rise(many, last.min())
    equal = (last / epoch).min() * epoch
    by_epoch = _rise(few, equal[0]) / _rise(many, equal[1])
    # 2) The cure for overfitting, judged after all epochs.
    end_few, end_many = (_rise(row, math.inf) for row in both)
    share = math.log(end_many) / math.log(end_few) if end_few > 1 else math.inf
    turned_few, turned = np.array([row.number("best_step") for row in both]) / epoch
    # 3) Whether dev keeps rising in the looks after the best one.
    dev = np.nan_to_num(few.curve("dev"), nan=math.inf)
    best = int(dev.argmin())
    rises = dev[best + 1 :] > dev[best:-1]
    rising = float(rises.mean()) if len(rises) else 0.0
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
            x, label = row.curve("looks"), f"{row.settings['poems']:,} poems"
            x /= row.number("steps_per_epoch") if unit == "epoch" else 1
            axes.plot(x, row.curve("dev"), f"C{number}", label=label)
            axes.plot(x, row.curve("train"), f"C{number}--", label=f"{label}, train")
        drawn.append(figure)
    return drawn
