"""Prosody: the tones, rhymes and forms of Tang verse as data, and a checker."""

from pingze.prosody.checker import check
from pingze.prosody.text import split_poems
from pingze.prosody.verdict import Verdict, Violation

__all__ = ["Verdict", "Violation", "check", "split_poems"]
