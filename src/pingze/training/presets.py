"""Configure training: a dataclass of all settings, the presets, and a parser of changes to them."""

import math
import tomllib
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from importlib.resources import files
from types import UnionType
from typing import Any, get_args

from pingze.corpus.poem import OWN
from pingze.errors import InputError
from pingze.lstm.dropout import Dropout
from pingze.network.configuration import ModelConfiguration

LENGTHS = {"report": 48, "tang": 80, OWN: 120}
"""Maximum number of predicted tokens per poem in training and evaluation, by corpus."""
SOURCES = {
    "song": ("song",),
    "early": ("qin", "han", "sanguo", "jin", "nanbei", "sui", "wudai"),
    "yuan": ("jurchen", "yuan"),
    "ming": ("ming",),
    "qing": ("qing",),
}
"""The dynasties of each source of poems that `mixture` can add to the Tang poems."""
CI = "ci"  # the name of the source that consists of all 詞
CHOICES = {
    "optimizer": ("adam", "adamw", "sgd"),
    "precision": ("float32", "bf16"),
    "corpus": tuple(LENGTHS),
}
FINITE = ("learning_rate", "epochs")
"""Fields that must be finite."""
SHARES = (
    "dropout",
    "output_dropout",
    "embedding_dropout",
    "weight_dropout",
    "condition_dropout",
    "theme_share",
    "averaging",
)
"""Fields that must be at least 0 and below 1."""
POSITIVE = ("epochs", "decay_epochs", "clip_norm", "clip_value", "patience")
"""Fields that must be above 0, or None."""
LEAST = {
    "batch_size": 1,
    "accumulate": 1,
    "length": 1,
    "save_every": 1,
    "poet_poems": 1,
    "later_poet_poems": 1,
    "initialization_scale": 0,
    "learning_rate": 0,
    "momentum": 0,
    "weight_decay": 0,
    "warmup_steps": 0,
    "seed": 0,
}
"""The smallest value of fields that have one."""


