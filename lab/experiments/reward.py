"""Learn the reward of `tang`, a prediction of readers' scores, from blind readings.

    python -m lab.experiments.reward add FOLDER ...
    python -m lab.experiments.reward measure
    python -m lab.experiments.reward fit

`add` appends the composed poems of sheets with readings (`lab.experiments.blind_reading`) to
reading/readings.tsv: the sheet, the title, the form, the lines, and the mean score of the readings
for each criterion. Real poems are left out.

`measure` correlates the reward with readings of titles that it was not fitted to. `fit` writes it
into weights/tang.safetensors.

The fit is a ridge regression of a poem's mean score on three features: the mean ln p of its tokens,
the share of the title's characters that occur in it, and the mean of the model's states h_t.
Features and scores are differences from the mean over the poems for one title on one sheet. The
weights of the states are the reward. The other two features are in the regression so that the
reward does not learn what taste already counts (`composing.terms.taste`).
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

import pingze.network.weights
from lab.experiments.blind_reading import REAL, read_sheet
from lab.figures import record
from pingze.arrays import Array, Float
from pingze.composing.composer import Composer, load_composer
from pingze.corpus.poem import lines
from pingze.network import checkpoint
from pingze.verse.characters import only_han
from pingze.verse.checking import check

READINGS = Path(__file__).with_name("reading") / "readings.tsv"
MODEL = Path(pingze.network.weights.__path__[0]) / "tang.safetensors"
SHRINKAGE = 10.0
"""The ridge penalty of the states, whose mean square norm is 1.

Values from 3 to 20 give similar figures.
"""
FOLDS = 8


class Reading(NamedTuple):
    """A composed poem and the scores that readers gave it."""

    sheet: str
    title: str
    form: str
    lines: list[str]
    scores: list[float]
    """The score for each criterion, averaged over the sheet's readings."""


def readings_of(folder: Path) -> list[Reading]:
    """Return the composed poems of a sheet, with the scores of its readings."""
    sheet = read_sheet(folder)
    readings = []
    for entry in sheet.entries:
        if entry.condition == REAL:
            continue
        scores = [of_reader[entry.id] for of_reader in sheet.readings.values()]
        readings.append(
            Reading(
                sheet=folder.name,
                title=entry.prompt,
                form=check(entry.poem).form or "",
                lines=lines(entry.poem.replace("\n", "")),
                scores=np.mean(scores, axis=0).tolist(),
            )
        )
    return readings


def row(read: Reading) -> str:
    """Format a reading as a line of readings.tsv."""
    scores = "\t".join(f"{score:g}" for score in read.scores)
    return f"{read.sheet}\t{read.title}\t{read.form}\t{'，'.join(read.lines)}\t{scores}\n"


def stored() -> list[Reading]:
    """Read the readings in readings.tsv."""
    readings = []
    for row in READINGS.read_text(encoding="utf-8").splitlines():
        sheet, title, form, text, *cells = row.split("\t")
        scores = [float(cell) for cell in cells]
        readings.append(
            Reading(sheet=sheet, title=title, form=form, lines=text.split("，"), scores=scores)
        )
    return readings


class Regression(NamedTuple):
    """The data of the regression.

    Features and scores are centred over the poems for one title on one sheet.
    """

    features: Float[Array, "poems 2+H"]
    """The mean ln p, the share of the title used, and the scaled mean state."""
    scores: Float[Array, "poems"]
    groups: list[int]
    """The number of each poem's title."""
    scale: float
    """The number by which the states were divided."""

    def weights(self, rows: Float[Array, "_"]) -> Float[Array, "2+H"]:
        """Fit the ridge regression to some of the poems, and return its weights."""
        X = self.features[rows]
        y = self.scores[rows]
        penalty = np.full(X.shape[1], SHRINKAGE)
        penalty[:2] = 0.0
        weights: Array = np.linalg.solve(X.T @ X + np.diag(penalty), X.T @ y)
        return weights


