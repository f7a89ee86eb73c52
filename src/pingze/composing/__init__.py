"""Composing: a checkpoint and what a person asks for come in, poems go out. NumPy only, no torch."""

from pingze.composing.composer import compose
from pingze.composing.generator import generate
from pingze.composing.poem import Poem

__all__ = ["Poem", "compose", "generate"]
