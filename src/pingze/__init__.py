"""pingze 平仄: compose classical Chinese poems with a small LSTM, and read how it works from formula to verse."""

from pingze.composing import (
    Alternative,
    Poem,
    Reason,
    alternatives,
    compose,
    explain,
    generate,
    read_poem,
    revise,
)
from pingze.errors import (
    CheckpointError,
    CorpusError,
    InfeasibleError,
    InputError,
    MissingExtraError,
    PingzeError,
    TrainingError,
    UnfinishedError,
)
from pingze.prosody import Verdict, Violation, check

__all__ = [
    "Alternative",
    "CheckpointError",
    "CorpusError",
    "InfeasibleError",
    "InputError",
    "MissingExtraError",
    "PingzeError",
    "Poem",
    "Reason",
    "TrainingError",
    "UnfinishedError",
    "Verdict",
    "Violation",
    "alternatives",
    "check",
    "compose",
    "explain",
    "generate",
    "read_poem",
    "revise",
]
