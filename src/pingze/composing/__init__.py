"""Composing: a checkpoint and what a person asks for come in, poems go out. NumPy only, no torch."""

from pingze.composing.composer import compose
from pingze.composing.explanation import Reason, explain
from pingze.composing.poem import Poem
from pingze.composing.report_generator import generate
from pingze.composing.revision import Alternative, alternatives, read_poem, revise

__all__ = [
    "Alternative",
    "Poem",
    "Reason",
    "alternatives",
    "compose",
    "explain",
    "generate",
    "read_poem",
    "revise",
]