@dataclass(frozen=True)
class TrainingConfiguration:
    """The settings of a training run.

    Raises InputError, which names the field, if values are invalid or conflict.
    """

    batch_size: int = 32
    """Number of poems per step, over all processes."""
    accumulate: int = 1
    """Number of parts into which each process splits its share of a batch, to use less memory."""
    length: int = 48
    """Maximum number of predicted tokens per poem."""
    epochs: float = 8
    """Number of passes over the training texts; may be fractional."""
    corpus: str = "report"
    """The poems to train on: the report's sample (report), all Tang poems (tang), the user's (own).

    With tang or own, texts include form, poet and title. For own, `vocabulary_size` is the maximum
    number of tokens from the poems, to which the tokens of the model in `start_from` are added
    (docs/your-own.md).
    """
    poet_poems: int = 30
    """Minimum number of training poems for a Tang poet to get a token.

    In the corpus own, this holds for all poets.
    """
    later_poet_poems: int = 200
    """Minimum number of training poems for a poet of a dynasty other than Tang to get a token."""
    condition_dropout: float = 0.0
    """Probability of omitting each condition of a poem (form, poet and title), drawn separately."""
    theme_share: float = 0.0
    """Probability of placing some words of a poem before it as its theme; see `training.texts`."""
    mixture: str = ""
    """Sources to add, with their number of poems per Tang poem, such as song:1,ming:0.5.

    Sources: ci and `SOURCES`.
    """
    start_from: str | None = None
    """The model or run whose weights are copied at the start, enlarged if necessary.

    If None, all weights are new. Its reward is copied too. In the corpus own, all its tokens are
    kept.
    """
    initialization: str = "orthogonal"
    """The LSTM's initial weights: zero, normal, uniform, xavier or orthogonal."""
    initialization_scale: float = 1.0
    """Standard deviation of the initial weights if `initialization` is normal."""
    dropout: float = 0.0
    """Share of the LSTM's inputs and outputs to drop."""
    output_dropout: float | None = None
    """Share of the top layer's outputs to drop; none means the same share as `dropout`."""
    locked_dropout: bool = False
    """Whether to drop the same features at all steps of a sequence."""
    embedding_dropout: float = 0.0
    """Share of the vocabulary's characters whose embeddings are dropped throughout a batch."""
    weight_dropout: float = 0.0
    """Share of the recurrent weights to drop for a whole batch (DropConnect)."""
    optimizer: str = "adam"
    """The optimizer: adam, adamw or sgd."""
    learning_rate: float = 2e-3
    """Learning rate at the peak of its schedule."""
    momentum: float = 0.0
    """Momentum of the optimizer sgd."""
    weight_decay: float = 0.0
    """Decoupled weight decay of the optimizer adamw."""
    warmup_steps: int = 0
    """Number of steps at the start over which the learning rate rises linearly from 0."""
    decay: bool = True
    """Whether the learning rate falls to 0.

    It falls along a half cosine, or linearly if `decay_epochs` is set.
    """
    decay_epochs: float | None = None
    """Number of final epochs over which the learning rate falls.

    If None, it falls from the end of the warm-up.
    """
    clip_norm: float | None = None
    """Maximum norm of the gradient of all weights together."""
    clip_value: float | None = None
    """Maximum absolute value of any entry of a gradient."""
    averaging: float = 0.0
    """Decay of the moving average of the weights, for evaluation and saving.

    If 0, the average is the weights.
    """
    patience: int | None = None
    """Number of successive epochs without a better dev figure that ends training.

    If None, training runs to its end.
    """
    precision: str = "float32"
    """Operand type of large matrix products: float32 or bf16.

    Weights, cell state and optimizer stay in float32.
    """
    save_every: int = 200
    """Number of steps between saved states; a state is also saved after each epoch."""
    seed: int = 1
    """Seed for the initial weights, the order and conditions of poems, and dropout."""

    def __post_init__(self) -> None:
        # 1) check each value alone; the conditions are negated (`not value > 0`, not `value <= 0`)
        # so that NaN, which compares with nothing, is refused
        for name, choices in CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                raise InputError("choice", field=name, has=value, choices=list(choices))
        for name in FINITE:
            value = getattr(self, name)
            if not math.isfinite(value):
                raise InputError("train_finite", field=name, has=value)
        for name in SHARES:
            value = getattr(self, name)
            if value is not None and not 0 <= value < 1:
                raise InputError("train_share", field=name, has=value)
        for name in POSITIVE:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError("train_positive", field=name, has=value)
        for name, least in LEAST.items():
            value = getattr(self, name)
            if not value >= least:
                raise InputError("at_least", field=name, has=value, wanted=least)
        sources = [*SOURCES, CI]
        for source, share in self.shares.items():
            if source not in sources or not 0 < share < math.inf:
                mixture = self.mixture
                raise InputError("train_mixture", field="mixture", has=mixture, choices=sources)
        # 2) check values that may contradict each other; a part of a batch has at least one poem
        if self.accumulate > self.batch_size:
            raise InputError(
                "train_accumulate",
                field="accumulate",
                has=self.accumulate,
                wanted=self.batch_size,
            )
        for name, optimizer in {"momentum": "sgd", "weight_decay": "adamw"}.items():
            if getattr(self, name) and self.optimizer != optimizer:
                raise InputError(
                    "train_optimizer", field=name, has=self.optimizer, wanted=optimizer
                )
        # the report's sample holds only texts, without the poets and titles that conditions need
        needs_conditions = self.condition_dropout or self.theme_share or self.mixture
        if self.corpus == "report" and needs_conditions:
            raise InputError("train_conditions", field=None)
        if self.corpus == OWN and self.mixture:
            raise InputError("train_own_mixture", field="mixture")
        if self.locked_dropout and not (self.dropout or self.output_dropout):
            raise InputError("train_locked", field="locked_dropout")
        if self.decay_epochs is not None and not self.decay:
            raise InputError("train_decay", field="decay_epochs")
        if self.clip_norm is not None and self.clip_value is not None:
            raise InputError("train_clip", field="clip_value")

    @property
    def shares(self) -> dict[str, float]:
        """For each source of `mixture`, how many of its poems go with one Tang poem.

        An invalid number becomes NaN.
        """
        shares = {}
        for part in self.mixture.split(","):
            if not part:
                continue
            source, _, number = part.partition(":")
            try:
                share = float(number)
            except ValueError:
                share = math.nan
            shares[source.strip()] = share
        return shares

    @property
    def dropped(self) -> Dropout:
        """The shares of features and weights that the model drops in training."""
        output_dropout = self.output_dropout
        if output_dropout is None:
            output_dropout = self.dropout
        return Dropout(
            inputs=self.dropout,
            outputs=output_dropout,
            types=self.embedding_dropout,
            weights=self.weight_dropout,
            locked=self.locked_dropout,
        )


