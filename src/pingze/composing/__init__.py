"""Composing under constraints, without torch."""

from pingze.composing.composition import compose
from pingze.composing.explanation import Reason, explain
from pingze.composing.mending import Change, Mended, mend
from pingze.composing.poem import Poem
from pingze.composing.report_generator import generate
from pingze.composing.revision import Alternative, alternatives, read_poem, revise

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
