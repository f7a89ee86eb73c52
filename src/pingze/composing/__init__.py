"""Compose poems under constraints, without importing torch.

Each public name is imported on first use, because the command line often needs only the options.
"""

from pingze.lazy import imported

TYPE_CHECKING = False  # replaces typing.TYPE_CHECKING, because importing typing takes time
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

__all__ = [
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


def __getattr__(name: str) -> object:
    homes = "poem composer revision generation mending collecting couplets terms.antithesis"
    return imported(__name__, tuple(homes.split()), name)