@dataclass(frozen=True)
class Preset:
    """The settings of a model and of its training, by default those of the report."""

    model: ModelConfiguration = field(default_factory=ModelConfiguration)
    """Sizes and choices of the model."""
    training: TrainingConfiguration = field(default_factory=TrainingConfiguration)
    """Settings of the training."""


def _read_presets() -> dict[str, Preset]:
    """Read the presets of `presets.toml`, by name."""
    text = (files("pingze.training") / "presets.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    shared_settings = tables.pop("base")  # settings that several presets have in common, by name
    presets = {}
    for name, table in tables.items():
        settings = table["training"]
        if "like" in table:  # the preset's own settings replace the shared ones
            settings = shared_settings[table["like"]] | settings
        presets[name] = Preset(
            model=ModelConfiguration(**table.get("model", {})),
            training=TrainingConfiguration(**settings),
        )
    return presets


PRESETS = _read_presets()


def preset(name: str, settings: list[str] | None = None) -> Preset:
    """Select a preset and change some of its values.

    Args:
        name: The preset: report, report-plain, recipe, tang or own.
        settings: Changes, each as field=value, to fields of `ModelConfiguration` or
            `TrainingConfiguration`. The value none unsets an optional field.

    Raises InputError if the preset or a field is unknown, or a value has the wrong type.
    """
    if name not in PRESETS:
        raise InputError("choice", field="preset", has=name, choices=list(PRESETS))
    model_types = {field.name: field.type for field in fields(ModelConfiguration)}
    del model_types["special_tokens"]  # the texts determine these, so no setting changes them
    training_types = {field.name: field.type for field in fields(TrainingConfiguration)}
    model_changes: dict[str, Any] = {}
    training_changes: dict[str, Any] = {}
    for setting in settings or []:
        key, equals, text = setting.partition("=")
        if equals and key in model_types:
            model_changes[key] = _parse(key, text, model_types[key])
        elif equals and key in training_types:
            training_changes[key] = _parse(key, text, training_types[key])
        else:
            names = [*model_types, *training_types]
            similar = get_close_matches(key, names)
            choices = list(dict.fromkeys(similar + names))  # the most similar names first
            raise InputError("train_setting", has=setting, choices=choices)
    unchanged = PRESETS[name]
    return Preset(
        model=replace(unchanged.model, **model_changes),
        training=replace(unchanged.training, **training_changes),
    )


def _parse(key: str, text: str, annotation: Any) -> object:
    """Parse the value of a field whose annotation is a type, or a type | None."""
    if isinstance(annotation, UnionType):
        if text == "none":
            return None
        type_ = get_args(annotation)[0]
        type_name = str(annotation)
    else:
        type_ = annotation
        type_name = annotation.__name__
    try:
        if type_ is bool:  # bool("false") would be True
            return {"true": True, "false": False}[text]
        return type_(text)
    except (ValueError, KeyError):
        raise InputError("train_type", field=key, has=text, wanted=type_name) from None