def regression(chosen: Composer, readings: list[Reading]) -> Regression:
    """Prepare the regression of all readings, with the states of a model."""
    # 1) The poems for one title on one sheet.
    together: dict[tuple[str, str, str], list[Reading]] = defaultdict(list)
    for read in readings:
        together[read.sheet, read.title, read.form].append(read)
    # 2) Their features and scores, as differences from the mean.
    of_text = []
    of_states = []
    scores = []
    titles = []
    for (_, title, form), group in together.items():
        log_p, h = _read(chosen, form, title, group)
        words = set(only_han(title))
        named = [len(words & set("".join(read.lines))) / len(words) for read in group]
        of_text.append(_within(np.stack([log_p, named], axis=1)))
        of_states.append(_within(h))
        scores.append(_within(np.array([np.mean(read.scores) for read in group])))
        titles += [title] * len(group)
    # 3) Scale the states to a mean square norm of 1.
    states = np.concatenate(of_states)
    scale = float(np.sqrt((states**2).sum(axis=1).mean()))
    features = np.concatenate([np.concatenate(of_text), states / scale], axis=1)
    numbers = {title: number for number, title in enumerate(dict.fromkeys(titles))}
    return Regression(
        features=features,
        scores=np.concatenate(scores),
        groups=[numbers[title] for title in titles],
        scale=scale,
    )


def _read(
    chosen: Composer, form: str, title: str, group: list[Reading]
) -> tuple[Float[Array, "poems"], Float[Array, "poems H"]]:
    """Return each poem's mean ln p and mean state, without the last mark."""
    prefix = chosen.conditions.prefix(form, None, title).ids
    ids = np.stack([chosen.token_ids(read.lines)[:-1] for read in group])
    state = chosen.network.start(len(ids), prefix)
    log_p = []
    h = []
    for column in ids.T:
        log_p.append(state.log_p[np.arange(len(ids)), column])
        state = chosen.network.step(state, column)
        h.append(state.h)
    return np.mean(log_p, axis=0), np.mean(h[:-1], axis=0)


def _within(values: Float[Array, "poems *_"]) -> Float[Array, "poems *_"]:
    centred: Array = values - values.mean(axis=0)
    return centred


def agreement(fitted: Regression) -> tuple[float, float]:
    """Return the correlation with scores of titles left out, with and without states."""
    fold = np.random.default_rng(0).permutation(max(fitted.groups) + 1) % FOLDS
    of_poem = fold[fitted.groups]
    bare = fitted._replace(features=fitted.features[:, :2])
    found = []
    for each in (fitted, bare):
        predicted = np.zeros(len(each.scores))
        for k in range(FOLDS):
            weights = each.weights(of_poem != k)
            predicted[of_poem == k] = each.features[of_poem == k] @ weights
        found.append(float(np.corrcoef(predicted, each.scores)[0, 1]))
    return found[0], found[1]


def add(folders: Iterable[Path]) -> None:
    """Append the readings of sheets to readings.tsv."""
    rows = []
    for folder in folders:
        rows += [row(read) for read in readings_of(folder)]
    with READINGS.open("a", encoding="utf-8") as file:
        file.writelines(rows)
    print(f"{len(rows)} poems")


def main() -> None:
    """Add readings, measure the reward or fit it, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("add", "measure", "fit"))
    parser.add_argument("folders", nargs="*", type=Path)
    asked = parser.parse_args()
    if asked.what == "add":
        add(asked.folders)
        return
    fitted = regression(load_composer(), stored())
    if asked.what == "fit":
        weights = fitted.weights(np.ones(len(fitted.scores), bool))
        reward = (weights[2:] / fitted.scale).astype(np.float32)
        loaded = checkpoint.load(MODEL)
        tensors = dict(loaded.stored)
        tensors[checkpoint.REWARD] = reward
        checkpoint.save(MODEL, replace(loaded, stored=tensors))
        return
    with_states, without = agreement(fitted)
    print(f"{len(fitted.scores)} poems: R {with_states:.3f}, without the states {without:.3f}")
    record(
        "python -m lab.experiments.reward measure",
        {"reward.r": with_states, "reward.r_without": without},
    )


if __name__ == "__main__":
    main()
