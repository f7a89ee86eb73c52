"""Define the setup that all experiments share, their trials, and the rows that store the results of the trials."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from lab.experiments.quality import MEASURED, Lines, real_poems
from lab.report import Numbers, document
from pingze.arrays import Array
from pingze.corpus import Store
from pingze.network.vocabulary import Vocabulary
from pingze.training.presets import Preset, preset
from pingze.verse.forms import FORMS

Figures = Sequence[Figure]
Judged = Mapping[str, Numbers]
"""The numbers that decide each claim of an experiment, keyed by name: "cured" for the claim "data/cured"."""
BUDGETS: Mapping[str, dict[str, Any]] = {
    name: {"name": name, "seeds": len(document()["seeds"][name]), **fields}
    for name, fields in document()["budget"].items()
}
"""How much is trained and measured within each budget. `claims.toml` explains the fields."""


@dataclass(frozen=True)
class Setup:
    """The texts of a rerun: the report's (`Store.report_draw`), up to a budget's limit, and Tang poems to compare."""

    budget: Mapping[str, Any]
    seed: int
    """The seed of all random numbers.

    Experiments that involve chance are measured once with each of `seeds`.
    """
    train: Sequence[str]
    dev: Sequence[str]
    real: Mapping[str, Sequence[Lines]]
    """Tang poems of the test split, by form."""
    tang: Sequence[str] = ()
    """All Tang poems of the train split, from which the experiment `data` draws at random."""

    @classmethod
    def of(cls, store: Store, budget: str, seed: int) -> "Setup":
        """Read the texts for a budget from a corpus.

        `seed` is the first of the setup's consecutive `seeds`.

        Ends the process with a message if the budget is unknown, the seed is negative or the corpus is too small.
        """
        if budget not in BUDGETS:
            raise SystemExit(f"--budget {budget}: choose one of {', '.join(BUDGETS)}")
        if seed < 0:
            raise SystemExit(f"--seed {seed}: a seed is at least 0")
        chosen = BUDGETS[budget]
        train, dev = (
            store.report_draw("train")[: chosen["train"]],
            store.report_draw("dev")[: chosen["dev"]],
        )
        if len(train) < chosen["batch_size"] or not dev:
            raise SystemExit(
                f"the corpus has {len(train)} training and {len(dev)} dev poems; the report needs "
                f"{chosen['batch_size']} and one: run `pingze corpus fetch`"
            )
        real = {
            form: [poem.lines for poem in real_poems(FORMS[form], chosen["real"], store)]
            for form in MEASURED
        }
        tang = [poem.text for poem in store.poems(dynasty="tang", split="train")]
        return cls(chosen, seed, train, dev, real, tang)

    @property
    def seeds(self) -> range:
        """The consecutive seeds with which the experiments are measured."""
        return range(self.seed, self.seed + self.budget["seeds"])

    def steps(self, planned: int) -> int:
        """Reduce a number of steps or epochs that `claims.toml` plans, in proportion to the budget."""
        return max(1, planned // int(self.budget["shortened"]))

    @cached_property
    def vocabulary_size(self) -> int:
        """The number of tokens in the vocabulary: 5,851 as in the report, or fewer if the texts have fewer."""
        report = preset("report")
        cut = (text[: report.training.length] for text in self.train)
        return len(Vocabulary.of_texts(cut, report.model.vocabulary_size))

    def preset(self, settings: Mapping[str, Any]) -> Preset:
        """Configure the report's model and plain training, and apply all settings except `steps` and `poems`.

        Plain training is Adam at the constant rate 2e-3 without warm-up, dropout or clipping. Each
        trial thus changes one thing.
        """
        changed: dict[str, Any] = {
            "dropout": 0,
            "warmup_steps": 0,
            "decay": False,
            "clip_norm": None,
        }
        changed |= {"vocabulary_size": self.vocabulary_size, "seed": self.seed, "patience": None}
        changed |= {
            name: self.budget[name]
            for name in ("embedding_size", "hidden_size", "batch_size", "precision")
        }
        changed |= {
            name: value for name, value in settings.items() if name not in ("steps", "poems")
        }
        return preset("report", [f"{name}={str(value).lower()}" for name, value in changed.items()])

    def describe(self) -> dict[str, Any]:
        """Return the budget, the seeds, the sizes and a hash of the texts.

        Reruns are comparable if these are equal.
        """
        verse = ["".join(lines) for poems in self.real.values() for lines in poems]
        texts = "".join(f"{text}\n" for text in (*self.train, *self.dev, *verse))
        sizes = {"train": len(self.train), "dev": len(self.dev), "vocabulary": self.vocabulary_size}
        digest = hashlib.blake2b(texts.encode(), digest_size=8).hexdigest()
        return {"budget": {**self.budget}, "seeds": list(self.seeds), **sizes, "texts": digest}


class Trial(NamedTuple):
    """One thing to measure: its name within the experiment, and its settings, such as the number of training steps."""

    name: str
    settings: Mapping[str, Any]


class Measured(NamedTuple):
    """The figures and curves of a trial. Numbers that are not finite are stored as null in JSON."""

    figures: Mapping[str, Any]
    curves: Mapping[str, Sequence[float]] = {}


@dataclass(frozen=True)
class Row:
    """A measured trial, as results.json stores it."""

    id: str
    """The key in results.json, as in "data/few, seed 1"."""
    settings: Mapping[str, Any]
    figures: Mapping[str, Any]
    curves: Mapping[str, Sequence[float | None]]

    def number(self, name: str) -> float:
        """Return a figure. If its value was not finite (null in JSON), return infinity."""
        value = self.figures[name]
        return float("inf") if value is None else float(value)

    def curve(self, name: str) -> Array:
        """Return a curve as an array.

        Values that were not finite become NaN, which leaves a gap in a chart.
        """
        return np.array(self.curves[name], float)


Rows = Mapping[str, Row]
"""The rows of one experiment with one seed. Each key is the name of a trial."""
