"""Prepare what every experiment works with: the texts that a budget leaves, and the model and training to change."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pingze.composing.quality import MEASURED, Lines, real_poems
from pingze.corpus import Store
from pingze.errors import InputError
from pingze.network.vocabulary import Vocabulary
from pingze.report.experiments.claims import document
from pingze.training.presets import Preset, preset
from pingze.verse.forms import FORMS

Setting = str | int | float | bool | None
BUDGETS: Mapping[str, dict[str, Any]] = {
    name: {"name": name, "seeds": len(document()["seeds"][name]), **fields}
    for name, fields in document()["budget"].items()
}
"""How much is trained and measured; `claims.toml` explains the fields."""


@dataclass(frozen=True)
class Setup:
    """The texts of the report's draw as a budget cuts them, and real verse to judge samples by."""

    budget: Mapping[str, Any]
    seed: int
    """Of all chance. An experiment with chance in it is measured with each of `seeds`."""
    train: Sequence[str]
    dev: Sequence[str]
    real: Mapping[str, Sequence[Lines]]
    """Tang poems of the test split by form."""
    tang: Sequence[str] = ()
    """All Tang poems of the train split, to draw from."""

    @classmethod
    def of(cls, store: Store, budget: str, seed: int) -> "Setup":
        """Take the texts from a corpus, for a budget and the first of consecutive seeds.

        Raises InputError on an unknown budget, a negative seed or too small a corpus.
        """
        if budget not in BUDGETS:
            raise InputError("choice", field="budget", has=budget, choices=[*BUDGETS])
        if seed < 0:
            raise InputError("report_seed", field="seed", has=seed)
        chosen = BUDGETS[budget]
        train, dev = store.report_draw("train")[: chosen["train"]], store.report_draw("dev")[: chosen["dev"]]
        if len(train) < chosen["batch_size"] or not dev:
            raise InputError("report_corpus", train=len(train), dev=len(dev), wanted=chosen["batch_size"])
        real = {
            form: [poem.lines for poem in real_poems(FORMS[form], chosen["real"], store)] for form in MEASURED
        }
        tang = [poem.text for poem in store.poems(dynasty="tang", split="train")]
        return cls(chosen, seed, train, dev, real, tang)

    @property
    def seeds(self) -> range:
        """All seeds."""
        return range(self.seed, self.seed + self.budget["seeds"])

    def steps(self, planned: int) -> int:
        """Shorten the steps or epochs that `claims.toml` plans as the budget has it."""
        return max(1, planned // int(self.budget["shortened"]))

    @cached_property
    def vocabulary_size(self) -> int:
        """The report's 5,851, or as many tokens as the texts have."""
        length = preset("report").training.length
        cut = (text[:length] for text in self.train)
        return len(Vocabulary.of_texts(cut, preset("report").model.vocabulary_size))

    def preset(self, settings: Mapping[str, Setting]) -> Preset:
        """Configure the report's model and a plain training of it, with some settings but `steps` and `poems` changed.

        Plain: Adam at the constant rate of 2e-3 without warm-up, dropout or clipping, so that one thing at a time is
        tried.
        """
        sizes = ("embedding_size", "hidden_size", "batch_size", "precision")
        plain: dict[str, Setting] = {"dropout": 0, "warmup_steps": 0, "decay": False, "clip_norm": None}
        plain |= {"vocabulary_size": self.vocabulary_size, "seed": self.seed, "patience": None}
        plain |= {name: self.budget[name] for name in sizes} | dict(settings)
        changed = [(name, value) for name, value in plain.items() if name not in ("steps", "poems")]
        return preset("report", [f"{name}={str(value).lower()}" for name, value in changed])

    def describe(self) -> dict[str, Any]:
        """Describe what must agree for two reruns to be compared."""
        digest = hashlib.blake2b(digest_size=8)
        verse = ["".join(lines) for poems in self.real.values() for lines in poems]
        for text in (*self.train, *self.dev, *verse):
            digest.update(text.encode() + b"\n")
        return {
            "budget": {**self.budget},
            "seeds": list(self.seeds),
            "train": len(self.train),
            "dev": len(self.dev),
            "vocabulary": self.vocabulary_size,
            "texts": digest.hexdigest(),
        }
