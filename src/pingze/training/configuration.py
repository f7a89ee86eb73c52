"""How a model is trained: one dataclass, its presets by name, and its values from the command line."""

import dataclasses
import math
from dataclasses import dataclass, field
from difflib import get_close_matches

from pingze.corpus.poem import OWN
from pingze.errors import InputError
from pingze.lstm.dropout import Dropout
from pingze.network.configuration import ModelConfiguration, check_at_least

LENGTHS = {"report": 48, "tang": 80, OWN: 120}
"""Predicted tokens of a poem at most, in training and measuring: by the corpus."""
SOURCES = {
    "song": ("song",),
    "early": ("qin", "han", "sanguo", "jin", "nanbei", "sui", "wudai"),
    "yuan": ("jurchen", "yuan"),
    "ming": ("ming",),
    "qing": ("qing",),
}
"""The dynasties whose poems may be mixed with those of Tang, by the name of the source."""
CI = "ci"
"""The source of 詞."""


@dataclass(frozen=True)
class TrainingConfiguration:
    """Choices of a training run. Raises InputError on values that contradict each other, naming the fields."""

    batch_size: int = 32
    """Poems a step, over all processes."""
    accumulate: int = 1
    """Parts in which each process takes its share of a batch, one after the other, to need less memory."""
    length: int = 48
    """Predicted tokens a poem at most."""
    epochs: float = 8
    """Passes over the training texts; a part of one counts by its steps."""
    corpus: str = "report"
    """report: the report's draw, texts alone; tang: every Tang poem of the splits, with its form, poet and title.

    own: a person's own poems, likewise (docs/your-own.md); the vocabulary then has `vocabulary_size` tokens at most.
    """
    poet_poems: int = 30
    """How many training poems earn a poet a token, where poems have poets."""
    later_poet_poems: int = 200
    """How many earn a poet of another dynasty one, where its poems are read."""
    condition_dropout: float = 0.0
    """How likely each of form, poet and title is left out when a poem is read."""
    theme_share: float = 0.0
    """How likely a theme, some of a poem's own words, stands before it when it is read; see `training.themes`."""
    mixture: str = ""
    """Poems of other sources that an epoch reads for each Tang poem, others each time, as song:1,ming:0.5.

    The sources are `SOURCES`, and ci: the 詞 of all dynasties.
    """
    start_from: str | None = None
    """A model whose weights training starts from, grown where this one is larger; none starts from random ones."""
    initialization: str = "orthogonal"
    """The LSTM's first weights: zero, normal, uniform, xavier or orthogonal."""
    initialization_scale: float = 1.0
    """Standard deviation under the initialization `normal`."""
    dropout: float = 0.0
    """Share of the LSTM's inputs and outputs that is dropped."""
    output_dropout: float | None = None
    """Share of the top layer's outputs where it is another than `dropout`."""
    locked_dropout: bool = False
    """Whether a sequence loses the same inputs and outputs at all its steps."""
    embedding_dropout: float = 0.0
    """Share of the vocabulary's characters that is dropped from the inputs of a batch."""
    weight_dropout: float = 0.0
    """Share of the recurrent weights that is dropped for a batch (DropConnect)."""
    optimizer: str = "adam"
    """adam, adamw or sgd."""
    learning_rate: float = 2e-3
    """The peak of the schedule."""
    momentum: float = 0.0
    """Momentum of sgd."""
    weight_decay: float = 0.0
    """Decoupled weight decay of adamw."""
    warmup_steps: int = 0
    """Steps over which the rate rises linearly from 0."""
    decay: bool = True
    """Whether the rate falls to 0, along a half cosine, or in a straight line over the last `decay_epochs`."""
    decay_epochs: float | None = None
    """Epochs over which it falls at the end; none falls from the warm-up on."""
    clip_norm: float | None = None
    """Largest norm of all gradients together."""
    clip_value: float | None = None
    """Largest absolute value of each gradient's entry."""
    averaging: float = 0.0
    """Decay of the weights' moving average, which is measured and saved; 0 takes the weights themselves."""
    patience: int | None = None
    """Epochs without a better dev figure after which training stops."""
    precision: str = "float32"
    """Operands of the large products: float32, or bf16 with float32 weights, cell state and optimizer."""
    save_every: int = 200
    """Steps from one saved state to the next; one is saved after each epoch too."""
    seed: int = 1
    """Fixes the first weights, the order of the poems and what is dropped."""

    def __post_init__(self) -> None:
        check_at_least(self, 1, "batch_size", "accumulate", "length", "save_every")
        check_at_least(self, 1, "poet_poems", "later_poet_poems")
        check_at_least(
            self,
            0,
            "initialization_scale",
            "learning_rate",
            "momentum",
            "weight_decay",
            "warmup_steps",
            "seed",
        )
        for name, choices in (
            ("optimizer", ("adam", "adamw", "sgd")),
            ("precision", ("float32", "bf16")),
            ("corpus", tuple(LENGTHS)),
        ):
            if getattr(self, name) not in choices:
                raise InputError(
                    f"{name} {getattr(self, name)!r} is unknown; choose one of {', '.join(choices)}"
                )
        if self.accumulate > self.batch_size:
            raise InputError(f"accumulate is {self.accumulate}, more than the batch_size {self.batch_size}")
        for name in ("learning_rate", "epochs"):
            if not math.isfinite(getattr(self, name)):
                raise InputError(f"{name} is {getattr(self, name)}; it must be finite")
        for name in (
            "dropout",
            "output_dropout",
            "embedding_dropout",
            "weight_dropout",
            "condition_dropout",
            "theme_share",
            "averaging",
        ):
            share = getattr(self, name)
            if share is not None and not 0 <= share < 1:
                raise InputError(f"{name} is {share}; it must be at least 0 and below 1")
        if self.locked_dropout and not (self.dropout or self.output_dropout):
            raise InputError("locked_dropout is of no use without dropout or output_dropout; set one")
        if self.momentum and self.optimizer != "sgd":
            raise InputError(f"momentum belongs to optimizer sgd, not {self.optimizer}")
        if self.weight_decay and self.optimizer != "adamw":
            raise InputError(f"weight_decay belongs to optimizer adamw, not {self.optimizer}")
        if self.corpus == "report" and (self.condition_dropout or self.theme_share or self.mixture):
            raise InputError(
                "condition_dropout, theme_share and mixture belong to corpus tang, the first two to own too"
            )
        if self.corpus == OWN and self.mixture:
            raise InputError("mixture belongs to corpus tang, not own")
        for source, share in self.shares.items():
            if source not in (*SOURCES, CI) or not 0 < share < math.inf:
                raise InputError(
                    f"mixture {self.mixture!r} is not SOURCE:NUMBER,… with sources of {', '.join((*SOURCES, CI))}"
                )
        if self.decay_epochs is not None and not self.decay:
            raise InputError("decay_epochs is of no use without decay; set one")
        if self.clip_norm is not None and self.clip_value is not None:
            raise InputError("clip_norm and clip_value exclude each other; set one")
        for name in ("epochs", "decay_epochs", "clip_norm", "clip_value", "patience"):
            if getattr(self, name) is not None and getattr(self, name) <= 0:
                raise InputError(f"{name} is {getattr(self, name)}; it must be above 0, or none")

    @property
    def shares(self) -> dict[str, float]:
        """The mixture by source. A number that cannot be read is NaN."""
        shares = {}
        for part in filter(None, self.mixture.split(",")):
            source, _, number = part.partition(":")
            try:
                shares[source.strip()] = float(number)
            except ValueError:
                shares[source.strip()] = math.nan
        return shares

    @property
    def dropped(self) -> Dropout:
        """What the model drops in training."""
        return Dropout(
            inputs=self.dropout,
            outputs=self.dropout if self.output_dropout is None else self.output_dropout,
            types=self.embedding_dropout,
            weights=self.weight_dropout,
            locked=self.locked_dropout,
        )


