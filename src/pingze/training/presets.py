"""Configure training: a dataclass of all settings, the presets in `presets.toml`, and the parser of settings."""

import math
import tomllib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from importlib.resources import files
from typing import Any

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
RULES: Sequence[tuple[str, dict[str, float], Callable[[float], bool], str]] = (
    ("train_finite", {}, math.isfinite, "learning_rate epochs"),
    (
        "train_share",
        {},
        lambda share: 0 <= share < 1,
        "dropout output_dropout embedding_dropout weight_dropout",
    ),
    ("train_share", {}, lambda share: 0 <= share < 1, "condition_dropout theme_share averaging"),
    (
        "train_positive",
        {},
        lambda value: value > 0,
        "epochs decay_epochs clip_norm clip_value patience",
    ),
    (
        "at_least",
        {"wanted": 1},
        lambda value: value >= 1,
        "batch_size accumulate length save_every",
    ),
    ("at_least", {"wanted": 1}, lambda value: value >= 1, "poet_poems later_poet_poems"),
    (
        "at_least",
        {"wanted": 0},
        lambda value: value >= 0,
        "initialization_scale learning_rate momentum weight_decay",
    ),
    ("at_least", {"wanted": 0}, lambda value: value >= 0, "warmup_steps seed"),
)
"""Rules for single fields: an error code, its parameters, a condition, and the fields that must meet it or be None."""


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
    """The poems to train on: report (the report's sample), tang (all Tang poems) or own (the user's poems).

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
    """Probability that some words of a poem are placed before the poem as its theme; see `training.texts`."""
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
        # 1) check each value alone
        for name, known in CHOICES.items():
            if (has := getattr(self, name)) not in known:
                raise InputError("choice", field=name, has=has, choices=list(known))
        for code, parameters, accepts, names in RULES:
            for name in names.split():
                if (value := getattr(self, name)) is not None and not accepts(value):
                    raise InputError(code, field=name, has=value, **parameters)
        sources = [*SOURCES, CI]
        if any(
            name not in sources or not 0 < share < math.inf for name, share in self.shares.items()
        ):
            raise InputError("train_mixture", field="mixture", has=self.mixture, choices=sources)
        # 2) check values that may contradict each other
        if self.accumulate > (size := self.batch_size):
            raise InputError(
                "train_accumulate", field="accumulate", has=self.accumulate, wanted=size
            )
        for name, optimizer in (("momentum", "sgd"), ("weight_decay", "adamw")):
            if getattr(self, name) and self.optimizer != optimizer:
                raise InputError(
                    "train_optimizer", field=name, has=self.optimizer, wanted=optimizer
                )
        conditions = self.condition_dropout or self.theme_share or self.mixture
        undropped = not (self.dropout or self.output_dropout)
        for code, field_, conflict in (
            ("train_conditions", None, self.corpus == "report" and conditions),
            ("train_own_mixture", "mixture", self.corpus == OWN and self.mixture),
            ("train_locked", "locked_dropout", self.locked_dropout and undropped),
            ("train_decay", "decay_epochs", self.decay_epochs is not None and not self.decay),
            (
                "train_clip",
                "clip_value",
                self.clip_norm is not None and self.clip_value is not None,
            ),
        ):
            if conflict:
                raise InputError(code, field=field_)

    @property
    def shares(self) -> dict[str, float]:
        """The number of poems per Tang poem for each source, parsed from `mixture`.

        An invalid number becomes NaN.
        """
        shares = {}
        for part in filter(None, self.mixture.split(",")):
            source, _, number = part.partition(":")
            shares[source.strip()] = math.nan
            with suppress(ValueError):
                shares[source.strip()] = float(number)
        return shares

    @property
    def dropped(self) -> Dropout:
        """The shares of features and weights that the model drops in training."""
        return Dropout(
            inputs=self.dropout,
            outputs=self.dropout if self.output_dropout is None else self.output_dropout,
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


_FILE = tomllib.loads((files("pingze.training") / "presets.toml").read_text(encoding="utf-8"))
PRESETS = {
    name: Preset(
        ModelConfiguration(**parts.get("model", {})),
        TrainingConfiguration(**_FILE["base"].get(parts.get("like"), {}) | parts["training"]),
    )
    for name, parts in _FILE.items()
    if name != "base"
}


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
    parts: dict[str, Any] = vars(PRESETS[name])
    types = {part: {f.name: f.type for f in fields(chosen)} for part, chosen in parts.items()}
    del types["model"]["special_tokens"]
    changes: dict[str, dict[str, object]] = {part: {} for part in parts}
    for setting in settings or []:
        key, equals, text = setting.partition("=")
        part = next((part for part in types if key in types[part]), None)
        if part is None or not equals:
            names = [name for part in types.values() for name in part]
            names = list(dict.fromkeys([*get_close_matches(key, names), *names]))
            raise InputError("train_setting", has=setting, choices=names)
        changes[part][key] = _parse(key, text, types[part][key])
    return Preset(**{part: replace(chosen, **changes[part]) for part, chosen in parts.items()})


def _parse(key: str, text: str, kind: Any) -> object:
    type_, *none = getattr(kind, "__args__", (kind,))
    if none and text == "none":
        return None
    try:
        return {"true": True, "false": False}[text] if type_ is bool else type_(text)
    except (ValueError, KeyError):
        raise InputError(
            "train_type", field=key, has=text, wanted=getattr(kind, "__name__", str(kind))
        ) from None
