"""Prosody: the tones, rhymes and forms of Tang verse as data, and a checker."""

from pingze.verse.check import check
from pingze.verse.pasted_text import split_poems
from pingze.verse.verdict import Verdict, Violation

__all__ = ["Verdict", "Violation", "check", "split_poems"]
