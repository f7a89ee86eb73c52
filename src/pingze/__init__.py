"""pingze 平仄: compose classical Chinese poems with a small LSTM, and read how it works from formula to verse."""

from pingze.composing import Poem, compose, generate
from pingze.errors import (
    CheckpointError,
    CorpusError,
    InputError,
    MissingExtraError,
    PingzeError,
    TrainingError,
)

__all__ = [
    "CheckpointError",
    "CorpusError",
    "InputError",
    "MissingExtraError",
    "PingzeError",
    "Poem",
    "TrainingError",
    "compose",
    "generate",
]
