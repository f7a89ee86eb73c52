"""Composing under constraints, without torch."""

from pingze.composing.composer import compose
from pingze.composing.explain import Reason, explain
from pingze.composing.generate import generate
from pingze.composing.mend import Change, Mended, mend
from pingze.composing.poem import Poem
from pingze.composing.revise import Alternative, alternatives, read_poem, revise

__all__ = [
    "Alternative",
    "Change",
    "Mended",
    "Poem",
    "Reason",
    "alternatives",
    "compose",
    "explain",
    "generate",
    "mend",
    "read_poem",
    "revise",
]
