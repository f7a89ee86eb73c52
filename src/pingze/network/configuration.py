"""Define the dataclass that describes a model and is stored with the model's weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pingze.errors import InputError
from pingze.lstm.formulas import ACTIVATIONS

LARGEST = {
    "vocabulary_size": 1 << 17,
    "embedding_size": 1 << 14,
    "hidden_size": 1 << 14,
    "layers": 64,
}


@dataclass(frozen=True)
class ModelConfiguration:
    """The architecture of a model. The defaults are the report's.

    Raises InputError if a value is not allowed.
    """

    vocabulary_size: int = 5851
    """Number of tokens, including all special tokens."""
    embedding_size: int = 256
    """E, the length of an embedding: the report's "input size"."""
    hidden_size: int = 512
    """H, the number of units in each LSTM layer."""
    layers: int = 1
    """Number of LSTM layers."""
    activation: str = "tanh"
    """The cell's activation φ: tanh, relu or leaky_relu."""
    tied: bool = False
    """Whether the output layer uses the embedding's weight.

    If so, a projection from H to E precedes that layer.
    """
    held: bool = False
    """Whether the mean embedding of the conditions is an additional input at every step."""
    special_tokens: tuple[str, ...] = ()
    """The tokens of conditions. Training determines them.

    In the vocabulary they follow the four `SPECIAL_TOKENS`.
    """

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "ModelConfiguration":
        """Build the configuration from parsed JSON, in which tuples are lists.

        Args:
            values: The fields by name; missing fields take their defaults.
        """
        fields = dict(values)
        fields["special_tokens"] = tuple(fields.get("special_tokens", ()))
        return cls(**fields)

    def __post_init__(self) -> None:
        for name, most in LARGEST.items():
            size = getattr(self, name)
            # The value may come from a file. `isinstance` would accept True as an integer.
            if type(size) is not int or not 1 <= size <= most:
                raise InputError("range", field=name, has=str(size), least=1, most=most)
        if type(self.activation) is not str or self.activation not in ACTIVATIONS:
            choices = list(ACTIVATIONS)
            raise InputError("choice", field="activation", has=self.activation, choices=choices)