@dataclass(frozen=True)
class Preset:
    """A model and its training, whole."""

    model: ModelConfiguration = field(default_factory=ModelConfiguration)
    """Sizes and choices of the model."""
    training: TrainingConfiguration = field(default_factory=TrainingConfiguration)
    """How it is trained."""


PRESETS = {
    "report": Preset(
        ModelConfiguration(vocabulary_size=5851, embedding_size=256, hidden_size=512, layers=1),
        TrainingConfiguration(
            batch_size=32,
            length=48,
            epochs=8,
            initialization="orthogonal",
            dropout=0.3,
            optimizer="adam",
            learning_rate=2e-3,
            warmup_steps=200,
            clip_norm=1.0,
            patience=2,
            precision="bf16",
        ),
    ),
    "recipe": Preset(
        ModelConfiguration(vocabulary_size=5851, embedding_size=256, hidden_size=896, layers=1, tied=True),
        TrainingConfiguration(
            batch_size=32,
            length=LENGTHS["report"],
            epochs=20,
            dropout=0.3,
            output_dropout=0.5,
            locked_dropout=True,
            embedding_dropout=0.1,
            weight_dropout=0.3,
            optimizer="adamw",
            learning_rate=2e-3,
            weight_decay=0.05,
            warmup_steps=200,
            clip_norm=1.0,
            averaging=0.998,
            precision="bf16",
        ),
    ),
    "tang": Preset(
        ModelConfiguration(
            vocabulary_size=7261, embedding_size=256, hidden_size=1024, layers=1, tied=True, held=True
        ),
        TrainingConfiguration(
            batch_size=64,
            length=LENGTHS["tang"],
            epochs=10,
            corpus="tang",
            condition_dropout=0.4,
            theme_share=0.25,
            mixture="song:1",
            dropout=0.1,
            output_dropout=0.25,
            locked_dropout=True,
            weight_dropout=0.1,
            optimizer="adamw",
            learning_rate=2e-3,
            weight_decay=0.05,
            warmup_steps=200,
            decay_epochs=2,
            clip_norm=1.0,
            averaging=0.998,
            precision="bf16",
        ),
    ),
    OWN: Preset(
        ModelConfiguration(
            vocabulary_size=7000, embedding_size=128, hidden_size=384, layers=1, tied=True, held=True
        ),
        TrainingConfiguration(
            batch_size=32,
            length=LENGTHS[OWN],
            epochs=10,
            corpus=OWN,
            poet_poems=20,
            condition_dropout=0.3,
            theme_share=0.2,
            dropout=0.2,
            output_dropout=0.3,
            locked_dropout=True,
            optimizer="adamw",
            learning_rate=3e-3,
            weight_decay=0.05,
            warmup_steps=100,
            clip_norm=1.0,
            averaging=0.998,
            patience=2,
            precision="bf16",
        ),
    ),
}


