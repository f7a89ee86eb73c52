"""pingze 平仄: compose classical Chinese poems with a small LSTM.

Each name is imported when it is first used, so that importing the package itself takes little time.
"""

from pingze.lazy import imported
from pingze.machine import set_pools

TYPE_CHECKING = False  # stands for typing.TYPE_CHECKING, since importing typing takes time
if TYPE_CHECKING:
    from pingze.composing.collecting import Collected
    from pingze.composing.composer import collect, compose
    from pingze.composing.couplets import Couplet, couplet
    from pingze.composing.generation import generate
    from pingze.composing.mending import Change, Mended, mend
    from pingze.composing.poem import Poem
    from pingze.composing.revision import (
        Alternative,
        Reason,
        alternatives,
        explain,
        read_poem,
        revise,
    )
    from pingze.composing.terms.antithesis import antithesis_notes
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
    from pingze.verse import Verdict, Violation, check, explain_verdict

__all__ = [
    "CheckpointError",
    "CorpusError",
    "InfeasibleError",
    "InputError",
    "MissingExtraError",
    "PingzeError",
]
__all__ += ["TrainingError", "UnfinishedError", "Verdict", "Violation", "check", "explain_verdict"]
__all__ += [
    "Alternative",
    "Change",
    "Collected",
    "Couplet",
    "Mended",
    "Poem",
    "Reason",
    "alternatives",
]
__all__ += [
    "antithesis_notes",
    "collect",
    "compose",
    "couplet",
    "explain",
    "generate",
    "mend",
    "read_poem",
    "revise",
]

set_pools()


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version(__name__)
    return imported(__name__, ("errors", "verse", "composing"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
