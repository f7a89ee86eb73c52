"""Describe a model in one dataclass, which is stored beside its weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pingze.errors import InputError

ACTIVATION_NAMES = ("tanh", "relu", "leaky_relu")
LARGEST = {"vocabulary_size": 1 << 17, "embedding_size": 1 << 14, "hidden_size": 1 << 14, "layers": 64}


@dataclass(frozen=True)
class ModelConfiguration:
    """Sizes and choices that fix a model's shape; the defaults are the report's.

    Raises InputError on values that no model can have.
    """

    vocabulary_size: int = 5851
    """Number of tokens, the four special ones included."""
    embedding_size: int = 256
    """E: the report's "input size"."""
    hidden_size: int = 512
    """H: units of each LSTM layer."""
    layers: int = 1
    """LSTM layers, one above the other."""
    activation: str = "tanh"
    """The cell's activation φ: tanh, relu or leaky_relu."""
    tied: bool = False
    """Whether the output's weight is the embedding's, behind a projection from H to E."""
    held: bool = False
    """Whether every input has the mean embedding of the conditions beside it."""
    special_tokens: tuple[str, ...] = ()
    """The tokens of conditions, after the four that every model has; training fills them in."""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "ModelConfiguration":
        """Read the configuration from JSON, which has lists for tuples.

        Args:
            values: The fields by name; a missing one takes its default.
        """
        return cls(**{**values, "special_tokens": tuple(values.get("special_tokens", ()))})

    @property
    def output_size(self) -> int:
        """D: the size of the output layer's input, E after a projection, else H."""
        return self.embedding_size if self.tied else self.hidden_size

    def __post_init__(self) -> None:
        for name, most in LARGEST.items():
            if type(has := getattr(self, name)) is not int or not 1 <= has <= most:
                raise InputError("range", field=name, has=str(has), least=1, most=most)
        if self.activation not in ACTIVATION_NAMES:
            choices = list(ACTIVATION_NAMES)
            raise InputError("choice", field="activation", has=self.activation, choices=choices)


def check_at_least(configuration: object, least: float, *names: str) -> None:
    """Raise InputError when a field is below a bound, or is no number.

    Args:
        configuration: The dataclass.
        least: The smallest that each may be.
        *names: The fields.
    """
    for name in names:
        value = getattr(configuration, name)
        if not value >= least:
            raise InputError("at_least", field=name, has=value, wanted=least)