def preset(name: str, settings: list[str] | None = None) -> Preset:
    """A preset with some of its values changed.

    Args:
        name: report, recipe, tang or own.
        settings: field=value each, of `ModelConfiguration` or `TrainingConfiguration`; none clears a field that may be
            unset.

    Raises InputError on an unknown preset or field, or a value of the wrong kind.
    """
    if name not in PRESETS:
        raise InputError(f"preset {name!r} is unknown; choose one of {', '.join(PRESETS)}")
    chosen = PRESETS[name]
    changes: dict[str, dict[str, object]] = {"model": {}, "training": {}}
    for setting in settings or []:
        key, equals, text = setting.partition("=")
        part = next((p for p in changes if key in _fields(getattr(chosen, p))), None)
        if part is None or not equals:
            names = [f for p in changes for f in _fields(getattr(chosen, p))]
            names = list(dict.fromkeys([*get_close_matches(key, names), *names]))
            raise InputError(
                f"setting {setting!r} is not field=value with one of the fields {', '.join(names)}"
            )
        changes[part][key] = _parse(key, text, _fields(getattr(chosen, part))[key])
    return Preset(
        dataclasses.replace(chosen.model, **changes["model"]),  # type: ignore[arg-type]
        dataclasses.replace(chosen.training, **changes["training"]),  # type: ignore[arg-type]
    )


def _fields(configuration: object) -> dict[str, object]:
    """The fields that a setting can change, with their types."""
    names = {f.name: f.type for f in dataclasses.fields(configuration)}  # type: ignore[arg-type]
    names.pop("special_tokens", None)
    return names


def _parse(key: str, text: str, kind: object) -> object:
    """The value of a field of type `kind` from its text."""
    readers = {int: int, float: float, str: str, bool: {"true": True, "false": False}.__getitem__}
    kinds = [k for k in readers if k == kind or k in getattr(kind, "__args__", ())]
    if text == "none" and kind not in readers:
        return None
    try:
        return readers[kinds[0]](text)  # type: ignore[operator]
    except (ValueError, KeyError):
        raise InputError(f"{key}={text!r} is not of type {getattr(kind, '__name__', kind)}") from None
