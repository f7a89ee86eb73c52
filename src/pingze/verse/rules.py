"""The rules of verse: each a value with its source and with poems that keep and break it (`data/rules.toml`).

What a rule asks for is in messages.toml under its name; `definition` says it.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pingze.messages import Language, say
from pingze.verse.patterns import CUSTOMARY

RHYME_RULES = ("出韻", "鄰韻", "重韻")
"""The rules that another character of the rhyme group mends."""

SHAPE_RULES = ("句數", "字數")
"""The rules that a poem breaks by another shape than the form that is asked for; it is not checked further."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of regulated verse."""

    name: str
    """Its name, and the name of the fault of breaking it."""
    source: str
    """Where it is laid down."""
    accepted: list[str]
    """Poems that keep it, and every other rule."""
    rejected: list[str]
    """Poems that break it, and no other."""
    strictness: str = CUSTOMARY
    """The strictness from which it is broken: a rule that only strict verse keeps is a note in customary verse."""


@cache
def rules() -> dict[str, Rule]:
    """Every rule by its name."""
    text = files("pingze.verse").joinpath("data", "rules.toml").read_text(encoding="utf-8")
    return {name: Rule(name, **fields) for name, fields in tomllib.loads(text).items()}


def definition(rule: str, language: Language = "en") -> str:
    """Say what a rule of `rules` or `SHAPE_RULES` asks for."""
    return say(rule, {}, language)
