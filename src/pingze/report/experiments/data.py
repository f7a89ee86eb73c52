"""2,048 poems against 16,384, and how many characters that many poems hold."""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure

from pingze.network.vocabulary import SPECIAL_TOKENS
from pingze.report.experiments.charts import panels
from pingze.report.experiments.claims import Numbers, plan
from pingze.report.experiments.course import PlainTrainer, train
from pingze.report.experiments.experiment import Measured, Row, Rows, Trial
from pingze.report.experiments.setup import Setup
from pingze.training.presets import LENGTHS, PRESETS

FEW, MANY, DRAWN = "few", "many", "drawn"
LOOKS = {FEW: 40, MANY: 16}
VOCABULARY = PRESETS["report"].model.vocabulary_size


def trials(setup: Setup, rows: Rows) -> list[Trial]:
    """List an eighth of the poems and all of them, each for its epochs, and a random draw to be counted."""
    grid, found = plan("data"), []
    for name, count in ((FEW, len(setup.train) * grid["few"] // grid["many"]), (MANY, len(setup.train))):
        epoch = -(-count // setup.budget["batch_size"])
        found.append(Trial(name, {"poems": count}, setup.steps(grid[f"{name}_epochs"]) * epoch))
    return [*found, Trial(DRAWN, {"poems": len(setup.train)})]


def measure(setup: Setup, trial: Trial) -> Measured:
    """Train on the first poems in the vocabulary of all, and measure them and dev side by side."""
    poems, train_nats = trial.settings["poems"], []
    assert isinstance(poems, int)
    if trial.name == DRAWN:
        return _count_characters(setup, poems)

    def look(trainer: PlainTrainer) -> None:
        texts = [example.text for example in trainer.train_examples[: setup.budget["dev"]]]
        train_nats.append(trainer.nats(texts))

    course = train(setup, {}, trial.steps, looks=LOOKS[trial.name], poems=poems, look=look)
    measured = course.measured(
        steps_per_epoch=course.trainer.steps_per_epoch,
        best_step=course.looks[course.dev.index(min(course.dev))],
        gap=course.dev[-1] - train_nats[-1],
    )
    return Measured(measured.figures, {**measured.curves, "train": train_nats})


def _count_characters(setup: Setup, poems: int) -> Measured:
    """Count the vocabulary of poems drawn at random, whole and cut as they are trained on."""
    rng = np.random.default_rng(setup.seed)
    pool = setup.tang or setup.train
    drawn = [pool[place] for place in rng.choice(len(pool), min(poems, len(pool)), replace=False)]
    cut = [text[: LENGTHS["report"]] for text in drawn]
    counts = (len(set("".join(texts))) + len(SPECIAL_TOKENS) for texts in (cut, drawn))
    return Measured(dict(zip(("vocabulary_cut", "vocabulary_whole"), counts, strict=True)))


def _rise(row: Row, step: float) -> float:
    """Return the perplexity at the last look up to a step, over the best up to there."""
    upto = bisect_right(row.curve("looks"), step)
    dev = [math.inf if value is None else value for value in row.curves["dev"][:upto]]
    return math.exp(dev[-1] - min(dev))


def judge(rows: Rows) -> Mapping[str, Numbers]:
    """Compute the numbers of each claim."""
    few, many = rows[FEW], rows[MANY]
    step = min(few.curve("looks")[-1], many.curve("looks")[-1])
    epochs = min(row.curve("looks")[-1] / row.number("steps_per_epoch") for row in (few, many))
    by_epoch = [_rise(row, epochs * row.number("steps_per_epoch")) for row in (few, many)]
    dev = [math.inf if value is None else value for value in few.curves["dev"]]
    best = dev.index(min(dev))
    after = list(pairwise(dev[best:]))
    rising = sum(later > earlier for earlier, later in after) / max(1, len(after))
    off = 100 * abs(VOCABULARY / rows[DRAWN].number("vocabulary_cut") - 1)
    ends = [_rise(row, math.inf) for row in (many, few)]
    turns = [row.number("best_step") / row.number("steps_per_epoch") for row in (many, few)]
    return {
        "overfitting": {
            "few": _rise(few, step) / _rise(many, step),
            "few_by_epoch": by_epoch[0] / by_epoch[1],
        },
        "cured": {
            "many": ends[0],
            "share": math.log(ends[0]) / math.log(ends[1]) if ends[1] > 1 else math.inf,
            "turned": turns[0],
            "turned_few": turns[1],
        },
        "keeps-increasing": {"rising": rising if best <= (len(dev) - 1) / 3 else 0.0},
        "vocabulary": {"off": off},
    }


def figures(rows: Rows) -> Sequence[Figure]:
    """Draw train and dev, by step and by epoch."""
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
